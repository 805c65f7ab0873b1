//! A user's sessions and personal access tokens: which there are, and the end of one. nself's own; Nhost has none.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::bearer::Bearer;
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::ok;
use crate::api::route::{Policy, Route};
use crate::store::tokens;
use crate::{Handle, accounts, events};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/user/sessions", Policy::Bearer, list),
        Route::delete("/user/sessions/{id}", Policy::Bearer, revoke),
    ]
}

async fn list(State(handle): State<Handle>, bearer: Bearer) -> Result<Json<Value>, Failure> {
    let client = handle.pool().get().await?;
    accounts::require_session(&client, &bearer).await?;
    let sessions = tokens::list(&client, bearer.user, bearer.session).await?;
    Ok(Json(json!({ "sessions": sessions })))
}

async fn revoke(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<&'static str>, Failure> {
    let id: Uuid = id.parse().map_err(|_| Failure::Request("the id is no UUID".to_owned()))?;
    let client = handle.pool().get().await?;
    accounts::require_session(&client, &bearer).await?;
    if !tokens::delete_one(&client, bearer.user, id).await? {
        return Err(Code::InvalidRequest.into());
    }
    events::record(&client, events::Kind::SessionRevoked, Some(bearer.user), &caller, Some(&json!({ "id": id })))
        .await?;
    Ok(ok())
}
