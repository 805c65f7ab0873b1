//! The configuration and the seed as one file, for people who do not share a repository.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{
    MockError,
    config::{Config, Folder},
    files,
};
use crate::Error;

const CONFIG: &str = "mock.config.yaml";
const SEED: &str = "mock.seed";
/// A configuration is text that people wrote: more than this is something else.
const LIMIT: u64 = 16 << 20;

/// Writes `mock.config.yaml` and `mock.seed` into a `.tar.gz`: the same files give the same bytes.
///
/// # Errors
/// [`Error::Io`]; [`MockError::Config`] where there is no configuration, or one that cannot be read.
pub fn export(folder: &Folder, output: &Path) -> Result<(), Error> {
    let file = folder.config_file();
    let Some(text) = files::read(&file)? else {
        let hint = Some("nself mock init writes it".to_owned());
        return Err(MockError::Config { file, problem: "there is no such file".to_owned(), hint }.into());
    };
    let seed = folder.seed(Some(&Config::parse(&file, &text)?))?;
    let pack = || -> std::io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (name, content) in [(CONFIG, text.as_bytes()), (SEED, format!("{seed}\n").as_bytes())] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            archive.append_data(&mut header, name, content)?;
        }
        let mut encoder = archive.into_inner()?;
        encoder.flush()?;
        encoder.finish()
    };
    let bytes = pack().map_err(|source| Error::Io { file: output.to_owned(), source })?;
    files::replace(output, &bytes)
}

/// Puts the configuration and the seed of an archive into the folder; the files written.
///
/// # Errors
/// [`MockError::Bundle`] for another file, [`MockError::Exists`] where another configuration is there and `force` is not given.
pub fn import(folder: &Folder, archive: &Path, force: bool) -> Result<Vec<PathBuf>, Error> {
    let bundle = |problem: &str| MockError::Bundle { file: archive.to_owned(), problem: problem.to_owned() };
    let file = std::fs::File::open(archive).map_err(|source| Error::Io { file: archive.to_owned(), source })?;
    let (mut config, mut seed) = (None, None);
    let mut unpacked = tar::Archive::new(GzDecoder::new(file).take(LIMIT));
    let entries = unpacked.entries().map_err(|error| bundle(&error.to_string()))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| bundle(&error.to_string()))?;
        let path = entry.path().map_err(|error| bundle(&error.to_string()))?;
        // Only the two names count, wherever they stand: nothing else is ever written.
        let wanted = match path.file_name().and_then(|name| name.to_str()) {
            Some(CONFIG) => &mut config,
            Some(SEED) => &mut seed,
            _ => continue,
        };
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(|error| bundle(&error.to_string()))?;
        *wanted = Some(text);
    }
    let config = config.ok_or_else(|| bundle("it has no mock.config.yaml"))?;
    let read = Config::parse(Path::new(CONFIG), &config)?;
    let target = folder.config_file();
    if !force && files::read(&target)?.is_some_and(|there| there != config) {
        return Err(MockError::Exists { file: target }.into());
    }
    let seed = match seed.as_deref().map(str::trim).map(str::parse::<u64>) {
        Some(Ok(seed)) => Some(seed),
        Some(Err(_)) => return Err(bundle("its mock.seed is no whole number").into()),
        None => read.seed,
    };
    files::replace(&target, config.as_bytes())?;
    let mut written = vec![target];
    if let Some(seed) = seed {
        folder.keep_seed(seed)?;
        written.push(folder.seed_file());
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_exported_is_imported() {
        let root = tempfile::tempdir().unwrap();
        let (mine, yours) = (Folder::new(root.path().join("mine")), Folder::new(root.path().join("yours")));
        let archive = root.path().join("mock.tar.gz");
        assert!(matches!(export(&mine, &archive), Err(Error::Mock(MockError::Config { .. }))));
        files::replace(&mine.config_file(), b"seed: 7 # ours\ntables: {}\n").unwrap();
        export(&mine, &archive).unwrap();
        let bytes = std::fs::read(&archive).unwrap();
        export(&mine, &archive).unwrap();
        assert_eq!(std::fs::read(&archive).unwrap(), bytes);
        assert_eq!(import(&yours, &archive, false).unwrap().len(), 2);
        assert_eq!(files::read(&yours.config_file()).unwrap(), files::read(&mine.config_file()).unwrap());
        assert_eq!(files::read(&yours.seed_file()).unwrap().unwrap(), "7\n");
        files::replace(&yours.config_file(), b"seed: 8\n").unwrap();
        assert!(matches!(import(&yours, &archive, false), Err(Error::Mock(MockError::Exists { .. }))));
        import(&yours, &archive, true).unwrap();
        std::fs::write(&archive, b"something else").unwrap();
        assert!(matches!(import(&yours, &archive, true), Err(Error::Mock(MockError::Bundle { .. }))));
    }
}
