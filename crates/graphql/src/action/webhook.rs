//! Calling an action's handler.

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value as Json, json};

use crate::failure::{Code, Failure};
use crate::foreign::exact;
use crate::foreign::registry::Action;
use crate::outbound::{self, Client, Environment};
use crate::transform::{self, Body, Outgoing};

/// What an action's output is, as far as answers are checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    List {
        nullable: bool,
        item: Box<Shape>,
    },
    /// `required`: of an object type, the fields that must not be null.
    Named {
        nullable: bool,
        name: String,
        required: Option<Vec<String>>,
    },
}

/// One call of a handler.
#[derive(Debug)]
pub struct Request<'r> {
    pub action: &'r Action,
    pub input: &'r Json,
    pub session: &'r Json,
    /// The client's.
    pub headers: &'r HeaderMap,
    /// The text of the GraphQL request; none for what is done later.
    pub query: Option<&'r str>,
}

impl Request<'_> {
    /// The handler's answer, checked, and the headers that came with it. Numbers in it are as [`exact`] has them.
    ///
    /// # Errors
    /// In Hasura's words: no answer, a wrong one, or what the handler said is wrong.
    pub async fn send(&self, client: &Client, environment: &Environment) -> Result<(Json, HeaderMap), Failure> {
        let action = self.action;
        let url = outbound::resolve(environment, &action.handler)?;
        let mut headers = outbound::configured(&action.headers, environment)?;
        if action.forward_client_headers {
            for (name, value) in &outbound::forwarded(self.headers, action.ignored_client_headers.as_deref()) {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
        for (name, value) in &crate::events::onward(self.headers) {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        let payload = json!({
            "action": { "name": action.name },
            "input": self.input,
            "request_query": self.query,
            "session_variables": self.session,
        });
        let hidden = action.handler.contains("{{");
        let call = outbound::Call::post(url.clone(), "", action.timeout).with_headers(&headers).hiding_url(hidden);
        let outgoing = Outgoing {
            method: "POST".to_owned(),
            url: url.clone(),
            headers: call.headers.clone(),
            body: Body::Json(payload.clone()),
        };
        let (sent, transformed) = match &action.request_transform {
            Some(transform) => {
                let made = transform.apply(outgoing, self.session).map_err(|error| failed("request", error))?;
                let told = if hidden { made.url.replace(&url, &action.handler) } else { made.url.clone() };
                let shown = json!({ "body": made.body.to_json(), "url": told, "method": made.method });
                (made, Some(shown))
            }
            None => (outgoing, None),
        };
        let request = json!({
            // The template, not what the environment made of it.
            "url": action.handler,
            "body": payload,
            "headers": action.headers,
            "transformed_request": transformed,
        });
        let method = http::Method::from_bytes(sent.method.as_bytes()).unwrap_or(http::Method::POST);
        let call = outbound::Call {
            method,
            url: sent.url.clone(),
            headers: sent.headers.clone(),
            body: sent.body.to_bytes(),
            ..call
        };
        let reply = client.send(&call).await.map_err(|error| {
            let message = "http exception when calling webhook";
            internal(message, json!({ "error": error.to_json(&call), "request": request, "response": null }))
        })?;
        Ok((self.answer(&reply, &sent, request)?, reply.headers))
    }

    fn answer(&self, reply: &outbound::Reply, sent: &Outgoing, request: Json) -> Result<Json, Failure> {
        let info = |body: Json| json!({ "status": reply.status.as_u16(), "headers": outbound::pairs(&reply.headers), "body": body });
        let told = |message: &str, error: Json, body: Json| {
            internal(message, json!({ "error": error, "request": request, "response": info(body) }))
        };
        let parsed: Json = serde_json::from_slice(&reply.body).map_err(|error| {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            told("not a valid json response from webhook", format!("invalid json: {error}").into(), text.into())
        })?;
        let value = match (&self.action.response_transform, reply.status.is_success()) {
            (Some(transform), true) => transform
                .apply(parsed.clone(), reply.status, sent, self.session)
                .map_err(|error| failed("response", error))?,
            // All digits of its numbers.
            (None, true) => exact::parse(&reply.body).unwrap_or_else(|| parsed.clone()),
            _ => parsed.clone(),
        };
        match reply.status {
            status if status.is_success() => match self.action.shape.check(&value) {
                Ok(()) => Ok(value),
                Err(message) => Err(told(&message, "unexpected response".into(), parsed)),
            },
            status if status.is_client_error() => Err(refused(&value).unwrap_or_else(|| {
                let message = "parsing Hasura.GraphQL.Execute.Action.Types.ActionWebhookErrorResponse failed";
                told(message, "unexpected response".into(), value.clone())
            })),
            StatusCode { .. } => {
                let status = reply.status.as_u16();
                let error = format!("expecting 2xx or 4xx status code, but found {status}");
                Err(told("internal error", error.into(), parsed))
            }
        }
    }
}

fn internal(message: &str, detail: Json) -> Failure {
    let mut failure = Failure::new(Code::Unexpected, "$", message);
    failure.internal = Some(Box::new(detail));
    failure
}

fn failed(which: &str, error: transform::Error) -> Failure {
    let which = if which == "request" { "Request Transformation Failed" } else { "Response Transformation Failed" };
    internal(which, error.0)
}

/// What the handler says is wrong: `{message, code?, extensions?}`.
fn refused(value: &Json) -> Option<Failure> {
    let fields: &Map<String, Json> = value.as_object()?;
    let message = fields.get("message")?.as_str()?;
    let mut failure = Failure::new(Code::Unexpected, "$", message);
    failure.other_code = fields.get("code").and_then(Json::as_str).map(Into::into);
    failure.extensions = fields.get("extensions").filter(|found| !found.is_null()).map(|found| Box::new(found.clone()));
    Some(failure)
}
