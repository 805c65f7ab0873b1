use http::Method;
use serde::{Deserialize, Serialize};
use terminal::{Page, Style, View};

use super::Named;
use super::service::Service;
use crate::Outcome;

/// Make a link by which anybody can download a file for a while
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself storage presign photo.jpg\n  nself storage presign sales.csv --bucket reports\n  curl -O \"$(nself storage presign photo.jpg)\"\n\nHow long it counts is the bucket's rule (download_expiration)."
)]
pub struct Args {
    #[command(flatten)]
    file: Named,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Presigned {
    pub url: String,
    /// Seconds for which it counts.
    pub expiration: u64,
}

impl View for Presigned {
    fn text(&self, page: &mut Page) {
        page.styled(Style::Plain, &self.url);
    }
}

pub fn run(service: &Service, args: Args) -> Outcome {
    let file = service.block_on(service.find(&args.file))?;
    let request = service.request(Method::GET, &format!("/files/{}/presignedurl", file.id))?;
    let presigned: Presigned = service.block_on(service.json(request))?;
    Ok(Box::new(presigned))
}
