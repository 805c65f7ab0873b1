use serde_json::json;

use super::apply::of;
use crate::commands::db::consent::Consent;
use crate::commands::hasura::engine::{Engine, Which};
use crate::{Context, Outcome};

/// Make metadata of before the metadata again
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata restore 7\n  nself hasura metadata restore 7 --confirm shop --i-know-this-is-production\n\nnself hasura metadata history lists the numbers. What it replaces goes into the history in turn."
)]
pub struct Args {
    /// The number in the history
    id: i64,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    which: Which,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    args.consent.destructive(cx, &settings)?;
    let engine = Engine::new(cx, &args.which)?;
    Ok(Box::new(of(&engine.metadata("nself_restore_metadata", &json!({"id": args.id}))?)))
}
