//! The end of a session, or of all.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::api::bearer::Bearer;
use crate::api::body::{Body, TokenId};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::ok;
use crate::api::route::{Policy, Route};
use crate::store::tokens;
use crate::{Handle, accounts, events};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::post("/signout", Policy::Optional, sign_out)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    refresh_token: Option<TokenId>,
    #[serde(default)]
    all: bool,
}

/// A refresh token that is not alive is signed out already.
async fn sign_out(
    State(handle): State<Handle>,
    bearer: Option<Bearer>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    let client = handle.pool().get().await?;
    if request.all {
        let bearer = bearer.ok_or(Failure::Security("invalid authorization header"))?;
        accounts::require_session(&client, &bearer).await?;
        // Personal access tokens are made to outlive sessions.
        tokens::delete_all(&client, bearer.user, None, false).await?;
        let details = serde_json::json!({ "all": true });
        events::record(&client, events::Kind::SignedOut, Some(bearer.user), &caller, Some(&details)).await?;
        return Ok(ok());
    }
    let token = request.refresh_token.ok_or(Code::InvalidRequest)?;
    if let Some(user) = tokens::delete(&client, &token.to_text()).await? {
        events::record(&client, events::Kind::SignedOut, Some(user), &caller, None).await?;
    }
    Ok(ok())
}
