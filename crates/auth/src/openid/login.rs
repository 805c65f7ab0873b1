//! `/oauth2/login`: what the frontend's page asks about an application's request, and how it tells that the user agrees.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::refusal::Refusal;
use super::{authorize, digest};
use crate::accounts::{self, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::Body;
use crate::store::{row, run, tokens};
use crate::{Handle, pkce};

/// How long a code lives; RFC 6749 recommends ten minutes at most.
const LIFE: Duration = Duration::from_secs(300);

const GONE: Refusal = Refusal::request("the request is unknown, expired or answered");

#[derive(Deserialize)]
pub(super) struct DescribeRequest {
    request_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described {
    request_id: Uuid,
    client_id: String,
    client_name: String,
    scopes: Vec<String>,
    redirect_uri: String,
}

/// Who asks for what.
pub(super) async fn describe(
    State(handle): State<Handle>,
    Query(request): Query<DescribeRequest>,
) -> Result<Json<Described>, Refusal> {
    handle.provider()?;
    let request_id: Uuid = request.request_id.and_then(|id| id.parse().ok()).ok_or(GONE)?;
    let sql = "SELECT client_id, client_name, oauth2_auth_requests.scopes, redirect_uri \
               FROM auth.oauth2_auth_requests JOIN auth.oauth2_clients USING (client_id) \
               WHERE oauth2_auth_requests.id = $1 AND NOT done AND expires_at > now()";
    let found = row(&handle.pool().get().await?, sql, &[&request_id]).await?.ok_or(GONE)?;
    Ok(Json(Described {
        request_id,
        client_id: found.try_get(0)?,
        client_name: found.try_get(1)?,
        scopes: found.try_get(2)?,
        redirect_uri: found.try_get(3)?,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CompleteRequest {
    request_id: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Completed {
    redirect_uri: String,
}

/// The user who is signed in agrees. The page then sends the browser to `redirectUri`.
pub(super) async fn complete(
    State(handle): State<Handle>,
    bearer: Bearer,
    Body(request): Body<CompleteRequest>,
) -> Result<Json<Completed>, Refusal> {
    let provider = handle.provider()?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    let sql = "UPDATE auth.oauth2_auth_requests SET user_id = $2, done = true, auth_time = now() \
               WHERE id = $1 AND NOT done AND expires_at > now() RETURNING redirect_uri, state";
    let found = row(&transaction, sql, &[&request.request_id, &user.id]).await?.ok_or(GONE)?;
    let (redirect_uri, state): (String, Option<String>) = (found.try_get(0)?, found.try_get(1)?);
    let code = pkce::secret()?;
    let sql =
        "INSERT INTO auth.oauth2_authorization_codes (code_hash, auth_request_id, expires_at) VALUES ($1, $2, $3)";
    run(&transaction, sql, &[&digest(&code), &request.request_id, &tokens::after(LIFE)]).await?;
    transaction.commit().await?;
    let redirect_uri = authorize::answer(provider, &redirect_uri, state.as_deref(), &[("code", &code)]);
    Ok(Json(Completed { redirect_uri }))
}
