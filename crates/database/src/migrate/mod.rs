//! Migrations: files that change the schema, each applied once, in order, together with its record.
//!
//! A migration and its row in `nself.migrations` are one transaction, so a crash at any moment leaves both or neither.
//! What PostgreSQL does not run inside a transaction (`CREATE INDEX CONCURRENTLY`, `VACUUM`) the grammar recognises; such a
//! file runs statement by statement, each noted in `nself.migration_steps`, and an interrupted one goes on where it was.

mod against;
mod apply;
mod backup;
mod baseline;
mod create;
mod error;
mod files;
mod fresh;
mod journal;
mod plan;
mod record;
mod redo;
mod repair;
mod retry;
mod rollback;
mod sections;
mod settle;
mod squash;
mod status;
mod steps;
mod version;

use tokio_postgres::Client;

pub use against::{Comparison, Pair};
pub use apply::{Applied, Event, Runner, migrate};
pub use backup::{Backup, Saved};
pub use baseline::{Baselined, baseline, baseline_from_schema, plan_baseline};
pub use create::{Created, create};
pub use error::MigrationError;
#[cfg(test)]
pub(crate) use error::samples;
pub use files::{Migration, Part, Sources};
pub use fresh::{Fresh, KEPT, plan_fresh};
pub use journal::Direction;
pub use plan::{Explained, Plan, Target, explain, plan};
pub use redo::Redone;
pub use repair::{Repair, repair};
pub use rollback::{Back, Undo, plan_rollback, rollback};
pub use squash::{NAME as SQUASHED, Range, Squashed, plan_squash, squash};
pub use status::{Entry, Progress, State, Status};
pub use version::Version;

pub(crate) use apply::{finish, milliseconds};
pub(crate) use create::{slug, write_new};
pub(crate) use files::{checksum, names};
pub(crate) use record::{exists, timestamp};

use crate::{Error, session};

/// Compares the files with the database. Changes nothing.
pub async fn status(client: &Client, sources: &Sources) -> Result<Status, Error> {
    Ok(Status::new(&sources.load()?, &record::read(client).await?))
}
