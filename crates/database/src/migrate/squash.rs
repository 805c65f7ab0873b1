//! Several migrations become one file.
//!
//! The new file says which versions it replaces and carries the last one's version. A database that has all of them takes
//! it as applied, one that has none runs it, and nothing else has to be told to anybody.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Migration, MigrationError, Part, Sources, Version,
    create::{Turn, slug, write_new},
    files::{checksum, id},
    plan,
};
use crate::{Error, sql};

/// What [`squash`] writes and moves away.
#[derive(Debug, Clone, Serialize)]
pub struct Squashed {
    /// As in `003_first_release`.
    pub id: String,
    pub file: PathBuf,
    /// Those that it replaces.
    pub replaced: Vec<String>,
    /// Whether it can be undone: each of them could.
    pub has_down: bool,
    /// Where the old files are now.
    pub moved_to: PathBuf,
}

/// The first and the last migration to squash; all from the first to the last when not said.
#[derive(Debug, Clone, Default)]
pub struct Range {
    pub from: Option<String>,
    pub to: Option<String>,
}

/// What [`squash`] would do, and the new file's text. Changes nothing.
///
/// # Errors
/// [`MigrationError::Squash`] when there are fewer than two, or their parts cannot stand in one file.
pub fn plan_squash(sources: &Sources, range: &Range, name: &str, now: Timestamp) -> Result<(Squashed, String), Error> {
    let name = slug(name)?;
    let all = sources.load()?;
    let bound = |wanted: &Option<String>| {
        wanted.as_ref().map(|wanted| plan::find(&all, wanted).map(|found| found.version.clone())).transpose()
    };
    let (from, to) = (bound(&range.from)?, bound(&range.to)?);
    let chosen: Vec<&Migration> = all
        .iter()
        .filter(|migration| from.as_ref().is_none_or(|from| migration.version >= *from))
        .filter(|migration| to.as_ref().is_none_or(|to| migration.version <= *to))
        .collect();
    let [first, .., last] = chosen.as_slice() else {
        let problem = format!("there have to be two at least, and {} is chosen", chosen.len());
        return Err(MigrationError::Squash { problem }.into());
    };
    let text = compose(&chosen, &name)?;
    let date = now.strftime("%Y%m%d");
    // A dated version needs no second date.
    let file_name = match last.version.as_str().len() {
        length if length > 9 => format!("{}_{name}.sql", last.version),
        _ => format!("{}_{date}_{name}.sql", last.version),
    };
    let folder = format!("squashed_{}_{}_{}", first.version, last.version, now.strftime("%Y%m%dT%H%M%SZ"));
    let squashed = Squashed {
        id: id(&last.version, &name),
        file: sources.directory().join(file_name),
        replaced: chosen.iter().map(|migration| migration.id()).collect(),
        has_down: chosen.iter().all(|migration| has_down(migration)),
        moved_to: PathBuf::from(folder),
    };
    Ok((squashed, text))
}

/// Writes the new file and moves the old ones into a folder inside `attic`. From the moment the new file is there it
/// counts, and the old ones do not: a process that is killed in between leaves files to tidy up, nothing else.
///
/// # Errors
/// As [`plan_squash`], or a file that cannot be written or moved.
pub fn squash(sources: &Sources, range: &Range, name: &str, attic: &Path, now: Timestamp) -> Result<Squashed, Error> {
    let directory = sources.directory();
    let io = |file: &Path, source| Error::Io { file: file.to_owned(), source };
    std::fs::create_dir_all(directory).map_err(|source| io(directory, source))?;
    let _turn = Turn::take(directory)?;
    let (mut squashed, text) = plan_squash(sources, range, name, now)?;
    let old = sources.files(&squashed.replaced)?;
    squashed.moved_to = attic.join(&squashed.moved_to);
    std::fs::create_dir_all(&squashed.moved_to).map_err(|source| io(&squashed.moved_to, source))?;
    write_new(&squashed.file, &text)?;
    project::fault::hit("squash.written");
    for path in old {
        let name = path.file_name().unwrap_or_default();
        std::fs::rename(&path, squashed.moved_to.join(name)).map_err(|source| io(&path, source))?;
        project::fault::hit("squash.moving");
    }
    Ok(squashed)
}

fn has_down(migration: &Migration) -> bool {
    migration.down.as_ref().is_some_and(|down| !down.statements.is_empty())
}

fn compose(chosen: &[&Migration], name: &str) -> Result<String, Error> {
    // What a squashed one replaces stays replaced.
    let versions = chosen
        .iter()
        .flat_map(|migration| migration.replaces.iter().filter(|other| **other != migration.version))
        .chain(chosen.iter().map(|migration| &migration.version));
    let mut text = format!("-- {}\n--\n-- nself: replaces {}\n", name.replace('_', " "), list(versions));
    for migration in chosen.iter().filter(|migration| !migration.replaces.is_empty()) {
        for (version, name, stood_for) in &migration.stood_for {
            text.push_str(&format!("-- nself: {} replaced {}\n", id(version, name), list(stood_for.iter())));
        }
        text.push_str(&format!("-- nself: {} replaced {}\n", migration.id(), list(migration.replaces.iter())));
    }
    if chosen.iter().any(|migration| migration.up.says_no_transaction()) {
        text.push_str("-- nself: no-transaction\n");
    }
    text.push_str("\n-- UP\n");
    let mut expected = Vec::new();
    for migration in chosen {
        append(&mut text, migration, &migration.up);
        expected.extend(pieces(&migration.up));
    }
    if chosen.iter().all(|migration| has_down(migration)) {
        text.push_str("\n-- DOWN\n");
        for migration in chosen.iter().rev() {
            let Some(down) = &migration.down else { continue };
            append(&mut text, migration, down);
            expected.extend(pieces(down));
        }
    }
    // A comment or an open string at the end of one file could swallow the next; then the pieces differ.
    let written: Vec<String> = sql::split(&text).iter().map(|statement| piece(&text, statement)).collect();
    let sections = super::sections::find(&text, Path::new("the squashed file"))?;
    if written != expected || sections.up.end > text.len() {
        let problem = "their statements run into one another when they stand in one file".to_owned();
        return Err(MigrationError::Squash { problem }.into());
    }
    Ok(text)
}

