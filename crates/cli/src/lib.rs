//! The commands. `nself db diff` is `commands/db/diff.rs`; a command computes a report and returns it, `terminal` shows
//! it. The only crate that knows all others.
//!
//! Adding a command: write `commands/<group>/<verb>.rs` with `Args` (clap, with examples in `after_help`) and
//! `run(cx, args) -> Outcome`, then add a line to `commands.rs` and to the group's `mod.rs`.

mod commands;
mod context;
mod error;

use std::process::ExitCode;

use clap::Parser;
use terminal::Terminal;

pub use context::{Context, Outcome};
pub use error::Error;

/// A complete backend from an empty folder.
#[derive(Debug, Parser)]
#[command(name = "nself", version, disable_version_flag = true)]
pub struct Cli {
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Environment to work on: dev, staging, prod or a name from .environments/
    #[arg(long, global = true, value_name = "NAME")]
    env: Option<String>,
    #[command(subcommand)]
    command: commands::Command,
}

/// Parses the command line, runs the command, shows its report. The program's exit code comes back.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(cli.json, false);
    let cx = Context::new(terminal, cli.env);
    match commands::run(&cx, cli.command) {
        Ok(report) => {
            terminal.show(report.as_ref());
            ExitCode::from(report.exit() as u8)
        }
        Err(failure) => {
            terminal.fail(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}
