//! PostgreSQL itself: find it, install it, make a cluster, tune it, say how to start it, connect, and read its catalog.
//!
//! It is not: the supervisor of the server's process (that is `server`), nor the toolchain on top of a database
//! (migrations, seeds, diffs: `database`).
//!
//! Key types: [`Installation`] (programs on this machine, from [`find()`]), [`Cluster`] (a data directory and how to run
//! it), [`tune::Tuning`] (parameters for a machine), [`placement::Placement`] (where a project's data lives),
//! [`Pool`], [`Ident`] (a quoted name), [`replication::Connection`] (changes as they commit) and [`catalog::Catalog`] (a schema as a value).
//!
//! ```no_run
//! # async fn example() -> Result<(), postgres::Error> {
//! use postgres::{Bootstrap, Cluster, Wanted};
//!
//! let installation = postgres::find(&Wanted::parse("16-alpine"))?;
//! let password = project::Secret::new("from-the-settings".to_owned());
//! let cluster = Cluster::new(installation, "/srv/shop/data", "/run/shop", password);
//! cluster.prepare()?;
//! let _server = cluster.command().to_command().spawn(); // supervised by the caller
//! cluster.ready(std::time::Duration::from_secs(30)).await?;
//! cluster.bootstrap(&Bootstrap::new("shop", ["pg_trgm".to_owned()])).await
//! # }
//! ```

pub mod catalog;
mod cluster;
mod error;
mod files;
mod find;
mod ident;
pub mod install;
pub mod log;
pub mod placement;
mod pool;
pub mod portable;
pub mod replication;
mod scram;
pub mod tune;
mod user;
mod version;

pub use cluster::{Bootstrap, Cluster, Launch, Origin, Postmaster, Prepared, data_major, default_template_folder};
pub use error::{CODES, Error};
pub use find::{Installation, Source, Wanted, find, list};
pub use ident::{Ident, Qualified};
pub use install::{InstallCommand, command as install_command, way_to};
pub use placement::{Placement, place_data};
pub use pool::{Pool, PooledClient};
pub use user::User;
pub use version::Version;
