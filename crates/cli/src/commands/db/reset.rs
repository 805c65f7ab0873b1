use database::migrate::{Fresh, plan_fresh};
use database::seed::{self, Ran, Selection};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{
    Waiting, announce_waiting,
    consent::Consent,
    count, interruptible,
    migrate_plan::{PlanReport, Planned},
    migrate_run::{Saving, runner, teller},
    sources,
};
use crate::{Context, Outcome};

/// Build the database anew: drop everything, apply all migrations, run all seeds
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db reset\n  nself db reset --no-seeds\n  nself db reset --env staging --confirm PROJECT\n\nNever in production. The schemas of nself's services (auth, storage, hdb_catalog) stay. The data is\nsaved first, unless --no-backup."
)]
pub struct Args {
    /// Leave the tables empty
    #[arg(long)]
    no_seeds: bool,
    /// Print the SQL of the migrations instead of running it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct ResetReport {
    environment: String,
    #[serde(flatten)]
    fresh: Fresh,
    /// None with --no-seeds.
    seeds: Option<seed::Report>,
}

impl View for ResetReport {
    fn text(&self, page: &mut Page) {
        let (dropped, applied) = (count(self.fresh.dropped, "object"), count(self.fresh.applied.len(), "migration"));
        let seeds =
            self.seeds.as_ref().map_or(String::new(), |seeds| format!(", ran {}", count(seeds.ran.len(), "seed")));
        page.styled(Style::Good, format!("Dropped {dropped}, applied {applied}{seeds}."));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    project::guard::blocked_in_production(settings.tier(), "building the database anew (db reset)")?;
    let sources = sources(cx, &settings)?;
    let seeds = crate::commands::seed::seeds(cx, &settings)?;
    let mut database = cx.client(&settings)?;
    if args.dry_run {
        let first = database.runtime.block_on(plan_fresh(&database.client))?;
        let mut report = PlanReport { first, ..PlanReport::default() };
        for migration in sources.load()? {
            report.migrations.push(Planned::explain(&database, &migration, &migration.up)?);
        }
        return Ok(Box::new(report));
    }
    let allowed = args.consent.destructive(cx, &settings)?;
    announce_waiting(cx, &database)?;
    let backup = args.saving.backup(cx, &settings, &database)?;
    let options = args.waiting.options(&settings);
    let mut events = teller(cx);
    let result = {
        let mut runner = runner(&sources, options, backup, &mut events);
        let cancel = database.place.cancel(&database.client);
        interruptible(&database.runtime, cancel, runner.fresh(&mut database.client, &allowed))
    };
    cx.schema_changed();
    let fresh = result?;
    let ran = if args.no_seeds {
        None
    } else {
        let terminal = cx.terminal;
        let mut progress = |ran: &Ran| terminal.progress(&format!("  {}  {} ms", ran.path, ran.duration_ms));
        let cancel = database.place.cancel(&database.client);
        // Their records are of rows that are gone: all of them run.
        let run = seed::run(&mut database.client, &seeds, &Selection::All, true, &options, &mut progress);
        Some(interruptible(&database.runtime, cancel, run)?)
    };
    Ok(Box::new(ResetReport { environment: settings.environment().to_string(), fresh, seeds: ran }))
}
