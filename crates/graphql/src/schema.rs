//! The GraphQL schema of one role, in Hasura's naming, held as tables and scalars instead of as types.
//!
//! A table stands for some twenty-five GraphQL types (`users`, `users_bool_exp`, `users_aggregate_fields`, …). None of
//! them is stored: a [`TypeId`] names one, [`Schema::type_named`] finds it, and [`Schema::describe`] writes it down
//! when introspection asks. That keeps a schema of thousands of tables and many roles small and quick to build: a
//! [`Schema`] is the shared [`Model`] and a role.
//!
//! Every question a request asks goes through [`Schema::member`], [`Schema::root`] and [`Schema::select`] (`insert`,
//! `update`, `delete`), which know nothing but what the role may see.

mod access;
mod aggregate;
mod describe;
mod describe_input;
mod foreign;
mod introspected;
mod mutation;
mod relay;
mod sdl;
mod type_id;

use std::ops::Deref;
use std::sync::Arc;

use crate::footprint::Notes;
pub use crate::model::{
    Column, Family, FunctionId, Insertion, Level, Member, Model, Operation, Operator, Relationship, Root, Scalar,
    ScalarId, Shape, ShapeField, ShapeType, Syntax, Table, TableId, Takes, sibling_type,
};
use crate::session::{ADMIN, Session};

pub use access::Access;
pub use aggregate::AggregateOp;
pub use describe::{EnumValue, FieldDef, InputDef, Kind, TypeDef, TypeRef};
pub use introspected::{DirectiveDef, Meta};
pub use mutation::{MutationType, PLACEHOLDER, UpdateOp};
pub use type_id::{FoldFunction, TypeId};

/// Everything a role can ask.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    model: Arc<Model>,
    role: Role,
    relay: bool,
    /// Of what is asked.
    notes: Option<Notes>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Admin,
    Named {
        name: Arc<str>,
        /// May use what is `backend_only`.
        backend: bool,
    },
}

impl Deref for Schema {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

impl Schema {
    /// What the administrator sees: everything.
    pub fn admin(model: Arc<Model>) -> Self {
        Self { model, role: Role::Admin, relay: false, notes: None }
    }

    pub fn new(model: Arc<Model>, role: &Arc<str>, backend: bool) -> Self {
        let role = if &**role == ADMIN { Role::Admin } else { Role::Named { name: Arc::clone(role), backend } };
        Self { model, role, relay: false, notes: None }
    }

    pub fn of_session(model: Arc<Model>, session: &Session) -> Self {
        Self::new(model, &session.role, session.backend)
    }

    /// The same tables as Relay's API shows them.
    #[must_use]
    pub fn relay(self, relay: bool) -> Self {
        Self { relay, ..self }
    }

    /// Remembers what it is asked.
    #[must_use]
    pub(crate) fn noting(self, notes: &Notes) -> Self {
        Self { notes: Some(notes.clone()), ..self }
    }

    /// Remembers nothing.
    pub(crate) fn unnoted(&self) -> Self {
        Self { notes: None, ..self.clone() }
    }

    pub fn is_relay(&self) -> bool {
        self.relay
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// None for the administrator.
    pub(crate) fn role_name(&self) -> Option<&str> {
        match &self.role {
            Role::Admin => None,
            Role::Named { name, .. } => Some(name),
        }
    }

    /// May use what is `backend_only` because the request says so.
    pub(crate) fn uses_backend(&self) -> bool {
        matches!(self.role, Role::Named { backend: true, .. })
    }

    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// True where the role may not ask what there is.
    pub fn hides_itself(&self) -> bool {
        match &self.role {
            Role::Admin => self.hidden_from.contains(ADMIN),
            Role::Named { name, .. } => self.hidden_from.contains(&**name),
        }
    }

    /// True when the role may ask for nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.roots.queries.values().any(|&root| self.shows(Operation::Query, root))
    }
}
