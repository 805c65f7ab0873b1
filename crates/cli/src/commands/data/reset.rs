use database::{
    data::reset::{self, Reset},
    seed::{self, Selection},
};
use project::guard;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};

use crate::{
    Context, Outcome,
    commands::{
        db::{Waiting, announce_waiting, consent::Consent, count, interruptible},
        seed::seeds,
    },
};

/// Delete every row of the project's tables; the schema stays
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself data reset\n  nself data reset --keep-seeds\n  nself data reset --schema shop --dry-run\n  nself data reset --env staging --confirm shop\n\nTables, views and migrations are left as they are: nself db reset makes the schema anew. Blocked in production."
)]
pub struct Args {
    /// Leave the schema as it is, which is what happens in any case
    #[arg(long)]
    keep_schema: bool,
    /// Run the seeds afterwards
    #[arg(long)]
    keep_seeds: bool,
    /// The tables of this schema [default: those of the project, without nself, hdb_catalog, auth, storage and mail]
    #[arg(long = "schema", value_name = "SCHEMA")]
    schemas: Vec<String>,
    /// Show which tables would be emptied
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct ResetReport {
    #[serde(flatten)]
    reset: Reset,
    dry_run: bool,
    /// What ran afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    seeded: Option<seed::Report>,
}

impl View for ResetReport {
    fn text(&self, page: &mut Page) {
        let tables = count(self.reset.tables.len(), "table");
        if self.dry_run {
            page.line(format!("Would empty {tables}:"));
            for table in &self.reset.tables {
                page.line(format!("  {table}"));
            }
            return;
        }
        page.styled(Style::Good, format!("Emptied {tables}."));
        match &self.seeded {
            Some(seeded) => page.styled(Style::Good, format!("Ran {}.", count(seeded.ran.len(), "seed"))),
            None if self.reset.seeds > 0 => page.next(&[("fill them again", "nself seed")]),
            None => {}
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    guard::blocked_in_production(settings.tier(), "data reset")?;
    if args.dry_run {
        let database = cx.client(&settings)?;
        let reset = database.runtime.block_on(reset::plan(&database.client, &args.schemas))?;
        return Ok(Box::new(ResetReport { reset, dry_run: true, seeded: None }));
    }
    let allowed = args.consent.destructive(cx, &settings)?;
    let seeds = seeds(cx, &settings)?;
    let mut database = cx.client(&settings)?;
    announce_waiting(cx, &database)?;
    let options = args.waiting.options(&settings);
    let cancel = database.cancel();
    let work = reset::reset(&mut database.client, &args.schemas, &options, &allowed);
    let reset = interruptible(&database.runtime, cancel, work)?;
    let mut seeded = None;
    if args.keep_seeds {
        let terminal = cx.terminal;
        let mut progress = |ran: &seed::Ran| terminal.progress(&format!("  {}  {} ms", ran.path, ran.duration_ms));
        let cancel = database.cancel();
        let work = seed::run(&mut database.client, &seeds, &Selection::All, false, &options, &mut progress);
        seeded = Some(interruptible(&database.runtime, cancel, work).map_err(|failure| {
            let state = "the tables are empty; nself seed goes on with the seeds that are missing";
            let why = failure.why.map_or_else(|| state.to_owned(), |why| format!("{why}\n{state}"));
            Failure { why: Some(why), ..failure }
        })?);
    }
    Ok(Box::new(ResetReport { reset, dry_run: false, seeded }))
}
