//! What a request asks of others than the database.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::failure::{Code, Failure};
use crate::model::Operation;
use crate::plan::Plan;
use crate::session::Session;
use crate::sql::Statement;
use crate::value::{Datum, Provided, Source};

use super::document::Preset;
use super::registry::{Endpoint, RemoteId, RowsKind};

/// Keys that are in objects only until a join has used them. No client can ask for such a key.
pub const HIDDEN: &str = "__nself_";

/// What planning gathers beside the roots.
#[derive(Debug, Default)]
pub struct Parts {
    pub joins: Vec<Join>,
    /// Variables of requests to services so far.
    pub variables: usize,
}

/// A value that goes to a service or webhook.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    Source(Source),
    List(Vec<Argument>),
    Object(Vec<(String, Argument)>),
    Fixed(Json),
    /// A session variable as a scalar of that name.
    Session {
        name: String,
        scalar: String,
    },
    /// Position among what a relation takes from the object around.
    Left(usize),
}

/// A variable of a request to a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    pub name: String,
    /// Its type there.
    pub wire: String,
    pub value: Argument,
}

/// The service as it is asked: what a plan keeps of a remote schema.
#[derive(Debug, Clone)]
pub struct Service {
    pub id: RemoteId,
    pub name: Arc<str>,
    pub endpoint: Arc<Endpoint>,
    /// Its names of types to the ones clients know; empty when they are the same.
    pub type_names: Arc<HashMap<String, String>>,
}

/// A root field that a service answers.
#[derive(Debug)]
pub struct Fetch {
    pub service: Service,
    pub operation: Operation,
    /// One, or all that is selected inside a namespace.
    pub fields: Vec<FetchField>,
    pub variables: Vec<Variable>,
    pub namespace: bool,
    pub renames: Renames,
}

#[derive(Debug)]
pub enum FetchField {
    /// `key: field(…) {…}`
    Ask {
        key: String,
        text: String,
    },
    TypeName {
        key: String,
        name: String,
    },
}

/// Where types' names stand in a response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Renames {
    pub keys: Vec<String>,
    pub inside: Vec<(String, Renames)>,
}

/// A field whose value comes from elsewhere once the object around it is known.
#[derive(Debug)]
pub struct Join {
    /// Keys from `data` to the object.
    pub path: Vec<String>,
    pub key: String,
    /// Hidden keys of that object: what the join starts from.
    pub left: Vec<String>,
    pub to: Destination,
}

#[derive(Debug)]
pub enum Destination {
    Rows(Box<RowsJoin>),
    Remote(Box<RemoteJoin>),
}

/// One statement for all objects. Its last parameter is the list of what they start from.
#[derive(Debug)]
pub struct RowsJoin {
    pub plan: Plan,
    pub statement: Statement,
    pub kind: RowsKind,
}

/// One request for all objects, with an alias for each.
#[derive(Debug)]
pub struct RemoteJoin {
    pub service: Service,
    pub steps: Vec<JoinStep>,
    /// `{…}`, or nothing for a scalar.
    pub selection: String,
    /// Of the arguments that do not depend on the object.
    pub variables: Vec<Variable>,
    pub renames: Renames,
}

#[derive(Debug)]
pub struct JoinStep {
    pub field: String,
    /// Name, type there, value.
    pub arguments: Vec<(String, String, Argument)>,
}

impl Renames {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.inside.is_empty()
    }
}

impl Argument {
    pub fn of_preset(preset: &Preset, scalar: &str) -> Self {
        match preset {
            Preset::Fixed(json) => Self::Fixed(json.clone()),
            Preset::Session(name) => Self::Session { name: name.clone(), scalar: scalar.to_owned() },
            Preset::List(items) => Self::List(items.iter().map(|item| Self::of_preset(item, scalar)).collect()),
            Preset::Object(fields) => {
                Self::Object(fields.iter().map(|(key, value)| (key.clone(), Self::of_preset(value, ""))).collect())
            }
        }
    }

