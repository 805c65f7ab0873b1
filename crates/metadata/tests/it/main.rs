//! The metadata folder on real files.
#![allow(clippy::unwrap_used)]

mod fixtures;
mod folder;
