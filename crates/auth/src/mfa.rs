//! The second factor: codes of an app (TOTP), and recovery codes for who has lost it.

mod recovery;
mod totp;

use axum::Json;
use axum::extract::State;
use project::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::{self, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::{Body, Short};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::ok;
use crate::api::route::{Policy, Route};
use crate::limits::{self, Subject, Zone};
use crate::session::{self, SessionPayload};
use crate::store::users::{self, User};
use crate::store::{GenericClient, run};
use crate::{Handle, events, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/mfa/totp/generate", Policy::Bearer, generate),
        Route::post("/user/mfa", Policy::Elevated, switch).limited(Zone::BruteForce),
        Route::post("/signin/mfa/totp", Policy::Public, sign_in).limited(Zone::BruteForce),
        // nself's own; Nhost has none.
        Route::get("/user/mfa/recovery-codes", Policy::Bearer, count_recovery_codes),
        Route::post("/user/mfa/recovery-codes", Policy::Elevated, make_recovery_codes).limited(Zone::BruteForce),
    ]
}

/// Of `users.active_mfa_type`.
const TOTP: &str = "totp";

fn require_enabled(handle: &Handle) -> Result<(), Failure> {
    if handle.options().methods.mfa { Ok(()) } else { Err(Code::DisabledEndpoint.into()) }
}

fn is_active(user: &User) -> bool {
    user.active_mfa_type.as_deref() == Some(TOTP)
}

