//! Reading the log files of a stack, running or not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use stack::log::{Level, Line};

use crate::Error;

/// Which lines to show.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// All services when empty.
    pub services: Vec<String>,
    /// Lines containing this text, without regard to case.
    pub search: Option<String>,
    pub level: Option<Level>,
    pub since: Option<Timestamp>,
}

impl Filter {
    fn keeps(&self, line: &Line) -> bool {
        self.level.is_none_or(|level| line.level >= level)
            && self.since.is_none_or(|since| line.ts >= since)
            && self.search.as_ref().is_none_or(|text| {
                let text = text.to_lowercase();
                line.message.to_lowercase().contains(&text)
                    || line.fields.values().any(|value| value.to_string().to_lowercase().contains(&text))
            })
    }
}

/// The latest `count` lines that pass the filter, oldest first. Only the current files are read, not rotated ones.
pub fn read(folder: &Path, filter: &Filter, count: usize) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for path in files(folder, filter)?.values() {
        let Ok(file) = File::open(path) else { continue };
        let mut latest = std::collections::VecDeque::new();
        for text in BufReader::new(file).lines().map_while(Result::ok) {
            let Some(line) = serde_json::from_str(&text).ok().filter(|line| filter.keeps(line)) else { continue };
            if latest.len() == count {
                latest.pop_front();
            }
            latest.push_back(line);
        }
        lines.extend(latest);
    }
    lines.sort_by_key(|line: &Line| line.ts);
    Ok(lines.split_off(lines.len().saturating_sub(count)))
}

/// Follows the files: new lines, rotations, and files that appear later.
#[derive(Debug)]
pub struct Follow {
    folder: PathBuf,
    filter: Filter,
    open: BTreeMap<String, Tail>,
}

#[derive(Debug)]
struct Tail {
    reader: BufReader<File>,
    inode: u64,
    /// A line of which only the beginning has been written.
    partial: String,
}

impl Follow {
    /// Starts at the present end of every file.
    pub fn new(folder: &Path, filter: Filter) -> Result<Self, Error> {
        let mut follow = Self { folder: folder.to_owned(), filter, open: BTreeMap::new() };
        for (name, path) in files(&follow.folder, &follow.filter)? {
            if let Some(mut tail) = Tail::open(&path) {
                let _ = tail.reader.seek(SeekFrom::End(0));
                follow.open.insert(name, tail);
            }
        }
        Ok(follow)
    }

    /// What has been written since the last call, by time.
    pub fn poll(&mut self) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::new();
        for (name, path) in files(&self.folder, &self.filter)? {
            if let Some(tail) = self.open.get_mut(&name) {
                tail.drain(&mut lines);
                if tail.replaced(&path) {
                    self.open.remove(&name);
                }
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = self.open.entry(name)
                && let Some(tail) = Tail::open(&path)
            {
                slot.insert(tail).drain(&mut lines);
            }
        }
        lines.retain(|line| self.filter.keeps(line));
        lines.sort_by_key(|line| line.ts);
        Ok(lines)
    }
}

impl Tail {
    fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let inode = file.metadata().ok()?.ino();
        Some(Self { reader: BufReader::new(file), inode, partial: String::new() })
    }

    fn drain(&mut self, lines: &mut Vec<Line>) {
        while let Ok(1..) = self.reader.read_line(&mut self.partial) {
            if !self.partial.ends_with('\n') {
                return;
            }
            if let Ok(line) = serde_json::from_str(&self.partial) {
                lines.push(line);
            }
            self.partial.clear();
        }
    }

    fn replaced(&self, path: &Path) -> bool {
        std::fs::metadata(path).map_or(true, |meta| meta.ino() != self.inode)
    }
}

/// The current log files by service.
fn files(folder: &Path, filter: &Filter) -> Result<BTreeMap<String, PathBuf>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(Error::Io { action: "read", path: folder.display().to_string(), source }),
    };
    let named = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().to_str()?.strip_suffix(".log")?.to_owned();
        let wanted = filter.services.is_empty() || filter.services.contains(&name);
        wanted.then(|| (name, entry.path()))
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    fn line(second: i64, service: &str, level: Level, message: &str) -> String {
        let line = Line {
            ts: Timestamp::from_second(second).unwrap(),
            service: service.into(),
            level,
            message: message.into(),
            fields: serde_json::Map::new(),
        };
        serde_json::to_string(&line).unwrap() + "\n"
    }

    #[test]
    fn merges_services_by_time_and_filters() {
        let folder = tempfile::tempdir().unwrap();
        let api = line(1, "api", Level::Info, "one") + &line(3, "api", Level::Error, "three");
        std::fs::write(folder.path().join("api.log"), api).unwrap();
        std::fs::write(folder.path().join("web.log"), line(2, "web", Level::Warn, "Two")).unwrap();
        std::fs::write(folder.path().join("web.log.old.gz"), "junk").unwrap();
        let messages = |filter: &Filter, count| -> Vec<String> {
            read(folder.path(), filter, count).unwrap().into_iter().map(|line| line.message).collect()
        };
        assert_eq!(messages(&Filter::default(), 10), ["one", "Two", "three"]);
        assert_eq!(messages(&Filter::default(), 2), ["Two", "three"]);
        assert_eq!(messages(&Filter { search: Some("two".into()), ..Filter::default() }, 10), ["Two"]);
        assert_eq!(messages(&Filter { level: Some(Level::Warn), ..Filter::default() }, 10), ["Two", "three"]);
        assert_eq!(messages(&Filter { services: vec!["api".into()], ..Filter::default() }, 10), ["one", "three"]);
    }

    #[test]
    fn follows_across_half_written_lines_and_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.log");
        std::fs::write(&path, line(1, "api", Level::Info, "old")).unwrap();
        let mut follow = Follow::new(folder.path(), Filter::default()).unwrap();
        assert!(follow.poll().unwrap().is_empty());
        let text = line(2, "api", Level::Info, "new");
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&text.as_bytes()[..20]).unwrap();
        assert!(follow.poll().unwrap().is_empty());
        file.write_all(&text.as_bytes()[20..]).unwrap();
        assert_eq!(follow.poll().unwrap()[0].message, "new");
        file.write_all(line(3, "api", Level::Info, "last").as_bytes()).unwrap();
        std::fs::rename(&path, folder.path().join("api.log.1")).unwrap();
        std::fs::write(&path, line(4, "api", Level::Info, "first")).unwrap();
        let messages: Vec<String> = follow.poll().unwrap().into_iter().map(|line| line.message).collect();
        assert_eq!(messages, ["last", "first"]);
    }
}
