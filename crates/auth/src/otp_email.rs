//! Sign-in with a code that is mailed.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::{self, SignUpOptions, Wanted};
use crate::api::body::{Body, Email, Short};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::quietly;
use crate::api::route::{Policy, Route};
use crate::codes::{self, Channel};
use crate::emails::{self, Carried, Template};
use crate::limits::{self, Subject, Zone};
use crate::passwordless::{self, Intent};
use crate::session;
use crate::store::users;
use crate::{Handle, events};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signin/otp/email", Policy::Public, sign_in).limited(Zone::Email),
        Route::post("/signup/otp/email", Policy::Public, sign_up).limited(Zone::Email),
        Route::post("/signin/otp/email/verify", Policy::Public, verify).limited(Zone::BruteForce),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    email: Email,
    #[serde(default)]
    options: SignUpOptions,
}

async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    send_code(&handle, &caller, request, Intent::SignIn).await
}

async fn sign_up(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<Json<&'static str>, Failure> {
    send_code(&handle, &caller, request, Intent::SignUp).await
}

async fn send_code(
    handle: &Handle,
    caller: &Caller,
    request: Request,
    intent: Intent,
) -> Result<Json<&'static str>, Failure> {
    if !handle.options().methods.otp_email {
        return Err(Code::DisabledEndpoint.into());
    }
    let Request { email, options } = request;
    let options = options.check(handle, email.as_str())?;
    limits::take(handle, Zone::Email, Subject::Account(email.as_str())).await?;
    let code = codes::make(handle).await?;
    let _turn = handle.turn_to_send().await?;
    let sent = async {
        let mut client = handle.pool().get().await?;
        let transaction = client.transaction().await?;
        let user = passwordless::account(handle, &transaction, caller, intent, &email, &options).await?;
        if user.disabled {
            transaction.commit().await?;
            return Err(Code::DisabledUser.into());
        }
        codes::keep(&transaction, user.id, Channel::Email, &code).await?;
        let mail = emails::Email {
            template: Template::SigninOtp,
            to: email.as_str(),
            user: &user,
            secret: Carried::Code(code.text.expose()),
            redirect_to: &options.redirect_to,
        };
        emails::send(handle, &mail).await?;
        Ok(transaction.commit().await?)
    };
    quietly(handle, sent).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    email: Email,
    otp: Short<16>,
}

/// The code proves that the address is the user's. Who has a second factor has to give it too.
async fn verify(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<VerifyRequest>,
) -> Result<Json<Value>, Failure> {
    if !handle.options().methods.otp_email {
        return Err(Code::DisabledEndpoint.into());
    }
    let account = Subject::Account(request.email.as_str());
    limits::take(&handle, Zone::BruteForce, account).await?;
    let user = users::by_email(&handle.pool().get().await?, request.email.as_str()).await?;
    let right = codes::is_right(&handle, user.as_ref(), Channel::Email, &request.otp.0).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = match user {
        Some(user) if right && codes::spend(&transaction, &user).await? => user,
        user => {
            let details = json!({ "method": "otp-email" });
            let user = user.map(|user| user.id);
            events::record(&transaction, events::Kind::SignInFailed, user, &caller, Some(&details)).await?;
            transaction.commit().await?;
            return Err(Code::InvalidTicket.into());
        }
    };
    accounts::may_sign_in(&handle, &user, Wanted::MayBeUnverified)?;
    passwordless::prove(&transaction, &user, &caller).await?;
    // As it is now: verified.
    let user = users::by_id(&transaction, user.id).await?.ok_or(Code::InvalidTicket)?;
    let answer = session::after_first_factor(&handle, &transaction, &user, &caller, "otp-email").await?;
    transaction.commit().await?;
    limits::give_back(&handle, Zone::BruteForce, account).await;
    Ok(Json(answer))
}
