//! Personal access tokens: refresh tokens for programs, that do not rotate and end when their user said.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::accounts::{self, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::{Body, TokenId};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::limits::Zone;
use crate::session::{self, SessionPayload};
use crate::store::tokens;
use crate::{Handle, events};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/pat", Policy::Elevated, create),
        Route::post("/signin/pat", Policy::Public, sign_in).limited(Zone::BruteForce),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct CreateRequest {
    expires_at: Timestamp,
    metadata: Option<Map<String, Value>>,
}

async fn create(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<CreateRequest>,
) -> Result<Json<Value>, Failure> {
    if request.expires_at <= Timestamp::now() {
        return Err(Failure::Request("expiresAt lies in the past".to_owned()));
    }
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    let token = Uuid::new_v4().to_string();
    let metadata = request.metadata.map(Value::Object);
    let id =
        tokens::insert(&transaction, user.id, &token, tokens::Kind::Pat, request.expires_at, metadata.as_ref()).await?;
    events::record(&transaction, events::Kind::PatCreated, Some(user.id), &caller, Some(&json!({ "id": id }))).await?;
    transaction.commit().await?;
    Ok(Json(json!({ "id": id, "personalAccessToken": token })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignInRequest {
    personal_access_token: TokenId,
}

async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<SignInRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    let client = handle.pool().get().await?;
    let found = tokens::user(&client, &request.personal_access_token.to_text(), tokens::Kind::Pat).await?;
    let user = found.ok_or(Code::InvalidPat)?;
    accounts::may_sign_in(&handle, &user, Wanted::Regular)?;
    let session = session::create(&handle, &client, &user, &caller, "pat").await?;
    Ok(Json(SessionPayload { session: Some(session) }))
}
