//! `test_webhook_transform`: what a transform would make of a request, without sending it.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::outbound::{self, Environment};

use super::{Body, Outgoing, RequestTransform};

#[derive(Deserialize)]
struct Arguments {
    webhook_url: Url,
    body: Value,
    #[serde(default)]
    env: BTreeMap<String, String>,
    session_variables: Option<BTreeMap<String, String>>,
    #[serde(default)]
    request_headers: Vec<(String, String)>,
    request_transform: RequestTransform,
}

/// A URL with `{{NAME}}` in it, or the variable that holds one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Url {
    Text(String),
    FromEnv { from_env: String },
}

/// The answer to the metadata API's call with these `args`: `webhook_url`, `method`, `headers`, `body`.
///
/// # Errors
/// The arguments are wrong, or the transform cannot be applied.
pub fn test_webhook_transform(args: Value, environment: &Environment) -> Result<Value, Failure> {
    let arguments: Arguments =
        serde_json::from_value(args).map_err(|error| Failure::new(Code::ParseFailed, "$.args", error.to_string()))?;
    let mut known = environment.clone();
    known.extend(arguments.env);
    let url = match &arguments.webhook_url {
        Url::Text(text) => outbound::resolve(&known, text)?,
        Url::FromEnv { from_env } => outbound::variable(&known, from_env)?.to_owned(),
    };
    if reqwest::Url::parse(&url).is_err() {
        return Err(Failure::new(Code::BadRequest, "$", format!("Invalid URL: {url}")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &arguments.request_headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            headers.append(name, value);
        }
    }
    let session: BTreeMap<String, String> = arguments
        .session_variables
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key.to_lowercase(), value))
        .collect();
    let request = Outgoing { method: "POST".to_owned(), url, headers, body: Body::Json(arguments.body) };
    let made = arguments.request_transform.apply(request, &json!(session)).map_err(|error| {
        let mut failure = Failure::invalid("$", "request transform validation failed");
        failure.internal = Some(Box::new(error.0));
        failure
    })?;
    let headers: Vec<[String; 2]> = made
        .headers
        .iter()
        .map(|(name, value)| [name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()])
        .collect();
    Ok(json!({ "webhook_url": made.url, "method": made.method, "headers": headers, "body": made.body.to_json() }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn try_out(transform: Value) -> Result<Value, Failure> {
        let args = json!({
            "webhook_url": "{{HOST}}/hook?a=1",
            "body": {"user": {"id": 3, "name": "Ann Lee"}},
            "env": {"HOST": "http://localhost:1"},
            "session_variables": {"X-Hasura-Role": "user"},
            "request_headers": [["content-type", "application/json"], ["x-old", "1"]],
            "request_transform": transform,
        });
        test_webhook_transform(args, &Environment::new())
    }

    #[test]
    fn everything_at_once() {
        let made = try_out(json!({
            "version": 2,
            "template_engine": "Kriti",
            "method": "PUT",
            "url": "{{$base_url}}/{{$body.user.id}}",
            "query_params": {"name": "{{$body.user.name}}"},
            "request_headers": {"add_headers": {"x-role": "{{$session_variables['x-hasura-role']}}"}, "remove_headers": ["X-Old"]},
            "body": {"action": "transform", "template": "{\"who\": {{$body.user.name}}}"},
        }))
        .unwrap();
        let expected = json!({
            "webhook_url": "http://localhost:1/hook/3?name=Ann%20Lee",
            "method": "PUT",
            "headers": [["content-type", "application/json"], ["x-role", "user"]],
            "body": {"who": "Ann Lee"},
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn forms_removal_and_version_one() {
        let body = |body: Value| try_out(json!({"version": 2, "body": body})).unwrap()["body"].clone();
        let form = json!({"action": "x_www_form_urlencoded", "form_template": {"n": "{{$body.user.name}}", "i": "x"}});
        assert_eq!(body(form), json!("n=Ann%20Lee&i=x"));
        assert_eq!(body(json!({"action": "remove"})), Value::Null);
        assert_eq!(body(json!("{{ $body.user.id }}")), json!(3));
    }

    #[test]
    fn a_wrong_template_is_told() {
        let failure =
            try_out(json!({"version": 2, "body": {"action": "transform", "template": "{{ $body.no }}"}})).unwrap_err();
        assert_eq!(
            (failure.code, failure.message.as_str()),
            (Code::ValidationFailed, "request transform validation failed")
        );
        assert!(failure.internal.is_some());
    }
}
