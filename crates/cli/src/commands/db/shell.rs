use std::{os::unix::process::CommandExt, process::Command};

use database::programs::Programs;
use postgres::Wanted;
use project::Tier;

use crate::{Context, Error, Outcome};

/// Open psql on the database
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
    // psql's own words about a stopped stack or a wrong address name no way out.
    let database = cx.open(None)?;
    let settings = cx.settings_quietly()?;
    let psql = Programs::find(&Wanted::from_settings(&settings), 0).map_err(database::Error::from)?.path("psql");
    let options = std::env::var("PGOPTIONS").ok();
    let place = &database.place;
    if place.tier != Tier::Dev {
        cx.terminal.progress(&format!("Connected to {}.", place.label));
    }
    let mut command = place.shell(&psql, args.readonly, options.as_deref());
    command.args(args.arguments);
    let source = match database.into_tunnel() {
        // psql takes our place: its exit code, its terminal, its signals.
        None => command.exec(),
        Some(tunnel) => match beside(cx, command) {
            Ok(code) => {
                drop(tunnel);
                std::process::exit(code);
            }
            Err(error) => error,
        },
    };
    Err(Error::Program { program: "psql".to_owned(), source }.into())
}

/// Waits for psql and keeps the tunnel open meanwhile. Ctrl-C is psql's: it cancels a statement there.
fn beside(cx: &Context, command: Command) -> std::io::Result<i32> {
    let runtime = cx.runtime().map_err(|failure| std::io::Error::other(failure.message))?;
    runtime.block_on(async {
        let mut child = tokio::process::Command::from(command).spawn()?;
        loop {
            tokio::select! {
                status = child.wait() => return Ok(status?.code().unwrap_or(1)),
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    })
}
