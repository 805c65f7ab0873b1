//! A new e-mail address: it counts when its owner has followed the link of a mail.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::accounts::{self, RedirectOptions, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::{Body, Email};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::quietly;
use crate::api::route::{Policy, Route};
use crate::emails::{self, Carried, Template};
use crate::limits::{self, Subject, Zone};
use crate::store::{run, users};
use crate::{Handle, events, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::post("/user/email/change", Policy::Elevated, change).limited(Zone::Email)]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    new_email: Email,
    #[serde(default)]
    options: RedirectOptions,
    code_challenge: Option<crate::pkce::Challenge>,
}

async fn change(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    let redirect_to = handle.redirects().check(request.options.redirect_to.as_deref())?;
    let new_email = request.new_email.as_str();
    if !handle.options().accounts.admits(new_email) {
        return Err(Code::InvalidEmailPassword.into());
    }
    limits::take(&handle, Zone::Email, Subject::Account(new_email)).await?;
    let _turn = handle.turn_to_send().await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(&handle, &transaction, &bearer, Wanted::Regular).await?;
    let sent = async {
        if users::by_email(&transaction, new_email).await?.is_some() {
            return Err(Code::EmailAlreadyInUse.into());
        }
        run(&transaction, "UPDATE auth.users SET new_email = $2::text WHERE id = $1", &[&user.id, &new_email]).await?;
        let user = users::by_id(&transaction, user.id).await?.ok_or(Code::InvalidRequest)?;
        let kind = tickets::Kind::EmailConfirmChange;
        let data = tickets::challenge(request.code_challenge);
        let ticket = tickets::issue(&transaction, user.id, kind, data.as_ref()).await?;
        let mail = emails::Email {
            template: Template::EmailConfirmChange,
            to: new_email,
            user: &user,
            secret: Carried::Ticket(kind, &ticket),
            redirect_to: &redirect_to,
        };
        events::record(&transaction, events::Kind::EmailChangeRequested, Some(user.id), &caller, None).await?;
        emails::send(&handle, &mail).await?;
        Ok(transaction.commit().await?)
    };
    quietly(&handle, sent).await
}
