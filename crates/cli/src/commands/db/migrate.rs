use std::path::PathBuf;

use clap::Subcommand;
use database::migrate::{self, Applied, Migration, Target};
use serde::Serialize;
use terminal::{Page, Style, View};
use tokio_postgres::Transaction;

use super::{
    Waiting, announce_waiting, count, interruptible, migrate_create, migrate_repair, migrate_rollback, migrate_status,
    sources,
};
use crate::commands::hasura;
use crate::{Context, Outcome};

/// Apply the migrations that this database does not have yet
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nself db migrate\n  nself db migrate --dry-run\n  nself db migrate --to 004\n  nself db migrate status\n\nEach migration is one transaction together with its record. A file that begins with the line\n`-- nself: no-transaction` (for CREATE INDEX CONCURRENTLY, VACUUM) runs outside one."
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
    Repair(migrate_repair::Args),
}

/// Apply the migrations that this database does not have yet
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself db migrate:up\n  nself db migrate up --to 004")]
pub struct Up {
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Print the SQL instead of running it
    #[arg(long)]
    dry_run: bool,
    /// Apply this metadata folder in the same transaction; hasura/metadata unless named
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, conflicts_with = "dry_run")]
    metadata: Option<Option<PathBuf>>,
    #[command(flatten)]
    waiting: Waiting,
}

impl Up {
    /// Everything that is pending, with the metadata of a folder.
    pub fn with_metadata(folder: Option<PathBuf>, waiting: Waiting) -> Self {
        Self { to: None, dry_run: false, metadata: Some(folder), waiting }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.action {
        None => up(cx, args.up),
        Some(Action::Up(args)) => up(cx, args),
        Some(Action::Create(args)) => migrate_create::run(cx, args),
        Some(Action::Status(args)) => migrate_status::run(cx, args),
        Some(Action::Rollback(args)) => migrate_rollback::run(cx, args),
        Some(Action::Repair(args)) => migrate_repair::run(cx, args),
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

/// What would run.
#[derive(Debug, Serialize)]
pub(super) struct PlanReport {
    pub(super) migrations: Vec<Planned>,
}

#[derive(Debug, Serialize)]
pub(super) struct Planned {
    pub(super) id: String,
    pub(super) file: PathBuf,
    pub(super) transactional: bool,
    pub(super) sql: String,
}

impl Planned {
    fn up(migration: &Migration) -> Self {
        Self {
            id: migration.id(),
            file: migration.up.file.clone(),
            transactional: migration.transactional,
            sql: migration.up.sql().to_owned(),
        }
    }
}

impl View for PlanReport {
    fn text(&self, page: &mut Page) {
        if self.migrations.is_empty() {
            page.line("-- Nothing to run.");
        }
        for (number, planned) in self.migrations.iter().enumerate() {
            if number > 0 {
                page.blank();
            }
            let how = if planned.transactional { "one transaction" } else { "outside a transaction" };
            page.styled(Style::Dim, format!("-- {} ({how})", planned.file.display()));
            page.line(&planned.sql);
        }
    }
}

pub fn up(cx: &Context, args: Up) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let target = args.to.clone().map_or(Target::Everything, Target::Version);
    // What cannot be read is told before anything is applied.
    let metadata = match args.metadata {
        None => None,
        Some(named) => Some(metadata::folder::read(&hasura::folder(&cx.project()?, named))?),
    };
    let mut database = cx.client(&settings)?;
    if args.dry_run {
        let plan = database.runtime.block_on(migrate::plan(&database.client, &sources, &target))?;
        return Ok(Box::new(PlanReport { migrations: plan.migrations.iter().map(Planned::up).collect() }));
    }
    announce_waiting(cx, &database)?;
    let terminal = cx.terminal;
    let mut progress = |done: &Applied| terminal.progress(&line(done));
    let options = args.waiting.options();
    let cancel = database.client.cancel_token();
    let mut deployed: Option<graphql::Deployed> = None;
    let result = match metadata {
        None => {
            let work = migrate::migrate(&mut database.client, &sources, &target, &options, &mut progress);
            interruptible(&database.runtime, &cancel, work)
        }
        Some(metadata) => {
            let stringify = settings.flag("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES");
            let along = async |transaction: &Transaction<'_>| {
                deployed = Some(graphql::deploy(transaction, metadata, stringify).await?);
                Ok::<(), terminal::Failure>(())
            };
            let client = &mut database.client;
            let work = migrate::migrate_with(client, &sources, &target, &options, &mut progress, along);
            interruptible(&database.runtime, &cancel, work)
        }
    };
    // Those before a failing one stay applied: a running server must see them either way.
    if deployed.is_some() || !result.as_ref().is_ok_and(Vec::is_empty) {
        cx.schema_changed();
    }
    let applied = result?;
    if let Some(warning) = deployed.as_ref().and_then(|deployed| deployed.warning.as_ref()) {
        terminal.warn(&format!("{warning}\n{}", hasura::BACK));
    }
    let resource_version = deployed.map(|deployed| deployed.resource_version);
    Ok(Box::new(MigrateReport { applied, resource_version, to: args.to }))
}

/// One line of progress.
pub(super) fn line(done: &Applied) -> String {
    format!("  {}_{}  {} ms", done.version, done.name, done.duration_ms)
}
