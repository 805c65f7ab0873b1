//! The whole product, tried from the outside: the built binary in empty folders, real PostgreSQL, real requests.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod arrows;
mod cli;
mod clients;
mod compat;
mod conformance;
mod console;
mod database_tools;
mod docs;
mod e2e;
mod errors;
mod faults;
mod hasura;
mod links;
mod live;
mod nhost;
mod policy;
mod sandbox;
mod services;
mod services_faults;
mod settings;
mod snapshots;
mod takeover;
