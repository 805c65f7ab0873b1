//! Actions: root fields that a webhook answers, at once or later.
//!
//! Planning makes a [`Call`], a [`Call`] to be kept for later, or an [`Outcome`] to look up; [`webhook`] sends and
//! checks, [`log`] is the table of asynchronous calls and [`worker`] works on it.

pub(crate) mod log;
mod owner;
mod plan;
mod response;
pub(crate) mod webhook;
pub mod worker;

pub use log::CATALOG_SQL;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::foreign::plan::Argument;
use crate::foreign::registry::Action;

/// A field that is answered by an action's webhook, or by the id under which the call is kept.
#[derive(Debug)]
pub struct Call {
    pub action: Arc<Action>,
    /// Always an object.
    pub input: Argument,
    pub output: Picked,
}

/// What became of an asynchronous call.
#[derive(Debug)]
pub struct Outcome {
    pub action: Arc<Action>,
    pub id: Argument,
    pub fields: Vec<(String, OutcomeField)>,
}

#[derive(Debug)]
pub enum OutcomeField {
    Id,
    CreatedAt,
    Errors,
    Output(Picked),
    TypeName(String),
}

/// What is taken from a handler's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Picked {
    /// As it is.
    Whole,
    /// Of an object, or of each in a list.
    Fields(Vec<(String, PickedField)>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum PickedField {
    /// By the field's name.
    Field(String, Picked),
    TypeName(String),
    /// A join's place.
    Null,
}

impl Picked {
    /// The client's part of an answer. What the handler leaves out is null, but an object inside an object is left out
    /// too, as Hasura does.
    pub fn of(&self, value: &Json) -> Json {
        self.part(value, true)
    }

    fn part(&self, value: &Json, outermost: bool) -> Json {
        match (self, value) {
            (Self::Whole, value) => value.clone(),
            (Self::Fields(_), Json::Array(items)) => items.iter().map(|item| self.part(item, outermost)).collect(),
            (Self::Fields(fields), Json::Object(found)) => {
                let mut object = serde_json::Map::with_capacity(fields.len());
                for (key, field) in fields {
                    let value = match field {
                        PickedField::Field(name, inner) => match found.get(name) {
                            Some(value) => inner.part(value, false),
                            None if !outermost && matches!(inner, Self::Fields(_)) => continue,
                            None => Json::Null,
                        },
                        PickedField::TypeName(name) => name.as_str().into(),
                        PickedField::Null => Json::Null,
                    };
                    object.insert(key.clone(), value);
                }
                Json::Object(object)
            }
            (Self::Fields(_), _) => Json::Null,
        }
    }
}
