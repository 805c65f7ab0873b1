//! The elevated claim: who is signed in uses a key again, and gets a token that says so.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{ceremony, challenges, keys, sign_in};
use crate::accounts::{self, Wanted};
use crate::api::bearer::{Bearer, ELEVATED};
use crate::api::body::{Body, Email};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::session::{self, SessionPayload};
use crate::{Handle, events};

pub(super) async fn start(State(handle): State<Handle>, bearer: Bearer) -> Result<Json<Value>, Failure> {
    let party = handle.party()?;
    let client = handle.pool().get().await?;
    let user = accounts::of_bearer(&handle, &client, &bearer, Wanted::Regular).await?;
    let keys = keys::of_user(&client, user.id).await?;
    if keys.is_empty() {
        return Err(Code::InvalidRequest.into());
    }
    let (options, kept) = ceremony::start_use(party, &keys)?;
    challenges::keep(&handle, &client, challenges::Kind::Elevate, Some(user.id), &options, &kept).await?;
    Ok(Json(options))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FinishRequest {
    credential: PublicKeyCredential,
    #[serde(rename = "email")]
    _email: Option<Email>,
}

/// A new session, as upstream gives one. Its refresh token gives tokens without the claim.
pub(super) async fn finish(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<FinishRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    let mut client = handle.pool().get().await?;
    let key = sign_in::used_key(&handle, &client, challenges::Kind::Elevate, &request.credential).await?;
    if key.user != bearer.user {
        return Err(Code::InvalidRequest.into());
    }
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    let mut session = session::create(&handle, &transaction, &user, &caller, "webauthn").await?;
    let claim = [(ELEVATED, user.id.to_string())];
    let id = Some(session.refresh_token_id);
    session.access_token = session::access_token(&handle, &user, &session.user.roles, id, &claim).await?;
    events::record(&transaction, events::Kind::Elevated, Some(user.id), &caller, None).await?;
    transaction.commit().await?;
    Ok(Json(SessionPayload { session: Some(session) }))
}
