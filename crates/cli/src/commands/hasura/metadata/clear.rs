use serde::Serialize;
use serde_json::json;
use terminal::{Page, Style, View};

use crate::commands::db::consent::Consent;
use crate::commands::hasura::engine::{Engine, Which};
use crate::{Context, Outcome};

/// Forget all metadata: tracked tables, relationships, permissions, triggers, actions
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata clear\n  nself hasura metadata clear --confirm shop --i-know-this-is-production\n\nTables and rows stay, and nself hasura metadata history keeps what was there."
)]
pub struct Args {
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Serialize)]
struct ClearReport {
    cleared: bool,
}

impl View for ClearReport {
    fn text(&self, page: &mut Page) {
        page.styled(Style::Good, "The metadata is empty.");
        page.next(&[("fill it from the folder", "nself hasura metadata apply")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    args.consent.destructive(cx, &settings)?;
    let engine = Engine::new(cx, &args.which)?;
    engine.metadata("clear_metadata", &json!({}))?;
    Ok(Box::new(ClearReport { cleared: true }))
}