    /// `"$name"` stands for what is on the left under that name.
    pub fn of_template(json: &Json, left: &[String]) -> Self {
        match json {
            Json::String(text) => match text.strip_prefix('$').and_then(|name| left.iter().position(|l| l == name)) {
                Some(position) => Self::Left(position),
                None => Self::Fixed(json.clone()),
            },
            Json::Array(items) => Self::List(items.iter().map(|item| Self::of_template(item, left)).collect()),
            Json::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (key.clone(), Self::of_template(value, left)));
                Self::Object(fields.collect())
            }
            other => Self::Fixed(other.clone()),
        }
    }

    /// Adds what a client gave to what is bound: fields to an object, and items before those of a list. Elsewhere what is
    /// bound stays.
    pub fn merge(&mut self, given: Self) {
        match (self, given) {
            (Self::Object(own), Self::Object(fields)) => {
                for (key, value) in fields {
                    match own.iter_mut().find(|(found, _)| *found == key) {
                        Some((_, bound)) => bound.merge(value),
                        None => own.push((key, value)),
                    }
                }
            }
            (Self::List(own), Self::List(items)) => {
                own.splice(..0, items);
            }
            _ => {}
        }
    }

    /// Depends on the object around.
    pub fn has_left(&self) -> bool {
        match self {
            Self::Left(_) => true,
            Self::List(items) => items.iter().any(Self::has_left),
            Self::Object(fields) => fields.iter().any(|(_, value)| value.has_left()),
            Self::Source(_) | Self::Fixed(_) | Self::Session { .. } => false,
        }
    }

    /// The value for one request and object; none where the client gave a variable no value.
    ///
    /// # Errors
    /// The session lacks a variable, or it is not of its type.
    pub fn to_json(&self, provided: &Provided, session: &Session, left: &[Json]) -> Result<Option<Json>, Failure> {
        Ok(Some(match self {
            Self::Source(Source::Variable { name, path }) if path.is_empty() && !provided.contains_key(name) => {
                return Ok(None);
            }
            Self::Source(source) => {
                let found = source.value(provided, session);
                datum_json(&found.map_err(|found| Failure::new(found.code, "$", found.message))?)
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.to_json(provided, session, left));
                Json::Array(items.map(|item| item.map(Option::unwrap_or_default)).collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => {
                let mut object = Map::with_capacity(fields.len());
                for (key, value) in fields {
                    if let Some(value) = value.to_json(provided, session, left)? {
                        object.insert(key.clone(), value);
                    }
                }
                Json::Object(object)
            }
            Self::Fixed(json) => json.clone(),
            Self::Session { name, scalar } => session_value(session, name, scalar)?,
            Self::Left(position) => left.get(*position).cloned().unwrap_or_default(),
        }))
    }
}

fn session_value(session: &Session, name: &str, scalar: &str) -> Result<Json, Failure> {
    let Some(text) = session.variable(name) else {
        let message = format!("\"{name}\" session variable expected, but not found");
        return Err(Failure::new(Code::NotFound, "$", message));
    };
    let wrong =
        || Failure::new(Code::Unexpected, "$", format!("\"{name}\" cannot be coerced into a(n) {scalar} value"));
    match scalar {
        "Int" | "Float" | "Boolean" => match serde_json::from_str::<Json>(text) {
            Ok(value @ Json::Bool(_)) if scalar == "Boolean" => Ok(value),
            Ok(value @ Json::Number(_)) if scalar != "Boolean" => Ok(value),
            _ => Err(wrong()),
        },
        _ => Ok(Json::from(text)),
    }
}

/// A value as JSON; an enum's is its name.
pub fn datum_json(datum: &Datum<'_>) -> Json {
    match datum {
        Datum::Null => Json::Null,
        Datum::Boolean(value) => (*value).into(),
        Datum::Number(digits) => serde_json::from_str(digits).unwrap_or_else(|_| Json::from(digits.as_ref())),
        Datum::String(text) | Datum::Enum(text) => text.as_ref().into(),
        Datum::List(items) => items.iter().map(datum_json).collect(),
        Datum::Object(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key.to_string(), datum_json(value))).collect())
        }
    }
}
