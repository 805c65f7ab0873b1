//! What comes back from a webhook.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kriti::Context;
use super::{BodyAction, BodyTransform, Error, FormTemplate, Outgoing, evaluate, form};

/// `response_transform` of an action or event trigger.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResponseTransform {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyTransform>,
}

impl ResponseTransform {
    /// The response's body as the template makes it. Templates see `$body`, `$request`, `$response` (`body`,
    /// `status`) and `$session_variables`.
    ///
    /// # Errors
    /// The template is wrong or does not fit the response.
    pub fn apply(&self, body: Value, status: StatusCode, request: &Outgoing, session: &Value) -> Result<Value, Error> {
        let Some(transform) = &self.body else { return Ok(body) };
        let entries = [
            ("$request", request.to_json(session)),
            ("$response", json!({ "body": body, "status": status.as_u16() })),
            ("$session_variables", session.clone()),
            ("$body", body),
        ];
        let context: Context = entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        match transform {
            BodyTransform::Template(template) | BodyTransform::Action(BodyAction::Transform { template }) => {
                evaluate(template, &context)
            }
            BodyTransform::Action(BodyAction::Remove) => Ok(Value::Null),
            BodyTransform::Action(BodyAction::XWwwFormUrlencoded { form_template: FormTemplate::Fields(fields) }) => {
                form(fields, &context).map(Value::String)
            }
        }
    }
}
