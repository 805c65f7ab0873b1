use gateway::Error;
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Take nself's local certificates out of this machine's trust
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself trust uninstall\n  nself trust uninstall --json\n  nself trust status")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct UninstallReport {
    changed: bool,
}

impl View for UninstallReport {
    fn text(&self, page: &mut Page) {
        page.line(if self.changed {
            "This machine no longer trusts nself's local certificates."
        } else {
            "There was nothing to take out."
        });
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    // A damaged authority must not keep its root in the store.
    let authority = super::existing_authority().unwrap_or_else(|error| {
        cx.terminal.warn(&error.to_string());
        None
    });
    let store = super::store().ok_or_else(|| Error::UnknownStore {
        certificate: authority.as_ref().map(gateway::Authority::root_path).unwrap_or_default(),
    })?;
    Ok(Box::new(UninstallReport { changed: store.uninstall(authority.as_ref())? }))
}
