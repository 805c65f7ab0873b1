use serde_json::json;

use super::apply::of;
use crate::commands::hasura::engine::{Engine, Which};
use crate::{Context, Outcome};

/// Let the engine read the database, its metadata and the remote schemas anew
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself hasura metadata reload\n  nself hasura metadata reload --json")]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

pub fn run(cx: &Context, args: &Args) -> Outcome {
    let engine = Engine::new(cx, &args.which)?;
    let arguments = json!({"reload_remote_schemas": true, "reload_sources": true, "recreate_event_triggers": false});
    Ok(Box::new(of(&engine.metadata("reload_metadata", &arguments)?)))
}
