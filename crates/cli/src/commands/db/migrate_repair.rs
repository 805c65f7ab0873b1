use database::migrate::{self, Repair};

use super::{Waiting, migrate_status::StatusReport, sources};
use crate::{Context, Outcome};

/// Put the record of an edited, lost or interrupted migration right
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("how").required(true)),
    after_help = "Examples:\n  nself db migrate:repair 007 --accept\n  nself db migrate:repair 007 --applied\n  nself db migrate:repair 007 --pending\n  nself db migrate:repair 007 --done"
)]
pub struct Args {
    /// The migration
    version: String,
    /// The edited file is right: take it for what was applied
    #[arg(long, group = "how")]
    accept: bool,
    /// It was interrupted, and the database has everything it does
    #[arg(long, group = "how")]
    applied: bool,
    /// The database has nothing of it: forget that it ran
    #[arg(long, group = "how")]
    pending: bool,
    /// The statement at which it was interrupted took effect: go on behind it
    #[arg(long, group = "how")]
    done: bool,
    /// The statement at which it was interrupted did not take effect: run it again
    #[arg(long, group = "how")]
    again: bool,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let repair = match (args.accept, args.applied, args.done, args.again) {
        (true, ..) => Repair::Accept,
        (_, true, ..) => Repair::Applied,
        (_, _, true, _) => Repair::StepDone,
        (.., true) => Repair::StepAgain,
        _ => Repair::Pending,
    };
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let mut database = cx.client(&settings)?;
    let options = args.waiting.options(&settings);
    let status =
        database.runtime.block_on(migrate::repair(&mut database.client, &sources, &args.version, repair, &options))?;
    Ok(Box::new(StatusReport(status)))
}
