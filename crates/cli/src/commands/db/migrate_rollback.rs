use database::migrate::{Applied, Back, plan_rollback};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{
    Waiting,
    consent::Consent,
    count, interruptible,
    migrate_plan::{PlanReport, Planned},
    migrate_run::{Saving, runner, teller},
    sources,
};
use crate::{Context, Outcome};

/// Undo the last migrations by their DOWN parts
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:rollback\n  nself db migrate:rollback --steps 3\n  nself db migrate:rollback --to 004\n  nself db migrate:rollback --dry-run"
)]
pub struct Args {
    /// How many to undo
    #[arg(value_name = "STEPS", conflicts_with = "steps", value_parser = clap::value_parser!(u32).range(1..))]
    number: Option<u32>,
    /// How many to undo [default: 1]
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// Undo everything after this version
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["number", "steps"])]
    to: Option<String>,
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
struct RollbackReport {
    undone: Vec<Applied>,
}

impl View for RollbackReport {
    fn text(&self, page: &mut Page) {
        match self.undone.len() {
            0 => page.line("Nothing to undo: the database has no migration."),
            number => page.styled(Style::Good, format!("Undid {}.", count(number, "migration"))),
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let back = match args.to {
        Some(version) => Back::To(version),
        None => Back::Steps(args.steps.or(args.number).unwrap_or(1) as usize),
    };
    let mut database = cx.client(&settings)?;
    if args.dry_run {
        let undos = database.runtime.block_on(plan_rollback(&database.client, &sources, &back))?;
        let planned = undos.iter().map(|undo| Planned::explain(&database, &undo.migration, undo.down()));
        let migrations = planned.collect::<Result<_, _>>()?;
        return Ok(Box::new(PlanReport { migrations, ..PlanReport::default() }));
    }
    let allowed = args.consent.destructive(cx, &settings)?;
    super::announce_waiting(cx, &database)?;
    let backup = args.saving.backup(cx, &settings, &database)?;
    let mut events = teller(cx);
    let mut runner = runner(&sources, args.waiting.options(&settings), backup, &mut events);
    let cancel = database.place.cancel(&database.client);
    let result = interruptible(&database.runtime, cancel, runner.rollback(&mut database.client, &back, &allowed));
    cx.schema_changed();
    Ok(Box::new(RollbackReport { undone: result? }))
}
