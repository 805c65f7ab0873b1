//! `nself data`: rows on their way in, out and between environments.

mod anonymize;
mod export;
mod import;
pub mod masking;
mod reset;
pub mod sync;
pub mod work;

use clap::Subcommand;

use crate::{Context, Outcome};

/// Move rows between files and environments, and take people out of them
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself data export --format csv -o rows\n  nself data import rows --upsert\n  nself data sync --from prod --to staging --anonymize\n  nself data anonymize --preview"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(alias = "anonymise")]
    Anonymize(anonymize::Args),
    Export(export::Args),
    Import(import::Args),
    Reset(reset::Args),
    Sync(sync::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Anonymize(args) => anonymize::run(cx, args),
        Command::Export(args) => export::run(cx, args),
        Command::Import(args) => import::run(cx, args),
        Command::Reset(args) => reset::run(cx, args),
        Command::Sync(args) => sync::run(cx, args),
    }
}
