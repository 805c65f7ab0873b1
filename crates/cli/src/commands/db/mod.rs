//! `nself db`: the database's schema, data and shell.

mod clone;
pub mod consent;
mod dump;
mod load;
pub mod migrate;
mod migrate_baseline;
mod migrate_create;
mod migrate_fresh;
mod migrate_plan;
mod migrate_redo;
mod migrate_repair;
mod migrate_rollback;
mod migrate_run;
mod migrate_squash;
mod migrate_status;
mod query;
mod reset;
mod shell;

use std::time::Duration;

use clap::Subcommand;
use database::{Options, migrate::Sources, place::Cancel};
use project::Settings;
use terminal::Failure;

use super::seed;
pub use migrate_create::{CreatedReport, shown};

use crate::{Context, Outcome};

/// Change the database's schema, fill it, look into it
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself db migrate\n  nself db migrate:create add_coupons\n  nself db query \"SELECT now()\""
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(migrate::Args),
    #[command(name = "migrate:create")]
    MigrateCreate(migrate_create::Args),
    #[command(name = "migrate:status")]
    MigrateStatus(migrate_status::Args),
    #[command(name = "migrate:up", hide = true)]
    MigrateUp(migrate::Up),
    #[command(name = "migrate:rollback", alias = "migrate:down")]
    MigrateRollback(migrate_rollback::Args),
    #[command(name = "migrate:redo")]
    MigrateRedo(migrate_redo::Args),
    #[command(name = "migrate:fresh")]
    MigrateFresh(migrate_fresh::Args),
    #[command(name = "migrate:repair")]
    MigrateRepair(migrate_repair::Args),
    #[command(name = "migrate:squash")]
    MigrateSquash(migrate_squash::Args),
    #[command(name = "migrate:baseline")]
    MigrateBaseline(migrate_baseline::Args),
    Seed(seed::Args),
    Shell(shell::Args),
    Query(query::Args),
    Dump(dump::Args),
    Load(load::Args),
    Clone(clone::Args),
    Reset(reset::Args),
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::Migrate(args) => migrate::run(cx, args),
        Command::MigrateCreate(args) => migrate_create::run(cx, args),
        Command::MigrateStatus(args) => migrate_status::run(cx, args),
        Command::MigrateUp(args) => migrate::up(cx, args),
        Command::MigrateRollback(args) => migrate_rollback::run(cx, args),
        Command::MigrateRedo(args) => migrate_redo::run(cx, args),
        Command::MigrateFresh(args) => migrate_fresh::run(cx, args),
        Command::MigrateRepair(args) => migrate_repair::run(cx, args),
        Command::MigrateSquash(args) => migrate_squash::run(cx, args),
        Command::MigrateBaseline(args) => migrate_baseline::run(cx, args),
        Command::Seed(args) => seed::run(cx, args),
        Command::Shell(args) => shell::run(cx, args),
        Command::Query(args) => query::run(cx, args),
        Command::Dump(args) => dump::run(cx, args),
        Command::Load(args) => load::run(cx, args),
        Command::Clone(args) => clone::run(cx, args),
        Command::Reset(args) => reset::run(cx, args),
    }
}

/// The project's migration files.
pub fn sources(cx: &Context, settings: &Settings) -> Result<Sources, Failure> {
    let directory = settings.text("NSELF_MIGRATIONS_DIR").unwrap_or("nself/migrations");
    Ok(Sources::new(cx.project()?.root(), directory))
}

/// How long to wait for others.
#[derive(Debug, Clone, clap::Args)]
pub struct Waiting {
    /// Seconds to wait for a table that another session uses [default: NSELF_MIGRATION_LOCK_TIMEOUT, 10]
    #[arg(long, value_name = "SECONDS")]
    lock_timeout: Option<u64>,
}

impl Waiting {
    pub fn options(&self, settings: &Settings) -> Options {
        let default = Options::default();
        let time = |name, otherwise| settings.duration(name).unwrap_or(otherwise);
        let retries = settings.integer("NSELF_MIGRATION_LOCK_RETRIES");
        Options {
            lock_timeout: match self.lock_timeout {
                Some(seconds) => Duration::from_secs(seconds),
                None => time("NSELF_MIGRATION_LOCK_TIMEOUT", default.lock_timeout),
            },
            statement_timeout: time("NSELF_MIGRATION_STATEMENT_TIMEOUT", default.statement_timeout),
            lock_retries: retries.and_then(|number| u32::try_from(number).ok()).unwrap_or(default.lock_retries),
            ..default
        }
    }
}

/// Says that another run of migrations or seeds has to end first, so that nobody takes the waiting for work.
pub fn announce_waiting(cx: &Context, database: &crate::context::Database) -> Result<(), Failure> {
    if let Some(session) = database.runtime.block_on(database::holder(&database.client))? {
        let limit = Options::default().turn_timeout.as_secs();
        cx.terminal.progress(&format!(
            "Another run of migrations or seeds (session {session}) works on this database; waiting up to {limit} s for it."
        ));
    }
    Ok(())
}

/// Drives a piece of work to its end. Ctrl-C cancels the statement that runs; the work then ends as it does when a
/// statement fails: what it was in the middle of is rolled back, and the error says what is left.
pub fn interruptible<T, E: Into<Failure>>(
    runtime: &tokio::runtime::Runtime,
    cancel: impl Into<Cancel>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let cancel = cancel.into();
    let mut interrupted = false;
    let result = runtime.block_on(async {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return result,
                Ok(()) = tokio::signal::ctrl_c() => {
                    interrupted = true;
                    // When this fails the statement goes on, and the next Ctrl-C tries again.
                    let _ = cancel.cancel().await;
                }
            }
        }
    });
    result.map_err(|error| {
        let failure: Failure = error.into();
        if interrupted { Failure { exit: project::Exit::Interrupted, ..failure } } else { failure }
    })
}

/// `1 migration`, `3 migrations`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Drives work that ends by being dropped: it holds connections and programs, which end with it. Ctrl-C drops it, and
/// `left` says what is then the state.
pub fn until_interrupted<T, E: Into<Failure>>(
    runtime: &tokio::runtime::Runtime,
    work: impl Future<Output = Result<T, E>>,
    left: &str,
) -> Result<T, Failure> {
    runtime.block_on(async {
        tokio::select! {
            result = work => result.map_err(Into::into),
            Ok(()) = tokio::signal::ctrl_c() => Err(crate::Error::Interrupted { state: left.to_owned() }.into()),
        }
    })
}

/// The major version of a connection's server.
pub async fn server_major(client: &tokio_postgres::Client) -> Result<u32, database::Error> {
    let sql = "SELECT current_setting('server_version_num')::int / 10000";
    let major: i32 = client.query_one(sql, &[]).await?.get(0);
    Ok(major.unsigned_abs())
}

/// `12.3 MB`, in powers of ten.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `0.4 s`.
pub fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}

/// A line about roles that a copy needed.
pub fn made(page: &mut terminal::Page, roles: &[String]) {
    if !roles.is_empty() {
        page.line(format!("Roles made, unable to sign in: {}", roles.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 999, 1000, 1_234_567, 999_950_000, 5_000_000_000_000].map(size);
        assert_eq!(sizes, ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "1.0 GB", "5.0 TB"]);
    }
}
