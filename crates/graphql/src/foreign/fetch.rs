//! Asking services what they have.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use metadata::RemoteSchema;
use serde_json::{Value as Json, json};

use crate::failure::{Code, Failure};
use crate::outbound::{Call, Client, Environment};
use crate::session::Session;

use super::document::Document;
use super::introspect;
use super::registry::Endpoint;
use super::{Introspection, Introspections};

/// Time for a service's answer to introspection, whatever its own timeout says: nobody should wait long for a service that
/// is down.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every service of the metadata says of itself. What is known of one is kept, as long as it is asked in the same
/// way, unless its name is in `again`.
pub async fn fetch(
    client: &Client,
    environment: &Environment,
    schemas: &[RemoteSchema],
    known: &Introspections,
    again: &[String],
) -> Introspections {
    let asked = schemas.iter().map(|schema| async move {
        let before = known.get(&schema.name).filter(|before| before.definition == schema.definition);
        if let Some(found) = before.filter(|_| !again.contains(&schema.name)) {
            return (schema.name.clone(), found.clone());
        }
        let document = match one(client, environment, schema).await {
            Ok(body) => introspect::read(&body).map(Arc::new),
            Err(failure) => Err(failure.message),
        };
        if let Err(reason) = &document {
            tracing::warn!(remote_schema = schema.name, reason, "a remote schema cannot be introspected");
        }
        (schema.name.clone(), Introspection { definition: schema.definition.clone(), document })
    });
    join_all(asked).await.into_iter().collect()
}

/// Whether [`fetch`] would ask nobody.
pub fn is_known(schemas: &[RemoteSchema], known: &Introspections) -> bool {
    schemas.len() == known.len()
        && schemas
            .iter()
            .all(|schema| known.get(&schema.name).is_some_and(|found| found.definition == schema.definition))
}

async fn one(client: &Client, environment: &Environment, schema: &RemoteSchema) -> Result<bytes::Bytes, Failure> {
    let endpoint = Endpoint::new(&schema.definition).map_err(|reason| Failure::new(Code::BadRequest, "$", reason))?;
    let body = json!({ "query": introspect::QUERY, "operationName": "IntrospectionQuery" }).to_string();
    let admin = Session::admin();
    let call = Call::post(endpoint.url(environment)?, body, endpoint.timeout.min(PATIENCE))
        .with_headers(&endpoint.headers_for(&admin, environment)?)
        .hiding_url(endpoint.hides_url());
    let reply = client.send(&call).await.map_err(|error| {
        let mut failure = Failure::new(
            Code::RemoteSchemaError,
            "$",
            format!("HTTP exception occurred while sending the request: {error}"),
        );
        failure.internal = Some(Box::new(error.to_json(&call)));
        failure
    })?;
    if !reply.status.is_success() {
        let message = format!("introspection query failed with status {}", reply.status.as_u16());
        return Err(Failure::new(Code::RemoteSchemaError, "$", message));
    }
    Ok(reply.body)
}

/// `introspect_remote_schema`: the service's own answer.
///
/// # Errors
/// It cannot be reached.
pub async fn introspect_remote_schema(
    client: &Client,
    environment: &Environment,
    schema: &RemoteSchema,
) -> Result<Json, Failure> {
    let body = one(client, environment, schema).await?;
    serde_json::from_slice(&body).map_err(|error| Failure::new(Code::RemoteSchemaError, "$", error.to_string()))
}

/// The schema that a permission's SDL is checked against.
///
/// # Errors
/// Hasura's message for a service that said nothing.
pub fn known<'i>(introspections: &'i Introspections, name: &str) -> Result<&'i Document, Failure> {
    match introspections.get(name).map(|found| found.document.as_ref()) {
        Some(Ok(document)) => Ok(document),
        _ => Err(Failure::new(Code::NotExists, "$", format!("remote schema with name \"{name}\" is not found"))),
    }
}
