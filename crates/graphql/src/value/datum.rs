//! A value without regard to where it came from.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::session::Session;

use super::Mismatch;

/// The variables of a request.
pub type Provided = serde_json::Map<String, Json>;

/// A value as it was written. Numbers keep their digits, so that a `numeric` loses none.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    Null,
    Boolean(bool),
    Number(Cow<'a, str>),
    String(Cow<'a, str>),
    /// A bare name; never from JSON.
    Enum(Cow<'a, str>),
    List(Vec<Datum<'a>>),
    Object(Vec<(Cow<'a, str>, Datum<'a>)>),
}

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// Where a parameter's value comes from: written in the query, or found in the variables of each request.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Literal(Datum<'static>),
    Variable {
        name: String,
        path: Vec<Segment>,
    },
    /// The values that a key has in all objects of a list.
    Column {
        name: String,
        path: Vec<Segment>,
        key: String,
    },
    List(Vec<Source>),
    Object(Vec<(String, Source)>),
    /// A session variable, and the SQL type it is cast to.
    Session {
        name: String,
        cast: String,
    },
    /// A value out of Relay's cursor.
    Cursor {
        inner: Box<Source>,
        keys: Vec<String>,
    },
    /// All session variables as JSON.
    WholeSession,
}

impl Datum<'_> {
    /// What an error calls it; Hasura's words.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(digits) if digits.contains(['.', 'e', 'E']) => "a float",
            Self::Number(_) => "an integer",
            Self::String(_) => "a string",
            Self::Enum(_) => "an enum value",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    pub fn from_json(json: &Json) -> Datum<'_> {
        match json {
            Json::Null => Datum::Null,
            Json::Bool(value) => Datum::Boolean(*value),
            Json::Number(number) => Datum::Number(number.to_string().into()),
            Json::String(text) => Datum::String(text.into()),
            Json::Array(items) => Datum::List(items.iter().map(Datum::from_json).collect()),
            Json::Object(map) => {
                Datum::Object(map.iter().map(|(key, value)| (key.into(), Datum::from_json(value))).collect())
            }
        }
    }
}

impl Source {
    /// The value for one request; null where the variables have none.
    ///
    /// # Errors
    /// The session lacks a variable.
    pub fn value<'a>(&'a self, provided: &'a Provided, session: &'a Session) -> Result<Datum<'a>, Mismatch> {
        Ok(match self {
            Self::Literal(datum) => datum.clone(),
            Self::Variable { name, path } => walk(provided, name, path).map_or(Datum::Null, Datum::from_json),
            Self::Column { name, path, key } => {
                let rows = walk(provided, name, path).and_then(Json::as_array);
                let value = |row: &'a Json| row.get(key).map_or(Datum::Null, Datum::from_json);
                Datum::List(rows.into_iter().flatten().map(value).collect())
            }
            Self::List(items) => {
                let items = items.iter().map(|item| item.value(provided, session));
                Datum::List(items.collect::<Result<_, _>>()?)
            }
            Self::Object(fields) => {
                let fields =
                    fields.iter().map(|(key, value)| Ok((key.as_str().into(), value.value(provided, session)?)));
                Datum::Object(fields.collect::<Result<_, Mismatch>>()?)
            }
            Self::Cursor { inner, keys } => {
                let found = crate::plan::relay::cursor_text(&inner.value(provided, session)?, keys);
                // A null changes the plan, so that a kept one does not fit.
                Datum::String(found.ok_or_else(Mismatch::invalid_cursor)?.into())
            }
            Self::WholeSession => Datum::String(session.to_json().to_string().into()),
            Self::Session { name, .. } => match session.variable(name) {
                Some(text) => Datum::String(text.into()),
                None => return Err(Mismatch::missing_variable(name)),
            },
        })
    }

    /// True when the query itself writes a string, alone or in a list.
    pub fn writes_text(&self) -> bool {
        match self {
            Self::Literal(Datum::String(_)) => true,
            Self::List(items) => items.iter().any(Self::writes_text),
            _ => false,
        }
    }

    /// The same for every request.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Cursor { inner, .. } => inner.is_constant(),
            Self::Variable { .. } | Self::Column { .. } | Self::Session { .. } | Self::WholeSession => false,
            Self::List(items) => items.iter().all(Self::is_constant),
            Self::Object(fields) => fields.iter().all(|(_, value)| value.is_constant()),
        }
    }
}

/// What stands at a place in the variables.
pub fn walk<'a>(provided: &'a Provided, name: &str, path: &[Segment]) -> Option<&'a Json> {
    let mut current = provided.get(name)?;
    for segment in path {
        current = match segment {
            Segment::Key(key) => current.get(key)?,
            Segment::Index(index) => current.get(index)?,
        };
    }
    Some(current)
}
