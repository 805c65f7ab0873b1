//! Every type, field and relationship that is not the database's, ready to be asked by any role.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metadata::Header;
use serde_json::{Map, Value as Json};

use crate::model::{Operation, TableId};
use crate::schema::TypeRef;

use super::customization::Customization;
use super::document::{EnumValue, Preset};

/// Position in [`Registry::types`].
pub type ForeignId = usize;
/// Position in [`Registry::remotes`].
pub type RemoteId = usize;
/// Position in [`Registry::actions`].
pub type ActionId = usize;
/// Position in [`Registry::relations`].
pub type RelationId = usize;

/// Part of a [`crate::model::Model`].
#[derive(Debug, Default)]
pub struct Registry {
    pub types: Vec<Type>,
    /// Types of actions, and `ID`.
    pub custom: HashMap<String, ForeignId>,
    pub actions: Vec<Arc<Action>>,
    pub remotes: Vec<Remote>,
    pub remote_roots: Vec<RemoteRoot>,
    pub relations: Vec<Relation>,
    /// Remote schemas show each role only what it is given; else everybody sees all.
    pub remote_permissions: bool,
}

#[derive(Debug)]
pub struct Type {
    pub name: String,
    /// What the service calls it.
    pub remote_name: String,
    pub description: Option<String>,
    pub body: Body,
    /// Fields that lead elsewhere.
    pub relations: Vec<(String, RelationId)>,
}

#[derive(Debug)]
pub enum Body {
    Scalar,
    Enum(Vec<EnumValue>),
    Object { fields: Vec<Field>, interfaces: Vec<ForeignId> },
    Interface { fields: Vec<Field>, possible: Vec<ForeignId> },
    Union(Vec<ForeignId>),
    Input(Vec<Input>),
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub remote_name: String,
    pub description: Option<String>,
    pub arguments: Vec<Input>,
    pub typed: TypeRef,
}

#[derive(Debug, Clone)]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub typed: TypeRef,
    /// The type as the service writes it.
    pub wire: String,
    pub default: Option<String>,
    pub preset: Option<Preset>,
}

/// A field that a webhook answers.
#[derive(Debug)]
pub struct Action {
    pub name: String,
    pub comment: Option<String>,
    /// May hold `{{NAME}}`.
    pub handler: String,
    pub headers: Vec<Header>,
    pub forward_client_headers: bool,
    /// Names of the client's headers that are not forwarded; none: Hasura's own list.
    pub ignored_client_headers: Option<Vec<String>>,
    pub timeout: Duration,
    pub arguments: Vec<Input>,
    pub output: TypeRef,
    /// What answers are checked against.
    pub shape: crate::action::webhook::Shape,
    pub is_async: bool,
    /// Of an asynchronous action: the type of its result's field.
    pub result: Option<ForeignId>,
    pub is_query: bool,
    pub roles: Vec<Arc<str>>,
    pub request_transform: Option<crate::transform::RequestTransform>,
    pub response_transform: Option<crate::transform::ResponseTransform>,
}

/// Another GraphQL service.
#[derive(Debug)]
pub struct Remote {
    pub name: String,
    pub endpoint: Endpoint,
    pub customization: Customization,
    /// The administrator's (and, without permissions, everybody's) first.
    pub views: Vec<View>,
}

/// Where a service is and how it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub url: Url,
    pub headers: Vec<Header>,
    pub forward_client_headers: bool,
    pub timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Url {
    /// May hold `{{NAME}}`.
    Text(String),
    FromEnv(String),
}

/// What a role sees of a service.
#[derive(Debug)]
pub struct View {
    /// None: the administrator.
    pub role: Option<Arc<str>>,
    /// By the name clients use.
    pub types: HashMap<String, ForeignId>,
    /// By the service's name.
    pub by_remote_name: HashMap<String, ForeignId>,
    pub queries: Vec<Field>,
    pub mutations: Vec<Field>,
    pub subscriptions: Vec<Field>,
}

/// A field of a root type that a service answers, for whichever role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRoot {
    pub remote: RemoteId,
    pub operation: Operation,
    pub name: String,
    /// The field holds the service's own root fields.
    pub namespace: bool,
}

