//! What kind of dump a file is, and reading it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;

use crate::Error;

/// A dump's file, or the folder of one in the directory format.
#[derive(Debug, Clone)]
pub struct Dump {
    pub path: PathBuf,
    pub kind: Kind,
    /// Several connections can load it at once.
    pub(super) parallel: bool,
}

/// How a dump is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For `pg_restore`: the custom, tar or directory format.
    Archive,
    /// SQL.
    Plain,
    Gzip,
    Zstd,
}

impl Dump {
    /// Looks at a file's first bytes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io { file: path.to_owned(), source };
        let made = |kind, parallel| Ok(Self { path: path.to_owned(), kind, parallel });
        if path.is_dir() {
            File::open(path.join("toc.dat")).map_err(io)?;
            return made(Kind::Archive, true);
        }
        let mut head = Vec::new();
        File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(io)?;
        match head.as_slice() {
            [b'P', b'G', b'D', b'M', b'P', ..] => made(Kind::Archive, true),
            [b't', b'o', b'c', b'.', b'd', b'a', b't', ..] => made(Kind::Archive, false),
            [0x1f, 0x8b, ..] => made(Kind::Gzip, false),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => made(Kind::Zstd, false),
            _ => made(Kind::Plain, false),
        }
    }

    /// Its SQL; not for archives.
    pub(super) fn text(path: &Path, kind: Kind) -> std::io::Result<Box<dyn Read + Send>> {
        let file = BufReader::with_capacity(256 * 1024, File::open(path)?);
        Ok(match kind {
            Kind::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Kind::Zstd => Box::new(zstd::Decoder::with_buffer(file)?),
            Kind::Archive | Kind::Plain => Box::new(file),
        })
    }
}

/// Hands the SQL to a program. A program that has ended wants no more, and its own words say why.
pub(super) async fn feed(path: &Path, kind: Kind, stdin: Option<ChildStdin>) -> std::io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut text = Dump::text(path, kind)?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        // Files are read as fast as memory or disk; nothing else waits on this thread.
        let read = text.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if stdin.write_all(&buffer[..read]).await.is_err() {
            return Ok(());
        }
    }
}
