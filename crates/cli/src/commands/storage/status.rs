use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use terminal::{Failure, Page, Style, View};

use super::service::Service;
use crate::Outcome;
use crate::commands::db::count;
use crate::commands::destroy::size;

/// Show the buckets, what is in them, and what is not as it should be
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage status\n  nself storage status --json\n  nself storage status --skip-store"
)]
pub struct Args {
    /// Do not compare the store with the table, which lists every object
    #[arg(long)]
    skip_store: bool,
}

#[derive(Debug, Serialize)]
struct StatusReport {
    version: String,
    buckets: Vec<Bucket>,
    /// Objects that are no file's; absent when that was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    orphans: Option<usize>,
    /// Files whose bytes are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<usize>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket {
    id: String,
    max_upload_file_size: u64,
    /// Seconds for which presigned URLs count.
    download_expiration: u64,
    presigned_urls_enabled: bool,
    #[serde(default)]
    files: u64,
    #[serde(default)]
    bytes: u64,
}

impl View for StatusReport {
    fn text(&self, page: &mut Page) {
        let row = |bucket: &Bucket| {
            let links = match bucket.presigned_urls_enabled {
                true => format!("{} s", bucket.download_expiration),
                false => "off".to_owned(),
            };
            vec![
                (bucket.id.clone(), Style::Plain),
                (bucket.files.to_string(), Style::Plain),
                (size(bucket.bytes), Style::Plain),
                (size(bucket.max_upload_file_size), Style::Dim),
                (links, Style::Dim),
            ]
        };
        let rows: Vec<_> = self.buckets.iter().map(row).collect();
        page.table(&["BUCKET", "FILES", "SIZE", "LARGEST UPLOAD", "LINKS"], &rows);
        match (self.orphans, self.broken) {
            (Some(0), Some(0)) => page.styled(Style::Good, "The store and the table agree."),
            (Some(orphans), Some(broken)) => {
                let text =
                    format!("{} without a file, {} without bytes", count(orphans, "object"), count(broken, "file"));
                page.styled(Style::Warning, text);
            }
            _ => {}
        }
    }
}

const BUCKETS: &str = "query {
  buckets(order_by: {id: asc}) { id maxUploadFileSize downloadExpiration presignedUrlsEnabled }
}";

const CONTENT: &str = "query ($bucket: String!) {
  filesAggregate(where: {bucketId: {_eq: $bucket}, isUploaded: {_eq: true}}) { aggregate { count sum { size } } }
}";

pub fn run(service: &Service, args: Args) -> Outcome {
    Ok(Box::new(service.block_on(report(service, args))?))
}

async fn report(service: &Service, args: Args) -> Result<StatusReport, Failure> {
    let version: Value = service.json(service.request(Method::GET, "/version")?).await?;
    let mut answer = service.graphql(BUCKETS, json!({})).await?;
    let mut buckets: Vec<Bucket> =
        serde_json::from_value(answer["buckets"].take()).map_err(|error| service.odd(&error))?;
    for bucket in &mut buckets {
        let answer = service.graphql(CONTENT, json!({"bucket": bucket.id})).await?;
        let content = &answer["filesAggregate"]["aggregate"];
        bucket.files = content["count"].as_u64().unwrap_or(0);
        // A sum of more than fits comes as text.
        let sum = &content["sum"]["size"];
        bucket.bytes = sum.as_u64().or_else(|| sum.as_str()?.parse().ok()).unwrap_or(0);
    }
    let (orphans, broken) = match args.skip_store {
        true => (None, None),
        false => {
            let orphans: Value = service.json(service.request(Method::POST, "/ops/list-orphans")?).await?;
            let broken: Value = service.json(service.request(Method::POST, "/ops/list-broken-metadata")?).await?;
            let length = |list: &Value| list.as_array().map(Vec::len);
            (length(&orphans["files"]), length(&broken["metadata"]))
        }
    };
    let version = version["buildVersion"].as_str().unwrap_or_default().to_owned();
    Ok(StatusReport { version, buckets, orphans, broken })
}
