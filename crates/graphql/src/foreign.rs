//! What is not in the database: types and fields of other GraphQL services (remote schemas) and of actions, and the
//! relationships between all three.
//!
//! A service's introspection is read into a [`document::Document`]; that, the custom types and the actions become the
//! [`registry::Registry`] of a model, under the names clients use and with each role's part. Planning
//! ([`plan`]) turns selections into requests ([`plan::Fetch`]) and [`plan::Join`]s; [`run`] sends them after the
//! statement and puts the response together.

mod build;
pub mod customization;
pub mod document;
pub(crate) mod exact;
mod fetch;
mod input;
pub mod introspect;
pub mod permission;
pub mod plan;
pub mod registry;
mod relation;
pub(crate) mod revive;
pub(crate) mod run;
mod select;

pub use build::{Introspection, Introspections};
pub(crate) use build::{namespace_type, nullable};
pub use fetch::{fetch, introspect_remote_schema, is_known, known};
