//! Makes a plan real. `embedded` runs it as processes on this machine; `build` writes what a runtime reads.
//!
//! It is not: the supervisor itself (that is `server`, on the other side of the control socket), or a decision about
//! what runs (that is `stack`).
//!
//! Key types: [`embedded::Control`] (the client of the control socket), [`embedded::Start`], [`embedded::Filter`].

pub mod build;
pub mod embedded;
mod error;

pub use error::{CODES, Error};
