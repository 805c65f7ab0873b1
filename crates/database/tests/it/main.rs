//! Migrations, seeds and queries against a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod clone;
mod crash;
mod data;
mod data_crash;
mod data_types;
mod demo;
mod grammar;
mod journal;
mod load;
mod mask;
mod migrate;
mod mock;
mod mock_values;
mod places;
mod query;
mod reshape;
mod seed;
mod support;
