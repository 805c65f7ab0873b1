//! Refreshing and verifying tokens.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Deserialize;

use crate::Handle;
use crate::api::bearer::Bearer;
use crate::api::body::{Body, TokenId};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::ok;
use crate::api::route::{Policy, Route};
use crate::session::{self, Session};
use crate::store::tokens;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        // Not limited: a refresh token cannot be guessed, and every client comes here all the time.
        Route::post("/token", Policy::Public, refresh),
        Route::post("/token/verify", Policy::Public, verify),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RefreshRequest {
    refresh_token: TokenId,
}

async fn refresh(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<RefreshRequest>,
) -> Result<Json<Session>, Failure> {
    let client = handle.pool().get().await?;
    session::refresh(&handle, &client, &request.refresh_token.to_text(), &caller).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    token: Option<String>,
}

/// The token of the body, else the bearer; it must still count.
async fn verify(
    State(handle): State<Handle>,
    headers: HeaderMap,
    Body(request): Body<VerifyRequest>,
) -> Result<Json<&'static str>, Failure> {
    let token = request.token.as_deref().or_else(|| Bearer::text(&headers)).ok_or(Code::InvalidRequest)?;
    let bearer = Bearer::verify(&handle, token).map_err(|_| Code::InvalidRequest)?;
    if handle.options().revoke_access_tokens
        && tokens::is_revoked(&handle.pool().get().await?, bearer.user, bearer.session).await?
    {
        return Err(Code::InvalidRequest.into());
    }
    Ok(ok())
}