/// A field that another source answers.
#[derive(Debug)]
pub struct Relation {
    pub name: String,
    /// What is taken from the object around.
    pub left: Vec<Left>,
    pub to: To,
}

#[derive(Debug)]
pub struct Left {
    /// As the metadata names it.
    pub name: String,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Column(usize),
    Computed(usize),
    /// A field of a foreign type, by the service's name.
    Field(String),
}

#[derive(Debug)]
pub enum To {
    Rows {
        table: TableId,
        kind: RowsKind,
        /// Positions in [`Relation::left`] and in the table's columns.
        mapping: Vec<(usize, usize)>,
    },
    Remote {
        remote: RemoteId,
        /// From the root field inwards; the last is what the field shows.
        steps: Vec<Step>,
        /// For each of the service's views the arguments that are left to clients; none where the view lacks what the
        /// steps need, for then a bound argument would be left out and more be shown.
        free: Vec<Option<Vec<Input>>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsKind {
    Object,
    Array,
    Aggregate,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub field: String,
    /// `"$name"` stands for what is on the left.
    pub arguments: Map<String, Json>,
}

impl Type {
    /// Fields of an object or interface.
    pub fn fields(&self) -> &[Field] {
        match &self.body {
            Body::Object { fields, .. } | Body::Interface { fields, .. } => fields,
            _ => &[],
        }
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    pub fn relation(&self, name: &str) -> Option<RelationId> {
        self.relations.iter().find(|(found, _)| found == name).map(|(_, id)| *id)
    }

    /// Has fields to select.
    pub fn is_composite(&self) -> bool {
        matches!(self.body, Body::Object { .. } | Body::Interface { .. } | Body::Union(_))
    }
}

impl View {
    pub fn fields(&self, operation: Operation) -> &[Field] {
        match operation {
            Operation::Query => &self.queries,
            Operation::Mutation => &self.mutations,
            Operation::Subscription => &self.subscriptions,
        }
    }

    pub fn root(&self, operation: Operation, name: &str) -> Option<&Field> {
        self.fields(operation).iter().find(|field| field.name == name)
    }
}

impl Registry {
    /// What a role sees of a service; `role` is none for the administrator.
    pub fn view(&self, remote: RemoteId, role: Option<&str>) -> Option<&View> {
        self.remotes[remote].views.get(self.view_position(remote, role)?)
    }

    /// Which of a service's views is the role's.
    pub fn view_position(&self, remote: RemoteId, role: Option<&str>) -> Option<usize> {
        if role.is_none() || !self.remote_permissions {
            return Some(0);
        }
        let views = &self.remotes[remote].views;
        (1..views.len()).find(|&position| views[position].role.as_deref() == role)
    }

    /// The field of a root type as a role sees it; none for a namespace.
    pub fn root_field(&self, root: usize, role: Option<&str>) -> Option<&Field> {
        let found = &self.remote_roots[root];
        self.view(found.remote, role)?.root(found.operation, &found.name)
    }

    /// True when the role may use this field of a service.
    pub fn shows_remote(&self, root: usize, role: Option<&str>) -> bool {
        let found = &self.remote_roots[root];
        let view = self.view(found.remote, role);
        if found.namespace {
            return view.is_some_and(|view| !view.fields(found.operation).is_empty());
        }
        view.is_some_and(|view| view.root(found.operation, &found.name).is_some())
    }

    pub fn shows_action(&self, action: ActionId, role: Option<&str>) -> bool {
        role.is_none_or(|role| self.actions[action].roles.iter().any(|found| &**found == role))
    }

    /// The type of that name that a role may meet.
    pub fn type_named(&self, name: &str, role: Option<&str>) -> Option<ForeignId> {
        if let Some(&found) = self.custom.get(name) {
            return Some(found);
        }
        (0..self.remotes.len()).find_map(|remote| self.view(remote, role)?.types.get(name).copied())
    }

    pub fn remote_named(&self, name: &str) -> Option<RemoteId> {
        self.remotes.iter().position(|remote| remote.name == name)
    }

    pub fn action_named(&self, name: &str) -> Option<ActionId> {
        self.actions.iter().position(|action| action.name == name)
    }
}
