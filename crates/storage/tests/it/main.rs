//! The storage service over a real PostgreSQL and a folder: each test has its own.
#![allow(clippy::unwrap_used)]

mod asvs_files;
mod buckets;
mod clouds;
mod download;
mod faults;
mod images;
mod memory;
mod ops;
mod presigned;
mod replace;
mod routes;
mod s3;
mod scan;
mod schema;
mod support;
mod tus;
mod upload;
