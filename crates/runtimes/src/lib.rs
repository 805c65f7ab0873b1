//! Makes a plan real. `embedded` runs it as processes on this machine; `build` writes what a runtime reads.
//!
//! It is not: the supervisor itself (that is `server`, on the other side of the control socket), or a decision about
//! what runs (that is `stack`).
//!
//! Key types: [`embedded::Control`] (the client of the control socket), [`embedded::Start`], [`embedded::Filter`].
//!
//! ```no_run
//! let project = project::Project::at("/srv/shop");
//! match runtimes::embedded::status(&project) {
//!     Ok(status) => assert!(status.healthy()),
//!     Err(runtimes::Error::NotRunning) => {}
//!     Err(error) => return Err(error),
//! }
//! # Ok::<(), runtimes::Error>(())
//! ```

pub mod build;
pub mod embedded;
mod error;

pub use error::{CODES, Error};
