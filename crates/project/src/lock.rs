use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::Error;

/// Keeps other runs of nself out. The kernel gives it up with the process, so a crash leaves nothing to clean.
#[derive(Debug)]
pub struct Lock {
    _file: Flock<File>,
}

impl Lock {
    /// Takes the lock at once or says who has it. The file holds the owner's pid, for people.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process has it.
    pub fn take(path: &Path, name: &str) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| Error::io("open the lock", path, error))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                // The pid is a courtesy: without it the lock holds just as well.
                let _ = file.set_len(0).and_then(|()| write!(&mut *file, "{}", std::process::id()));
                Ok(Self { _file: file })
            }
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                Err(Error::Busy { name: name.to_owned(), pid: text.trim().parse().ok(), path: path.to_owned() })
            }
            Err((_, errno)) => Err(Error::io("lock", path, errno.into())),
        }
    }
}
