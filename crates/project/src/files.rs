//! Durable small files.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::Error;

/// What the names of our unfinished files start with; `init` sweeps them away.
pub(crate) const UNFINISHED: &str = ".nself-unfinished-";

pub const PRIVATE: u32 = 0o600;
pub const PUBLIC: u32 = 0o644;

/// Writes a whole file so that a reader, or a power cut, sees the old or the new content and nothing in between.
/// A file that is there keeps its owner; its mode becomes `mode`, or stays when `mode` is `None` (0600 for a new file).
///
/// # Errors
/// When a step fails; the old content is then untouched.
pub fn write(path: &Path, content: &[u8], mode: Option<u32>) -> Result<(), Error> {
    write_inner(path, content, mode).map_err(|error| Error::io("write", path, error))
}

fn write_inner(path: &Path, content: &[u8], mode: Option<u32>) -> std::io::Result<()> {
    // A symbolic link stays one: what it points to is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let old = std::fs::metadata(&target).ok();
    let mode = mode.or(old.as_ref().map(|old| old.mode() & 0o7777)).unwrap_or(PRIVATE);
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    if let Some(old) = old {
        // Only root can give files away, and only root would take them over by writing.
        let _ = std::os::unix::fs::chown(file.path(), Some(old.uid()), Some(old.gid()));
    }
    file.as_file().sync_all()?;
    crate::fault::hit("project.before-rename");
    file.persist(&target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// The text of a file; `None` when there is none.
pub(crate) fn read_optional(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
                let reason = format!("it is not UTF-8 text (line {line})");
                Err(Error::io("read", path, std::io::Error::new(std::io::ErrorKind::InvalidData, reason)))
            }
        },
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Error::io("read", path, error)),
    }
}
