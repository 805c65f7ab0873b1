//! What the user wrote, and where: finding a project, the `.env` cascade, the settings catalogue, environments,
//! secrets, locks and safety guards.
//!
//! It is not: the plan (`stack`), anything that starts a process, or anything that prints.
//!
//! Key types: [`Project`] (a folder), [`Settings`] (its typed values for one environment), [`catalogue::Setting`] (what
//! is known about one of them), [`Secret`] (a value that cannot be printed), [`Diagnostic`] (what every error of every
//! crate can say about itself), [`guard::Allowed`] (permission to destroy).
//!
//! ```
//! use project::{EnvName, Settings};
//! let settings = Settings::from_pairs(EnvName::dev(), [("PROJECT_NAME", "shop"), ("POSTGRES_PORT", "5433")])?;
//! assert_eq!(settings.port("POSTGRES_PORT"), Some(5433));
//! assert_eq!(settings.text("DOCKER_NETWORK"), Some("shop_network"));
//! assert_eq!(settings.text("POSTGRES_DB"), Some("nhost"));
//! # Ok::<(), project::Error>(())
//! ```

pub mod cascade;
pub mod catalogue;
pub mod config;
pub mod diagnostic;
pub mod dotenv;
mod environment;
pub mod environments;
mod error;
pub mod fault;
pub mod files;
pub mod guard;
pub mod init;
pub mod leaks;
mod lock;
mod mask;
pub mod ports;
mod problem;
pub mod process;
mod project;
mod resolve;
mod secret;
pub mod secrets;
mod settings;
pub mod toml;
pub mod value;

pub use diagnostic::{Diagnostic, Exit};
pub use environment::{EnvName, Tier};
pub use error::{CODES, Error};
pub use lock::Lock;
pub use mask::DOTS;
pub use problem::{Problem, Severity};
pub use project::{Inspection, Project};
pub use secret::Secret;
pub use settings::{Origin, Settings, is_secret};
pub use toml::{Toml, TomlService};
