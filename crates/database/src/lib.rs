//! The database toolchain: migrations, seeds, queries. It works on a connection that the caller brings and on folders
//! that the caller names; it starts no server, finds no project, and prints nothing.
//!
//! It is not: a driver (`tokio-postgres` is), the judge of SQL (the server is; [`sql`] finds where statements begin and end,
//! and [`grammar`] tells what they lock and lose), or the introspected schema (`postgres::catalog`).
//!
//! Key types: [`migrate::Sources`] (the files), [`migrate::Status`] (files against database), [`seed::Seeds`],
//! [`query::Script`], [`StatementFailure`] (what PostgreSQL refused, with file, line and column), [`Error`].
//!
//! ```
//! # async fn example(client: &mut tokio_postgres::Client) -> Result<(), database::Error> {
//! use database::migrate::{Sources, Target, migrate};
//!
//! let sources = Sources::new("/srv/shop", "nself/migrations");
//! let applied = migrate(client, &sources, &Target::Everything, &Default::default(), &mut |_| {}).await?;
//! assert!(migrate(client, &sources, &Target::Everything, &Default::default(), &mut |_| {}).await?.is_empty());
//! # Ok(())
//! # }
//! ```

pub mod clone;
pub mod copy;
pub mod data;
pub mod dump;
mod error;
mod failure;
pub mod grammar;
pub mod load;
pub mod mask;
pub mod migrate;
pub mod mock;
pub mod order;
pub mod place;
pub mod programs;
pub mod query;
pub mod scratch;
pub mod seed;
mod session;
pub mod shell;
pub mod sql;
pub mod text;

pub use error::{CODES, Error};
pub use failure::StatementFailure;
pub use session::{Options, holder};
