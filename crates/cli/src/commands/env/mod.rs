//! `nself env`, and `nself config env` as the Bash tool spelled it later.

mod create;
mod delete;
mod diff;
mod list;
mod migrate;
mod status;
mod switch;
mod validate;

use clap::Subcommand;

use crate::{Context, Outcome};

/// List, make, switch, compare environments
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself env list\n  nself env create qa staging\n  nself env diff staging prod"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Create(create::Args),
    #[command(alias = "use")]
    Switch(switch::Args),
    Status(status::Args),
    #[command(alias = "show")]
    Info(status::Info),
    Validate(validate::Args),
    Diff(diff::Args),
    Migrate(migrate::Args),
    Delete(delete::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::List(args) => list::run(cx, args),
        Command::Create(args) => create::run(cx, args),
        Command::Switch(args) => switch::run(cx, args),
        Command::Status(args) => status::run(cx, args),
        Command::Info(args) => status::info(cx, args),
        Command::Validate(args) => validate::run(cx, args),
        Command::Diff(args) => diff::run(cx, args),
        Command::Migrate(args) => migrate::run(cx, args),
        Command::Delete(args) => delete::run(cx, args),
    }
}
