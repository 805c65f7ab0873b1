//! What tests stand on: a real PostgreSQL for the whole test run, a database for each test, temporary projects, and the
//! built program.
//!
//! It is not: part of the product. It panics where the product returns errors.
//!
//! Key types: [`Postgres`] (the run's server), [`OwnPostgres`] (a server of one test's own), [`TestDatabase`] (dropped
//! with the value), [`TempProject`].
//!
//! ```no_run
//! # async fn example() {
//! let database = testkit::db().await;
//! let client = database.client().await;
//! client.batch_execute("CREATE TABLE notes (id int PRIMARY KEY)").await.unwrap();
//! # }
//! ```

mod database;
mod program;
mod server;

pub use database::{TestDatabase, db};
pub use program::{TempProject, free_port, nself, nself_path};
pub use server::{OwnPostgres, Postgres, installation};
