//! Sign-in with a key: of the account of an address, or whichever the user picks.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{ceremony, challenges, keys};
use crate::accounts::{self, Wanted};
use crate::api::body::{Body, Email};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::session::{self, SessionPayload};
use crate::store::{GenericClient, users};
use crate::{Handle, events};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartRequest {
    email: Option<Email>,
}

pub(super) async fn start(
    State(handle): State<Handle>,
    Body(request): Body<StartRequest>,
) -> Result<Json<Value>, Failure> {
    let party = handle.party()?;
    let client = handle.pool().get().await?;
    let (user, keys) = match &request.email {
        None => (None, Vec::new()),
        Some(email) => match of_address(&handle, &client, email.as_str()).await {
            Ok((user, keys)) => (Some(user), keys),
            // Looks like an account with a key.
            Err(failure) if handle.options().conceal_errors && failure.tells_about_account() => {
                (None, vec![keys::Key::decoy(&handle, email.as_str())])
            }
            Err(failure) => return Err(failure),
        },
    };
    let (options, kept) = ceremony::start_use(party, &keys)?;
    challenges::keep(&handle, &client, challenges::Kind::SignIn, user, &options, &kept).await?;
    Ok(Json(options))
}

async fn of_address<C: GenericClient>(
    handle: &Handle,
    client: &C,
    email: &str,
) -> Result<(Uuid, Vec<keys::Key>), Failure> {
    let user = users::by_email(client, email).await?.ok_or(Code::InvalidEmailPassword)?;
    accounts::may_sign_in(handle, &user, Wanted::Regular)?;
    let keys = keys::of_user(client, user.id).await?;
    match keys.is_empty() {
        true if handle.options().conceal_errors => Ok((user.id, vec![keys::Key::decoy(handle, email)])),
        true => Err(Code::InvalidRequest.into()),
        false => Ok((user.id, keys)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FinishRequest {
    credential: PublicKeyCredential,
    /// The key says who it is; older clients say it too.
    #[serde(rename = "email")]
    _email: Option<Email>,
}

pub(super) async fn finish(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<FinishRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    let mut client = handle.pool().get().await?;
    let used = used_key(&handle, &client, challenges::Kind::SignIn, &request.credential).await;
    let used = match used {
        Ok(used) => used,
        Err(failure) => {
            let details = json!({ "method": "webauthn" });
            events::record(&client, events::Kind::SignInFailed, None, &caller, Some(&details)).await?;
            return Err(failure);
        }
    };
    let transaction = client.transaction().await?;
    let user = users::by_id(&transaction, used.user).await?.ok_or(Code::InvalidRequest)?;
    accounts::may_sign_in(&handle, &user, Wanted::Regular)?;
    let session = session::create(&handle, &transaction, &user, &caller, "webauthn").await?;
    transaction.commit().await?;
    Ok(Json(SessionPayload { session: Some(session) }))
}

/// The key whose answer it is, proved; its counter is kept.
///
/// # Errors
/// [`Code::InvalidRequest`]
pub(super) async fn used_key<C: GenericClient>(
    handle: &Handle,
    client: &C,
    kind: challenges::Kind,
    answer: &PublicKeyCredential,
) -> Result<keys::Key, Failure> {
    let party = handle.party()?;
    let challenge = challenges::take(client, kind, &answer.response.client_data_json).await?;
    let key = keys::of_credential(client, &answer.raw_id).await?.ok_or(Code::InvalidRequest)?;
    if challenge.user.is_some_and(|user| user != key.user) {
        return Err(Code::InvalidRequest.into());
    }
    let counter = ceremony::finish_use(party, answer, &challenge.state, &key)?;
    if !keys::count(client, key.id, counter).await? {
        return Err(Code::InvalidRequest.into());
    }
    Ok(key)
}
