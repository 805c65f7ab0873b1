//! Where a project's database lives: its data directory, its socket, and the user of both.
//!
//! Run by a person, all of it is in the project's `.nself/`. Run as root, PostgreSQL needs another user and folders
//! that this user can reach, so the data goes to `/var/lib/nself/<project>` and `.nself/data` links to it. The link
//! decides: a project that was moved finds its data through it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::user::User;
use crate::{Error, data_major, files};

/// Where everything of one project's cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The folder `.nself/data` is or links to.
    pub folder: PathBuf,
    /// The cluster's data directory: `postgres` in [`folder`](Self::folder).
    pub data_dir: PathBuf,
    /// Folder for the socket, short enough for the system's limit.
    pub socket_dir: PathBuf,
    /// The user to run as; `None` is this process's own.
    pub run_as: Option<User>,
}

/// Folders outside the project, replaceable for tests.
#[derive(Debug, Clone)]
pub struct Roots {
    /// `/var/lib/nself`
    pub data: PathBuf,
    /// `/run/nself`
    pub run: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { data: PathBuf::from("/var/lib/nself"), run: PathBuf::from("/run/nself") }
    }
}

/// What lies in a data folder outside its project to say whose it is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    root: PathBuf,
    /// Device, inode and birth of the project's folder: another folder at the same path is another project.
    identity: String,
}

const OWNER: &str = "project.json";

/// The longest name of a socket file that must fit after the folder: `/.s.PGSQL.65535`.
const SOCKET_NAME: usize = 15;
/// Linux allows 107 bytes, macOS 103.
const SOCKET_PATH: usize = 100;

/// Finds or makes the place of a project's data. `state_dir` is the project's `.nself`.
///
/// # Errors
/// [`Error::NoUser`] as root without a user for PostgreSQL; [`Error::Io`].
pub fn place_data(state_dir: &Path, project_name: &str, project_root: &Path) -> Result<Placement, Error> {
    place_in(&Roots::default(), User::for_server()?, state_dir, project_name, project_root)
}

/// [`place_data`] with everything that it takes from the system given to it.
///
/// # Errors
/// See [`place_data`].
pub fn place_in(
    roots: &Roots,
    run_as: Option<User>,
    state_dir: &Path,
    project_name: &str,
    project_root: &Path,
) -> Result<Placement, Error> {
    make(state_dir, 0o700)?;
    let link = state_dir.join("data");
    let Some(user) = run_as else {
        make(&link, 0o700)?;
        let folder = link.canonicalize().map_err(Error::io("open", &link))?;
        let socket_dir = personal_socket_dir(state_dir)?;
        return Ok(Placement { data_dir: folder.join("postgres"), folder, socket_dir, run_as: None });
    };
    let folder = shared_folder(roots, &link, project_name, project_root)?;
    let data_dir = folder.join("postgres");
    // Data that is there already belongs to whoever made it.
    let user = match fs::metadata(&data_dir) {
        Ok(data) if data_major(&data_dir).is_some() => {
            User::of_id(data.uid()).filter(|user| user.uid != 0).unwrap_or(user)
        }
        _ => user,
    };
    make(&roots.run, 0o755)?;
    let socket_dir = roots.run.join(digest(&folder));
    make(&socket_dir, 0o700)?;
    user.own(&socket_dir)?;
    Ok(Placement { folder, data_dir, socket_dir, run_as: Some(user) })
}

/// The folder that `link` leads to, or a new one under the data root, linked.
fn shared_folder(roots: &Roots, link: &Path, name: &str, root: &Path) -> Result<PathBuf, Error> {
    let ours = Owner { root: root.to_owned(), identity: identity(root)? };
    if let Ok(folder) = link.canonicalize() {
        let is_link = link.symlink_metadata().is_ok_and(|data| data.is_symlink());
        if !is_link && data_major(&folder.join("postgres")).is_some() {
            return Ok(folder); // Made by a person before; used where it is.
        }
        if is_link && !is_copy(&folder, link, &ours) {
            write_owner(&folder, &ours)?;
            return Ok(folder);
        }
    }
    make(&roots.data, 0o755)?;
    let folder = choose(&roots.data, name, &ours)?;
    project::fault::hit("placement.chosen");
    relink(link, &folder)?;
    Ok(folder)
}

