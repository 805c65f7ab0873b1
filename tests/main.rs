//! The whole product, tried from the outside: the built binary in empty folders, real PostgreSQL, real requests.
#![allow(clippy::unwrap_used)]

mod arrows;
mod cli;
mod docs;
mod e2e;
mod errors;
mod faults;
mod sandbox;
