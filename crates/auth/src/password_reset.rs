//! The mail for who has forgotten the password. Its link signs in; its ticket sets a new password (`/user/password`).

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::accounts::{self, RedirectOptions, Wanted};
use crate::api::body::{Body, Email};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::quietly;
use crate::api::route::{Policy, Route};
use crate::emails::{self, Carried, Template};
use crate::limits::{self, Subject, Zone};
use crate::store::users;
use crate::{Handle, events, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::post("/user/password/reset", Policy::Public, reset).limited(Zone::Email)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    email: Email,
    #[serde(default)]
    options: RedirectOptions,
    code_challenge: Option<crate::pkce::Challenge>,
}

async fn reset(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    let redirect_to = handle.redirects().check(request.options.redirect_to.as_deref())?;
    let email = request.email.as_str();
    limits::take(&handle, Zone::Email, Subject::Account(email)).await?;
    let _turn = handle.turn_to_send().await?;
    let sent = async {
        let mut client = handle.pool().get().await?;
        let transaction = client.transaction().await?;
        let user = users::by_email(&transaction, email).await?.ok_or(Code::InvalidEmailPassword)?;
        accounts::may_sign_in(&handle, &user, Wanted::Regular)?;
        let kind = tickets::Kind::PasswordReset;
        let data = tickets::challenge(request.code_challenge);
        let ticket = tickets::issue(&transaction, user.id, kind, data.as_ref()).await?;
        let mail = emails::Email {
            template: Template::PasswordReset,
            to: email,
            user: &user,
            secret: Carried::Ticket(kind, &ticket),
            redirect_to: &redirect_to,
        };
        events::record(&transaction, events::Kind::PasswordResetRequested, Some(user.id), &caller, None).await?;
        emails::send(&handle, &mail).await?;
        Ok(transaction.commit().await?)
    };
    quietly(&handle, sent).await
}
