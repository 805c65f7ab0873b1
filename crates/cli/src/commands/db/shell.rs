use std::{os::unix::process::CommandExt, path::PathBuf};

use crate::{Context, Error, Outcome, context};

/// Open psql on the project's database
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db shell\n  nself db shell --readonly\n  nself db shell --env staging\n  nself db shell -- -c '\\dt'"
)]
pub struct Args {
    /// Refuse to write, unless told otherwise inside
    #[arg(long)]
    readonly: bool,
    /// Arguments for psql
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    // psql's own words about a stopped stack name no way out.
    drop(cx.client(&settings)?);
    let installation = postgres::find(&postgres::Wanted::from_settings(&settings))?;
    let own = installation.client_bin.join("psql");
    let psql = if own.is_file() { own } else { PathBuf::from("psql") };
    let options = std::env::var("PGOPTIONS").ok();
    let config = context::connection(&settings);
    let mut command = database::shell::command(&psql, &config, args.readonly, options.as_deref());
    // psql takes our place: its exit code, its terminal, its signals.
    let source = command.args(args.arguments).exec();
    Err(Error::Program { program: "psql".to_owned(), source }.into())
}
