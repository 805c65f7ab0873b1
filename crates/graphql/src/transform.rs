//! Webhook transforms: what a webhook is sent, and what is read from its answer, rewritten by templates.
//!
//! Both versions of Hasura's format are read. Version 1 has the body's template as a plain string; version 2 has an
//! object with an `action`.

pub mod kriti;
mod request;
mod response;
mod sample;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use request::{Body, Outgoing, RequestTransform};
pub use response::ResponseTransform;
pub use sample::test_webhook_transform;

use kriti::{Context, Template};

/// `body` of a transform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BodyTransform {
    /// Version 1.
    Template(String),
    /// Version 2.
    Action(BodyAction),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum BodyAction {
    Remove,
    Transform { template: String },
    XWwwFormUrlencoded { form_template: FormTemplate },
}

/// Fields in their order with a template each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FormTemplate {
    Fields(Map<String, Value>),
}

/// Why a transform could not be applied: Hasura's list of errors, as it stands in `internal`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the transform's template failed: {0}")]
pub struct Error(pub Value);

impl From<kriti::Error> for Error {
    fn from(error: kriti::Error) -> Self {
        Self(json!([error.to_json()]))
    }
}

fn evaluate(text: &str, context: &Context) -> Result<Value, Error> {
    Ok(Template::parse(text)?.evaluate(text, context)?)
}

/// A template that gives text; JSON's null gives none.
fn evaluate_text(text: &str, context: &Context) -> Result<String, Error> {
    match Template::parse_text(text)?.evaluate(text, context)? {
        Value::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

/// `a=1&b=2`
fn form(fields: &Map<String, Value>, context: &Context) -> Result<String, Error> {
    let mut pairs = Vec::with_capacity(fields.len());
    for (key, template) in fields {
        let template = template.as_str().map_or_else(|| template.to_string(), str::to_owned);
        let key = evaluate_text(key, context)?;
        let value = evaluate_text(&template, context)?;
        pairs.push(format!("{}={}", kriti::escape_uri(&key), kriti::escape_uri(&value)));
    }
    Ok(pairs.join("&"))
}
