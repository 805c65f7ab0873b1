//! What can be asked about tokens: `/oauth2/userinfo`, `/oauth2/introspect`, and their end, `/oauth2/revoke`.

use axum::extract::State;
use axum::{Form, Json};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::clients::{self, Client};
use super::issue::about;
use super::refusal::Refusal;
use super::{SCOPES, bearer, digest};
use crate::Handle;
use crate::accounts::{self, Wanted};
use crate::store::{row, run, users};

const BAD: Refusal = Refusal::token("the token is not valid");

/// Who a token belongs to: an application's, as far as its scopes go, or a user's own.
pub(super) async fn userinfo(State(handle): State<Handle>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    handle.provider()?;
    let claims = handle.options().keys.verify(bearer(&headers)?).ok_or(BAD)?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let scopes: Vec<String> = if claims.contains_key("client_id") {
        text("scope").unwrap_or_default().split(' ').map(str::to_owned).collect()
    } else {
        SCOPES.map(str::to_owned).to_vec()
    };
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(Refusal::Token { code: "insufficient_scope", why: "the scope openid is missing" });
    }
    let id: Uuid = text("sub").and_then(|sub| sub.parse().ok()).ok_or(BAD)?;
    let user = users::by_id(&handle.pool().get().await?, id).await?.ok_or(BAD)?;
    accounts::may_sign_in(&handle, &user, Wanted::Any).map_err(|_| BAD)?;
    let mut told = Map::new();
    told.insert("sub".to_owned(), user.id.to_string().into());
    told.extend(about(&user, &scopes));
    Ok(Json(told.into()))
}

#[derive(Deserialize)]
pub(super) struct TokenRequest {
    token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

impl TokenRequest {
    async fn client(&self, handle: &Handle, headers: &HeaderMap) -> Result<Client, Refusal> {
        handle.provider()?;
        clients::authenticate(handle, headers, self.client_id.as_deref(), self.client_secret.as_deref()).await
    }

    fn token(&self) -> Result<&str, Refusal> {
        self.token.as_deref().ok_or(Refusal::request("token is missing"))
    }
}

/// Whether a token is alive. An application learns about its own only.
pub(super) async fn introspect(
    State(handle): State<Handle>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Result<Json<Value>, Refusal> {
    let client = request.client(&handle, &headers).await?;
    if client.is_public {
        return Err(Refusal::client("a client without a secret cannot ask"));
    }
    let token = request.token()?;
    let sql = "SELECT user_id, array_to_string(scopes, ' '), expires_at, created_at FROM auth.oauth2_refresh_tokens \
               WHERE token_hash = $1 AND client_id = $2 AND expires_at > now()";
    let found = row(&handle.pool().get().await?, sql, &[&digest(token), &client.client_id]).await?;
    if let Some(found) = found {
        let (expires, created): (Timestamp, Timestamp) = (found.try_get(2)?, found.try_get(3)?);
        return Ok(Json(json!({
            "active": true,
            "client_id": client.client_id,
            "sub": found.try_get::<_, Uuid>(0)?,
            "scope": found.try_get::<_, String>(1)?,
            "exp": expires.as_second(),
            "iat": created.as_second(),
            "iss": handle.provider()?.issuer,
            "token_type": "refresh_token",
        })));
    }
    let verified = handle.options().keys.verify(token).map(|verified| verified.claims);
    let own = verified.filter(|claims| claims.get("client_id").and_then(Value::as_str) == Some(&client.client_id));
    let Some(claims) = own else { return Ok(Json(json!({ "active": false }))) };
    let mut told = json!({ "active": true, "token_type": "access_token" });
    for name in ["client_id", "sub", "aud", "scope", "exp", "iat", "iss", "jti"] {
        if let Some(value) = claims.get(name) {
            told[name] = value.clone();
        }
    }
    Ok(Json(told))
}

/// Ends a refresh token. Access tokens end by themselves. An unknown token is no error (RFC 7009, 2.2).
pub(super) async fn revoke(
    State(handle): State<Handle>,
    headers: HeaderMap,
    Form(request): Form<TokenRequest>,
) -> Result<StatusCode, Refusal> {
    let client = request.client(&handle, &headers).await?;
    let sql = "DELETE FROM auth.oauth2_refresh_tokens WHERE token_hash = $1 AND client_id = $2";
    run(&handle.pool().get().await?, sql, &[&digest(request.token()?), &client.client_id]).await?;
    Ok(StatusCode::OK)
}
