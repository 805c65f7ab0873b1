//! The service against a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod administration;
mod claims;
mod concealed;
mod email_password;
mod emails;
mod keys;
mod limits;
mod passwords;
mod pat;
mod routes;
mod schema;
mod sessions;
mod support;
mod tokens;
mod verify;