/// True when the project was copied together with its link: the folder's owner is another project, still there, that
/// links to it too.
fn is_copy(folder: &Path, link: &Path, ours: &Owner) -> bool {
    let Some(owner) = read_owner(folder) else { return false };
    let Ok(state_dir) = link.parent().unwrap_or(link).strip_prefix(&ours.root) else { return false };
    let theirs = owner.root.join(state_dir).join("data");
    owner.identity != ours.identity
        && identity(&owner.root).is_ok_and(|identity| identity == owner.identity)
        && theirs.canonicalize().is_ok_and(|target| target == folder)
}

/// The project's folder under `data`: its name, or its name and six digits when another project has that one.
fn choose(data: &Path, name: &str, ours: &Owner) -> Result<PathBuf, Error> {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = name.chars().map(safe).collect();
    let mark: String = digest(Path::new(&ours.identity)).chars().take(6).collect();
    for name in [name.clone(), format!("{name}-{mark}")] {
        let folder = data.join(name);
        let owner = read_owner(&folder);
        let free = owner.is_none() && fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
        // The same project whose .nself was cleaned away: the data waits for it.
        let same = owner.is_some_and(|owner| owner.identity == ours.identity);
        if free || same {
            make(&folder, 0o755)?;
            write_owner(&folder, ours)?;
            return folder.canonicalize().map_err(Error::io("open", folder));
        }
    }
    let folder = data.join(format!("{name}-{mark}"));
    Err(Error::NotADataDirectory { directory: folder })
}

/// Points `link` at `folder` in one step; what stood there, an empty folder or an old link, goes.
fn relink(link: &Path, folder: &Path) -> Result<(), Error> {
    let temporary = link.with_extension("link");
    let _ = fs::remove_file(&temporary);
    if link.symlink_metadata().is_ok_and(|data| data.is_dir()) {
        fs::remove_dir(link).map_err(Error::io("replace by a link", link))?;
    }
    symlink(folder, &temporary).map_err(Error::io("make the link", &temporary))?;
    fs::rename(&temporary, link).map_err(Error::io("make the link", link))
}

fn read_owner(folder: &Path) -> Option<Owner> {
    serde_json::from_slice(&fs::read(folder.join(OWNER)).ok()?).ok()
}

fn write_owner(folder: &Path, owner: &Owner) -> Result<(), Error> {
    if read_owner(folder).is_some_and(|present| present == *owner) {
        return Ok(());
    }
    let path = folder.join(OWNER);
    let text = serde_json::to_vec_pretty(owner).map_err(|error| Error::io("write", &path)(error.into()))?;
    files::replace(&path, &text, None)
}

fn identity(root: &Path) -> Result<String, Error> {
    let data = fs::metadata(root).map_err(Error::io("read", root))?;
    let born = data.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(format!("{}:{}:{}", data.dev(), data.ino(), born.map_or(0, |born| born.as_nanos())))
}

/// `.nself/run` when its path is short enough, else a folder of this user's in the system's place for such.
fn personal_socket_dir(state_dir: &Path) -> Result<PathBuf, Error> {
    let state_dir = state_dir.canonicalize().map_err(Error::io("open", state_dir))?;
    let near = state_dir.join("run");
    if near.as_os_str().len() + SOCKET_NAME <= SOCKET_PATH {
        make(&near, 0o700)?;
        return Ok(near);
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let parent = match runtime.filter(|folder| folder.is_dir() && folder.as_os_str().len() < 40) {
        Some(folder) => folder.join("nself"),
        None => PathBuf::from(format!("/tmp/nself-{}", nix::unistd::Uid::effective())),
    };
    make(&parent, 0o700)?;
    // In /tmp anybody could have made it first.
    let data = parent.symlink_metadata().map_err(Error::io("read", &parent))?;
    if !data.is_dir() || data.uid() != nix::unistd::Uid::effective().as_raw() || data.mode() & 0o077 != 0 {
        let refused = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it must be yours alone (mode 0700)");
        return Err(Error::io("use", parent)(refused));
    }
    let folder = parent.join(digest(&state_dir));
    make(&folder, 0o700)?;
    Ok(folder)
}

/// Twelve hexadecimal digits that stand for a path.
fn digest(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a folder, and those above it that are missing with mode 0755.
pub(crate) fn make(path: &Path, mode: u32) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make(parent, 0o755)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(Error::io("make the folder", path)(error)),
        // Whatever the umask took away is needed by the user PostgreSQL runs as.
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::io("open up", path)),
    }
}
