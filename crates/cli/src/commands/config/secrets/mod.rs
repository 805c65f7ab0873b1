//! `nself config secrets`: the ones there are, and new ones.

mod generate;
mod list;
mod rotate;

use clap::Subcommand;
use project::config::Change;
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// List secrets, make missing ones, replace them
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself config secrets list\n  nself config secrets generate --env prod\n  nself config secrets rotate HASURA_JWT_KEY"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Generate(generate::Args),
    Rotate(rotate::Args),
    // As the Bash tool spelled them.
    #[command(hide = true)]
    Get(super::get::Args),
    #[command(hide = true)]
    Set(super::set::Args),
    #[command(hide = true, alias = "delete")]
    Unset(super::unset::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::List(args) => list::run(cx, args),
        Command::Generate(args) => generate::run(cx, args),
        Command::Rotate(args) => rotate::run(cx, args),
        Command::Get(args) => super::get::run(cx, args),
        Command::Set(args) => super::set::run(cx, args),
        Command::Unset(args) => super::unset::run(cx, args),
    }
}

/// Secrets that got new values.
#[derive(Debug, Serialize)]
struct MadeReport {
    made: Vec<Change>,
}

impl View for MadeReport {
    fn text(&self, page: &mut Page) {
        if self.made.is_empty() {
            return page.styled(Style::Good, "Every required secret is set and strong.");
        }
        for change in &self.made {
            page.line(format!("{} has a new value in {}", change.name, change.file.display()));
        }
        page.next(&[("nself restart", "let a running stack use them")]);
    }
}
