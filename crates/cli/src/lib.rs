//! The commands. `nself db query` is `commands/db/query.rs`; a command computes a report and returns it, `terminal`
//! shows it. The only crate that knows all others.
//!
//! Adding a command: write `commands/<group>/<verb>.rs` with `Args` (clap, with examples in `after_help`) and
//! `run(cx, args) -> Outcome`, then add its lines to `commands.rs`, or to the group's own file.
//!
//! ```
//! assert!(cli::command().find_subcommand("start").is_some());
//! ```

mod commands;
mod context;
mod error;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use terminal::Terminal;

pub use clap::Command as Clap;
pub use context::{Context, Database, Outcome};
pub use error::Error;

const EXAMPLES: &str = "\
Start here:
  nself init --demo && nself start    a small shop with a database and a GraphQL API
  nself status                        what is running, and where
  nself doctor                        what is wrong, and the command that mends it";

/// A complete backend from an empty folder.
#[derive(Debug, Parser)]
#[command(name = "nself", disable_version_flag = true, before_help = EXAMPLES)]
#[command(after_help = "Run nself help <command> for its flags and examples.")]
pub struct Cli {
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Work on this environment: dev, staging, prod or a name from .environments/
    #[arg(long, global = true, value_name = "NAME")]
    env: Option<String>,
    /// Print the version
    #[arg(long = "version", short = 'v', exclusive = true)]
    version: bool,
    #[command(subcommand)]
    command: Option<commands::Command>,
}

/// Parses the command line, runs the command, shows its report. The program's exit code comes back.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && std::env::args().any(|argument| argument == "--json") => {
            return misused(&error);
        }
        Err(error) => error.exit(),
    };
    let terminal = Terminal::new(cli.json);
    let cx = Context::new(terminal, cli.env);
    let command = match cli.command {
        Some(command) => command,
        None if cli.version => {
            let short = std::env::args().any(|argument| argument == "-v");
            commands::Command::Version(commands::version::Args { short })
        }
        None => {
            terminal.raw(&command().render_help().to_string());
            return ExitCode::SUCCESS;
        }
    };
    match commands::run(&cx, command) {
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

/// A wrong command line, for a program that reads JSON.
fn misused(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let fix = text.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    let fix = fix.map_or_else(|| "nself help shows every command and its flags".to_owned(), str::to_owned);
    let failure = terminal::Failure::from(Error::Usage { message, fix });
    Terminal::new(true).fail(&failure);
    ExitCode::from(failure.exit as u8)
}

/// The declaration of the whole command line, for tests and generated pages.
pub fn command() -> Clap {
    Cli::command()
}

/// The error codes of all crates.
pub fn error_codes() -> Vec<&'static str> {
    let crates = [
        error::CODES,
        auth::CODES,
        console::CODES,
        database::CODES,
        database::mock::CODES,
        database::data::CODES,
        database::mask::CODES,
        gateway::CODES,
        graphql::CODES,
        mail::CODES,
        metadata::folder::CODES,
        operations::CODES,
        postgres::CODES,
        project::CODES,
        runtimes::CODES,
        server::CODES,
        stack::CODES,
        storage::CODES,
    ];
    crates.concat()
}
