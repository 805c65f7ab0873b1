//! The mail catcher and the senders against a real PostgreSQL, real SMTP clients and local HTTP servers.
#![allow(clippy::unwrap_used)]

mod api;
mod browser;
mod pages;
mod providers;
mod relay;
mod routes;
mod sink;
mod support;
mod wait;
#[path = "../../../console/tests/it/webdriver.rs"]
#[allow(dead_code, reason = "shared with the console, which uses all of it")]
mod webdriver;
