//! Values a client sends, written in the query or in its variables, and their text for PostgreSQL.

mod datum;
mod encode;
mod geojson;
mod variables;

pub use datum::{Datum, Provided, Segment, Source};
pub use encode::{Encoding, Mismatch};
pub use variables::{Check, Touch, Value, Variables, View};
