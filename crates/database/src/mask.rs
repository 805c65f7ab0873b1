//! Anonymising: a database's rows with the people taken out, while joins, uniqueness and logins keep working.
//!
//! Rules by column ([`Rules`], `nself/anonymize.yaml`, and built-in ones for nself's own tables) become a [`Plan`]. A column
//! that looks personal and has no rule stops the run before a row is read ([`Finding`]). The plan is a
//! [`copy::Rewrite`](crate::copy::Rewrite): rows are changed in this process between two servers. Replacements depend on a
//! secret key and the original alone ([`Key`]), so the same address gives the same replacement in every table and every run.
//! At the end [`Plan::check`] joins what was written with the hashes of what was replaced.
//!
//! It is not: encryption (nothing leads back), a guarantee that a text which a person declared harmless is, or the copying
//! itself (`clone` does that).
//!
//! ```
//! use database::mask::{Kind, Rule, Rules, TableRules};
//!
//! let text = "tables:\n  users:\n    email: fake\n    name: {rule: fake, kind: name}\n  audit: empty\n";
//! let rules = Rules::parse(text, "anonymize.yaml".as_ref())?;
//! let Some(TableRules::Columns(users)) = rules.table("public", "users") else { panic!() };
//! assert_eq!(users["name"], Rule::Fake { kind: Some(Kind::Name) });
//! # Ok::<(), database::mask::MaskError>(())
//! ```

mod array;
mod builtin;
mod cell;
mod classes;
mod course;
mod detect;
mod error;
mod invent;
mod json;
mod key;
mod kind;
mod leak;
mod number;
mod originals;
mod plan;
mod preview;
mod rewrite;
mod rule;
mod rules;
mod scramble;
mod shape;
mod subset;
mod template;

pub use course::{Course, Done};
pub use detect::Finding;
pub use error::{CODES, ColumnName, Leak, MaskError};
pub use key::Key;
pub use kind::Kind;
pub use leak::Checked;
pub use plan::{Action, Plan, Recipe, Summary, TableSummary};
pub use preview::{Change, Preview, Sample};
pub use rule::{RULES, Rule};
pub use rules::{Rules, TableRules};
pub use subset::{Chosen, Subset};
