use database::seed::{self, Fresh, Ran, Selection};
use project::{Settings, Tier, guard};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{
    Context, Outcome,
    commands::db::{Waiting, consent::Consent, count, interruptible},
};

/// Run all seeds that are new or have changed, or those of one name
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself seed run\n  nself seed run catalogue\n  nself seed run --env staging\n  nself seed run catalogue --force\n  nself seed run --fresh --dry-run"
)]
pub struct Args {
    /// The seed's name, file name or path
    pub name: Option<String>,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Run seeds again that have run and have not changed
    #[arg(long)]
    force: bool,
    /// Empty the tables that the seeds fill, and those that point to them, then run the seeds again
    #[arg(long, conflicts_with = "force")]
    fresh: bool,
    /// With --fresh: show which tables would be emptied
    #[arg(long, requires = "fresh")]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct SeedReport(seed::Report);

impl View for SeedReport {
    fn text(&self, page: &mut Page) {
        match (self.0.ran.len(), self.0.unchanged) {
            (0, 0) => {
                page.line("No seeds yet.");
                page.next(&[("write one", "nself seed create <name>")]);
            }
            (0, unchanged) => {
                page.line(format!("Nothing to do: {} unchanged.", count(unchanged, "seed")));
                page.next(&[("nself seed --force", "run them again, for tables that were made anew")]);
            }
            (ran, 0) => page.styled(Style::Good, format!("Ran {}.", count(ran, "seed"))),
            (ran, unchanged) => page.styled(Style::Good, format!("Ran {}, {unchanged} unchanged.", count(ran, "seed"))),
        }
    }
}

/// What `--fresh` would do.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct FreshReport(Fresh);

impl View for FreshReport {
    fn text(&self, page: &mut Page) {
        for (title, names) in [
            ("Would empty", &self.0.cleared),
            ("Would empty as well, for they point to those", &self.0.with_them),
            ("Would run", &self.0.seeds),
        ] {
            if !names.is_empty() {
                page.heading(title);
                names.iter().for_each(|name| page.line(format!("  {name}")));
            }
        }
    }
}

/// Empties what the seeds fill and runs them, all in one transaction.
fn fresh(cx: &Context, settings: &Settings, selection: &Selection, options: Options) -> Outcome {
    guard::blocked_in_production(settings.tier(), "emptying the tables of seeds")?;
    let seeds = super::seeds(cx, settings)?;
    if options.dry_run {
        let database = cx.client(settings)?;
        let plan = database.runtime.block_on(seed::plan_fresh(&database.client, &seeds, selection))?;
        return Ok(Box::new(FreshReport(plan)));
    }
    let waiting = options.waiting.options(settings);
    let allowed = options.consent.destructive(cx, settings)?;
    let mut database = cx.client(settings)?;
    crate::commands::db::announce_waiting(cx, &database)?;
    let plan = database.runtime.block_on(seed::plan_fresh(&database.client, &seeds, selection))?;
    let terminal = cx.terminal;
    if !plan.with_them.is_empty() {
        terminal
            .progress(&format!("Emptying {} as well: they point to tables of the seeds.", plan.with_them.join(", ")));
    }
    let mut progress = |ran: &Ran| terminal.progress(&line(ran));
    let cancel = database.cancel();
    let work = seed::fresh(&mut database.client, &seeds, selection, &waiting, &allowed, &mut progress);
    let report = interruptible(&database.runtime, cancel, work)?;
    Ok(Box::new(SeedReport(report)))
}

fn line(ran: &Ran) -> String {
    match ran.rows {
        0 => format!("  {}  {} ms", ran.path, ran.duration_ms),
        rows => format!("  {}  {rows} rows copied  {} ms", ran.path, ran.duration_ms),
    }
}

pub fn run(cx: &Context, name: Option<String>, options: Options) -> Outcome {
    let settings = cx.settings()?;
    let selection = name.map_or(Selection::All, Selection::Named);
    if options.fresh {
        return fresh(cx, &settings, &selection, options);
    }
    let seeds = super::seeds(cx, &settings)?;
    // Seeds insert, but nothing keeps them from deleting: production asks first.
    if settings.tier() == Tier::Prod {
        options.consent.destructive(cx, &settings)?;
    }
    let mut database = cx.client(&settings)?;
    crate::commands::db::announce_waiting(cx, &database)?;
    let terminal = cx.terminal;
    let mut progress = |ran: &Ran| terminal.progress(&line(ran));
    let waiting = options.waiting.options(&settings);
    let cancel = database.client.cancel_token();
    let run = seed::run(&mut database.client, &seeds, &selection, options.force, &waiting, &mut progress);
    let report = interruptible(&database.runtime, &cancel, run)?;
    Ok(Box::new(SeedReport(report)))
}
