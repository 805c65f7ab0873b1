//! `nself hasura`: what Hasura's own command line does, for the engine of this project or any other Hasura.

mod deploy;
pub mod engine;
mod import;
mod metadata;

use std::path::PathBuf;

use clap::Subcommand;
use project::Project;

use super::{console, db};
use crate::{Context, Outcome};

/// Move metadata between the engine and the project's files
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself hasura metadata apply\n  nself hasura metadata diff\n  nself hasura import ../shop-hasura\n  nself hasura deploy"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(alias = "md")]
    Metadata(metadata::Args),
    Migrate(db::migrate::Args),
    Deploy(deploy::Args),
    Import(import::Args),
    Console(console::OpenArgs),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Metadata(args) => metadata::run(cx, args),
        Command::Migrate(args) => db::migrate::run(cx, args),
        Command::Deploy(args) => deploy::run(cx, args),
        Command::Import(args) => import::run(cx, args),
        Command::Console(args) => console::open(cx, &args),
    }
}

/// The way back, for whoever did not mean to end automatic tracking.
pub const BACK: &str =
    "to keep them: nself hasura metadata history, restore what was there, and export it into the folder";

/// The folder that is named, or the project's own.
pub fn folder(project: &Project, named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| project.root().join("hasura/metadata"))
}
