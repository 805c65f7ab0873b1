//! One log file and its rotated predecessors.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Appends lines; past the size limit the file becomes `<name>.log.<time>`, compressed when so set, and files past
/// their age are removed. Errors of the disk are swallowed here: a log must never stop a service.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    rules: stack::Log,
    open: Option<BufWriter<File>>,
    size: u64,
}

impl LogFile {
    pub fn new(path: PathBuf, rules: stack::Log) -> Self {
        Self { path, rules, open: None, size: 0 }
    }

    /// Appends whole lines.
    pub fn append(&mut self, text: &[u8]) {
        if self.size + text.len() as u64 > self.rules.max_bytes && self.size > 0 {
            self.rotate();
        }
        if self.file().is_some_and(|file| file.write_all(text).is_ok()) {
            self.size += text.len() as u64;
        }
    }

    pub fn flush(&mut self) {
        if self.open.as_mut().is_some_and(|file| file.flush().is_err()) {
            // A full disk: forget the buffer and try anew with the next line.
            self.open = None;
        }
    }

    fn file(&mut self) -> Option<&mut BufWriter<File>> {
        if self.open.is_none() {
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path).ok()?;
            self.size = file.metadata().map(|meta| meta.len()).unwrap_or(0);
            self.open = Some(BufWriter::with_capacity(64 * 1024, file));
        }
        self.open.as_mut()
    }

    fn rotate(&mut self) {
        self.flush();
        self.open = None;
        self.size = 0;
        let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%S%.9fZ");
        let old = PathBuf::from(format!("{}.{stamp}", self.path.display()));
        if std::fs::rename(&self.path, &old).is_ok() && self.rules.compress {
            let _ = compress(&old);
        }
        self.expire();
    }

    fn expire(&self) {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name().and_then(|name| name.to_str()))
        else {
            return;
        };
        let age = Duration::from_secs(u64::from(self.rules.keep_days) * 86_400);
        let Some(limit) = SystemTime::now().checked_sub(age) else { return };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_str().is_some_and(|file| file.starts_with(&format!("{name}.")));
            let old = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|time| time < limit);
            if ours && old {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Replaces a file by its gzip: whole before the original goes.
fn compress(path: &Path) -> std::io::Result<()> {
    let target = PathBuf::from(format!("{}.gz", path.display()));
    let partial = PathBuf::from(format!("{}.gz.partial", path.display()));
    let output = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&partial)?;
    let mut encoder = flate2::write::GzEncoder::new(output, flate2::Compression::default());
    std::io::copy(&mut File::open(path)?, &mut encoder)?;
    encoder.finish()?.sync_all()?;
    std::fs::rename(&partial, &target)?;
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rotates_by_size_and_compresses_whole_files() {
        let folder = tempfile::tempdir().unwrap();
        let rules = stack::Log { level: "info".into(), max_bytes: 300, keep_days: 7, compress: true };
        let mut log = LogFile::new(folder.path().join("api.log"), rules);
        for number in 0..20 {
            log.append(format!("a line of some length, number {number}\n").as_bytes());
        }
        log.flush();
        let names: Vec<String> =
            folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.contains(&"api.log".to_owned()));
        assert!(names.iter().any(|name| name.ends_with(".gz")), "{names:?}");
        assert!(names.iter().all(|name| name == "api.log" || name.ends_with(".gz")), "{names:?}");
        let mut lines = 0;
        for name in names {
            let bytes = std::fs::read(folder.path().join(&name)).unwrap();
            let text = if name.ends_with(".gz") {
                std::io::read_to_string(flate2::read::GzDecoder::new(bytes.as_slice())).unwrap()
            } else {
                String::from_utf8(bytes).unwrap()
            };
            lines += text.lines().count();
        }
        assert_eq!(lines, 20);
    }
}
