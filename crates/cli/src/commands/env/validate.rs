use crate::commands::config;
use crate::{Context, Outcome};

/// Check values, secrets and leaks of an environment
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env validate\n  nself env validate prod --strict")]
pub struct Args {
    name: Option<String>,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    config::validate::report(cx, args.name.as_deref(), args.strict)
}
