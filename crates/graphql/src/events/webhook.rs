//! One delivery: the request as Hasura sends it, and what its log keeps of request and response.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::outbound::{Call, Client, Reply, pairs};
use crate::transform::{Body, Outgoing};

use super::definition::{Retry, Webhook};

/// Seconds a webhook may ask to be left alone with `Retry-After`: a day.
const LONGEST_PAUSE: u64 = 24 * 60 * 60;

/// Bytes of a response that the log keeps.
const LOGGED: usize = 1 << 20;

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// Try again after this long.
    Again(Duration),
    Failed,
}

/// What the log keeps of a delivery, and what comes next.
#[derive(Debug)]
pub(super) struct Invocation {
    pub status: Option<i32>,
    pub request: Box<RawValue>,
    pub response: Box<RawValue>,
    pub outcome: Outcome,
}

/// An event on its way.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    pub webhook: &'a Webhook,
    pub retry: Retry,
    /// Tries before this one.
    pub tries: i32,
    /// The body, before any transform.
    pub payload: Box<RawValue>,
    /// What the log calls its form: `2` of event triggers, `1` of scheduled ones.
    pub version: &'static str,
    /// Headers of the trace that the change was part of.
    pub trace: HeaderMap,
    /// The session variables of the change, or null.
    pub session: Value,
}

impl Delivery<'_> {
    /// Sends it and says what came of it.
    pub async fn send(self, client: &Client) -> Invocation {
        let body = Bytes::from(self.payload.get().to_owned());
        let mut call = Call::post(&self.webhook.url, body, self.webhook.timeout)
            .with_headers(&self.webhook.headers)
            .hiding_url(self.webhook.hidden_url);
        call.headers.extend(self.trace.clone());
        let transformed = match self.transform(&mut call) {
            Ok(transformed) => transformed,
            Err(why) => return self.failed(None, self.logged_request(&call, None), &why, Outcome::Failed),
        };
        let logged = self.logged_request(&call, transformed.as_ref());
        match client.send(&call).await {
            Ok(reply) => self.replied(&reply, logged, transformed),
            Err(error) => {
                let message = error.to_json(&call).to_string();
                self.failed(None, logged, &message, self.next(None))
            }
        }
    }

    /// # Errors
    /// Why the template cannot be applied: trying again would not help.
    fn transform(&self, call: &mut Call) -> Result<Option<Outgoing>, String> {
        let Some(transform) = &self.webhook.request_transform else { return Ok(None) };
        let outgoing = Outgoing { headers: call.headers.clone(), ..self.outgoing() };
        let made = transform.apply(outgoing, &self.session).map_err(|error| error.0.to_string())?;
        call.method = Method::from_bytes(made.method.as_bytes()).map_err(|error| error.to_string())?;
        call.url.clone_from(&made.url);
        call.headers.clone_from(&made.headers);
        call.body = made.body.to_bytes();
        Ok(Some(made))
    }

    fn replied(&self, reply: &Reply, request: Box<RawValue>, sent: Option<Outgoing>) -> Invocation {
        let status = Some(i32::from(reply.status.as_u16()));
        let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(LOGGED)]);
        if !reply.status.is_success() {
            return self.failed(status, request, &text, self.next(retry_after(&reply.headers)));
        }
        let text = match &self.webhook.response_transform {
            None => text.into_owned(),
            Some(transform) => {
                let body = serde_json::from_slice(&reply.body).unwrap_or_default();
                let sent = sent.unwrap_or_else(|| self.outgoing());
                match transform.apply(body, reply.status, &sent, &self.session) {
                    Ok(body) => body.to_string(),
                    Err(error) => return self.failed(Some(500), request, &error.0.to_string(), self.next(None)),
                }
            }
        };
        let data = json!({"body": text, "headers": pairs(&reply.headers), "status": reply.status.as_u16()});
        let response = raw(&json!({"data": data, "type": "webhook_response", "version": self.version}));
        Invocation { status, request, response, outcome: Outcome::Delivered }
    }

    fn outgoing(&self) -> Outgoing {
        let body = Body::Json(serde_json::from_str(self.payload.get()).unwrap_or_default());
        let (url, headers) = (self.webhook.url.clone(), self.webhook.headers.clone());
        Outgoing { method: "POST".to_owned(), url, headers, body }
    }

    fn failed(&self, status: Option<i32>, request: Box<RawValue>, message: &str, outcome: Outcome) -> Invocation {
        let response = json!({"data": {"message": message}, "type": "client_error", "version": self.version});
        Invocation { status, request, response: raw(&response), outcome }
    }

    fn next(&self, asked: Option<Duration>) -> Outcome {
        let left = u64::try_from(self.tries).is_ok_and(|tries| tries < self.retry.count);
        match asked {
            Some(pause) => Outcome::Again(pause),
            None if left => Outcome::Again(self.retry.interval),
            None => Outcome::Failed,
        }
    }

    /// Values from the environment are not in it.
    fn logged_request(&self, call: &Call, transformed: Option<&Outgoing>) -> Box<RawValue> {
        #[derive(serde::Serialize)]
        struct Logged<'a> {
            headers: Vec<Value>,
            payload: &'a RawValue,
            version: &'a str,
        }
        let own = ["content-type", "user-agent"].into_iter().filter(|name| !self.webhook.headers.contains_key(*name));
        let own = own.filter_map(|name| Some((http::HeaderName::from_static(name), call.headers.get(name)?.clone())));
        let mut headers = pairs(&own.collect()).as_array().cloned().unwrap_or_default();
        headers.extend(self.webhook.shown.iter().cloned());
        let transformed = transformed.map(|sent| raw(&sent.body.to_json()));
        let payload = transformed.as_deref().unwrap_or(&self.payload);
        raw(&Logged { headers, payload, version: self.version })
    }
}

fn raw(value: &impl serde::Serialize) -> Box<RawValue> {
    to_raw_value(value).expect("strings, numbers and JSON serialise")
}

/// Whole seconds above zero; anything else counts for nothing, as in Hasura.
fn retry_after(headers: &HeaderMap<HeaderValue>) -> Option<Duration> {
    let seconds: u64 = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(LONGEST_PAUSE)))
}
