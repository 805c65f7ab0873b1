//! Reading archives: what they say about themselves, whether they are whole, and unpacking.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use nix::unistd::{Uid, User};
use tar::{Archive as Tar, Entry};

use super::write::Written;
use super::{Archive, DATA, FORMAT, MANIFEST, Manifest};
use crate::Error;

type Reader = MultiGzDecoder<BufReader<File>>;

fn open(path: &Path) -> Result<Tar<Reader>, Error> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    Ok(Tar::new(MultiGzDecoder::new(BufReader::new(file))))
}

/// The manifest of an archive; `None` when it is one of the Bash tool.
pub(super) fn manifest(path: &Path) -> Result<Option<Manifest>, Error> {
    let damaged = |error: std::io::Error| Error::damaged(path, error);
    let mut tar = open(path)?;
    let Some(first) = tar.entries().map_err(damaged)?.next() else {
        return Err(Error::damaged(path, "it is empty"));
    };
    let mut first = first.map_err(damaged)?;
    if first.path().map_err(damaged)? != Path::new(MANIFEST) {
        return Ok(None);
    }
    let mut text = String::new();
    (&mut first).take(1 << 20).read_to_string(&mut text).map_err(damaged)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| Error::damaged(path, error))?;
    if manifest.format > FORMAT {
        return Err(Error::Newer { path: path.to_owned(), format: manifest.format });
    }
    Ok(Some(manifest))
}

/// Reads a fresh archive back: every entry is there with its length, and the check sums hold to the end.
pub(super) fn verify(path: &Path, written: &Written) -> Result<(), Error> {
    let damaged = |error: std::io::Error| Error::damaged(path, error);
    let mut tar = open(path)?;
    let mut expected = written.iter();
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        let length = std::io::copy(&mut entry, &mut std::io::sink()).map_err(damaged)?;
        let same = expected.next().is_some_and(|(known, bytes)| trimmed(known) == trimmed(&name) && *bytes == length);
        if !same {
            return Err(Error::damaged(path, format!("{} does not read back", name.display())));
        }
    }
    if expected.next().is_some() {
        return Err(Error::damaged(path, "entries are missing"));
    }
    drain(tar, path)
}

/// Reads a whole archive once: what is cut short or garbled is known before anything is stopped or changed for it.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let damaged = |error: std::io::Error| Error::damaged(path, innermost(&error));
    let mut tar = open(path)?;
    for entry in tar.entries().map_err(damaged)? {
        std::io::copy(&mut entry.map_err(damaged)?, &mut std::io::sink()).map_err(damaged)?;
    }
    drain(tar, path)
}

/// What an entry that cannot be unpacked means: an archive that is no whole one, or a disk that takes no more.
fn unpacking(archive: &Path, placed: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | InvalidData | InvalidInput => Error::damaged(archive, innermost(&error)),
        // The system's own reason, not tar's words around it.
        kind => Error::io("write", placed)(std::io::Error::new(kind, innermost(&error))),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}

/// Folders may come back with a slash at the end.
fn trimmed(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Reads to the end of the compressed stream, where its check sum is.
fn drain(tar: Tar<Reader>, path: &Path) -> Result<(), Error> {
    let mut rest = tar.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink()).map_err(|error| Error::damaged(path, error))?;
    Ok(())
}

/// The units of an archive: by its manifest, else by looking at every entry.
pub(crate) fn units_of(archive: &Archive) -> Result<Vec<String>, Error> {
    if let Some(manifest) = &archive.manifest {
        return manifest
            .units
            .iter()
            .map(|unit| match unit_of(Path::new(unit)) {
                Some(found) if found == *unit => Ok(found),
                _ => Err(Error::damaged(&archive.path, format!("{unit} does not belong into an archive"))),
            })
            .collect();
    }
    let damaged = |error: std::io::Error| Error::damaged(&archive.path, error);
    let mut units = BTreeSet::new();
    let mut tar = open(&archive.path)?;
    for entry in tar.entries().map_err(damaged)? {
        units.extend(unit_of(&entry.map_err(damaged)?.path().map_err(damaged)?));
    }
    drain(tar, &archive.path)?;
    Ok(units.into_iter().collect())
}

