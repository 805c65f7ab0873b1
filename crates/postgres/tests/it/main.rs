//! The crate against a real PostgreSQL: the system's, or the portable one with `NSELF_TEST_POSTGRES=portable`.
#![allow(clippy::unwrap_used)]

mod bootstrap;
mod catalog;
mod cluster;
mod faults;
mod harness;
mod placement;
mod pool;
mod portable;
mod replication;
mod users;
