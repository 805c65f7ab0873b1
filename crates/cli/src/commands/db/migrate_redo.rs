use database::migrate::{Back, Redone, plan_rollback};
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

/// Undo the last migrations and apply them again as their files are now
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:redo\n  nself db migrate:redo --steps 2\n  nself db migrate:redo --dry-run\n\nFor trying out a migration while it is written. One transaction when all of it can be one."
)]
pub struct Args {
    /// How many
    #[arg(long, value_name = "STEPS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Print the SQL instead of running it
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
#[serde(transparent)]
struct RedoReport(Redone);

impl View for RedoReport {
    fn text(&self, page: &mut Page) {
        match self.0.applied.len() {
            0 => page.line("Nothing to redo: the database has no migration."),
            number => page.styled(Style::Good, format!("Undid and applied {} again.", count(number, "migration"))),
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let mut database = cx.client(&settings)?;
    let steps = args.steps as usize;
    if args.dry_run {
        let undos = database.runtime.block_on(plan_rollback(&database.client, &sources, &Back::Steps(steps)))?;
        let mut report = PlanReport::default();
        for undo in &undos {
            report.migrations.push(Planned::explain(&database, &undo.migration, undo.down())?);
        }
        for undo in undos.iter().rev() {
            report.migrations.push(Planned::explain(&database, &undo.migration, &undo.migration.up)?);
        }
        return Ok(Box::new(report));
    }
    let allowed = args.consent.destructive(cx, &settings)?;
    announce_waiting(cx, &database)?;
    let backup = args.saving.backup(cx, &settings, &database)?;
    let mut events = teller(cx);
    let mut runner = runner(&sources, args.waiting.options(&settings), backup, &mut events);
    let cancel = database.place.cancel(&database.client);
    let result = interruptible(&database.runtime, cancel, runner.redo(&mut database.client, steps, &allowed));
    cx.schema_changed();
    Ok(Box::new(RedoReport(result?)))
}
