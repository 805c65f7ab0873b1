//! The engine against a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod events;
mod aggregates;
mod errors;
mod filters;
mod http;
mod introspection;
mod operators;
mod queries;
mod reload;
mod support;
