use database::seed::{self, Ran, Selection};
use project::Tier;
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{
    Context, Outcome,
    commands::db::{Waiting, consent::Consent, count, interruptible},
};

/// Run all seeds that are new or have changed, or those of one name
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself seed run\n  nself seed run catalogue\n  nself seed run --env staging\n  nself seed run catalogue --force"
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

pub fn run(cx: &Context, name: Option<String>, options: Options) -> Outcome {
    let settings = cx.settings()?;
    let seeds = super::seeds(cx, &settings)?;
    // Seeds insert, but nothing keeps them from deleting: production asks first.
    if settings.tier() == Tier::Prod {
        options.consent.destructive(cx, &settings)?;
    }
    let mut database = cx.client(&settings)?;
    crate::commands::db::announce_waiting(cx, &database)?;
    let terminal = cx.terminal;
    let mut progress = |ran: &Ran| terminal.progress(&format!("  {}  {} ms", ran.path, ran.duration_ms));
    let selection = name.map_or(Selection::All, Selection::Named);
    let waiting = options.waiting.options(&settings);
    let cancel = database.client.cancel_token();
    let run = seed::run(&mut database.client, &seeds, &selection, options.force, &waiting, &mut progress);
    let report = interruptible(&database.runtime, &cancel, run)?;
    Ok(Box::new(SeedReport(report)))
}
