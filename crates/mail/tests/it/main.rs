//! The mail catcher and the senders against a real PostgreSQL, real SMTP clients and local HTTP servers.
#![allow(clippy::unwrap_used)]

mod api;
mod pages;
mod providers;
mod relay;
mod sink;
mod support;
mod wait;
