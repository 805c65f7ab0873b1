//! Sign-up and sign-in with an e-mail address and a password.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::{self, SignUp, SignUpOptions, Wanted};
use crate::api::body::{Body, Email, Password};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::api::unhurried;
use crate::emails::{self, Carried, Template};
use crate::limits::{self, Subject, Zone};
use crate::password::{self, Verdict};
use crate::pkce::Challenge;
use crate::session::{self, Session, SessionPayload};
use crate::store::GenericClient;
use crate::store::users::{self, NewUser, User};
use crate::{Handle, events, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signup/email-password", Policy::Public, sign_up).limited(Zone::SignUp),
        Route::post("/signin/email-password", Policy::Public, sign_in).limited(Zone::BruteForce),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignUpRequest {
    email: Email,
    password: Password,
    #[serde(default)]
    options: SignUpOptions,
    /// PKCE: the link of the verification mail then leads to a code (`/token/exchange`).
    code_challenge: Option<Challenge>,
}

async fn sign_up(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<SignUpRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    accounts::may_sign_up(&handle, Some(&request.email))?;
    let options = request.options.check(&handle, request.email.as_str())?;
    password::judge(&handle, request.password.expose())?;
    let hash = handle.hasher().hash(request.password.expose()).await?;
    let mut new = options.user(&handle, &request.email);
    new.password_hash = Some(hash);
    let made = make(&handle, &caller, &new, &options, request.code_challenge);
    let session = if conceals(&handle) { unhurried(&handle, made).await? } else { made.await? };
    Ok(Json(SessionPayload { session }))
}

/// Makes the user; without a session where the address has to be verified first.
async fn make(
    handle: &Handle,
    caller: &Caller,
    new: &NewUser,
    options: &SignUp,
    code_challenge: Option<Challenge>,
) -> Result<Option<Session>, Failure> {
    let sends = handle.options().accounts.require_verified_email;
    let _turn = if sends { Some(handle.turn_to_send().await?) } else { None };
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = match users::insert(&transaction, new).await {
        // Whoever owns the address gets no mail, and the answer is that of a sign-up that has to be verified.
        Err(Failure::Coded(Code::EmailAlreadyInUse)) if conceals(handle) => {
            return Ok(None);
        }
        inserted => inserted?,
    };
    events::record(&transaction, events::Kind::SignedUp, Some(user.id), caller, None).await?;
    if handle.options().accounts.require_verified_email && !user.disabled {
        let data = code_challenge.map(|challenge| json!({ "codeChallenge": challenge }));
        let ticket = tickets::issue(&transaction, user.id, tickets::Kind::VerifyEmail, data.as_ref()).await?;
        mail_verification(handle, &user, &ticket, options).await?;
        transaction.commit().await?;
        return Ok(None);
    }
    if user.disabled {
        transaction.commit().await?;
        return Err(Code::DisabledUser.into());
    }
    let session = session::create(handle, &transaction, &user, caller, "password").await?;
    transaction.commit().await?;
    Ok(Some(session))
}

/// Whether a new address and a known one can get the same answer.
fn conceals(handle: &Handle) -> bool {
    let accounts = &handle.options().accounts;
    handle.options().conceal_errors && accounts.require_verified_email && !accounts.disable_new_users
}

async fn mail_verification(handle: &Handle, user: &User, ticket: &str, options: &SignUp) -> Result<(), Failure> {
    let email = emails::Email {
        template: Template::EmailVerify,
        to: user.email.as_deref().unwrap_or_default(),
        user,
        secret: Carried::Ticket(tickets::Kind::VerifyEmail, ticket),
        redirect_to: &options.redirect_to,
    };
    emails::send(handle, &email).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInRequest {
    email: Email,
    password: Password,
}

async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<SignInRequest>,
) -> Result<Json<Value>, Failure> {
    let account = Subject::Account(request.email.as_str());
    limits::take(&handle, Zone::BruteForce, account).await?;
    let user = prove(&handle, &caller, &request).await?;
    accounts::may_sign_in(&handle, &user, Wanted::Regular)?;
    limits::give_back(&handle, Zone::BruteForce, account).await;
    let client = handle.pool().get().await?;
    session::after_first_factor(&handle, &client, &user, &caller, "password").await.map(Json)
}

/// The user whose password it is. An unknown address takes as long and fails the same way.
async fn prove(handle: &Handle, caller: &Caller, request: &SignInRequest) -> Result<User, Failure> {
    // The connection is not held while the password is hashed.
    let user = users::by_email(&handle.pool().get().await?, request.email.as_str()).await?;
    let kept = user.as_ref().and_then(|user| user.password_hash.as_ref());
    let verdict = handle.hasher().verify(request.password.expose(), kept).await?;
    let client = handle.pool().get().await?;
    match (user, verdict) {
        (Some(user), Verdict::Right) => Ok(user),
        (Some(user), Verdict::Upgrade(better)) => {
            let old = user.password_hash.as_ref().map(|old| old.expose().to_owned());
            users::set_password(&client, user.id, &better, old.as_deref()).await?;
            Ok(user)
        }
        (user, _) => {
            failed(&client, user.as_ref(), caller).await?;
            Err(Code::InvalidEmailPassword.into())
        }
    }
}

async fn failed<C: GenericClient>(client: &C, user: Option<&User>, caller: &Caller) -> Result<(), Failure> {
    let details = json!({ "method": "password" });
    let user = user.map(|user| user.id);
    Ok(events::record(client, events::Kind::SignInFailed, user, caller, Some(&details)).await?)
}
