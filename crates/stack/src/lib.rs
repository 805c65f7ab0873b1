//! Settings → Plan: one pure value that names every service, port, route, volume, limit and probe of a project.
//!
//! It is not: a reader of files, a starter of processes, or a writer of artefacts. `status`, `urls`, `doctor`, the
//! gateway and every runtime read the same [`Plan`]; nothing else knows where a service lives.
//!
//! Key types: [`Plan`] (everything), [`Service`], [`Route`] and [`Gateway`] (its parts), [`Url`] (where a person finds
//! a service), [`Error`] (settings that contradict each other). Beside the plan stand the words that a running stack
//! uses to talk about itself: [`status`], [`log`] and [`control`].
//!
//! ```
//! use project::{EnvName, Settings};
//! use stack::Plan;
//!
//! let pairs = [("PROJECT_NAME", "shop"), ("BASE_DOMAIN", "localhost"), ("FRONTEND_APP_1_NAME", "app")];
//! let settings = Settings::from_pairs(EnvName::dev(), pairs)?;
//! let plan = Plan::new(&settings)?;
//! let names: Vec<&str> = plan.services.iter().map(|service| service.name.as_str()).collect();
//! assert_eq!(names, ["postgres", "hasura", "auth", "storage", "mailpit", "console", "app"]);
//! assert_eq!(plan.urls()[0].http, "http://localhost:8080/v1/graphql");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod control;
mod derive;
mod error;
pub mod log;
mod order;
mod plan;
mod resolve;
pub mod status;
mod urls;

pub use error::{CODES, Error};
pub use plan::*;
pub use urls::Url;
