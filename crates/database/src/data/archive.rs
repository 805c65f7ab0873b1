//! Several files in one: `.tar`, `.tar.gz`, `.tar.zst`.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use tempfile::TempDir;

use crate::Error;

/// How the bytes of an archive are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

/// What a name says; `None` when it is no archive.
pub(super) fn packing(path: &Path) -> Option<Packing> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    match () {
        () if ends(&[".tar"]) => Some(Packing::None),
        () if ends(&[".tar.gz", ".tgz"]) => Some(Packing::Gzip),
        () if ends(&[".tar.zst"]) => Some(Packing::Zstd),
        () => None,
    }
}

/// The files of an archive in a folder that only this user can look into and that goes with the value; `None` when the path
/// is no archive. Folders inside an archive mean nothing: only the names of files count.
pub(super) fn unpack(path: &Path) -> Result<Option<TempDir>, Error> {
    let Some(packing) = packing(path).filter(|_| !path.is_dir()) else { return Ok(None) };
    let io = |source| Error::Io { file: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(io)?);
    let input: Box<dyn Read> = match packing {
        Packing::None => Box::new(file),
        Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
        Packing::Zstd => Box::new(zstd::Decoder::new(file).map_err(io)?),
    };
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("nself-import-").permissions(private).tempdir().map_err(io)?;
    for entry in tar::Archive::new(input).entries().map_err(io)? {
        let mut entry = entry.map_err(io)?;
        let name = entry.path().map_err(io)?.file_name().map(ToOwned::to_owned);
        let (Some(name), true) = (name, entry.header().entry_type().is_file()) else { continue };
        let mut out = File::create_new(folder.path().join(name)).map_err(io)?;
        std::io::copy(&mut entry, &mut out).map_err(io)?;
    }
    Ok(Some(folder))
}

/// Packs the files of a folder, in order of their names, with nothing in it that differs between machines.
pub(super) fn pack(folder: &Path, packing: Packing, out: &File) -> std::io::Result<()> {
    match packing {
        Packing::None => write(folder, out),
        Packing::Gzip => {
            let mut packed = GzEncoder::new(out, Compression::fast());
            write(folder, &mut packed)?;
            packed.finish().map(|_| ())
        }
        Packing::Zstd => {
            let mut packed = zstd::Encoder::new(out, 0)?;
            write(folder, &mut packed)?;
            packed.finish().map(|_| ())
        }
    }
}

fn write(folder: &Path, out: impl Write) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(std::io::BufWriter::with_capacity(256 * 1024, out));
    archive.mode(tar::HeaderMode::Deterministic);
    let mut names = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    for name in names {
        archive.append_path_with_name(folder.join(&name), &name)?;
    }
    archive.into_inner()?.into_inner().map_err(|error| error.into_error())?;
    Ok(())
}
