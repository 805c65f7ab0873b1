//! `GET /verify`: where the links of mails lead. It uses the ticket up and sends the browser on, signed in.
//!
//! Whoever has a second factor is not signed in yet: the page gets `ticket=mfaTotp:…` for `/signin/mfa/totp`. (Upstream
//! signs in, so that whoever reads the mails passes by the second factor.)

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::accounts::{self, Wanted};
use crate::api::body::Params;
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::pkce::{self, Challenge};
use crate::store::GenericClient;
use crate::store::users::{self, User};
use crate::tickets::{self, Kind};
use crate::{Handle, events, limits, passwordless, redirect, session};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/verify", Policy::Public, verify).limited(limits::Zone::BruteForce)]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    ticket: Option<String>,
    redirect_to: Option<String>,
}

/// What goes wrong is told to the page the browser is sent to; to the frontend when that page is not allowed.
///
/// Filters of mail look at links with HEAD before anybody follows them: that uses no ticket up.
async fn verify(
    State(handle): State<Handle>,
    method: Method,
    caller: Caller,
    Params(request): Params<Request>,
) -> Response {
    if method == Method::HEAD {
        return StatusCode::NO_CONTENT.into_response();
    }
    let redirect_to = match handle.redirects().check(request.redirect_to.as_deref()) {
        Ok(url) => url,
        Err(failure) => return redirect::failed(&handle, handle.redirects().client(), failure),
    };
    match sign_in(&handle, &caller, request.ticket.as_deref().unwrap_or_default(), &redirect_to).await {
        Ok(params) => {
            let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, &**value)).collect();
            redirect::found(&redirect::with(&redirect_to, &params))
        }
        Err(failure @ (Failure::Limited(_) | Failure::Busy)) => failure.into_response(),
        Err(failure) => redirect::failed(&handle, &redirect_to, failure),
    }
}

async fn sign_in(
    handle: &Handle,
    caller: &Caller,
    ticket: &str,
    redirect_to: &str,
) -> Result<[(&'static str, String); 2], Failure> {
    let kind = Kind::of(ticket).filter(|kind| *kind != Kind::MfaTotp).ok_or(Code::InvalidTicket)?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let (user, data) = tickets::redeem(&transaction, ticket, kind).await?;
    let wanted = match kind {
        Kind::VerifyEmail | Kind::PasswordlessEmail | Kind::EmailConfirmChange => Wanted::MayBeUnverified,
        _ => Wanted::Regular,
    };
    accounts::may_sign_in(handle, &user, wanted)?;
    prove(&transaction, &user, kind, caller).await?;
    // As it is now: verified, with its new address.
    let user = users::by_id(&transaction, user.id).await?.ok_or(Code::InvalidTicket)?;
    let challenge = data.as_ref().and_then(|data| Challenge::parse(data["codeChallenge"].as_str()?));
    // A mail is one factor; it must not stand for both.
    let grant = match (session::second_factor(&transaction, &user).await?, challenge) {
        (Some(ticket), _) => ("ticket", ticket),
        (None, Some(challenge)) => ("code", pkce::leave(&transaction, user.id, &challenge, redirect_to).await?),
        (None, None) => {
            let session = session::create(handle, &transaction, &user, caller, kind.as_str()).await?;
            ("refreshToken", session.refresh_token)
        }
    };
    transaction.commit().await?;
    Ok([grant, ("type", kind.as_str().to_owned())])
}

/// What following the link proves.
async fn prove<C: GenericClient>(client: &C, user: &User, kind: Kind, caller: &Caller) -> Result<(), Failure> {
    match kind {
        Kind::VerifyEmail if !user.email_verified => {
            users::verify_email(client, user.id).await?;
            events::record(client, events::Kind::EmailVerified, Some(user.id), caller, None).await?;
        }
        Kind::PasswordlessEmail | Kind::PasswordReset => passwordless::prove(client, user, caller).await?,
        Kind::EmailConfirmChange => {
            users::confirm_email_change(client, user.id).await?;
            events::record(client, events::Kind::EmailChanged, Some(user.id), caller, None::<&Value>).await?;
        }
        _ => {}
    }
    Ok(())
}
