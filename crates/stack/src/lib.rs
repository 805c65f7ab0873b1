//! Settings → Plan: one pure value that names every service, port, route, volume, limit and probe of a project.
//!
//! It is not: a reader of files, a starter of processes, or a writer of artefacts. `status`, `urls`, `doctor`, the
//! gateway and every runtime read the same [`Plan`]; nothing else knows where a service lives.
//!
//! Beside the plan stand the words that a running stack uses to talk about itself: [`status`], [`log`] and
//! [`control`].

pub mod control;
pub mod log;
mod plan;
pub mod status;

pub use plan::*;
