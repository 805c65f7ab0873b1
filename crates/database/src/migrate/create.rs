use std::{
    io::Write,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::Sources;
use crate::Error;

/// A new file.
#[derive(Debug, Clone, Serialize)]
pub struct Created {
    pub file: PathBuf,
}

/// Writes a migration file to fill in: `NNN_YYYYMMDD_name.sql` with the next number. In a project whose migrations are
/// dated (`20260115093000_…`, or Hasura's milliseconds) the new one is dated too, so that it runs after them.
///
/// Complete or not there at all, even if the power fails; two at once get two numbers.
pub fn create(sources: &Sources, name: &str, now: Timestamp) -> Result<Created, Error> {
    create_with(sources, name, now, |title| include_str!("template.sql").replace("{title}", title))
}

/// As [`create`], with a text of the caller's, who gets the title.
pub(super) fn create_with(
    sources: &Sources,
    name: &str,
    now: Timestamp,
    text: impl FnOnce(&str) -> String,
) -> Result<Created, Error> {
    let name = slug(name)?;
    let directory = sources.directory();
    std::fs::create_dir_all(directory).map_err(|source| Error::Io { file: directory.to_owned(), source })?;
    let _turn = Turn::take(directory)?;
    let now = now.to_zoned(TimeZone::UTC);
    let last = sources.load()?.last().map_or(0, |migration| migration.version.number());
    let file_name = if last > 999_999_999 {
        let stamp: u128 = now.strftime("%Y%m%d%H%M%S").to_string().parse().unwrap_or_default();
        format!("{}_{name}.sql", stamp.max(last + 1))
    } else {
        format!("{:03}_{}_{name}.sql", last + 1, now.strftime("%Y%m%d"))
    };
    let title = name.replace('_', " ");
    let file = directory.join(file_name);
    write_new(&file, &text(&title))?;
    Ok(Created { file })
}

/// `Add coupons` as a part of a file name: `add_coupons`.
pub(crate) fn slug(name: &str) -> Result<String, Error> {
    let text = name.trim();
    let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '));
    if !valid {
        return Err(Error::Name { name: name.to_owned() });
    }
    Ok(text.to_ascii_lowercase().replace([' ', '-'], "_"))
}

/// Creates a file that must not exist, durably: complete under its name, or not there.
pub(crate) fn write_new(file: &Path, content: &str) -> Result<(), Error> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = directory.join(format!(".{name}.{}", std::process::id()));
        let mut handle = std::fs::File::create(&unfinished)?;
        handle.write_all(content.as_bytes())?;
        handle.sync_all()?;
        project::fault::hit("create.before-link");
        // Unlike a rename, a link refuses to replace.
        let linked = std::fs::hard_link(&unfinished, file);
        std::fs::remove_file(&unfinished)?;
        linked?;
        std::fs::File::open(directory)?.sync_all()
    };
    write().map_err(|source| Error::Io { file: file.to_owned(), source })
}

/// Keeps two `create` from taking the same number; the kernel releases it with the process.
pub(super) struct Turn {
    _directory: std::fs::File,
}

impl Turn {
    pub(super) fn take(directory: &Path) -> Result<Self, Error> {
        let take = || {
            let handle = std::fs::File::open(directory)?;
            handle.lock()?;
            Ok(Self { _directory: handle })
        };
        take().map_err(|source| Error::Io { file: directory.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn created(existing: &[&str], name: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        let sources = Sources::new(root.path(), "nself/migrations");
        std::fs::create_dir_all(sources.directory()).unwrap();
        for file in existing {
            std::fs::write(sources.directory().join(file), "SELECT 1;").unwrap();
        }
        let now: Timestamp = "2026-01-20T10:11:12Z".parse().unwrap();
        let file = create(&sources, name, now).unwrap().file;
        assert_eq!(std::fs::read_dir(sources.directory()).unwrap().count(), existing.len() + 1);
        file.file_name().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn the_next_number_in_the_style_of_the_project() {
        assert_eq!(created(&[], "Add coupons"), "001_20260120_add_coupons.sql");
        assert_eq!(created(&["007_20260101_a.sql"], "b"), "008_20260120_b.sql");
        assert_eq!(created(&["20250101000000_a.sql"], "b"), "20260120101112_b.sql");
        assert_eq!(created(&["20990101000000_a.sql"], "b"), "20990101000001_b.sql");
    }

    #[test]
    fn a_name_must_be_a_name() {
        for name in ["", "../x", "a/b", "-a", "ü", "a.sql"] {
            assert!(slug(name).is_err(), "{name}");
        }
        assert_eq!(slug("Add-Posts 2").unwrap(), "add_posts_2");
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.sql");
        std::fs::write(&file, "mine").unwrap();
        assert!(write_new(&file, "yours").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
