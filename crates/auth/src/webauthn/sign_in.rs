//! Sign-in with a key: of the account of an address, or whichever the user picks.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::PublicKeyCredential;

use super::sealed::{self, Sealed};
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
    let (mut options, _) = ceremony::start_use(party, &keys)?;
    options["challenge"] = sealed::issue(&handle, user)?.into();
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
    let used = signing_key(&handle, &client, &request.credential).await;
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

/// The key whose answer to a sign-in's challenge it is, proved; its counter is kept and the challenge is used up.
///
/// # Errors
/// [`Code::InvalidRequest`]
async fn signing_key<C: GenericClient>(
    handle: &Handle,
    client: &C,
    answer: &PublicKeyCredential,
) -> Result<keys::Key, Failure> {
    let party = handle.party()?;
    let key = keys::of_credential(client, &answer.raw_id).await?.ok_or(Code::InvalidRequest)?;
    let challenge = Sealed::open(handle, &answer.response.client_data_json, key.user)?;
    prove(party, client, answer, &challenge.state(party)?, &key).await?;
    challenge.spend(client, key.user).await?;
    Ok(key)
}

/// The key whose answer to a challenge that was kept it is, proved; its counter is kept.
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
    prove(party, client, answer, &challenge.state, &key).await?;
    Ok(key)
}

async fn prove<C: GenericClient>(
    party: &Webauthn,
    client: &C,
    answer: &PublicKeyCredential,
    state: &Value,
    key: &keys::Key,
) -> Result<(), Failure> {
    let counter = ceremony::finish_use(party, answer, state, key)?;
    if keys::count(client, key.id, counter).await? { Ok(()) } else { Err(Code::InvalidRequest.into()) }
}
