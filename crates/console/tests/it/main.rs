//! The console over HTTP and in a real browser, on a stack made of values.
#![allow(clippy::unwrap_used)]

mod browser;
mod fake;
mod http;
mod webdriver;
