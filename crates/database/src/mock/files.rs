//! Reading and replacing the small files of `nself/mock`.

use std::path::Path;

use crate::Error;

/// The file's text; none when there is no such file.
pub(super) fn read(file: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { file: file.to_owned(), source }),
    }
}

/// Puts `content` under the name, whole, with the folders above it: whoever looks sees the old file or the new one.
pub(super) fn replace(file: &Path, content: &[u8]) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let directory = file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = directory.join(format!(".{name}.{}", std::process::id()));
        let mut handle = std::fs::File::create(&unfinished)?;
        std::io::Write::write_all(&mut handle, content)?;
        handle.sync_all()?;
        project::fault::hit("mock.before-rename");
        std::fs::rename(&unfinished, file)?;
        std::fs::File::open(directory)?.sync_all()
    };
    write().map_err(|source| Error::Io { file: file.to_owned(), source })
}
