//! Security keys and passkeys (WebAuthn): sign-up, sign-in, another key, and the elevated claim.
//!
//! Keys stand in upstream's table, so those that were registered with Nhost's service work. Unlike there, the key has to
//! verify its user (by a PIN, a finger, a face): it signs in without anything else, so it is two factors at once.

mod ceremony;
mod challenges;
mod cose;
mod elevate;
mod keys;
mod sealed;
mod settings;
mod sign_in;
mod sign_up;

pub(crate) use challenges::sweep;
pub use settings::Settings;
pub(crate) use settings::party;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use crate::accounts::{self, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::{Body, Short};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::limits::Zone;
use crate::{Handle, events};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signup/webauthn", Policy::Public, sign_up::start).limited(Zone::SignUp),
        Route::post("/signup/webauthn/verify", Policy::Public, sign_up::finish).limited(Zone::SignUp),
        Route::post("/signin/webauthn", Policy::Public, sign_in::start).limited(Zone::BruteForce),
        Route::post("/signin/webauthn/verify", Policy::Public, sign_in::finish).limited(Zone::BruteForce),
        Route::post("/elevate/webauthn", Policy::Bearer, elevate::start),
        Route::post("/elevate/webauthn/verify", Policy::Bearer, elevate::finish).limited(Zone::BruteForce),
        // Elevated, but for the first key: without one nobody could ever be elevated.
        Route::post("/user/webauthn/add", Policy::Bearer, add),
        Route::post("/user/webauthn/add/verify", Policy::Bearer, finish_add),
    ]
}

async fn add(State(handle): State<Handle>, bearer: Bearer) -> Result<Json<Value>, Failure> {
    let party = handle.party()?;
    let client = handle.pool().get().await?;
    let user = accounts::of_bearer(&handle, &client, &bearer, Wanted::Regular).await?;
    let keys = keys::of_user(&client, user.id).await?;
    if !keys.is_empty() {
        bearer.require_elevated(&handle).await?;
    }
    let known = keys.iter().filter_map(keys::Key::id_bytes).collect();
    let name = user.email.as_deref().unwrap_or(&user.display_name);
    let (options, state) = ceremony::start_registration(party, user.id, name, &user.display_name, known)?;
    let kept = json!({ "registration": state });
    challenges::keep(&handle, &client, challenges::Kind::Add, Some(user.id), &options, &kept).await?;
    Ok(Json(options))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    credential: RegisterPublicKeyCredential,
    nickname: Option<Short<255>>,
}

async fn finish_add(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<AddRequest>,
) -> Result<Json<Value>, Failure> {
    let party = handle.party()?;
    let mut client = handle.pool().get().await?;
    let client_data = &request.credential.response.client_data_json;
    let challenge = challenges::take(&client, challenges::Kind::Add, client_data).await?;
    if challenge.user != Some(bearer.user) {
        return Err(Code::InvalidRequest.into());
    }
    let passkey = ceremony::finish_registration(party, &request.credential, &challenge.state)?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    // It may have got its first key since the start.
    if !keys::of_user(&transaction, user.id).await?.is_empty() {
        bearer.require_elevated(&handle).await?;
    }
    let nickname = request.nickname.map(|name| name.0).filter(|name| !name.is_empty());
    let id = keys::insert(&transaction, user.id, &passkey, &request.credential, nickname.as_deref()).await?;
    let details = json!({ "id": id });
    events::record(&transaction, events::Kind::SecurityKeyAdded, Some(user.id), &caller, Some(&details)).await?;
    transaction.commit().await?;
    Ok(Json(match nickname {
        Some(nickname) => json!({ "id": id, "nickname": nickname }),
        None => json!({ "id": id }),
    }))
}
