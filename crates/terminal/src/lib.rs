//! The only place that prints. A command returns a [`View`]; this crate shows it as text for people or as JSON for
//! programs, on stdout, and failures on stderr.
//!
//! It is not: a place for decisions. It knows nothing about projects beyond the words of a [`Failure`].
//!
//! Key types: [`View`] (a result with two faces), [`Page`] (its text face), [`Failure`] (what went wrong, why, and the
//! next command), [`Terminal`] (where it all goes).
//!
//! ```
//! let mut page = terminal::Page::new(false);
//! page.heading("Services");
//! page.pairs(&[("postgres", "ready"), ("api", "starting")]);
//! assert_eq!(page.finish(), "Services\n  postgres  ready\n  api       starting\n");
//! ```

mod failure;
mod page;
mod prompt;
mod view;

pub use failure::Failure;
pub use page::{Page, Style};
pub use prompt::{Answer, Terminal};
pub use view::{Report, View};
