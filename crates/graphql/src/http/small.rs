//! The small endpoints: version, health, configuration, metrics, and nowhere.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use http::{StatusCode, request};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::{self, Shape, only_admin};
use super::{HASURA_VERSION, graphql};
use crate::failure::{Code, Failure};
use crate::metrics::PoolUse;
use crate::model::Convention;
use crate::{Handle, Session};

pub(super) async fn version() -> Response {
    answer::json(StatusCode::OK, format!("{{\"server_type\":\"ce\",\"version\":\"{HASURA_VERSION}\"}}").into())
}

/// `OK` while the database answers; objects that the metadata names and the database lacks are a warning, or an error
/// with `?strict=true`.
pub(super) async fn health(State(handle): State<Handle>, head: request::Parts) -> Response {
    if let Err(error) = handle.options().pool.get().await {
        tracing::error!(%error, "the health check gets no connection to PostgreSQL");
        return (StatusCode::INTERNAL_SERVER_ERROR, "ERROR").into_response();
    }
    if !handle.is_inconsistent() {
        return "OK".into_response();
    }
    let strict = head.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "strict=true"));
    if strict {
        return (StatusCode::INTERNAL_SERVER_ERROR, "ERROR: inconsistent objects in schema").into_response();
    }
    "WARN: inconsistent objects in schema".into_response()
}

/// `/v1alpha1/config`: what consoles want to know.
pub(super) async fn config(State(handle): State<Handle>, head: request::Parts) -> Response {
    if let Err(failure) = admin(&handle, &head).await {
        return Shape::Plain.failure(&handle, &failure);
    }
    let (authenticator, options) = (handle.authenticator(), handle.options());
    let live = &options.live;
    let config = json!({
        "version": HASURA_VERSION,
        "is_function_permissions_inferred": options.infer_function_permissions,
        "is_remote_schema_permissions_enabled": options.remote_schema_permissions,
        "is_admin_secret_set": authenticator.has_secret(),
        "is_auth_hook_set": authenticator.hook().is_some(),
        "is_jwt_set": !authenticator.tokens().is_empty(),
        "jwt": authenticator.tokens().to_json(),
        "is_allow_list_enabled": options.allowlist,
        "live_queries": {"batch_size": live.batch, "refetch_delay": live.refetch.as_secs_f64()},
        "streaming_queries": {"batch_size": live.stream_batch, "refetch_delay": live.stream_refetch.as_secs_f64()},
        "console_assets_dir": null,
        "experimental_features": [],
        "is_prometheus_metrics_enabled": options.apis.metrics,
        "default_naming_convention": match options.naming_convention {
            Convention::HasuraDefault => "hasura-default",
            Convention::GraphqlDefault => "graphql-default",
        },
        "feature_flags": [],
        "is_apollo_federation_enabled": false,
    });
    answer::json(StatusCode::OK, config.to_string().into())
}

/// For the metrics' secret as a bearer token, or the admin secret.
pub(super) async fn metrics(State(handle): State<Handle>, head: request::Parts) -> Response {
    if !has_metrics_secret(&handle, &head.headers)
        && let Err(failure) = admin(&handle, &head).await
    {
        return Shape::Plain.failure(&handle, &failure);
    }
    let (size, free) = handle.options().pool.load();
    let text = handle.metrics().to_prometheus(PoolUse { size, in_use: size.saturating_sub(free) });
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn has_metrics_secret(handle: &Handle, headers: &HeaderMap) -> bool {
    let Some(secret) = &handle.options().metrics_secret else { return false };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    // Of digests, so that the time does not tell the length.
    given.is_some_and(|given| Sha256::digest(given).ct_eq(&Sha256::digest(secret.expose())).into())
}

/// # Errors
/// Whoever asks is not the administrator.
pub(super) async fn admin(handle: &Handle, head: &request::Parts) -> Result<Session, Failure> {
    let session = graphql::authenticate(handle, head, None).await?.session;
    only_admin(&session)?;
    Ok(session)
}

pub(super) async fn nowhere(State(handle): State<Handle>) -> Response {
    Shape::Plain.failure(&handle, &Failure::new(Code::NotFound, "$", "resource does not exist"))
}
