use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use http::Method;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};

use super::Named;
use super::service::{File, Service};
use crate::commands::Silent;
use crate::commands::destroy::size;
use crate::{Context, Error, Outcome};

/// Download a file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage download photo.jpg\n  nself storage download 2026/07/sales.csv --bucket reports --output sales.csv\n  nself storage download photo.jpg --output - | less"
)]
pub struct Args {
    #[command(flatten)]
    file: Named,
    /// Where it goes: a file, a folder, or - for standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Serialize)]
struct DownloadReport {
    file: File,
    path: PathBuf,
}

impl View for DownloadReport {
    fn text(&self, page: &mut Page) {
        page.styled(Style::Good, format!("{} ({})", self.path.display(), size(self.file.size)));
    }
}

pub fn run(_: &Context, service: &Service, args: Args) -> Outcome {
    let file = service.block_on(service.find(&args.file))?;
    if args.output.as_deref() == Some(Path::new("-")) {
        let mut out = std::io::stdout().lock();
        if out.is_terminal() && !file.mime_type.as_deref().is_some_and(|kind| kind.starts_with("text/")) {
            let message = format!("{} is no text, which a terminal could show", file.name);
            return Err(Error::Usage { message, fix: "send it through a pipe, or --output <file>".to_owned() }.into());
        }
        service.block_on(read(service, &file, &mut out, Path::new("standard output")))?;
        return Ok(Box::new(Silent));
    }
    let path = target(&file, args.output);
    if path.exists() && !args.force {
        let message = format!("{} is there already", path.display());
        return Err(
            Error::Usage { message, fix: "--force to replace it, or --output for another place".to_owned() }.into()
        );
    }
    let failed = |source| Failure::from(Error::File { action: "write", path: path.clone(), source });
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Under its name only when it is complete.
    let mut part = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    service.block_on(read(service, &file, &mut part, &path))?;
    part.persist(&path).map_err(|error| failed(error.error))?;
    Ok(Box::new(DownloadReport { file, path }))
}

/// The last part of the file's name, in the folder that is named: a name in a bucket may hold slashes and dots, and has
/// no say over where it goes.
fn target(file: &File, output: Option<PathBuf>) -> PathBuf {
    let last = Path::new(&file.name).file_name().map_or_else(|| PathBuf::from(&file.id), PathBuf::from);
    match output {
        Some(folder) if folder.is_dir() => folder.join(last),
        Some(path) => path,
        None => last,
    }
}

/// Writes a file's bytes; that they are those which came in is checked by the service.
async fn read(service: &Service, file: &File, to: &mut impl Write, path: &Path) -> Result<(), Failure> {
    let request = service.request(Method::GET, &format!("/files/{}", file.id))?;
    let response = service.send(request.header("x-verify-checksum", "true")).await?;
    let mut bytes = response.bytes_stream();
    let failed = |source| Failure::from(Error::File { action: "write", path: path.to_owned(), source });
    while let Some(chunk) = bytes.try_next().await.map_err(|error| service.broken(&error))? {
        to.write_all(&chunk).map_err(failed)?;
    }
    to.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_say_over_the_folder() {
        let file = |name: &str| File {
            id: "the-id".to_owned(),
            name: name.to_owned(),
            size: 0,
            bucket_id: String::new(),
            etag: None,
            mime_type: None,
            updated_at: String::new(),
        };
        assert_eq!(target(&file("../../etc/passwd"), None), Path::new("passwd"));
        assert_eq!(target(&file("/etc/.."), None), Path::new("the-id"));
        assert_eq!(target(&file("a.txt"), Some(PathBuf::from("b.txt"))), Path::new("b.txt"));
    }
}