fn list<'a>(versions: impl Iterator<Item = &'a Version>) -> String {
    versions.map(Version::as_str).collect::<Vec<_>>().join(" ")
}

fn append(text: &mut String, migration: &Migration, part: &Part) {
    text.push_str(&format!("\n-- From {}.\n", migration.id()));
    let from = part.statements.first().map_or(part.range.start, |statement| statement.range.start);
    let to = part.statements.last();
    let end = to.map_or(from, |last| last.data.as_ref().map_or(last.range.end, |data| data.end));
    text.push_str(part.text[from..end].trim_end());
    match to.and_then(|last| last.data.as_ref()) {
        Some(_) => text.push_str("\n\\.\n"),
        None => text.push_str(";\n"),
    }
}

fn pieces(part: &Part) -> Vec<String> {
    part.statements.iter().map(|statement| piece(&part.text, statement)).collect()
}

/// A statement with its data, as something to compare.
fn piece(text: &str, statement: &sql::Statement) -> String {
    let data = statement.data.clone().map(|data| checksum(&text[data])).unwrap_or_default();
    format!("{}{data}", &text[statement.range.clone()])
}

impl Sources {
    /// The files and folders of migrations, by id: what moves away when they are replaced.
    fn files(&self, ids: &[String]) -> Result<Vec<PathBuf>, Error> {
        let mut paths = Vec::new();
        for migration in self.load()?.into_iter().filter(|migration| ids.contains(&migration.id())) {
            let parts = [Some(migration.up.file), migration.down.map(|down| down.file)];
            for file in parts.into_iter().flatten() {
                let path = self.absolute(&file);
                let folder = path.file_name().is_some_and(|name| name == "up.sql" || name == "down.sql");
                let path = if folder { path.parent().unwrap_or(&path).to_owned() } else { path };
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }
}

/// The default name of a squashed migration.
pub const NAME: &str = "squashed";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn sources(files: &[(&str, &str)]) -> (tempfile::TempDir, Sources) {
        let root = tempfile::tempdir().unwrap();
        let sources = Sources::new(root.path(), "nself/migrations");
        for (name, text) in files {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        (root, sources)
    }

    #[test]
    fn files_of_every_layout_become_one_and_move_away() {
        let (root, sources) = sources(&[
            ("nself/migrations/001_20260101_a.sql", "-- UP\nCREATE TABLE a ();\n-- DOWN\nDROP TABLE a"),
            ("nself/migrations/002_b.up.sql", "CREATE TABLE b () -- the last word\n"),
            ("nself/migrations/002_b.down.sql", "DROP TABLE b;"),
            ("hasura/migrations/default/3_c/up.sql", "COPY a FROM stdin;\n1\n\\.\n"),
            ("hasura/migrations/default/3_c/down.sql", "TRUNCATE a;"),
            ("nself/migrations/004_d.sql", "CREATE TABLE d ();"),
        ]);
        let now = "2026-02-03T04:05:06Z".parse().unwrap();
        let range = Range { from: None, to: Some("3".to_owned()) };
        let done = squash(&sources, &range, "first release", &root.path().join("attic"), now).unwrap();
        assert_eq!((done.id.as_str(), done.has_down, done.replaced.len()), ("3_first_release", true, 3));
        assert_eq!(std::fs::read_dir(&done.moved_to).unwrap().count(), 4);
        let all = sources.load().unwrap();
        assert_eq!(all.iter().map(Migration::id).collect::<Vec<_>>(), ["3_first_release", "004_d"]);
        assert_eq!(all[0].replaces.len(), 3);
        let statements = |part: &Part| part.statements.iter().map(|s| part.text[s.range.clone()].to_owned()).collect();
        let up: Vec<String> = statements(&all[0].up);
        assert_eq!(up, ["CREATE TABLE a ()", "CREATE TABLE b ()", "COPY a FROM stdin"]);
        let down: Vec<String> = statements(all[0].down.as_ref().unwrap());
        assert_eq!(down, ["TRUNCATE a", "DROP TABLE b", "DROP TABLE a"]);
    }

    #[test]
    fn one_alone_and_strings_without_an_end_stay_as_they_are() {
        let now = Timestamp::UNIX_EPOCH;
        let (root, one) = sources(&[("nself/migrations/001_a.sql", "SELECT 1;")]);
        assert!(squash(&one, &Range::default(), NAME, root.path(), now).is_err());
        let (root, open) =
            sources(&[("nself/migrations/001_a.sql", "SELECT 'a"), ("nself/migrations/002_b.sql", "SELECT 2;")]);
        assert!(squash(&open, &Range::default(), NAME, root.path(), now).is_err());
        assert_eq!(open.load().unwrap().len(), 2);
    }
}
