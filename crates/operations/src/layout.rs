//! Which files of a project are what: configuration, data, generated, leftovers.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use project::Project;
use serde::Serialize;

use crate::Error;

/// Something on disk that a plan speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub path: PathBuf,
    /// Of everything in it.
    pub bytes: u64,
    /// What it is, in a few words.
    pub what: &'static str,
}

/// Folder for archives, in the project's root.
pub(crate) const BACKUPS: &str = "_backup";
/// Where things are moved before they are removed; in `.nself` and in the data folder.
pub(crate) const TRASH: &str = ".trash";
/// Where archives are unpacked before they are swapped in; in `.nself` and in the data folder.
pub(crate) const STAGING: &str = ".staging";
/// Belongs to a data folder's place, not to its content.
const PLACE: &str = "project.json";

/// Where one project's files are.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub root: PathBuf,
    pub state: PathBuf,
    /// What `.nself/data` is or links to; `None` when there is nothing.
    pub data: Option<PathBuf>,
    pub name: String,
}

impl Layout {
    /// `name` is the project's.
    pub(crate) fn new(project: &Project, name: &str) -> Self {
        let data = project.data_dir().canonicalize().ok().filter(|folder| folder.is_dir());
        Self { root: project.root().to_owned(), state: project.state_dir(), data, name: name.to_owned() }
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.root.join(BACKUPS)
    }

    /// Configuration that belongs into an archive, relative to the root.
    pub(crate) fn configuration(&self) -> Vec<PathBuf> {
        let mut found = self.environment_files();
        let others = [project::toml::FILE, ".environments", ".current-env"];
        found.extend(others.into_iter().map(PathBuf::from).filter(|path| self.root.join(path).exists()));
        found
    }

    /// `.env` and its kin, relative to the root; not the examples.
    pub(crate) fn environment_files(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = names(&self.root)
            .into_iter()
            .filter(|name| name == ".env" || (name.starts_with(".env.") && !name.ends_with(".example")))
            .map(PathBuf::from)
            .filter(|path| self.root.join(path).is_file())
            .collect();
        found.sort();
        found
    }

    /// What the data folder holds: `postgres` and whatever else keeps data there.
    pub(crate) fn data_names(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .data
            .iter()
            .flat_map(|folder| names(folder))
            .filter(|name| name != PLACE && !name.starts_with('.'))
            .collect();
        found.sort();
        found
    }

    pub(crate) fn trash_folders(&self) -> Vec<PathBuf> {
        self.work_folders(TRASH)
    }

    pub(crate) fn staging_folders(&self) -> Vec<PathBuf> {
        self.work_folders(STAGING)
    }

    fn work_folders(&self, name: &str) -> Vec<PathBuf> {
        std::iter::once(&self.state).chain(&self.data).map(|folder| folder.join(name)).collect()
    }

    /// Refuses while a server runs on the data, whoever started it.
    pub(crate) fn check_stopped(&self) -> Result<(), Error> {
        let cluster = self.data.as_ref().map(|folder| folder.join("postgres"));
        match cluster.and_then(|cluster| postgres::Postmaster::find(&cluster)) {
            Some(found) => Err(Error::StillRunning { pid: found.pid }),
            None => Ok(()),
        }
    }

    /// Major version of the PostgreSQL whose data is here.
    pub(crate) fn major(&self) -> Option<u32> {
        postgres::data_major(&self.data.as_ref()?.join("postgres"))
    }

    pub(crate) fn item(&self, path: &Path, what: &'static str) -> Item {
        Item { path: path.strip_prefix(&self.root).unwrap_or(path).to_owned(), bytes: size(path), what }
    }
}

/// Names in a folder; none when it cannot be read.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Bytes of a file, or of all files below a folder; links are not followed.
pub(crate) fn size(path: &Path) -> u64 {
    let Ok(data) = path.symlink_metadata() else { return 0 };
    if !data.is_dir() {
        return data.size();
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}

/// Makes a file or a folder's entries durable.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("flush to disk", path))
}

/// Makes everything below `folder` durable.
///
/// On Linux by one flush of its file system, which a thousand small files survive ten times as fast as a thousand
/// flushes, and which reports write errors since kernel 5.8. All of it must be on one file system, as everything is that
/// was just unpacked into one folder.
pub(crate) fn sync_all(folder: &Path) -> Result<(), Error> {
    #[cfg(target_os = "linux")]
    {
        let file = std::fs::File::open(folder).map_err(Error::io("open", folder))?;
        nix::unistd::syncfs(&file).map_err(|errno| Error::io("flush to disk", folder)(errno.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
            let entry = entry.map_err(Error::io("read", folder))?;
            match entry.file_type().map_err(Error::io("read", entry.path()))? {
                kind if kind.is_dir() => sync_all(&entry.path())?,
                kind if kind.is_file() => sync(&entry.path())?,
                _ => {}
            }
        }
        sync(folder)
    }
}
