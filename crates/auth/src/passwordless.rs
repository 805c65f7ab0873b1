//! Magic links: a mail with a link that signs in, and makes the account when there is none.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::accounts::{self, SignUp, SignUpOptions, Wanted};
use crate::api::body::{Body, Email};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::quietly;
use crate::api::route::{Policy, Route};
use crate::emails::{self, Carried, Template};
use crate::limits::{self, Subject, Zone};
use crate::store::users::{self, NewUser, User};
use crate::store::{GenericClient, one};
use crate::{Handle, events, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signin/passwordless/email", Policy::Public, sign_in).limited(Zone::Email),
        Route::post("/signup/passwordless/email", Policy::Public, sign_up).limited(Zone::Email),
    ]
}

/// Of the two endpoints of a method without a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Makes an account when there is none, as upstream does.
    SignIn,
    /// Only makes one.
    SignUp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    email: Email,
    #[serde(default)]
    options: SignUpOptions,
    /// PKCE: the link then leads to a code.
    code_challenge: Option<crate::pkce::Challenge>,
}

async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    send_link(&handle, &caller, request, Intent::SignIn).await
}

async fn sign_up(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    send_link(&handle, &caller, request, Intent::SignUp).await
}

async fn send_link(
    handle: &Handle,
    caller: &Caller,
    request: Request,
    intent: Intent,
) -> Result<Json<&'static str>, Failure> {
    if !handle.options().methods.magic_link {
        return Err(Code::DisabledEndpoint.into());
    }
    let Request { email, options, code_challenge } = request;
    let options = options.check(handle, email.as_str())?;
    limits::take(handle, Zone::Email, Subject::Account(email.as_str())).await?;
    let _turn = handle.turn_to_send().await?;
    let sent = async {
        let mut client = handle.pool().get().await?;
        let transaction = client.transaction().await?;
        let user = account(handle, &transaction, caller, intent, &email, &options).await?;
        if user.disabled {
            transaction.commit().await?;
            return Err(Code::DisabledUser.into());
        }
        let data = tickets::challenge(code_challenge);
        let ticket = tickets::issue(&transaction, user.id, tickets::Kind::PasswordlessEmail, data.as_ref()).await?;
        mail_link(handle, &user, email.as_str(), &ticket, &options.redirect_to).await?;
        Ok(transaction.commit().await?)
    };
    quietly(handle, sent).await
}

/// The mail with the link.
pub(crate) async fn mail_link(
    handle: &Handle,
    user: &User,
    to: &str,
    ticket: &str,
    redirect_to: &str,
) -> Result<(), Failure> {
    let secret = Carried::Ticket(tickets::Kind::PasswordlessEmail, ticket);
    emails::send(handle, &emails::Email { template: Template::SigninPasswordless, to, user, secret, redirect_to }).await
}

/// The account of an e-mail address, made when there is none. A new one is disabled where the settings say so: it is to
/// be committed then, and the request refused.
///
/// # Errors
/// The account may not sign in, or there may be no new one.
pub(crate) async fn account<C: GenericClient>(
    handle: &Handle,
    client: &C,
    caller: &Caller,
    intent: Intent,
    email: &Email,
    options: &SignUp,
) -> Result<User, Failure> {
    if !handle.options().accounts.admits(email.as_str()) {
        return Err(Code::InvalidEmailPassword.into());
    }
    match users::by_email(client, email.as_str()).await? {
        Some(user) => existing(handle, user, intent),
        None => {
            accounts::may_sign_up(handle, Some(email))?;
            new(client, caller, &options.user(handle, email)).await
        }
    }
}

/// An account that is there already.
///
/// # Errors
/// It may not sign in, or a new one was wanted. Where answers conceal that, a sign-up sends what a sign-in sends: it goes
/// to the owner only.
pub(crate) fn existing(handle: &Handle, user: User, intent: Intent) -> Result<User, Failure> {
    if intent == Intent::SignUp && !handle.options().conceal_errors {
        return Err(Code::EmailAlreadyInUse.into());
    }
    accounts::may_sign_in(handle, &user, Wanted::MayBeUnverified)?;
    Ok(user)
}

/// A new account.
///
/// # Errors
/// Somebody else was a moment faster.
pub(crate) async fn new<C: GenericClient>(client: &C, caller: &Caller, new: &NewUser) -> Result<User, Failure> {
    let user = users::insert(client, new).await?;
    events::record(client, events::Kind::SignedUp, Some(user.id), caller, None).await?;
    Ok(user)
}

/// A link or code has proved an address that nobody had proved before. Whoever made the account with it may have waited
/// for its owner to use it: other ways in are closed then, as sign-in with a provider closes them. Where a second factor
/// is on, nothing is closed and nothing proved: a mail is one factor, and the other is asked for next.
///
/// # Errors
/// PostgreSQL.
pub(crate) async fn prove<C: GenericClient>(client: &C, user: &User, caller: &Caller) -> Result<(), Failure> {
    if user.email_verified || user.active_mfa_type.is_some() {
        return Ok(());
    }
    let sql = "SELECT EXISTS (SELECT FROM auth.users WHERE id = $1 AND \
               (password_hash IS NOT NULL OR phone_number IS NOT NULL)) \
               OR EXISTS (SELECT FROM auth.refresh_tokens WHERE user_id = $1) \
               OR EXISTS (SELECT FROM auth.user_security_keys WHERE user_id = $1) \
               OR EXISTS (SELECT FROM auth.user_providers WHERE user_id = $1)";
    if one(client, sql, &[&user.id]).await?.try_get(0)? {
        crate::oauth::account::reclaim(client, user, caller).await?;
    }
    users::verify_email(client, user.id).await?;
    Ok(events::record(client, events::Kind::EmailVerified, Some(user.id), caller, None).await?)
}
