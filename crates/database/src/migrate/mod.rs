//! Migrations: files that change the schema, each applied once, in order, together with its record.
//!
//! A migration and its row in `nself.migrations` are one transaction, so a crash at any moment leaves both or neither.
//! A file that begins with `-- nself: no-transaction` (for `CREATE INDEX CONCURRENTLY`, `VACUUM`) runs statement by
//! statement; its record says `started` until the last one is done, and an interrupted one must be mended by a person.

mod apply;
mod create;
mod files;
mod record;
mod repair;
mod rollback;
mod sections;
mod status;
mod version;

use tokio_postgres::Client;

pub use apply::{Applied, Plan, Target, migrate, migrate_with, plan};
pub use create::{Created, create};
pub use files::{Migration, Part, Sources};
pub use repair::{Repair, repair};
pub use rollback::{Undo, plan as plan_rollback, rollback};
pub use status::{Entry, State, Status};
pub use version::Version;

pub(crate) use apply::{finish, milliseconds, statements};
pub(crate) use create::{slug, write_new};
pub(crate) use files::{checksum, names, read};
pub(crate) use record::{exists, timestamp};

use crate::Error;

/// Compares the files with the database. Changes nothing.
pub async fn status(client: &Client, sources: &Sources) -> Result<Status, Error> {
    Ok(Status::new(&sources.load()?, &record::read(client).await?))
}
