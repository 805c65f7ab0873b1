use http::Method;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::Named;
use super::service::{File, Service};
use crate::commands::db::consent::Consent;
use crate::{Context, Outcome};

/// Delete files
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage delete photo.jpg\n  nself storage delete 2026/07/sales.csv --bucket reports\n  nself storage delete photo.jpg --dry-run"
)]
pub struct Args {
    /// Their ids or names
    #[arg(required = true)]
    files: Vec<String>,
    /// The bucket in which names are looked for
    #[arg(short, long, default_value = "default")]
    bucket: String,
    /// Say what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct DeleteReport {
    dry_run: bool,
    files: Vec<File>,
}

impl View for DeleteReport {
    fn text(&self, page: &mut Page) {
        let verb = if self.dry_run { "would be deleted" } else { "deleted" };
        for file in &self.files {
            page.styled(Style::Good, format!("{}/{} {verb}", file.bucket_id, file.name));
        }
    }
}

pub fn run(cx: &Context, service: &Service, args: Args) -> Outcome {
    let mut files = Vec::new();
    for file in args.files {
        files.push(service.block_on(service.find(&Named { file, bucket: args.bucket.clone() }))?);
    }
    if args.dry_run {
        return Ok(Box::new(DeleteReport { dry_run: true, files }));
    }
    // Whatever is deleted cannot be brought back.
    args.consent.destructive(cx, &cx.settings()?)?;
    for file in &files {
        service.block_on(service.send(service.request(Method::DELETE, &format!("/files/{}", file.id))?))?;
    }
    Ok(Box::new(DeleteReport { dry_run: false, files }))
}
