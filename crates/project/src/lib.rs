//! What the user wrote, and where: finding a project, the `.env` cascade, the settings catalogue, environments,
//! secrets, locks and safety guards.
//!
//! It is not: the plan (`stack`), anything that starts a process, or anything that prints.
//!
//! Key types: [`Project`] (a folder), [`Settings`] (its typed values for one environment), [`Secret`] (a value that
//! cannot be printed), [`Diagnostic`] (what every error of every crate can say about itself).

pub mod diagnostic;
mod environment;
pub mod fault;
mod secret;

pub use diagnostic::{Diagnostic, Exit};
pub use environment::{EnvName, Tier};
pub use secret::Secret;
