use std::path::PathBuf;

use database::load::{self, Dump, Loaded, Plan, Way};
use database::programs::Programs;
use database::scratch;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{consent::Consent, count, server_major, until_interrupted};
use crate::commands::data::work;
use crate::{Context, Outcome};

/// Load a dump into the database
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db load .nself/dumps/dev_shop_20260120_101500.dump\n  nself db load staging.sql.gz --replace\n  nself db load big.dump --jobs 8\n  nself db load prod.dump --env staging --confirm PROJECT\n\nA dump of the whole database is loaded beside the one there is and then takes its place; rows alone,\nor tables that are not there yet, are added in one transaction. Either way all of it or nothing."
)]
pub struct Args {
    /// What nself db dump or pg_dump wrote: SQL (also .gz, .zst) or an archive
    file: PathBuf,
    /// Connections that load an archive
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Whatever is there may go
    #[arg(long, conflicts_with = "add")]
    replace: bool,
    /// Keep what is there and add to it
    #[arg(long)]
    add: bool,
    /// Say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct PlanReport {
    environment: String,
    #[serde(flatten)]
    plan: Plan,
    #[serde(skip)]
    label: String,
}

impl View for PlanReport {
    fn text(&self, page: &mut Page) {
        let tables = count(self.plan.tables.len(), "table");
        if self.plan.replaces {
            page.line(format!("Would replace {} by the dump, which has {tables}.", self.label));
        } else {
            page.line(format!("Would add to {} in one transaction; the dump makes {tables}.", self.label));
        }
        if !self.plan.lost.is_empty() {
            page.line("Tables that would be gone:");
            for table in &self.plan.lost {
                page.line(format!("  {table}"));
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct LoadReport {
    environment: String,
    file: PathBuf,
    #[serde(flatten)]
    loaded: Loaded,
    #[serde(skip)]
    label: String,
}

impl View for LoadReport {
    fn text(&self, page: &mut Page) {
        let how = if self.loaded.replaced { "replaced by" } else { "now has what is in" };
        let seconds = super::seconds(self.loaded.duration_ms);
        page.styled(Style::Good, format!("{} {how} {} ({seconds}).", self.label, self.file.display()));
        super::made(page, &self.loaded.roles_made);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let dump = Dump::open(&args.file)?;
    let opened = cx.place(None)?;
    let way = match (args.replace, args.add) {
        (true, _) => Way::Replace,
        (_, true) => Way::Add,
        _ => Way::Fitting,
    };
    let runtime = work::runtime()?;
    let place = &opened.place;
    let wanted = postgres::Wanted::from_settings(&opened.settings);
    // A database that is not there yet is made; its server's version is asked then.
    let major = runtime.block_on(async {
        match place.connect().await {
            Ok(client) => server_major(&client).await,
            Err(_) => server_major(&place.sibling("postgres").connect().await?).await,
        }
    })?;
    let programs = Programs::find(&wanted, major).map_err(database::Error::from)?;
    let plan = runtime.block_on(load::plan(place, &programs, &dump, way))?;
    let (environment, label) = (place.environment.to_string(), place.label.clone());
    if args.dry_run {
        return Ok(Box::new(PlanReport { environment, plan, label }));
    }
    let _allowed = args.consent.destructive(cx, &opened.settings)?;
    let jobs = args.jobs.map_or_else(|| database::clone::Options::default().jobs, usize::from);
    let loading = load::load(place, &programs, &dump, &plan, jobs);
    let result = until_interrupted(&runtime, loading, "the database is as it was");
    if result.is_err() && plan.replaces {
        // Ctrl-C leaves the half-filled one behind.
        let _ = runtime.block_on(scratch::clean(place));
    }
    let loaded = result?;
    if opened.is_here() {
        cx.schema_changed();
    }
    Ok(Box::new(LoadReport { environment, file: args.file, loaded, label }))
}
