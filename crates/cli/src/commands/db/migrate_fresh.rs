use database::migrate::{Fresh, KEPT, plan_fresh};
use project::guard;
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

/// Drop everything the project has made, and apply all migrations from the first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:fresh\n  nself db migrate:fresh --dry-run\n  nself --env staging db migrate:fresh --confirm shop\n\nNever in production. When a migration fails, the database is as it was before. The schemas of nself's services (auth,\nstorage, hdb_catalog) and what belongs to extensions stay. The data is saved first, unless --no-backup."
)]
pub struct Args {
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
struct FreshReport(Fresh);

impl View for FreshReport {
    fn text(&self, page: &mut Page) {
        let (dropped, applied) = (count(self.0.dropped, "object"), count(self.0.applied.len(), "migration"));
        page.styled(Style::Good, format!("Dropped {dropped}, applied {applied}."));
        page.line(format!("Left as they were: {}.", KEPT.join(", ")));
        page.next(&[("fill the tables again", "nself seed run --force")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    guard::blocked_in_production(settings.tier(), "dropping everything (db migrate:fresh)")?;
    let sources = sources(cx, &settings)?;
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
    let mut events = teller(cx);
    let mut runner = runner(&sources, args.waiting.options(&settings), backup, &mut events);
    let cancel = database.place.cancel(&database.client);
    let result = interruptible(&database.runtime, cancel, runner.fresh(&mut database.client, &allowed));
    cx.schema_changed();
    Ok(Box::new(FreshReport(result?)))
}
