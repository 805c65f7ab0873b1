//! `validate_input`: webhooks that look at what a mutation is given before anything is written.
//!
//! A role's insert, update or delete permission names one. All of a request's are asked, one after the other in the
//! order of its fields, before its transaction begins; the first that refuses ends the request. The administrator has no
//! permissions, and so nobody to ask.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use metadata::Header;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::failure::{Code, Failure};
use crate::foreign::plan::Argument;
use crate::outbound::{self, Client, Environment};
use crate::session::Session;
use crate::value::Provided;

/// Of the payload, as Hasura counts them.
const VERSION: u32 = 1;

/// Unless the permission says otherwise.
const TIMEOUT_SECONDS: u64 = 10;

/// Whom to ask, as the permission has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// With `{{NAME}}` for what the environment knows.
    url: String,
    headers: Vec<Header>,
    timeout: Duration,
    forward_client_headers: bool,
}

#[derive(Deserialize)]
struct Form {
    r#type: String,
    definition: Definition,
}

#[derive(Deserialize)]
struct Definition {
    url: String,
    #[serde(default)]
    headers: Option<Vec<Header>>,
    /// Seconds.
    #[serde(default)]
    timeout: Option<u64>,
    #[serde(default)]
    forward_client_headers: Option<bool>,
}

/// A question to a webhook.
#[derive(Debug)]
pub struct Vetting {
    pub webhook: Arc<Webhook>,
    /// The list under `data.input`.
    pub input: Argument,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Webhook {
    /// # Errors
    /// It is not what the metadata may say there.
    pub fn parse(found: &Json) -> Result<Self, String> {
        let form: Form = serde_json::from_value(found.clone()).map_err(|error| format!("validate_input: {error}"))?;
        if form.r#type != "http" {
            return Err(format!("validate_input: expecting type \"http\", but found \"{}\"", form.r#type));
        }
        let Definition { url, headers, timeout, forward_client_headers } = form.definition;
        Ok(Self {
            url,
            headers: headers.unwrap_or_default(),
            timeout: Duration::from_secs(timeout.unwrap_or(TIMEOUT_SECONDS)),
            forward_client_headers: forward_client_headers.unwrap_or_default(),
        })
    }

    /// Sends a payload and reads the verdict.
    ///
    /// # Errors
    /// What the webhook says against it; or it did not answer, or not as it should.
    async fn ask(
        &self,
        client: &Client,
        environment: &Environment,
        sent: &HeaderMap,
        payload: &Json,
    ) -> Result<(), Failure> {
        let url = outbound::resolve(environment, &self.url)?;
        let mut headers = outbound::configured(&self.headers, environment)?;
        if self.forward_client_headers {
            for (name, value) in &outbound::forwarded(sent, None) {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
        let call = outbound::Call::post(url, payload.to_string(), self.timeout).with_headers(&headers);
        let reply = client.send(&call).await;
        let reply =
            reply.map_err(|error| internal("http exception when validating input data", error.to_json(&call)))?;
        match reply.status {
            status if status.is_success() => Ok(()),
            StatusCode::BAD_REQUEST => match serde_json::from_slice::<Refusal>(&reply.body) {
                Ok(refusal) => Err(Failure::new(Code::ValidationFailed, "$", refusal.message)),
                Err(error) => {
                    let message = "received invalid response from input validation webhook";
                    Err(internal(message, format!("invalid response: {error}").into()))
                }
            },
            status => {
                let found = format!("expecting 200 or 400 status code, but found {}", status.as_u16());
                Err(internal("internal error when validating input data", found.into()))
            }
        }
    }
}

/// Asks all, in order.
///
/// # Errors
/// As [`Webhook::ask`], of the first that refuses.
pub(crate) async fn ask(
    vettings: &[Vetting],
    provided: &Provided,
    session: &Session,
    client: &Client,
    environment: &Environment,
) -> Result<(), Failure> {
    for Vetting { webhook, input } in vettings {
        let payload = json!({
            "version": VERSION,
            "role": &*session.role,
            "session_variables": session.to_json(),
            "data": { "input": input.to_json(provided, session, &[])?.unwrap_or_default() },
        });
        webhook.ask(client, environment, &session.headers, &payload).await?;
    }
    Ok(())
}

fn internal(message: &str, detail: Json) -> Failure {
    let mut failure = Failure::new(Code::Unexpected, "$", message);
    failure.internal = Some(Box::new(detail));
    failure
}
