//! `nself config`: settings and secrets.

mod edit;
mod get;
mod list;
pub mod secrets;
pub mod set;
mod show;
mod unset;
pub mod validate;

use clap::Subcommand;
use project::Settings;

use crate::{Context, Outcome};

/// Look at settings, change them, check them
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself config show --origin\n  nself config set POSTGRES_PORT 5433\n  nself config validate --strict"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(show::Args),
    Get(get::Args),
    Set(set::Args),
    #[command(alias = "delete")]
    Unset(unset::Args),
    List(list::Args),
    Edit(edit::Args),
    Validate(validate::Args),
    Secrets(secrets::Args),
    Env(super::env::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Show(args) => show::run(cx, args),
        Command::Get(args) => get::run(cx, args),
        Command::Set(args) => set::run(cx, args),
        Command::Unset(args) => unset::run(cx, args),
        Command::List(args) => list::run(cx, args),
        Command::Edit(args) => edit::run(cx, args),
        Command::Validate(args) => validate::run(cx, args),
        Command::Secrets(args) => secrets::run(cx, args),
        Command::Env(args) => super::env::run(cx, args),
    }
}

/// A value as people may see it.
fn shown(settings: &Settings, name: &str, value: &str, reveal: bool) -> String {
    if reveal { value.to_owned() } else { settings.shown(name, value) }
}
