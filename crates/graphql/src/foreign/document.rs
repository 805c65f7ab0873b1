//! The types of a GraphQL service as they are written there, by name.

use std::collections::BTreeMap;

use apollo_compiler::ast;
use serde_json::Value as Json;

pub use apollo_compiler::ast::Type;

/// Scalars that every GraphQL service has.
pub const STANDARD: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

/// A service's schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    pub query: Option<String>,
    pub mutation: Option<String>,
    pub subscription: Option<String>,
    pub types: BTreeMap<String, Definition>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub description: Option<String>,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Scalar,
    Enum(Vec<EnumValue>),
    Object { fields: Vec<Field>, interfaces: Vec<String> },
    Interface { fields: Vec<Field>, possible: Vec<String> },
    Union(Vec<String>),
    Input(Vec<Input>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue {
    pub name: String,
    pub description: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub description: Option<String>,
    pub arguments: Vec<Input>,
    pub typed: Type,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub typed: Type,
    /// As GraphQL writes it.
    pub default: Option<String>,
    /// What is sent instead of asking the client: `@preset` of a role's schema.
    pub preset: Option<Preset>,
}

/// A value of a role's schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Preset {
    Fixed(Json),
    /// A session variable by its lower-case name.
    Session(String),
    List(Vec<Preset>),
    Object(Vec<(String, Preset)>),
}

impl Document {
    pub fn root(&self, operation: ast::OperationType) -> Option<&str> {
        match operation {
            ast::OperationType::Query => self.query.as_deref(),
            ast::OperationType::Mutation => self.mutation.as_deref(),
            ast::OperationType::Subscription => self.subscription.as_deref(),
        }
    }

    /// The fields of an object or interface.
    pub fn fields(&self, name: &str) -> &[Field] {
        match self.types.get(name).map(|found| &found.body) {
            Some(Body::Object { fields, .. } | Body::Interface { fields, .. }) => fields,
            _ => &[],
        }
    }

    pub fn field(&self, parent: &str, name: &str) -> Option<&Field> {
        self.fields(parent).iter().find(|field| field.name == name)
    }
}

/// A type's use, as GraphQL writes it: `[Int!]!`.
pub fn type_named(text: &str) -> Option<Type> {
    Type::parse(text, "type").ok()
}

/// A literal as JSON; an enum's value becomes its name.
pub fn literal(value: &ast::Value) -> Json {
    match value {
        ast::Value::Null | ast::Value::Variable(_) => Json::Null,
        ast::Value::Enum(name) => name.as_str().into(),
        ast::Value::String(text) => text.as_str().into(),
        ast::Value::Boolean(value) => (*value).into(),
        ast::Value::Int(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        ast::Value::Float(number) => serde_json::from_str(number.as_str()).unwrap_or_default(),
        ast::Value::List(items) => items.iter().map(|item| literal(item)).collect(),
        ast::Value::Object(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key.to_string(), literal(value))).collect())
        }
    }
}
