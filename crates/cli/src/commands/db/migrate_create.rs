use std::path::PathBuf;

use database::migrate;
use serde::Serialize;
use terminal::{Page, View};

use super::sources;
use crate::{Context, Outcome};

/// Write a new migration file to fill in
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself db migrate:create add_coupons\n  nself db migrate:create \"Add coupons\"")]
pub struct Args {
    /// What it does, in a few words
    #[arg(required = true, num_args = 1..)]
    name: Vec<String>,
}

/// A file that was written.
#[derive(Debug, Serialize)]
pub struct CreatedReport {
    pub file: PathBuf,
    #[serde(skip)]
    pub next: &'static str,
}

impl View for CreatedReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("Created {}", self.file.display()));
        page.next(&[("fill it in, then", self.next)]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let created = migrate::create(&sources, &args.name.join(" "), jiff::Timestamp::now())?;
    let file = shown(cx, created.file);
    Ok(Box::new(CreatedReport { file, next: "nself db migrate" }))
}

/// The path as seen from the project's root.
pub fn shown(cx: &Context, file: PathBuf) -> PathBuf {
    let root = cx.project().map(|project| project.root().to_owned());
    root.ok().and_then(|root| file.strip_prefix(root).ok().map(PathBuf::from)).unwrap_or(file)
}