/// The unit that an entry belongs to: the first part of its path, one more below `.nself`, two more below
/// `.nself/data`. `None` for what an archive must not touch.
fn unit_of(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    match parts.as_slice() {
        [".nself", "data", name, ..] if !name.starts_with('.') && *name != "project.json" => {
            Some(format!("{DATA}/{name}"))
        }
        [".nself", name, ..] if !matches!(*name, "data" | "run") && !name.starts_with('.') => {
            Some(format!(".nself/{name}"))
        }
        [] | [".nself" | ".git" | "_backup" | "_backups" | MANIFEST, ..] => None,
        [name, ..] => Some((*name).to_owned()),
    }
}

/// Where entries of an archive go: a folder for configuration and one for data, both fresh.
pub(crate) struct Target<'a> {
    pub configuration: &'a Path,
    pub data: Option<&'a Path>,
    /// Owner of data whose own user does not exist here; only root gives files away.
    pub owner: Option<postgres::User>,
}

/// Unpacks a whole archive. Each unit ends up under its name in one of the two folders.
pub(crate) fn unpack(archive: &Archive, units: &[String], target: &Target<'_>) -> Result<(), Error> {
    let damaged = |error: std::io::Error| Error::damaged(&archive.path, error);
    let mut tar = open(&archive.path)?;
    tar.set_preserve_permissions(true);
    tar.set_preserve_mtime(true);
    let root = Uid::effective().is_root();
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        let Some(unit) = unit_of(&name).filter(|unit| units.contains(unit)) else { continue };
        let data = unit.starts_with(DATA);
        let folder = if data { target.data.unwrap_or(target.configuration) } else { target.configuration };
        let placed = folder.join(trimmed(&name));
        if !entry.unpack_in(folder).map_err(|error| unpacking(&archive.path, &placed, error))? {
            return Err(Error::damaged(&archive.path, format!("{} leads out of the project", name.display())));
        }
        if root {
            let (uid, gid) = owner(&entry, target.owner.as_ref().filter(|_| data)).map_err(damaged)?;
            let given = std::os::unix::fs::lchown(&placed, Some(uid), Some(gid));
            given.map_err(Error::io("change the owner of", &placed))?;
        }
    }
    drain(tar, &archive.path)
}

/// By name where this machine knows the name: numbers differ between machines.
fn owner<R: Read>(entry: &Entry<'_, R>, fallback: Option<&postgres::User>) -> std::io::Result<(u32, u32)> {
    let header = entry.header();
    let name = header.username().ok().flatten().filter(|name| !name.is_empty());
    if let Some(user) = name.and_then(|name| User::from_name(name).ok().flatten()) {
        return Ok((user.uid.as_raw(), user.gid.as_raw()));
    }
    if let Some(user) = fallback {
        return Ok((user.uid, user.gid));
    }
    let number = |number: u64| u32::try_from(number).map_err(std::io::Error::other);
    Ok((number(header.uid()?)?, number(header.gid()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_belong_to_units_and_some_to_none() {
        let unit = |path: &str| unit_of(Path::new(path));
        assert_eq!(unit("./.env").as_deref(), Some(".env"));
        assert_eq!(unit(".environments/prod/.env").as_deref(), Some(".environments"));
        assert_eq!(unit(".nself/data/postgres/base/1").as_deref(), Some(".nself/data/postgres"));
        assert_eq!(unit(".nself/certs/a.pem").as_deref(), Some(".nself/certs"));
        for path in ["../x", "/etc/passwd", "a/../../b", ".nself", ".nself/data", ".nself/data/project.json"] {
            assert_eq!(unit(path), None, "{path}");
        }
        for path in [".nself/data/.trash/x", ".nself/run/x.lock", ".git/hooks/x", "_backup/x", MANIFEST, "."] {
            assert_eq!(unit(path), None, "{path}");
        }
    }
}
