use std::path::PathBuf;

use project::environments;
use serde::Serialize;
use terminal::{Page, View};

use crate::commands::db::consent::Consent;
use crate::{Context, Outcome};

/// Move the folder of an environment to .env-backups/
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env delete qa\n  nself env delete qa --confirm shop")]
pub struct Args {
    name: String,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct DeleteReport {
    name: String,
    backup: PathBuf,
}

impl View for DeleteReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} is gone; its files are in {}", self.name, self.backup.display()));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    environments::deletable(&project, &args.name)?;
    let settings = project.inspect(Some(&args.name))?.settings;
    let allowed = args.consent.destructive(cx, &settings)?;
    let backup = environments::delete(&project, &args.name, &allowed)?;
    Ok(Box::new(DeleteReport { name: args.name, backup }))
}
