use clap::ValueEnum;
use database::mock::{self, Generated, Progress, Request, config::Preset};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{allowed, folder, grouped, read, rows};
use crate::{
    Context, Outcome,
    commands::db::{Waiting, announce_waiting, consent::Consent, interruptible},
};

/// Write mock rows into all tables, or into some; earlier mock rows are replaced, your own rows stay
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself mock generate\n  nself mock generate users --seed 42\n  nself mock generate --preset stress --dry-run\n\nThe same schema, configuration and seed give the same rows on every machine: commit nself/mock/.\nAll rows are one transaction. Not possible in production."
)]
pub struct Args {
    /// Only these tables, and the empty ones that they refer to
    tables: Vec<String>,
    /// Another number makes other rows; it is kept in nself/mock for everybody
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How many rows each table gets: 10, 1 000 or 100 000
    #[arg(long, value_enum)]
    preset: Option<Rows>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rows {
    /// 10 rows a table
    Minimal,
    /// 1 000 rows a table
    Medium,
    /// 100 000 rows a table
    Stress,
}

impl From<Rows> for Preset {
    fn from(rows: Rows) -> Self {
        match rows {
            Rows::Minimal => Self::Minimal,
            Rows::Medium => Self::Medium,
            Rows::Stress => Self::Stress,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct GenerateReport(Generated);

impl View for GenerateReport {
    fn text(&self, page: &mut Page) {
        let report = &self.0;
        if report.tables.is_empty() {
            page.line("There is no table to fill.");
        }
        let width = report.tables.iter().map(|table| table.table.chars().count()).max().unwrap_or(0);
        for table in &report.tables {
            page.line(format!("  {:width$}  {:>12}", table.table, grouped(table.rows)));
        }
        for note in &report.notes {
            page.styled(Style::Dim, format!("  {note}"));
        }
        if report.dry_run {
            page.line(format!("Would write {} with seed {}.", rows(report.rows), report.seed));
            if report.removed > 0 {
                page.line(format!("Would replace {} of an earlier run.", rows(report.removed)));
            }
            return;
        }
        let seconds = report.duration_ms as f64 / 1000.0;
        let said = format!("Wrote {} with seed {} in {seconds:.1} s.", rows(report.rows), report.seed);
        page.styled(Style::Good, said);
        if report.removed > 0 {
            page.line(format!("They replace {} of an earlier run.", rows(report.removed)));
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    // What is only looked at needs no permission in staging; in production there is nothing to look at.
    if args.dry_run {
        project::guard::blocked_in_production(settings.tier(), "mock data")?;
    } else {
        allowed(cx, &settings, args.consent)?;
    }
    let folder = folder(cx)?;
    let (config, kept) = read(&folder)?;
    let seed = args.seed.unwrap_or(kept);
    let request = Request {
        config: &config,
        seed,
        preset: args.preset.map(Preset::from),
        only: &args.tables,
        dry_run: args.dry_run,
    };
    let mut database = cx.client(&settings)?;
    announce_waiting(cx, &database)?;
    let terminal = cx.terminal;
    let mut progress = |progress: &Progress| terminal.progress(&line(progress));
    let cancel = database.cancel();
    let options = args.waiting.options(&settings);
    let work = mock::generate(&mut database.client, &request, &options, &mut progress);
    let generated = interruptible(&database.runtime, cancel, work)?;
    if !args.dry_run && (args.seed.is_some() || !folder.seed_file().exists()) {
        folder.keep_seed(seed)?;
    }
    Ok(Box::new(GenerateReport(generated)))
}

/// `users  40 960 of 100 000, 310 000 rows/s`
fn line(progress: &Progress) -> String {
    let rate = progress.rows as f64 / progress.elapsed.as_secs_f64().max(0.001);
    let done = if progress.rows == progress.of {
        rows(progress.rows)
    } else {
        format!("{} of {}", grouped(progress.rows), rows(progress.of))
    };
    format!("  {}  {done}, {} rows/s", progress.table, grouped(rate as u64))
}
