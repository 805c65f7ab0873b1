//! `nself hasura metadata`: the engine's metadata and the project's folder.

mod apply;
mod clear;
mod diff;
mod export;
mod history;
mod inconsistency;
mod reload;
mod restore;

use clap::Subcommand;

use crate::{Context, Outcome};

/// Apply, export and compare the engine's metadata
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself hasura metadata apply\n  nself hasura metadata export\n  nself hasura metadata diff\n  nself hasura metadata inconsistency list"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Apply(apply::Args),
    Export(export::Args),
    Diff(diff::Args),
    Reload(reload::Args),
    Clear(clear::Args),
    History(history::Args),
    Restore(restore::Args),
    #[command(alias = "ic")]
    Inconsistency(inconsistency::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.verb {
        Verb::Apply(args) => apply::run(cx, args),
        Verb::Export(args) => export::run(cx, args),
        Verb::Diff(args) => diff::run(cx, args),
        Verb::Reload(args) => reload::run(cx, &args),
        Verb::Clear(args) => clear::run(cx, args),
        Verb::History(args) => history::run(cx, &args),
        Verb::Restore(args) => restore::run(cx, args),
        Verb::Inconsistency(args) => inconsistency::run(cx, args),
    }
}
