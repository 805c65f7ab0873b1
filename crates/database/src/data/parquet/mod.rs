//! Parquet: columns with types of their own, so that other programs can compute with them.
//!
//! Numbers, booleans, dates, times, UUIDs, bytes and `numeric(p, s)` are what they are; every other type is the text that
//! PostgreSQL writes. A value that its column's type cannot hold (`infinity`, `NaN` in a decimal, 24:00:00) makes the whole
//! column one of text: nothing is changed, nothing is lost.

mod read;
mod tuples;
mod values;
mod write;

pub(super) use read::Parquet;
pub(super) use tuples::Tuples;
pub(super) use write::{Table, Written};
