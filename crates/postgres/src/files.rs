//! Files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use crate::{Error, User};

/// Writes `content` to `path` (mode 0600) through a temporary file beside it.
pub(crate) fn replace(path: &Path, content: &[u8], owner: Option<&User>) -> Result<(), Error> {
    let temporary = path.with_extension("nself-partial");
    let _ = fs::remove_file(&temporary);
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(Error::io("write", &temporary))?;
    if let Some(owner) = owner {
        owner.own(&temporary)?;
    }
    rename(&temporary, path)
}

/// Writes into a file that is there and stays whose it is; for folders that are not in their place yet.
pub(crate) fn overwrite(path: &Path, content: &[u8]) -> Result<(), Error> {
    let write = || OpenOptions::new().write(true).open(path)?.write_all(content);
    write().map_err(Error::io("write", path))
}

/// Like [`replace`], and leaves the file alone when it already says the same.
pub(crate) fn update(path: &Path, content: &str, owner: Option<&User>) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|present| present == content.as_bytes()) {
        return Ok(());
    }
    replace(path, content.as_bytes(), owner)
}

/// Renames, and makes the rename itself durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(Error::io("put into place", to))?;
    to.parent().map_or(Ok(()), sync)
}

/// Makes a file or a folder's entries durable.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("flush to disk", path))
}

/// Makes everything below `folder` durable.
///
/// On Linux by one flush of its file system, which a thousand small files survive ten times as fast as a thousand
/// flushes (0.3 s against 3 s on a busy disk), and which reports write errors since kernel 5.8.
pub(crate) fn sync_all(folder: &Path) -> Result<(), Error> {
    #[cfg(target_os = "linux")]
    {
        let file = File::open(folder).map_err(Error::io("open", folder))?;
        nix::unistd::syncfs(&file).map_err(|errno| Error::io("flush to disk", folder)(errno.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
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

/// Copies a tree of folders and regular files; the kernel shares the blocks where the file system can. Links are left
/// out: a fresh cluster has none, and as root none may be followed.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<&User>) -> Result<(), Error> {
    folder(to, owner)?;
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let entry = entry.map_err(Error::io("read", from))?;
        let kind = entry.file_type().map_err(Error::io("read", entry.path()))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target, owner)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target).map_err(Error::io("write", &target))?;
            if let Some(owner) = owner {
                owner.own(&target)?;
            }
        }
    }
    Ok(())
}

/// Makes a folder (mode 0700); one that is there already is fine.
pub(crate) fn folder(path: &Path, owner: Option<&User>) -> Result<(), Error> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::io("make the folder", path))?;
    owner.map_or(Ok(()), |owner| owner.own(path))
}

/// Removes a folder that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Waits for the exclusive lock on a folder or file; it ends with the value, or with the process.
pub(crate) fn lock(path: &Path) -> Result<Flock<File>, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| Error::io("lock", path)(errno.into()))
}
