use mail::send::{Known, from_address};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Check the settings of mail, and that the provider can be reached
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself email check\n  nself email check --env prod\n  nself email check --json")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct CheckReport {
    provider: &'static str,
    /// Of the mails that are sent.
    from: String,
    reachable: bool,
}

impl View for CheckReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} can be reached; mails come from {}.", self.provider, self.from));
        page.next(&[("nself email test you@example.com", "send one")]);
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let settings = cx.settings()?;
    let provider = Known::chosen(&settings)?.name;
    let from = from_address(&settings)?.to_string();
    let sender = super::sender(&settings)?;
    cx.runtime()?.block_on(sender.check())?;
    Ok(Box::new(CheckReport { provider, from, reachable: true }))
}
