use std::path::PathBuf;

use crate::commands::db::{Waiting, migrate};
use crate::{Context, Outcome};

/// Apply pending migrations and the metadata as one change
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura deploy\n  nself hasura deploy ../shop/metadata\n  nself hasura deploy --env staging\n\nMigrations, their records, the metadata and its triggers are one transaction: a crash at any moment leaves all or\nnothing. Migrations that run outside a transaction are applied first, each by itself."
)]
pub struct Args {
    /// The metadata folder; hasura/metadata of the project unless named
    folder: Option<PathBuf>,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    migrate::up(cx, migrate::Up::with_metadata(args.folder, args.waiting))
}
