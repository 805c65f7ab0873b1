//! Replacing a folder at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Error, KINDS};

/// The files in a folder that a write would replace or remove, with their text.
pub(super) fn owned(folder: &Path) -> Result<BTreeMap<PathBuf, String>, Error> {
    let mut paths: Vec<PathBuf> = KINDS.iter().map(|kind| kind.file.into()).collect();
    let others = ["version.yaml", "actions.yaml", "actions.graphql", "databases/databases.yaml"];
    // Those of config version 2, which would be read twice beside the new ones.
    paths.extend(others.into_iter().chain(["tables.yaml", "functions.yaml"]).map(PathBuf::from));
    for source in names(&folder.join("databases"))? {
        for kind in ["tables", "functions"] {
            let inside = Path::new("databases").join(&source).join(kind);
            let found = names(&folder.join(&inside))?;
            let yaml = found.into_iter().filter(|name| name.ends_with(".yaml"));
            paths.extend(yaml.map(|name| inside.join(name)));
        }
    }
    let mut owned = BTreeMap::new();
    for path in paths {
        let file = folder.join(&path);
        match std::fs::read(&file) {
            Ok(bytes) => drop(owned.insert(path, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", &file)(error)),
        }
    }
    Ok(owned)
}

/// Names in a folder; none when it is not there or no folder.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(Error::io("read", folder))?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Puts `files` where the folder is, together with everything else it holds but `removed`.
pub(super) fn replace(folder: &Path, files: &BTreeMap<PathBuf, String>, removed: &[PathBuf]) -> Result<(), Error> {
    // A link stays a link.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let next = tempfile::Builder::new().prefix(".nself-metadata-").tempdir_in(parent);
    let next = next.map_err(Error::io("create a folder in", parent))?;
    // A temporary folder is for its owner alone; this one is not.
    let like = if folder.is_dir() { &folder } else { parent };
    let permissions = std::fs::metadata(like).map_err(Error::io("read", like))?.permissions();
    std::fs::set_permissions(next.path(), permissions).map_err(Error::io("change", next.path()))?;
    if folder.is_dir() {
        copy(&folder, next.path(), &|path| files.contains_key(path) || removed.iter().any(|gone| gone == path))?;
    }
    for (path, text) in files {
        put(&next.path().join(path), text)?;
    }
    project::fault::hit("metadata.before-swap");
    if folder.is_dir() {
        exchange(next.path(), &folder)?;
        project::fault::hit("metadata.after-swap");
        // What stands there now is the old folder, which goes with the temporary one.
    } else {
        let path = next.keep();
        std::fs::rename(&path, &folder).map_err(Error::io("create", &folder))?;
    }
    sync(parent)
}

fn put(file: &Path, text: &str) -> Result<(), Error> {
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    }
    let mut open = File::create(file).map_err(Error::io("write", file))?;
    open.write_all(text.as_bytes()).map_err(Error::io("write", file))?;
    open.sync_all().map_err(Error::io("write", file))
}

/// Copies what `skip` does not name; paths are relative.
fn copy(from: &Path, to: &Path, skip: &dyn Fn(&Path) -> bool) -> Result<(), Error> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(from.join(&folder)).map_err(Error::io("read", &from.join(&folder)))?;
        for entry in entries {
            let entry = entry.map_err(Error::io("read", from))?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(Error::io("read", &entry.path()))?;
            if kind.is_dir() {
                waiting.push(path);
            } else if !skip(&path) {
                let target = to.join(&path);
                if let Some(parent) = target.parent() {
                    std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
                }
                if kind.is_symlink() {
                    let aim = std::fs::read_link(entry.path()).map_err(Error::io("read", &entry.path()))?;
                    std::os::unix::fs::symlink(aim, &target).map_err(Error::io("create", &target))?;
                } else {
                    std::fs::copy(entry.path(), &target).map_err(Error::io("write", &target))?;
                }
            }
        }
    }
    Ok(())
}

/// Both folders change places in one step, where the system can.
#[cfg(target_os = "linux")]
fn exchange(next: &Path, folder: &Path) -> Result<(), Error> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

    match renameat2(AT_FDCWD, next, AT_FDCWD, folder, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => Ok(()),
        // A file system that cannot.
        Err(nix::errno::Errno::EINVAL | nix::errno::Errno::ENOSYS) => in_two_steps(next, folder),
        Err(error) => Err(Error::io("replace", folder)(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(next: &Path, folder: &Path) -> Result<(), Error> {
    in_two_steps(next, folder)
}

/// The old folder steps aside first; a crash in between leaves both, under other names.
fn in_two_steps(next: &Path, folder: &Path) -> Result<(), Error> {
    let aside = folder.with_extension("nself-old");
    std::fs::rename(folder, &aside).map_err(Error::io("replace", folder))?;
    if let Err(error) = std::fs::rename(next, folder) {
        // Back to where it was; the first error is the one to tell.
        let _ = std::fs::rename(&aside, folder);
        return Err(Error::io("replace", folder)(error));
    }
    std::fs::rename(&aside, next).map_err(Error::io("remove", &aside))
}

fn sync(folder: &Path) -> Result<(), Error> {
    let open = File::open(folder).map_err(Error::io("write", folder))?;
    open.sync_all().map_err(Error::io("write", folder))
}
