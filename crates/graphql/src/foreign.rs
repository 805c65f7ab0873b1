//! What is not in the database: types and fields of other GraphQL services (remote schemas) and of actions, and the
//! relationships between all three.

pub mod document;
pub mod introspect;
pub mod permission;
