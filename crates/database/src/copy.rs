//! Moving rows from one server to another: `COPY … TO STDOUT` into `COPY … FROM STDIN`, nothing on disk between, and the
//! snapshot that makes many connections see the same moment.
//!
//! It is not: a choice of tables or an order of them (`clone` and `order`), nor knowledge of what a row means; whoever
//! changes rows on their way implements [`Rewrite`].
//!
//! Key types: [`Snapshot`] (one moment of a database, seen by several connections), [`Rewrite`] (rows changed on their
//! way), [`Copied`] (how much passed).

mod snapshot;
mod stream;

pub use snapshot::Snapshot;
pub use stream::{Copied, Progress, settle, stream};

use futures::future::BoxFuture;
use tokio_postgres::Client;

use crate::Error;

/// Changes rows on their way from one database to another.
pub trait Rewrite: Send + Sync {
    /// What changes the rows of one table; `None`: they pass as they are. `columns` are those of the copy, in its order.
    ///
    /// # Errors
    /// When the table must not be copied.
    fn table<'a>(
        &'a self,
        schema: &str,
        table: &str,
        columns: &[String],
    ) -> Result<Option<Box<dyn RewriteRow + Send + 'a>>, Error>;

    /// Looks at the finished copies of some tables, (schema, name) each, before anybody else sees them. For copies of single
    /// tables; whole databases have `clone::Course`.
    fn check<'a>(&'a self, _target: &'a Client, _tables: Vec<(String, String)>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    /// False: no row of this table is copied, the table itself is.
    fn copies(&self, _schema: &str, _table: &str) -> bool {
        true
    }
}

/// Changes the rows of one table, one after another.
pub trait RewriteRow {
    /// `line` is a row in COPY's text form without its line end; the new row is appended to `out`, without one too.
    ///
    /// # Errors
    /// When the row cannot be made; the copy ends.
    fn row(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), Error>;
}
