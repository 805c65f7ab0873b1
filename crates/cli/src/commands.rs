//! The tree of commands: one variant a command, one line each in [`run`].

mod version;

use clap::Subcommand;

use crate::{Context, Outcome};

#[derive(Debug, Subcommand)]
pub enum Command {
    Version(version::Args),
}

pub fn run(cx: &Context, command: Command) -> Outcome {
    match command {
        Command::Version(args) => version::run(cx, args),
    }
}
