use database::migrate::{self, Applied, Undo};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{
    Waiting,
    consent::Consent,
    count, interruptible,
    migrate::{PlanReport, Planned, line},
    sources,
};
use crate::{Context, Outcome};

/// Undo the last migrations by their DOWN parts
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:rollback\n  nself db migrate:rollback --steps 3\n  nself db migrate:rollback --dry-run"
)]
pub struct Args {
    /// How many to undo
    #[arg(value_name = "STEPS", conflicts_with = "steps", value_parser = clap::value_parser!(u32).range(1..))]
    number: Option<u32>,
    /// How many to undo [default: 1]
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// Print the SQL instead of running it
    #[arg(long)]
    dry_run: bool,
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

fn planned(undo: &Undo) -> Option<Planned> {
    let migration = &undo.migration;
    let down = migration.down.as_ref()?;
    let sql = down.sql().to_owned();
    Some(Planned { id: migration.id(), file: down.file.clone(), transactional: migration.transactional, sql })
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let steps = args.steps.or(args.number).unwrap_or(1) as usize;
    let mut database = cx.client(&settings)?;
    if args.dry_run {
        let plan = database.runtime.block_on(migrate::plan_rollback(&database.client, &sources, steps))?;
        return Ok(Box::new(PlanReport { migrations: plan.iter().filter_map(planned).collect() }));
    }
    let allowed = args.consent.destructive(cx, &settings)?;
    super::announce_waiting(cx, &database)?;
    let terminal = cx.terminal;
    let mut progress = |done: &Applied| terminal.progress(&line(done));
    let cancel = database.client.cancel_token();
    let options = args.waiting.options();
    let work = migrate::rollback(&mut database.client, &sources, steps, &options, &allowed, &mut progress);
    let result = interruptible(&database.runtime, &cancel, work);
    cx.schema_changed();
    Ok(Box::new(RollbackReport { undone: result? }))
}
