//! The signed-in user, and a new password.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use uuid::Uuid;

use crate::accounts::{self, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::{Body, Password};
use crate::api::caller::Caller;
use crate::api::failure::Failure;
use crate::api::ok;
use crate::api::route::{Policy, Route};
use crate::limits::Zone;
use crate::session::UserView;
use crate::store::{roles, tokens, users};
use crate::{Handle, events, password, passwordless, tickets};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/user", Policy::Bearer, get),
        Route::post("/user/password", Policy::Optional, change_password).limited(Zone::BruteForce),
    ]
}

async fn get(State(handle): State<Handle>, bearer: Bearer) -> Result<Json<UserView>, Failure> {
    let client = handle.pool().get().await?;
    let user = accounts::of_bearer(&handle, &client, &bearer, Wanted::Any).await?;
    let roles = roles::of(&client, user.id, &user.default_role).await?;
    let mut view = UserView::new(&user, roles);
    view.active_mfa_type = user.active_mfa_type;
    Ok(Json(view))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PasswordRequest {
    new_password: Password,
    /// Of a reset mail, instead of a bearer.
    ticket: Option<String>,
}

async fn change_password(
    State(handle): State<Handle>,
    bearer: Option<Bearer>,
    caller: Caller,
    Body(request): Body<PasswordRequest>,
) -> Result<Json<&'static str>, Failure> {
    // Judged first: a password that is refused must not cost the ticket.
    password::judge(&handle, request.new_password.expose())?;
    if request.ticket.is_none() {
        let bearer = bearer.as_ref().ok_or(Failure::Security("invalid authorization header"))?;
        bearer.require_elevated(&handle).await?;
    }
    let hash = handle.hasher().hash(request.new_password.expose()).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let (user, session): (Uuid, Option<Uuid>) = match (&request.ticket, &bearer) {
        (Some(ticket), _) => {
            let (user, _) = tickets::redeem(&transaction, ticket, tickets::Kind::PasswordReset).await?;
            accounts::may_sign_in(&handle, &user, Wanted::MayBeUnverified)?;
            passwordless::prove(&transaction, &user, &caller).await?;
            (user.id, None)
        }
        (None, Some(bearer)) => {
            let user = accounts::of_bearer(&handle, &transaction, bearer, Wanted::Regular).await?;
            (user.id, bearer.session)
        }
        (None, None) => return Err(Failure::Security("invalid authorization header")),
    };
    users::set_password(&transaction, user, &hash, None).await?;
    tickets::void(&transaction, user).await?;
    if handle.options().password_change_ends_sessions {
        tokens::delete_all(&transaction, user, session, false).await?;
    }
    events::record(&transaction, events::Kind::PasswordChanged, Some(user), &caller, None).await?;
    transaction.commit().await?;
    Ok(ok())
}
