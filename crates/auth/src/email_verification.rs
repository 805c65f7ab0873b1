//! The mail that verifies an address, sent again on request.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::accounts::{self, RedirectOptions, Wanted};
use crate::api::body::{Body, Email};
use crate::api::failure::{Code, Failure};
use crate::api::quietly;
use crate::api::route::{Policy, Route};
use crate::emails::{self, Carried, Template};
use crate::limits::{self, Subject, Zone};
use crate::store::users::{self, User};
use crate::{Handle, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::post("/user/email/send-verification-email", Policy::Public, send).limited(Zone::Email)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    email: Email,
    #[serde(default)]
    options: RedirectOptions,
    code_challenge: Option<crate::pkce::Challenge>,
}

async fn send(State(handle): State<Handle>, Body(request): Body<Request>) -> Result<Json<&'static str>, Failure> {
    let redirect_to = handle.redirects().check(request.options.redirect_to.as_deref())?;
    limits::take(&handle, Zone::Email, Subject::Account(request.email.as_str())).await?;
    let _turn = handle.turn_to_send().await?;
    let sent = async {
        let mut client = handle.pool().get().await?;
        let transaction = client.transaction().await?;
        let user = users::by_email(&transaction, request.email.as_str()).await?.ok_or(Code::InvalidEmailPassword)?;
        accounts::may_sign_in(&handle, &user, Wanted::MayBeUnverified)?;
        if user.email_verified {
            return Err(Code::EmailAlreadyVerified.into());
        }
        let data = tickets::challenge(request.code_challenge);
        let ticket = tickets::issue(&transaction, user.id, tickets::Kind::VerifyEmail, data.as_ref()).await?;
        mail(&handle, &user, &ticket, &redirect_to).await?;
        Ok(transaction.commit().await?)
    };
    quietly(&handle, sent).await
}

/// The mail, to the user's address.
pub(crate) async fn mail(handle: &Handle, user: &User, ticket: &str, redirect_to: &str) -> Result<(), Failure> {
    let secret = Carried::Ticket(tickets::Kind::VerifyEmail, ticket);
    let to = user.email.as_deref().unwrap_or_default();
    emails::send(handle, &emails::Email { template: Template::EmailVerify, to, user, secret, redirect_to }).await
}
