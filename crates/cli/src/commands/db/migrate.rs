use std::path::PathBuf;

use clap::Subcommand;
use database::migrate::{self, Applied, Target};
use serde::Serialize;
use terminal::{Page, Style, View};
use tokio_postgres::Transaction;

use super::{
    Waiting, announce_waiting, count, interruptible, migrate_baseline, migrate_create, migrate_fresh,
    migrate_plan::{PlanReport, Planned},
    migrate_redo, migrate_repair, migrate_rollback,
    migrate_run::{Saving, runner, teller},
    migrate_squash, migrate_status, sources,
};
use crate::commands::hasura;
use crate::{Context, Outcome};

/// Apply the migrations that this database does not have yet
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nself db migrate\n  nself db migrate --dry-run\n  nself db migrate --to 004\n  nself db migrate status\n\nEach migration is one transaction together with its record. A file with a statement that cannot stand in one (CREATE\nINDEX CONCURRENTLY, VACUUM), or that begins with the line `-- nself: no-transaction`, runs statement by statement, and\ngoes on where it was interrupted. Before a migration that takes data away the database is saved, unless --no-backup."
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    up: Up,
}

// The Bash tool's spellings with a space.
#[derive(Debug, Subcommand)]
enum Action {
    #[command(hide = true)]
    Up(Up),
    Create(migrate_create::Args),
    Status(migrate_status::Args),
    #[command(alias = "down")]
    Rollback(migrate_rollback::Args),
    Redo(migrate_redo::Args),
    Fresh(migrate_fresh::Args),
    Repair(migrate_repair::Args),
    Squash(migrate_squash::Args),
    Baseline(migrate_baseline::Args),
}

/// Apply the migrations that this database does not have yet
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:up\n  nself db migrate up --to 004\n  nself db migrate:up --steps 1"
)]
pub struct Up {
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Apply this many
    #[arg(long, value_name = "STEPS", conflicts_with = "to", value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// Print the SQL, with the locks it takes, instead of running it
    #[arg(long)]
    dry_run: bool,
    /// Apply this metadata folder in the same transaction; hasura/metadata unless named
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, conflicts_with = "dry_run")]
    metadata: Option<Option<PathBuf>>,
    #[command(flatten)]
    saving: Saving,
    #[command(flatten)]
    waiting: Waiting,
}

impl Up {
    /// Everything that is pending, with the metadata of a folder.
    pub fn with_metadata(folder: Option<PathBuf>, waiting: Waiting) -> Self {
        Self { to: None, steps: None, dry_run: false, metadata: Some(folder), saving: Saving::default(), waiting }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.action {
        None => up(cx, args.up),
        Some(Action::Up(args)) => up(cx, args),
        Some(Action::Create(args)) => migrate_create::run(cx, args),
        Some(Action::Status(args)) => migrate_status::run(cx, args),
        Some(Action::Rollback(args)) => migrate_rollback::run(cx, args),
        Some(Action::Redo(args)) => migrate_redo::run(cx, args),
        Some(Action::Fresh(args)) => migrate_fresh::run(cx, args),
        Some(Action::Repair(args)) => migrate_repair::run(cx, args),
        Some(Action::Squash(args)) => migrate_squash::run(cx, args),
        Some(Action::Baseline(args)) => migrate_baseline::run(cx, args),
    }
}

#[derive(Debug, Serialize)]
struct MigrateReport {
    applied: Vec<Applied>,
    /// The metadata's new version, when metadata was applied with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<i64>,
    #[serde(skip)]
    to: Option<String>,
}

impl View for MigrateReport {
    fn text(&self, page: &mut Page) {
        match (self.applied.len(), &self.to) {
            (0, None) => page.line("Nothing to apply: the database has every migration."),
            (0, Some(version)) => page.line(format!("Nothing to apply up to {version}.")),
            (number, _) => page.styled(Style::Good, format!("Applied {}.", count(number, "migration"))),
        }
        if let Some(version) = self.resource_version {
            page.styled(Style::Good, format!("The metadata is applied; it has version {version} now."));
            page.next(&[("see whether all of it fits", "nself hasura metadata inconsistency list")]);
        }
    }
}

pub fn up(cx: &Context, args: Up) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let target = match (&args.to, args.steps) {
        (Some(version), _) => Target::Version(version.clone()),
        (None, Some(steps)) => Target::Steps(steps as usize),
        (None, None) => Target::Everything,
    };
    // What cannot be read is told before anything is applied.
    let metadata = match args.metadata {
        None => None,
        Some(named) => Some(metadata::folder::read(&hasura::folder(&cx.project()?, named))?),
    };
    let mut database = cx.client(&settings)?;
    if args.dry_run {
        let plan = database.runtime.block_on(migrate::plan(&database.client, &sources, &target))?;
        let adopted = plan.adopted.iter().map(migrate::Migration::id).collect();
        let planned = plan.migrations.iter().map(|migration| Planned::explain(&database, migration, &migration.up));
        let migrations = planned.collect::<Result<_, _>>()?;
        return Ok(Box::new(PlanReport { migrations, adopted, ..PlanReport::default() }));
    }
    announce_waiting(cx, &database)?;
    let backup = args.saving.backup(cx, &settings, &database)?;
    let mut events = teller(cx);
    let mut runner = runner(&sources, args.waiting.options(&settings), backup, &mut events);
    let cancel = database.place.cancel(&database.client);
    let mut deployed: Option<graphql::Deployed> = None;
    let result = match metadata {
        None => interruptible(&database.runtime, cancel, runner.up(&mut database.client, &target)),
        Some(metadata) => {
            let stringify = settings.flag("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES");
            let along = async |transaction: &Transaction<'_>| {
                deployed = Some(graphql::deploy(transaction, metadata, stringify).await?);
                Ok::<(), terminal::Failure>(())
            };
            interruptible(&database.runtime, cancel, runner.up_with(&mut database.client, &target, along))
        }
    };
    // Those before a failing one stay applied: a running server must see them either way.
    if deployed.is_some() || !result.as_ref().is_ok_and(Vec::is_empty) {
        cx.schema_changed();
    }
    let applied = result?;
    if let Some(warning) = deployed.as_ref().and_then(|deployed| deployed.warning.as_ref()) {
        cx.terminal.warn(&format!("{warning}\n{}", hasura::BACK));
    }
    let resource_version = deployed.map(|deployed| deployed.resource_version);
    Ok(Box::new(MigrateReport { applied, resource_version, to: args.to }))
}