/// A new secret. Upstream replaces one that is active too, which locks its user out; here that one is switched off first.
async fn generate(State(handle): State<Handle>, bearer: Bearer) -> Result<Json<Value>, Failure> {
    require_enabled(&handle)?;
    let client = handle.pool().get().await?;
    let user = accounts::of_bearer(&handle, &client, &bearer, Wanted::Regular).await?;
    if is_active(&user) {
        return Err(Code::TotpAlreadyActive.into());
    }
    let id = user.id.to_string();
    let named = [user.email.as_deref(), Some(&*user.display_name)].into_iter().flatten().find(|name| !name.is_empty());
    let issuer = &handle.options().methods.totp_issuer;
    let made = totp::make(issuer, named.unwrap_or(&id))
        .map_err(|why| Failure::internal("a TOTP secret cannot be made", &why))?;
    let sql = "UPDATE auth.users SET totp_secret = $2 WHERE id = $1 AND active_mfa_type IS DISTINCT FROM 'totp'";
    if run(&client, sql, &[&user.id, &made.secret.expose()]).await? == 0 {
        return Err(Code::TotpAlreadyActive.into());
    }
    Ok(Json(json!({ "imageUrl": made.image_url.expose(), "totpSecret": made.secret.expose() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SwitchRequest {
    code: Short<64>,
    active_mfa_type: Option<Short<16>>,
}

/// On with `totp`, off with an empty type or none. Both want a code.
async fn switch(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<SwitchRequest>,
) -> Result<Json<&'static str>, Failure> {
    require_enabled(&handle)?;
    let wanted = request.active_mfa_type.map(|kind| kind.0).filter(|kind| !kind.is_empty());
    if wanted.as_deref().is_some_and(|kind| kind != TOTP) {
        return Err(Code::MfaTypeNotFound.into());
    }
    let account = bearer.user.to_string();
    limits::take(&handle, Zone::BruteForce, Subject::Account(&account)).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    let kind = if wanted.is_some() {
        if is_active(&user) {
            return Err(Code::TotpAlreadyActive.into());
        }
        let secret = user.totp_secret.as_ref().ok_or(Code::NoTotpSecret)?;
        totp::step(secret, &request.code.0).ok_or(Code::InvalidTotp)?;
        run(&transaction, "UPDATE auth.users SET active_mfa_type = 'totp' WHERE id = $1", &[&user.id]).await?;
        events::Kind::MfaEnabled
    } else {
        prove(&transaction, &user, &request.code.0, Reuse::Allowed).await?;
        run(&transaction, "UPDATE auth.users SET active_mfa_type = NULL WHERE id = $1", &[&user.id]).await?;
        recovery::forget(&transaction, user.id).await?;
        events::Kind::MfaDisabled
    };
    events::record(&transaction, kind, Some(user.id), &caller, None).await?;
    transaction.commit().await?;
    limits::give_back(&handle, Zone::BruteForce, Subject::Account(&account)).await;
    Ok(ok())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInRequest {
    ticket: Short<100>,
    /// Six digits, or a recovery code.
    otp: Short<64>,
}

/// The second step of a sign-in. A wrong code leaves the ticket for another try; tries are counted by account.
async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<SignInRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    require_enabled(&handle)?;
    let ticket = &*request.ticket.0;
    let mut client = handle.pool().get().await?;
    let user = tickets::peek(&client, ticket, tickets::Kind::MfaTotp).await?;
    accounts::may_sign_in(&handle, &user, Wanted::Regular)?;
    let account = user.id.to_string();
    limits::take(&handle, Zone::BruteForce, Subject::Account(&account)).await?;
    let transaction = client.transaction().await?;
    let proved = prove(&transaction, &user, &request.otp.0, Reuse::Refused).await;
    if let Err(failure) = proved {
        drop(transaction);
        let details = json!({ "method": TOTP });
        events::record(&client, events::Kind::SignInFailed, Some(user.id), &caller, Some(&details)).await?;
        return Err(failure);
    }
    if let Ok(Proof::Recovery) = proved {
        events::record(&transaction, events::Kind::RecoveryCodeUsed, Some(user.id), &caller, None).await?;
    }
    // Somebody else may have been faster with it.
    tickets::redeem(&transaction, ticket, tickets::Kind::MfaTotp).await?;
    let session = session::create(&handle, &transaction, &user, &caller, TOTP).await?;
    transaction.commit().await?;
    limits::give_back(&handle, Zone::BruteForce, Subject::Account(&account)).await;
    Ok(Json(SessionPayload { session: Some(session) }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Totp,
    Recovery,
}

/// Whether a code that has signed in may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Allowed,
    /// Each signs in once (RFC 6238, 5.2).
    Refused,
}

/// What the code proves; a recovery code is used up.
async fn prove<C: GenericClient>(client: &C, user: &User, code: &str, reuse: Reuse) -> Result<Proof, Failure> {
    if !is_active(user) {
        return Err(Code::DisabledMfaTotp.into());
    }
    let secret: &Secret = user.totp_secret.as_ref().ok_or(Code::NoTotpSecret)?;
    if !totp::is_code(code) {
        let right = recovery::spend(client, user.id, code).await?;
        return if right { Ok(Proof::Recovery) } else { Err(Code::InvalidTotp.into()) };
    }
    let step = totp::step(secret, code).ok_or(Code::InvalidTotp)?;
    if reuse == Reuse::Refused && !totp::is_first(client, user.id, step).await? {
        return Err(Code::InvalidTotp.into());
    }
    Ok(Proof::Totp)
}

async fn count_recovery_codes(State(handle): State<Handle>, bearer: Bearer) -> Result<Json<Value>, Failure> {
    require_enabled(&handle)?;
    let client = handle.pool().get().await?;
    let user = accounts::of_bearer(&handle, &client, &bearer, Wanted::Regular).await?;
    Ok(Json(json!({ "remaining": recovery::count(&client, user.id).await? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoveryRequest {
    /// Six digits; not a recovery code, so that one that was found gives no others.
    code: Short<64>,
}

/// New recovery codes in the place of the old ones; shown once.
async fn make_recovery_codes(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<RecoveryRequest>,
) -> Result<Json<Value>, Failure> {
    require_enabled(&handle)?;
    if !totp::is_code(&request.code.0) {
        return Err(Code::InvalidTotp.into());
    }
    let account = bearer.user.to_string();
    limits::take(&handle, Zone::BruteForce, Subject::Account(&account)).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    prove(&transaction, &user, &request.code.0, Reuse::Allowed).await?;
    // Two requests at once: one set of codes.
    users::lock(&transaction, user.id).await?;
    let codes = recovery::make(&transaction, user.id).await?;
    events::record(&transaction, events::Kind::RecoveryCodesMade, Some(user.id), &caller, None).await?;
    transaction.commit().await?;
    limits::give_back(&handle, Zone::BruteForce, Subject::Account(&account)).await;
    let codes: Vec<&str> = codes.iter().map(Secret::expose).collect();
    Ok(Json(json!({ "recoveryCodes": codes })))
}
