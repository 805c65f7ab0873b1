//! `nself postgres`: which PostgreSQL there is on this machine and which one the project uses.

mod install;
mod list;
mod r#use;

use clap::Subcommand;

use crate::{Context, Outcome};

/// List, install and choose PostgreSQL
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself postgres list\n  nself postgres install\n  nself postgres use 18")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    #[command(alias = "ls")]
    List(list::Args),
    Install(install::Args),
    Use(r#use::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.action {
        Action::List(args) => list::run(cx, args),
        Action::Install(args) => install::run(cx, args),
        Action::Use(args) => r#use::run(cx, args),
    }
}
