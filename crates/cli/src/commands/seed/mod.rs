//! `nself seed`: rows that belong to the project.

mod create;
mod extract;
mod init;
mod run;
mod status;

use clap::Subcommand;
use database::seed::Seeds;
use project::Settings;
use terminal::Failure;

use crate::{Context, Outcome};

/// Fill tables from the project's seed files
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nself seed\n  nself seed run catalogue --force\n  nself seed run --fresh\n  nself seed extract users --where \"role = 'admin'\"\n  nself seed create coupons"
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    run: run::Options,
}

#[derive(Debug, Subcommand)]
enum Action {
    #[command(alias = "apply")]
    Run(run::Args),
    /// List the environment's seeds and whether they have run
    #[command(
        alias = "list",
        after_help = "Examples:\n  nself seed status\n  nself seed list --env staging\n  nself seed status --json"
    )]
    Status,
    Create(create::Args),
    Extract(extract::Args),
    Init(init::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.action {
        None => run::run(cx, None, args.run),
        Some(Action::Run(args)) => run::run(cx, args.name, args.options),
        Some(Action::Status) => status::run(cx),
        Some(Action::Create(args)) => create::run(cx, args),
        Some(Action::Extract(args)) => extract::run(cx, args),
        Some(Action::Init(args)) => init::run(cx, args),
    }
}

/// The seed files of the environment that `settings` belong to.
pub fn seeds(cx: &Context, settings: &Settings) -> Result<Seeds, Failure> {
    let directory = settings.text("NSELF_SEEDS_DIR").unwrap_or("nself/seeds");
    Ok(Seeds::new(cx.project()?.root(), directory, settings.environment().clone(), settings.tier()))
}
