//! The operating system's user that PostgreSQL runs as.

use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User as SystemUser};

use crate::Error;

/// A user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// Users that PostgreSQL runs as when nself runs as root: the distribution's own, else the one that
/// `nself postgres install` makes.
const CANDIDATES: [&str; 2] = ["postgres", "nself"];

impl User {
    /// The user to switch to. `None` when nself does not run as root and PostgreSQL can run as the same user.
    ///
    /// # Errors
    /// [`Error::NoUser`]: nself runs as root and neither `postgres` nor `nself` exists.
    pub fn for_server() -> Result<Option<Self>, Error> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        CANDIDATES.iter().find_map(|name| Self::named(name)).map(Some).ok_or(Error::NoUser)
    }

    /// The user of this process, if the system knows its name.
    pub fn current() -> Option<Self> {
        SystemUser::from_uid(Uid::effective()).ok().flatten().map(Self::from)
    }

    pub fn named(name: &str) -> Option<Self> {
        SystemUser::from_name(name).ok().flatten().map(Self::from)
    }

    pub(crate) fn of_id(uid: u32) -> Option<Self> {
        SystemUser::from_uid(Uid::from_raw(uid)).ok().flatten().map(Self::from)
    }

    /// Gives `path` itself (not what it links to) to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid)).map_err(Error::io("change the owner of", path))
    }
}

impl From<SystemUser> for User {
    fn from(user: SystemUser) -> Self {
        Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }
    }
}

pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

/// `$HOME`, else the home of the user database.
pub(crate) fn home() -> PathBuf {
    std::env::var_os("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .or_else(|| SystemUser::from_uid(Uid::effective()).ok().flatten().map(|user| user.dir))
        .unwrap_or_else(|| PathBuf::from("/"))
}

/// A folder of the XDG base directory specification: `$<variable>` when absolute, else `~/<fallback>`.
pub(crate) fn xdg(variable: &str, fallback: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| home().join(fallback))
}
