//! Removing large things so that no half of one is ever taken for the whole: a rename, then the slow part.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::layout::{Layout, TRASH, sync};

/// Moves `path` out of the way in one step. `base` is a folder on the same file system. Fine when it is gone already.
pub(crate) fn discard(path: &Path, base: &Path) -> Result<(), Error> {
    let folder = base.join(TRASH);
    make_private(&folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let target = (0_u32..)
        .map(|number| folder.join(format!("{number}-{name}")))
        .find(|target| target.symlink_metadata().is_err())
        .expect("four thousand million names are not all taken");
    match fs::rename(path, &target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        result => result.map_err(Error::io("move away", path))?,
    }
    path.parent().map_or(Ok(()), sync)
}

/// Removes what was moved away, now or by a run that was cut short.
pub(crate) fn empty(layout: &Layout) -> Result<(), Error> {
    layout.trash_folders().iter().try_for_each(|folder| remove(folder))
}

/// Removes a file or a tree that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let result = match path.symlink_metadata() {
        Ok(data) if data.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// A folder only for its owner.
pub(crate) fn make_private(path: &PathBuf) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path).map_err(Error::io("make the folder", path))
}
