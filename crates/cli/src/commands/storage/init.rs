use serde::Serialize;
use serde_json::json;
use terminal::{Page, Style, View};

use super::service::Service;
use crate::{Context, Outcome};

/// Make buckets
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage init\n  nself storage init avatars reports\n  nself storage init videos --max-size 2000000000\n\nWhat is there already stays as it is. Who may do what with files is said by the permissions of storage.files."
)]
pub struct Args {
    /// Their names; those of MINIO_DEFAULT_BUCKETS unless named
    buckets: Vec<String>,
    /// Bytes that a file may have in them
    #[arg(long, value_name = "BYTES")]
    max_size: Option<u32>,
}

#[derive(Debug, Serialize)]
struct InitReport {
    made: Vec<String>,
    there: Vec<String>,
}

impl View for InitReport {
    fn text(&self, page: &mut Page) {
        for bucket in &self.made {
            page.styled(Style::Good, format!("{bucket} made"));
        }
        for bucket in &self.there {
            page.styled(Style::Dim, format!("{bucket} was there"));
        }
        page.next(&[("put a file in", "nself storage upload <file> --bucket <bucket>")]);
    }
}

const INSERT: &str = "mutation ($bucket: buckets_insert_input!) {
  insertBucket(object: $bucket, on_conflict: {constraint: buckets_pkey, update_columns: []}) { id }
}";

pub fn run(cx: &Context, service: &Service, args: Args) -> Outcome {
    let buckets = match args.buckets.is_empty() {
        true => {
            let settings = cx.settings()?;
            let names = settings.text("MINIO_DEFAULT_BUCKETS").unwrap_or_default();
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        }
        false => args.buckets,
    };
    let mut report = InitReport { made: Vec::new(), there: Vec::new() };
    for bucket in buckets {
        let mut object = json!({"id": bucket});
        if let Some(bytes) = args.max_size {
            object["maxUploadFileSize"] = bytes.into();
        }
        let answer = service.block_on(service.graphql(INSERT, json!({"bucket": object})))?;
        match answer["insertBucket"].is_null() {
            true => report.there.push(bucket),
            false => report.made.push(bucket),
        }
    }
    Ok(Box::new(report))
}
