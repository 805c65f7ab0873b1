//! One request to one service.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};

use crate::failure::{Code, Failure};
use crate::foreign::exact;
use crate::foreign::plan::{Renames, Service, Variable};
use crate::foreign::registry::{Endpoint, Url};
use crate::model::Operation;
use crate::outbound::{self, Call, Environment};
use crate::session::Session;

use super::Asking;

/// Bytes of a wrong answer that its error shows.
const SHOWN: usize = 4096;

/// `query ($v0: Int!) { … }`
pub(super) fn document(operation: Operation, variables: &[Variable], selection: &str) -> String {
    let keyword = match operation {
        Operation::Query => "query",
        Operation::Mutation => "mutation",
        Operation::Subscription => "subscription",
    };
    let declared: Vec<String> =
        variables.iter().map(|variable| format!("${}: {}", variable.name, variable.wire)).collect();
    let declared = if declared.is_empty() { String::new() } else { format!(" ({})", declared.join(", ")) };
    format!("{keyword}{declared} {{ {selection} }}")
}

/// Gives types their clients' names.
pub(super) fn rename(object: &mut Map<String, Json>, renames: &Renames, names: &HashMap<String, String>) {
    for key in &renames.keys {
        if let Some(Json::String(name)) = object.get_mut(key)
            && let Some(shown) = names.get(name)
        {
            name.clone_from(shown);
        }
    }
    for (key, inside) in &renames.inside {
        if let Some(value) = object.get_mut(key) {
            rename_value(value, inside, names);
        }
    }
}

pub(super) fn rename_value(value: &mut Json, renames: &Renames, names: &HashMap<String, String>) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| rename_value(item, renames, names)),
        Json::Object(fields) => rename(fields, renames, names),
        _ => {}
    }
}

impl Endpoint {
    /// # Errors
    /// A variable of the environment is not set.
    pub fn url(&self, environment: &Environment) -> Result<String, Failure> {
        match &self.url {
            Url::Text(text) => outbound::resolve(environment, text),
            Url::FromEnv(name) => outbound::variable(environment, name).map(str::to_owned),
        }
    }

    /// The URL is from the environment, at least in part, and not to be told.
    pub fn hides_url(&self) -> bool {
        match &self.url {
            Url::Text(text) => text.contains("{{"),
            Url::FromEnv(_) => true,
        }
    }

    /// The configured headers, then the session's variables, then the client's own: the first that sets one wins.
    ///
    /// # Errors
    /// As [`Endpoint::url`].
    pub fn headers_for(&self, session: &Session, environment: &Environment) -> Result<HeaderMap, Failure> {
        let mut headers = outbound::configured(&self.headers, environment)?;
        let variables = session.to_json();
        for (name, value) in variables.as_object().into_iter().flatten() {
            let value = value.as_str().and_then(|value| HeaderValue::try_from(value).ok());
            if let (Ok(name), Some(value)) = (HeaderName::try_from(name.as_str()), value) {
                headers.entry(name).or_insert(value);
            }
        }
        if self.forward_client_headers {
            let client = outbound::forwarded(&session.headers, None);
            for name in client.keys().filter(|name| !headers.contains_key(*name)).cloned().collect::<Vec<_>>() {
                for value in client.get_all(&name) {
                    headers.append(name.clone(), value.clone());
                }
            }
        }
        for (name, value) in &crate::events::onward(&session.headers) {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        Ok(headers)
    }
}

/// What a service said.
pub(super) struct Answer {
    pub data: Map<String, Json>,
    pub headers: HeaderMap,
}

impl Asking<'_> {
    /// The values of variables, without those that have none.
    pub(super) fn variables(self, variables: &[Variable], left: &[Json]) -> Result<Map<String, Json>, Failure> {
        let mut values = Map::with_capacity(variables.len());
        for variable in variables {
            if let Some(value) = variable.value.to_json(&self.request.variables, self.session, left)? {
                values.insert(variable.name.clone(), value);
            }
        }
        Ok(values)
    }

    /// A service's answer.
    ///
    /// # Errors
    /// There is none, or the service says what is wrong.
    pub(super) async fn ask(
        self,
        service: &Service,
        document: &str,
        variables: Map<String, Json>,
    ) -> Result<Answer, Failure> {
        let environment = &self.handle.options().environment;
        let endpoint = &service.endpoint;
        let body = exact::text(&json!({ "query": document, "variables": variables }));
        let call = Call::post(endpoint.url(environment)?, body, endpoint.timeout)
            .with_headers(&endpoint.headers_for(self.session, environment)?)
            .hiding_url(endpoint.hides_url());
        let reply = self.handle.client().send(&call).await.map_err(|error| {
            let message = format!("HTTP exception occurred while sending the request to \"{}\"", shown(endpoint));
            failure(message, error.to_json(&call))
        })?;
        let answer = exact::parse(&reply.body).unwrap_or_default();
        let Json::Object(mut answer) = answer else {
            let message = format!("unexpected response from remote server \"{}\"", service.name);
            let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(SHOWN)]);
            return Err(failure(message, json!({ "status": reply.status.as_u16(), "body": text })));
        };
        if let Some(errors) = answer.remove("errors").filter(|errors| errors.as_array().is_some_and(|e| !e.is_empty()))
        {
            let mut failure = Failure::new(Code::Unexpected, "$", "the remote schema answered with errors");
            failure.errors = Some(Box::new(errors));
            return Err(failure);
        }
        match answer.remove("data") {
            Some(Json::Object(data)) => Ok(Answer { data, headers: reply.headers }),
            _ => {
                let message =
                    format!("\"data\" or \"errors\" not found in response of remote server \"{}\"", service.name);
                Err(failure(message, json!({ "status": reply.status.as_u16() })))
            }
        }
    }
}

/// What a service said is wrong when it was asked for a join: its errors speak of fields that no client has asked for.
pub(super) fn in_join(mut failure: Failure) -> Failure {
    if let Some(errors) = failure.errors.take() {
        "Errors from remote server".clone_into(&mut failure.message);
        failure.internal = Some(Box::new(json!({ "errors": errors })));
    }
    failure
}

/// The service left out what it was asked for.
pub(super) fn missing(key: &str) -> Failure {
    Failure::new(Code::RemoteSchemaError, "$", format!("expecting key {key}"))
}

/// The endpoint as the metadata names it.
fn shown(endpoint: &Endpoint) -> &str {
    match &endpoint.url {
        Url::Text(text) | Url::FromEnv(text) => text,
    }
}

fn failure(message: String, internal: Json) -> Failure {
    let mut failure = Failure::new(Code::RemoteSchemaError, "$", message);
    failure.internal = Some(Box::new(internal));
    failure
}
