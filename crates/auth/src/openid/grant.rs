//! `/oauth2/token`: codes and refresh tokens for tokens.
//!
//! Both work once. One that comes again was copied, so everything that came of the same authorization ends.

use axum::extract::State;
use axum::{Form, Json};
use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::clients::{self, Client};
use super::issue::{self, Grant, Granted};
use super::refusal::Refusal;
use super::{Openid, digest};
use crate::Handle;
use crate::accounts::{self, Wanted};
use crate::pkce::Challenge;
use crate::store::users::{self, User};
use crate::store::{GenericClient, row, run};

#[derive(Deserialize)]
pub(super) struct Request {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

pub(super) async fn token(
    State(handle): State<Handle>,
    headers: HeaderMap,
    Form(request): Form<Request>,
) -> Result<Json<Granted>, Refusal> {
    let provider = handle.provider()?;
    let client =
        clients::authenticate(&handle, &headers, request.client_id.as_deref(), request.client_secret.as_deref())
            .await?;
    match request.grant_type.as_deref() {
        Some("authorization_code") => by_code(&handle, provider, &client, &request).await.map(Json),
        Some("refresh_token") => by_refresh_token(&handle, provider, &client, &request).await.map(Json),
        None => Err(Refusal::request("grant_type is missing")),
        Some(_) => Err(Refusal::new("unsupported_grant_type", "grant_type is authorization_code or refresh_token")),
    }
}

const NO_CODE: Refusal = Refusal::grant("the code is unknown, expired, used, or not for this request");

async fn by_code(handle: &Handle, provider: &Openid, client: &Client, request: &Request) -> Result<Granted, Refusal> {
    let code = request.code.as_deref().ok_or(Refusal::request("code is missing"))?;
    let mut connection = handle.pool().get().await?;
    // Committed at once: a code is used up by being presented, whatever comes after.
    let transaction = connection.transaction().await?;
    let found = present(&transaction, &client.client_id, code).await?;
    transaction.commit().await?;
    let found = found.ok_or(NO_CODE)?;
    if request.redirect_uri.as_deref() != Some(found.try_get::<_, &str>("redirect_uri")?) {
        return Err(NO_CODE);
    }
    let challenge = found.try_get::<_, Option<String>>("code_challenge")?;
    let fits = match (challenge, &request.code_verifier) {
        (Some(challenge), Some(verifier)) => Challenge::parse(&challenge).is_some_and(|known| known.fits(verifier)),
        (None, None) => !client.is_public,
        // Among them a verifier that nobody announced: somebody has taken the challenge out on the way.
        _ => false,
    };
    if !fits {
        return Err(NO_CODE);
    }
    let user: Option<Uuid> = found.try_get("user_id")?;
    let grant = Grant {
        authorization: Some(found.try_get("id")?),
        user: user_of(handle, &connection, user.ok_or(NO_CODE)?).await?,
        scopes: found.try_get("scopes")?,
        nonce: found.try_get("nonce")?,
        auth_time: found.try_get("auth_time")?,
    };
    let transaction = connection.transaction().await?;
    let granted = issue::tokens(handle, provider, &transaction, client, &grant, None).await?;
    transaction.commit().await?;
    Ok(granted)
}

/// Marks a code as used and gives its authorization, when the code is good and this application's.
async fn present<C: GenericClient>(connection: &C, client: &str, code: &str) -> Result<Option<Row>, Refusal> {
    let sql = "SELECT requests.id, requests.client_id, redirect_uri, code_challenge, requests.user_id, scopes, nonce, \
               auth_time, codes.id AS code_id, codes.expires_at = '-infinity' AS used, \
               codes.expires_at > now() AS alive FROM auth.oauth2_authorization_codes codes \
               JOIN auth.oauth2_auth_requests requests ON requests.id = auth_request_id \
               WHERE code_hash = $1 FOR UPDATE OF codes";
    let Some(found) = row(connection, sql, &[&digest(code)]).await? else { return Ok(None) };
    if found.try_get::<_, &str>("client_id")? != client {
        return Ok(None);
    }
    if found.try_get("used")? {
        revoke(connection, found.try_get("id")?).await?;
        tracing::warn!(client, "a code of an application came again; its tokens are revoked");
        return Ok(None);
    }
    let sql = "UPDATE auth.oauth2_authorization_codes SET expires_at = '-infinity' WHERE id = $1";
    run(connection, sql, &[&found.try_get::<_, Uuid>("code_id")?]).await?;
    Ok(if found.try_get("alive")? { Some(found) } else { None })
}

/// Ends what came of an authorization.
async fn revoke<C: GenericClient>(connection: &C, authorization: Uuid) -> Result<(), Refusal> {
    run(connection, "DELETE FROM auth.oauth2_refresh_tokens WHERE auth_request_id = $1", &[&authorization]).await?;
    Ok(())
}

const NO_TOKEN: Refusal = Refusal::grant("the refresh token is unknown, expired or used");

async fn by_refresh_token(
    handle: &Handle,
    provider: &Openid,
    client: &Client,
    request: &Request,
) -> Result<Granted, Refusal> {
    let token = digest(request.refresh_token.as_deref().ok_or(Refusal::request("refresh_token is missing"))?);
    let mut connection = handle.pool().get().await?;
    let transaction = connection.transaction().await?;
    let Some(found) = spend(&transaction, &client.client_id, &token).await? else {
        if let Some(authorization) = spent(&transaction, &client.client_id, &token).await? {
            revoke(&transaction, authorization).await?;
            tracing::warn!(client = client.client_id, "a used refresh token of an application came again");
        }
        transaction.commit().await?;
        return Err(NO_TOKEN);
    };
    let scopes: Vec<String> = found.try_get("scopes")?;
    // A part of what was allowed may be asked for, for this access token (RFC 6749, 6).
    let asked = request.scope.as_deref().filter(|scope| !scope.is_empty());
    let asked: Option<Vec<String>> =
        asked.map(|scope| scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect());
    if !asked.iter().flatten().all(|scope| scopes.contains(scope)) {
        return Err(Refusal::new("invalid_scope", "a scope was not allowed by the user"));
    }
    if !found.try_get::<_, bool>("alive")? {
        transaction.commit().await?;
        return Err(NO_TOKEN);
    }
    let auth_time: Option<Timestamp> = found.try_get("auth_time")?;
    let grant = Grant {
        authorization: found.try_get("auth_request_id")?,
        user: user_of(handle, &transaction, found.try_get("user_id")?).await?,
        scopes,
        nonce: None,
        auth_time,
    };
    let granted = issue::tokens(handle, provider, &transaction, client, &grant, asked).await?;
    transaction.commit().await?;
    Ok(granted)
}

/// Uses a refresh token up.
async fn spend<C: GenericClient>(connection: &C, client: &str, token: &str) -> Result<Option<Row>, Refusal> {
    let sql = "WITH used AS (DELETE FROM auth.oauth2_refresh_tokens WHERE token_hash = $1 AND client_id = $2 \
               RETURNING auth_request_id, user_id, scopes, expires_at > now() AS alive), \
               spent AS (INSERT INTO auth.spent_oauth2_refresh_tokens (hash, auth_request_id) \
               SELECT $1, auth_request_id FROM used WHERE auth_request_id IS NOT NULL) \
               SELECT used.*, auth_time FROM used \
               LEFT JOIN auth.oauth2_auth_requests requests ON requests.id = auth_request_id";
    Ok(row(connection, sql, &[&token, &client]).await?)
}

/// The authorization of a refresh token that was used before.
async fn spent<C: GenericClient>(connection: &C, client: &str, token: &str) -> Result<Option<Uuid>, Refusal> {
    let sql = "SELECT auth_request_id FROM auth.spent_oauth2_refresh_tokens \
               JOIN auth.oauth2_auth_requests requests ON requests.id = auth_request_id \
               WHERE hash = $1 AND client_id = $2";
    Ok(row(connection, sql, &[&token, &client]).await?.map(|found| found.try_get(0)).transpose()?)
}

/// The user, who may have been disabled since.
async fn user_of<C: GenericClient>(handle: &Handle, connection: &C, user: Uuid) -> Result<User, Refusal> {
    const GONE: Refusal = Refusal::grant("the user may not sign in any more");
    let user = users::by_id(connection, user).await?.ok_or(GONE)?;
    accounts::may_sign_in(handle, &user, Wanted::Regular).map_err(|_| GONE)?;
    Ok(user)
}
