//! The storage service over a real PostgreSQL and a folder: each test has its own.
#![allow(clippy::unwrap_used)]

mod download;
mod support;
mod upload;
