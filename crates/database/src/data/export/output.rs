//! Files that appear whole, for nobody but the person who made them.

use std::{
    fs::File,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempDir};

use crate::{Error, data::DataError};

/// What unfinished files are called; the next export in the same folder sweeps them away.
const UNFINISHED: &str = ".nself-unfinished-";

/// A file on its way. It goes with the value unless it is finished.
pub(super) struct Unfinished {
    file: NamedTempFile,
    path: PathBuf,
}

impl Unfinished {
    pub fn new(path: &Path) -> Result<Self, Error> {
        // Its mode is 0600.
        let made = tempfile::Builder::new().prefix(&unfinished(path)).tempfile_in(parent(path));
        Ok(Self { file: made.map_err(|source| Error::Io { file: path.to_owned(), source })?, path: path.to_owned() })
    }

    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name once it is safe on the disk; how many bytes it has.
    pub fn finish(self) -> Result<u64, Error> {
        let Self { file, path } = self;
        let finish = || {
            file.as_file().sync_all()?;
            let bytes = file.as_file().metadata()?.len();
            file.persist(&path).map_err(|error| error.error)?;
            File::open(parent(&path))?.sync_all()?;
            Ok(bytes)
        };
        finish().map_err(|source| Error::Io { file: path.clone(), source })
    }
}

/// How the names of unfinished versions of a file begin.
fn unfinished(path: &Path) -> String {
    format!("{UNFINISHED}{}-", path.file_name().unwrap_or_default().to_string_lossy())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a folder that only its owner can look into, and sweeps away what a killed export left.
pub(super) fn make_folder(folder: &Path) -> Result<(), Error> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| Error::Io { file: folder.to_owned(), source })?;
    sweep(folder, UNFINISHED)
}

/// Removes what unfinished exports left in a folder.
fn sweep(folder: &Path, prefix: &str) -> Result<(), Error> {
    let io = |source| Error::Io { file: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() {
            std::fs::remove_dir_all(entry.path()).map_err(io)?;
        } else {
            std::fs::remove_file(entry.path()).map_err(io)?;
        }
    }
    Ok(())
}

/// A folder for the parts of an archive, on the same disk.
pub(super) fn beside(file: &Path) -> Result<TempDir, Error> {
    let made = tempfile::Builder::new().prefix(&unfinished(file)).tempdir_in(parent(file));
    made.map_err(|source| Error::Io { file: file.to_owned(), source })
}

/// Refuses to replace a file that nobody said may go, and sweeps away what a killed export of the same file left.
pub(super) fn free(file: &Path, force: bool) -> Result<(), Error> {
    if file.exists() && !force {
        return Err(DataError::Exists { path: file.to_owned() }.into());
    }
    sweep(parent(file), &unfinished(file))
}
