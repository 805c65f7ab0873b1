//! `nself data`: rows on their way in, out and between environments.

mod anonymize;
pub mod masking;
pub mod sync;
pub mod work;

use clap::Subcommand;

use crate::{Context, Outcome};

/// Move rows between environments, and take people out of them
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself data sync --from prod --to staging --anonymize\n  nself data anonymize --preview\n  nself data sync --from local --to staging"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(alias = "anonymise")]
    Anonymize(anonymize::Args),
    Sync(sync::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Anonymize(args) => anonymize::run(cx, args),
        Command::Sync(args) => sync::run(cx, args),
    }
}
