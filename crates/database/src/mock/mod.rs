//! Mock data: rows for every table, the same on every machine.
//!
//! What a row holds is a pure function of the schema, the configuration, the seed, [`VERSION`] and the row's number. It does not
//! depend on how many rows there are: ten rows are the first ten of a thousand. So rows are written by any number of threads,
//! and a foreign key finds its parent's key by computing it.
//!
//! [`plan`] decides what each column's values are, [`rows`] writes them as COPY's text, [`values`] knows the kinds of values,
//! [`load`] puts them into a database in one transaction and records their keys, so that [`clear`] removes exactly them.

pub mod config;
mod error;
mod files;
mod init;
mod load;
pub mod plan;
mod preview;
pub mod rows;
mod share;
mod stream;
pub mod values;

pub use error::{CODES, MockError};
pub use init::Start;
pub use load::{Cleared, ClearedTable, Generated, GeneratedTable, Progress, Request, clear, generate, init, preview};
pub use preview::Preview;
pub use share::{export, import};

/// Raised when the same configuration gives other rows than before, apart from the values' own [`values::VERSION`].
pub const VERSION: u32 = 1;

/// The generator's version as records and reports name it.
pub fn generator() -> String {
    format!("{VERSION}.{}", values::VERSION)
}
