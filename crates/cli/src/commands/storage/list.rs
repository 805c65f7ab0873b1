use serde::Serialize;
use serde_json::json;
use terminal::{Page, Style, View};

use super::service::{File, Service};
use crate::Outcome;
use crate::commands::destroy::size;

/// List files
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage list\n  nself storage list 2026/ --bucket reports\n  nself storage list --json"
)]
pub struct Args {
    /// Only names that begin so
    prefix: Option<String>,
    /// Only one bucket
    #[arg(short, long)]
    bucket: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

#[derive(Debug, Serialize)]
struct ListReport {
    files: Vec<File>,
    /// There are more.
    more: bool,
}

impl View for ListReport {
    fn text(&self, page: &mut Page) {
        if self.files.is_empty() {
            page.line("There are no files.");
            page.next(&[("put one in", "nself storage upload <file>")]);
            return;
        }
        let row = |file: &File| {
            vec![
                (format!("{}/{}", file.bucket_id, file.name), Style::Plain),
                (size(file.size), Style::Plain),
                (file.mime_type.clone().unwrap_or_default(), Style::Plain),
                (file.updated_at.get(..19).unwrap_or(&file.updated_at).replace('T', " "), Style::Dim),
                (file.id.clone(), Style::Dim),
            ]
        };
        let rows: Vec<_> = self.files.iter().map(row).collect();
        page.table(&["FILE", "SIZE", "TYPE", "CHANGED (UTC)", "ID"], &rows);
        if self.more {
            page.styled(Style::Dim, "There are more: --limit.");
        }
    }
}

pub fn run(service: &Service, args: Args) -> Outcome {
    let mut filter = json!({"isUploaded": {"_eq": true}});
    if let Some(bucket) = &args.bucket {
        filter["bucketId"] = json!({"_eq": bucket});
    }
    if let Some(prefix) = &args.prefix {
        // What has a meaning in a pattern stands for itself.
        let escaped = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        filter["name"] = json!({"_like": format!("{escaped}%")});
    }
    let mut files = service.block_on(service.files(filter, u64::from(args.limit) + 1))?;
    let more = files.len() > args.limit as usize;
    files.truncate(args.limit as usize);
    Ok(Box::new(ListReport { files, more }))
}
