//! The engine against a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod administration;
mod aggregates;
mod api;
mod endpoints;
mod errors;
mod events;
mod fake;
mod filters;
mod foreign;
mod handlers;
mod hook;
mod http;
mod introspection;
mod joins;
mod keeping;
mod kept;
mod later;
mod live;
mod model;
mod mutations;
mod naming;
mod operators;
mod property;
mod queries;
mod reload;
mod remotes;
mod rights;
mod roles;
mod separation;
mod separation_http;
mod services;
mod socket;
mod sockets;
mod support;
mod tokens;
