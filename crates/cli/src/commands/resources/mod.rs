//! `nself resources`: what each service may take of this machine, and PostgreSQL's parameters.

mod calculate;
mod check;
mod share;

use clap::Subcommand;

use crate::{Context, Outcome};

/// Show how memory and cores are shared out
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself resources calculate\n  nself resources check\n  nself resources calculate --json"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    #[command(alias = "show")]
    Calculate(calculate::Args),
    #[command(alias = "validate")]
    Check(check::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.action {
        Action::Calculate(args) => calculate::run(cx, args),
        Action::Check(args) => check::run(cx, args),
    }
}
