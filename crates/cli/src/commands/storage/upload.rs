use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt;
use http::{Method, header};
use reqwest::Body;
use serde::{Deserialize, Serialize};
use serde_json::json;
use terminal::{Failure, Page, Style, View};
use tokio_util::io::ReaderStream;

use super::service::{File, Service};
use crate::commands::destroy::size;
use crate::{Context, Error, Outcome};

/// Upload files into a bucket
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage upload photo.jpg\n  nself storage upload *.pdf --bucket reports\n  nself storage upload out.csv --name 2026/07/sales.csv"
)]
pub struct Args {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The bucket they go into
    #[arg(short, long, default_value = "default")]
    bucket: String,
    /// The name in the bucket, of a single file
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct UploadReport {
    files: Vec<File>,
}

impl View for UploadReport {
    fn text(&self, page: &mut Page) {
        for file in &self.files {
            let id = page.paint(Style::Dim, &file.id);
            page.line(format!("{}/{}  {}  {id}", file.bucket_id, file.name, size(file.size)));
        }
        if let [file] = &self.files[..] {
            page.next(&[("a link for anybody".to_owned(), format!("nself storage presign {}", file.id))]);
        }
    }
}

pub fn run(cx: &Context, service: &Service, args: Args) -> Outcome {
    if args.name.is_some() && args.files.len() > 1 {
        let message = "--name names one file, and there are several".to_owned();
        return Err(Error::Usage { message, fix: "upload them one by one, or without --name".to_owned() }.into());
    }
    let mut files = Vec::new();
    for path in &args.files {
        if args.files.len() > 1 {
            cx.terminal.progress(&format!("Uploading {}.", path.display()));
        }
        files.push(service.block_on(send(service, path, &args.bucket, args.name.as_deref()))?);
    }
    Ok(Box::new(UploadReport { files }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    processed_files: Vec<File>,
}

/// Uploads a file from the disk, which is not held in memory.
async fn send(service: &Service, path: &Path, bucket: &str, name: Option<&str>) -> Result<File, Failure> {
    let failed = |source| Failure::from(Error::File { action: "read", path: path.to_owned(), source });
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let about = file.metadata().await.map_err(failed)?;
    if about.is_dir() {
        let message = format!("{} is a folder", path.display());
        return Err(Error::Usage { message, fix: "name the files in it".to_owned() }.into());
    }
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bytes = ReaderStream::with_capacity(file, 256 << 10);
    put(service, bucket, name.unwrap_or(&own), about.len(), Body::wrap_stream(bytes)).await
}

/// Uploads `length` bytes.
pub async fn put(service: &Service, bucket: &str, name: &str, length: u64, content: Body) -> Result<File, Failure> {
    let boundary = format!("nself-{}", uuid::Uuid::new_v4().simple());
    let part = |disposition: &str| format!("--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n");
    // The name stands in JSON, where every character can.
    let metadata = json!({"name": name});
    let head = format!(
        "{}\r\n{bucket}\r\n{}Content-Type: application/json\r\n\r\n{metadata}\r\n{}Content-Type: application/octet-stream\r\n\r\n",
        part("name=\"bucket-id\""),
        part("name=\"metadata[]\"; filename=\"\""),
        part("name=\"file[]\"; filename=\"file\"")
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let total = head.len() as u64 + length + tail.len() as u64;
    let text = |text: String| futures::stream::once(std::future::ready(Ok(Bytes::from(text))));
    let content = http_body_util::BodyDataStream::new(content);
    let body = text(head).chain(content).chain(text(tail));
    let request = service
        .request(Method::POST, "/files")?
        .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
        .header(header::CONTENT_LENGTH, total)
        .body(Body::wrap_stream(body));
    let mut answer: Answer = service.json(request).await?;
    answer
        .processed_files
        .pop()
        .ok_or_else(|| Error::StorageRefused { message: "no file was made".to_owned(), status: 500 }.into())
}
