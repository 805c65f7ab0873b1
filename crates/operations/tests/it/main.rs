//! Archives, resets and restores on real files; a process killed at every fault point.
#![allow(clippy::unwrap_used)]

mod fixture;
mod leftovers;
mod reset;
mod restore;
