//! Writing an archive, and what there is to write.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::unistd::{Uid, User};
use tar::{Builder, EntryType, Header};

use super::{DATA, MANIFEST, Manifest};
use crate::Error;
use crate::layout::Layout;

/// A file or folder and its name in the archive.
pub(crate) struct Source {
    pub path: PathBuf,
    pub name: String,
}

/// Entries of an archive in order: name and length.
pub(super) type Written = Vec<(PathBuf, u64)>;

/// Configuration, certificates and data; each becomes one unit of the archive.
pub(super) fn sources(layout: &Layout) -> Vec<Source> {
    let configuration = layout.configuration().into_iter().map(|path| path.to_string_lossy().into_owned());
    let certificates = layout.state.join("certs").is_dir().then(|| ".nself/certs".to_owned());
    let mut sources: Vec<Source> =
        configuration.chain(certificates).map(|name| Source { path: layout.root.join(&name), name }).collect();
    if let Some(folder) = &layout.data {
        let data = layout.data_names().into_iter();
        sources.extend(data.map(|name| Source { path: folder.join(&name), name: format!("{DATA}/{name}") }));
    }
    sources
}

/// Writes and flushes the archive to `path`, mode 0600.
pub(super) fn write(path: &Path, manifest: &Manifest, sources: &[Source]) -> Result<Written, Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(Error::io("write", path))?;
    let failed = Error::io("write", path);
    let mut writer = Writer {
        tar: Builder::new(GzEncoder::new(BufWriter::new(file), Compression::fast())),
        written: Written::new(),
        users: Vec::new(),
    };
    let finish = |mut writer: Writer| -> std::io::Result<Written> {
        writer.manifest(manifest)?;
        for source in sources {
            writer.tree(&source.path, Path::new(&source.name))?;
        }
        let file = writer.tar.into_inner()?.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(writer.written)
    };
    writer.tar.follow_symlinks(false);
    finish(writer).map_err(failed)
}

struct Writer {
    tar: Builder<GzEncoder<BufWriter<File>>>,
    written: Written,
    /// Names of users seen so far.
    users: Vec<(u32, Option<String>)>,
}

impl Writer {
    fn manifest(&mut self, manifest: &Manifest) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(manifest)?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(text.len() as u64);
        header.set_mtime(u64::try_from(manifest.created.as_second()).unwrap_or(0));
        self.tar.append_data(&mut header, MANIFEST, text.as_slice())?;
        self.written.push((PathBuf::from(MANIFEST), text.len() as u64));
        Ok(())
    }

    fn tree(&mut self, path: &Path, name: &Path) -> std::io::Result<()> {
        let data = path.symlink_metadata()?;
        let kind = data.file_type();
        // A pid file would make the restored server believe that another one runs.
        if kind.is_socket() || kind.is_fifo() || name.file_name().is_some_and(|name| name == "postmaster.pid") {
            return Ok(());
        }
        let mut header = Header::new_gnu();
        header.set_metadata(&data);
        if let Some(user) = self.user(data.uid()) {
            header.set_username(&user)?;
        }
        if kind.is_symlink() {
            header.set_size(0);
            self.tar.append_link(&mut header, name, std::fs::read_link(path)?)?;
            self.written.push((name.to_owned(), 0));
        } else if kind.is_dir() {
            header.set_size(0);
            self.tar.append_data(&mut header, name, std::io::empty())?;
            self.written.push((name.to_owned(), 0));
            let mut names: Vec<_> =
                std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
            names.sort();
            for entry in names {
                self.tree(&path.join(&entry), &name.join(&entry))?;
            }
        } else {
            let length = data.len();
            // A file that grew meanwhile gives what it had; one that shrank is an error, not an archive of garbage.
            let mut content = BufReader::new(File::open(path)?).take(length);
            self.tar.append_data(&mut header, name, &mut content)?;
            if content.limit() > 0 {
                return Err(std::io::Error::other(format!("{} became shorter while it was read", path.display())));
            }
            self.written.push((name.to_owned(), length));
        }
        Ok(())
    }

    fn user(&mut self, uid: u32) -> Option<String> {
        if let Some((_, name)) = self.users.iter().find(|(known, _)| *known == uid) {
            return name.clone();
        }
        let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        self.users.push((uid, name.clone()));
        name
    }
}
