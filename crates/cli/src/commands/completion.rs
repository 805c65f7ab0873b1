use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Context, Outcome};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself completion bash > /etc/bash_completion.d/nself\n  nself completion zsh > ~/.zfunc/_nself\n  nself completion fish > ~/.config/fish/completions/nself.fish"
)]
pub struct Args {
    /// bash, zsh or fish
    #[arg(value_parser = clap::value_parser!(Shell))]
    shell: Shell,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "nself", &mut script);
    cx.terminal.raw(&String::from_utf8_lossy(&script));
    Ok(Box::new(super::Silent))
}
