use database::mock::{self, Cleared};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{allowed, grouped, rows};
use crate::{
    Context, Outcome,
    commands::db::{Waiting, announce_waiting, consent::Consent, interruptible},
};

/// Remove the mock rows; your own rows stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself mock clear\n  nself mock clear users posts\n  nself mock clear --dry-run")]
pub struct Args {
    /// Only those of these tables
    tables: Vec<String>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ClearReport(Cleared);

impl View for ClearReport {
    fn text(&self, page: &mut Page) {
        let report = &self.0;
        if report.tables.is_empty() {
            page.line("There are no mock rows.");
            return;
        }
        let width = report.tables.iter().map(|table| table.table.chars().count()).max().unwrap_or(0);
        for table in &report.tables {
            page.line(format!("  {:width$}  {:>12}", table.table, grouped(table.rows)));
        }
        let what = if report.dry_run { "Would remove" } else { "Removed" };
        page.styled(Style::Good, format!("{what} {}.", rows(report.rows)));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    allowed(cx, &settings, args.consent)?;
    let mut database = cx.client(&settings)?;
    announce_waiting(cx, &database)?;
    let cancel = database.cancel();
    let options = args.waiting.options(&settings);
    let work = mock::clear(&mut database.client, &args.tables, args.dry_run, &options);
    Ok(Box::new(ClearReport(interruptible(&database.runtime, cancel, work)?)))
}
