use std::{collections::BTreeMap, path::PathBuf};

use database::data::import::{self, Import, Options, Progress};
use project::Tier;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::export::Format;
use crate::{
    Context, Error, Outcome,
    commands::db::{Waiting, consent::Consent, interruptible},
};

/// Read files of rows into tables: JSON, NDJSON, CSV or Parquet
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself data import users.json\n  nself data import people.csv --table users --map mail=email,age=\n  nself data import exported/ --upsert\n  nself data import all.tar.zst --dry-run\n  nself data import users.csv --keep-going\n\nAll rows or none: one transaction. --keep-going leaves out the rows that do not fit, and names each of them.\nFiles are named after their tables (users.csv, shop.orders.json); they may be packed (.gz, .zst)."
)]
pub struct Args {
    /// Files, folders with a file for each table, or archives
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    paths: Vec<PathBuf>,
    /// The table of a file that is not named after it; the only one of a folder to import
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// How rows are written, where suffixes do not tell
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// A row whose key is there replaces it
    #[arg(long)]
    upsert: bool,
    /// Columns of the file that are called otherwise in the table; nothing behind the = leaves one out
    #[arg(long, value_name = "FILE=TABLE,…", value_delimiter = ',')]
    map: Vec<String>,
    /// Leave out rows that do not fit instead of importing nothing
    #[arg(long)]
    keep_going: bool,
    /// Give up when more rows than this do not fit
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_errors: usize,
    /// Do everything and take it back: says what would happen
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct ImportReport {
    #[serde(flatten)]
    report: import::Report,
    rows: u64,
    duration_ms: u64,
}

impl View for ImportReport {
    fn text(&self, page: &mut Page) {
        let Self { report, rows, duration_ms } = self;
        if report.taken_up {
            page.line(
                "This import was interrupted when it was done: there is nothing left to do. Run it again to repeat it.",
            );
        }
        for failure in &report.refused {
            page.styled(Style::Warning, format!("left out  {failure}"));
        }
        let pairs: Vec<(&str, String)> = report
            .tables
            .iter()
            .map(|table| {
                let refused = if table.refused > 0 { format!(", {} left out", table.refused) } else { String::new() };
                (table.table.as_str(), format!("{} rows{refused}", table.rows))
            })
            .collect();
        page.pairs(&pairs);
        let rate = *rows as f64 / (*duration_ms as f64 / 1000.0).max(0.001);
        let (did, how) = if report.dry_run { ("Would import", "; nothing was kept") } else { ("Imported", "") };
        page.styled(Style::Good, format!("{did} {rows} rows, {rate:.0} a second{how}."));
    }

    fn exit(&self) -> project::Exit {
        project::Exit::Ok
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    // Rows replace rows, and nothing brings the old ones back: production asks first.
    if settings.tier() == Tier::Prod && !args.dry_run {
        args.consent.clone().destructive(cx, &settings)?;
    }
    let options = Options {
        upsert: args.upsert,
        map: map(&args.map)?,
        keep_going: args.keep_going,
        limit: args.max_errors,
        lock_timeout: args.waiting.options(&settings).lock_timeout,
        dry_run: args.dry_run,
    };
    let import = Import { paths: args.paths, format: args.format.map(Into::into), table: args.table, options };
    let mut database = cx.client(&settings)?;
    let terminal = cx.terminal;
    let began = std::time::Instant::now();
    let mut told = began;
    let mut progress = |done: &Progress| {
        if told.elapsed().as_secs() >= 2 {
            told = std::time::Instant::now();
            let rate = super::work::rate(done.bytes, began.elapsed().as_secs_f64());
            terminal.progress(&format!("  {}: {} rows, {rate}", done.table, done.rows));
        }
    };
    let cancel = database.cancel();
    let work = import::run(&mut database.client, &import, &mut progress);
    let report = interruptible(&database.runtime, cancel, work)?;
    let rows = report.tables.iter().map(|table| table.rows).sum();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Box::new(ImportReport { report, rows, duration_ms }))
}

/// `mail=email` and `age=`.
fn map(texts: &[String]) -> Result<BTreeMap<String, Option<String>>, Error> {
    let one = |text: &String| match text.split_once('=') {
        Some((from, "")) => Ok((from.to_owned(), None)),
        Some((from, to)) => Ok((from.to_owned(), Some(to.to_owned()))),
        None => Err(Error::Usage {
            message: format!("`{text}` does not say which column it goes to"),
            fix: "--map mail=email, or --map age= to leave one out".to_owned(),
        }),
    };
    texts.iter().map(one).collect()
}
