//! What goes to a webhook.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::kriti::{self, Context};
use super::{BodyAction, BodyTransform, Error, FormTemplate, evaluate, evaluate_text, form};

/// `request_transform` of an action or event trigger.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestTransform {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_engine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_params: Option<QueryParams>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<RequestHeaders>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyTransform>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QueryParams {
    /// One template for the whole query string.
    Template(String),
    Fields(Map<String, Value>),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestHeaders {
    pub add_headers: BTreeMap<String, String>,
    pub remove_headers: Vec<String>,
}

/// A request on its way out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub method: String,
    /// With its query string.
    pub url: String,
    pub headers: HeaderMap,
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    None,
    Json(Value),
    /// A form.
    Raw(String),
}

impl Body {
    pub fn to_bytes(&self) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::Json(value) => Some(value.to_string().into()),
            Self::Raw(text) => Some(text.clone().into()),
        }
    }

    pub fn to_json(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Json(value) => value.clone(),
            Self::Raw(text) => text.as_str().into(),
        }
    }
}

impl Outgoing {
    /// The names that templates see: `$body`, `$base_url`, `$query_params`, `$method`, `$session_variables`.
    pub(super) fn context(&self, session: &Value) -> Context {
        let (base, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let parameters: Map<String, Value> = reqwest::Url::parse(&self.url)
            .map(|url| url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned().into())).collect())
            .unwrap_or_default();
        let url = if query.is_empty() { self.url.as_str() } else { base };
        let entries = [
            ("$body", self.body.to_json()),
            ("$base_url", url.into()),
            ("$query_params", parameters.into()),
            ("$method", self.method.as_str().into()),
            ("$session_variables", session.clone()),
        ];
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What `$request` is in a response's template.
    pub(super) fn to_json(&self, session: &Value) -> Value {
        json!({
            "method": self.method,
            "url": self.url,
            "body": self.body.to_json(),
            "session_variables": session,
        })
    }
}

impl RequestTransform {
    /// The request as the templates make it. `session` is an object of session variables. All templates see the
    /// request as it was before.
    ///
    /// # Errors
    /// A template is wrong or does not fit the request.
    pub fn apply(&self, request: Outgoing, session: &Value) -> Result<Outgoing, Error> {
        let context = request.context(session);
        let mut made = request;
        if let Some(method) = &self.method {
            made.method.clone_from(method);
        }
        if let Some(url) = &self.url {
            let url = evaluate_text(url, &context)?;
            if reqwest::Url::parse(&url).is_err() {
                return Err(Error(
                    json!([{ "error_code": "TransformationError", "message": format!("Invalid URL: {url}") }]),
                ));
            }
            made.url = url;
        }
        if let Some(parameters) = &self.query_params {
            made.url = with_query(&made.url, &query(parameters, &context)?);
        }
        self.headers(&mut made, &context)?;
        if let Some(body) = &self.body {
            made.body = self.body(body, &mut made.headers, &context)?;
        }
        Ok(made)
    }

    fn headers(&self, request: &mut Outgoing, context: &Context) -> Result<(), Error> {
        let Some(changes) = &self.request_headers else { return Ok(()) };
        for name in &changes.remove_headers {
            request.headers.remove(name.as_str());
        }
        for (name, template) in &changes.add_headers {
            let value = evaluate_text(template, context)?;
            match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => request.headers.insert(name, value),
                _ => {
                    let message = format!("the header '{name}' cannot be sent");
                    return Err(Error(json!([{ "error_code": "TransformationError", "message": message }])));
                }
            };
        }
        Ok(())
    }

    fn body(&self, body: &BodyTransform, headers: &mut HeaderMap, context: &Context) -> Result<Body, Error> {
        let template = match body {
            BodyTransform::Template(template) | BodyTransform::Action(BodyAction::Transform { template }) => template,
            BodyTransform::Action(BodyAction::Remove) => return Ok(Body::None),
            BodyTransform::Action(BodyAction::XWwwFormUrlencoded { form_template: FormTemplate::Fields(fields) }) => {
                let own = self.request_headers.as_ref().is_some_and(|changes| {
                    changes.add_headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"))
                });
                if !own {
                    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                    headers.insert(CONTENT_TYPE, form);
                }
                return form(fields, context).map(Body::Raw);
            }
        };
        evaluate(template, context).map(Body::Json)
    }
}

fn query(parameters: &QueryParams, context: &Context) -> Result<String, Error> {
    match parameters {
        QueryParams::Template(template) => evaluate_text(template, context),
        QueryParams::Fields(fields) => {
            let mut pairs = Vec::with_capacity(fields.len());
            for (key, template) in fields {
                let key = kriti::escape_uri(&evaluate_text(key, context)?);
                match template {
                    Value::Null => pairs.push(key),
                    Value::String(template) => {
                        pairs.push(format!("{key}={}", kriti::escape_uri(&evaluate_text(template, context)?)));
                    }
                    other => pairs.push(format!("{key}={}", kriti::escape_uri(&other.to_string()))),
                }
            }
            Ok(pairs.join("&"))
        }
    }
}

/// The URL with another query string.
fn with_query(url: &str, query: &str) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let base = rest.split_once('?').map_or(rest, |(base, _)| base);
    let mark = if query.is_empty() { "" } else { "?" };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{base}{mark}{query}{fragment}")
}
