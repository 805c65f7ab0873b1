//! The service against a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod email_password;
mod support;
