//! Looking after a project: doctor, archives (`reset` and `restore`), cleaning up, destroying, the pages behind error
//! codes, and whether a newer release is out.
//!
//! It is not: starting or stopping the stack (that is `runtimes`), database backups, or anything that prints. What
//! changes files wants a stopped stack, shown by holding the project's `server` lock; what can destroy data wants the
//! safety guard's [`Allowed<Destructive>`](project::guard::Allowed).
//!
//! Key types: [`doctor::Report`], [`archive::Archive`], and a `Plan` each in [`reset`], [`restore`], [`clean`] and
//! [`destroy`], computed first, shown by `--dry-run`, consumed by `apply`.
//!
//! ```
//! let (code, page) = operations::explain::find("ns-ops-001")?;
//! assert_eq!(code, "NS-OPS-001");
//! assert!(page.starts_with("# NS-OPS-001:"));
//! # Ok::<(), operations::Error>(())
//! ```

pub mod archive;
pub mod clean;
pub mod destroy;
pub mod doctor;
mod error;
pub mod explain;
mod layout;
pub mod reset;
pub mod restore;
mod trash;
pub mod update;

pub use error::{CODES, Error};
pub use layout::Item;
