//! A new account whose first key takes the place of a password.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{ceremony, challenges, keys};
use crate::accounts::{self, SignUp, SignUpOptions};
use crate::api::body::{Body, Email, Short};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::session::{self, SessionPayload};
use crate::store::users;
use crate::{Handle, email_verification, passwordless, tickets};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartRequest {
    email: Email,
    #[serde(default)]
    options: SignUpOptions,
}

pub(super) async fn start(
    State(handle): State<Handle>,
    Body(request): Body<StartRequest>,
) -> Result<Json<Value>, Failure> {
    let party = handle.party()?;
    accounts::may_sign_up(&handle, Some(&request.email))?;
    let email = request.email.as_str();
    let sign_up = request.options.check(&handle, email)?;
    let client = handle.pool().get().await?;
    // Where answers conceal, it is refused when the key is there.
    if !handle.options().conceal_errors && users::by_email(&client, email).await?.is_some() {
        return Err(Code::EmailAlreadyInUse.into());
    }
    let user = Uuid::new_v4();
    let (options, state) = ceremony::start_registration(party, user, email, &sign_up.display_name, Vec::new())?;
    let kept = json!({ "registration": state, "email": email, "signUp": sign_up });
    challenges::keep(&handle, &client, challenges::Kind::SignUp, Some(user), &options, &kept).await?;
    Ok(Json(options))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct FinishRequest {
    credential: RegisterPublicKeyCredential,
    /// In the place of those of the start.
    options: Option<SignUpOptions>,
    nickname: Option<Short<255>>,
    code_challenge: Option<crate::pkce::Challenge>,
}

pub(super) async fn finish(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<FinishRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    let party = handle.party()?;
    let sends = handle.options().accounts.require_verified_email;
    let _turn = if sends { Some(handle.turn_to_send().await?) } else { None };
    let mut client = handle.pool().get().await?;
    let client_data = &request.credential.response.client_data_json;
    let challenge = challenges::take(&client, challenges::Kind::SignUp, client_data).await?;
    let passkey = ceremony::finish_registration(party, &request.credential, &challenge.state)?;
    let email = challenge.state["email"].as_str().and_then(Email::parse).ok_or(Code::InvalidRequest)?;
    accounts::may_sign_up(&handle, Some(&email))?;
    let sign_up = match request.options {
        Some(options) => options.check(&handle, email.as_str())?,
        None => SignUp::deserialize(&challenge.state["signUp"]).map_err(|_| Code::InvalidRequest)?,
    };
    let mut new = sign_up.user(&handle, &email);
    new.id = challenge.user;

    let transaction = client.transaction().await?;
    let user = passwordless::new(&transaction, &caller, &new).await?;
    let nickname = request.nickname.map(|name| name.0).filter(|name| !name.is_empty());
    keys::insert(&transaction, user.id, &passkey, &request.credential, nickname.as_deref()).await?;
    if user.disabled {
        transaction.commit().await?;
        return Err(Code::DisabledUser.into());
    }
    let session = if handle.options().accounts.require_verified_email {
        let data = tickets::challenge(request.code_challenge);
        let ticket = tickets::issue(&transaction, user.id, tickets::Kind::VerifyEmail, data.as_ref()).await?;
        email_verification::mail(&handle, &user, &ticket, &sign_up.redirect_to).await?;
        None
    } else {
        Some(session::create(&handle, &transaction, &user, &caller, "webauthn").await?)
    };
    transaction.commit().await?;
    Ok(Json(SessionPayload { session }))
}
