//! Sign-in with a code that is sent as a text message.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::accounts::{self, SignUp, SignUpOptions, Wanted};
use crate::api::body::{Body, Short};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::quietly;
use crate::api::route::{Policy, Route};
use crate::codes::{self, Channel};
use crate::limits::{self, Subject, Zone};
use crate::passwordless::{self, Intent};
use crate::store::users::{self, NewUser, User};
use crate::store::{GenericClient, run};
use crate::{Handle, emails, events, session};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signin/passwordless/sms", Policy::Public, sign_in).limited(Zone::Sms),
        Route::post("/signup/passwordless/sms", Policy::Public, sign_up).limited(Zone::Sms),
        Route::post("/signin/passwordless/sms/otp", Policy::Public, verify).limited(Zone::BruteForce),
    ]
}

/// A phone number as E.164 writes it; blanks, hyphens and parentheses are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Number(String);

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let number: String = text.chars().filter(|char| !" -().".contains(*char)).collect();
        let digits = number.strip_prefix('+')?;
        let fits = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        fits.then_some(Self(number))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a phone number looks like +491711234567"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    phone_number: Number,
    #[serde(default)]
    options: SignUpOptions,
}

async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<axum::Json<&'static str>, Failure> {
    send_code(&handle, &caller, request, Intent::SignIn).await
}

async fn sign_up(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<Request>,
) -> Result<axum::Json<&'static str>, Failure> {
    send_code(&handle, &caller, request, Intent::SignUp).await
}

async fn send_code(
    handle: &Handle,
    caller: &Caller,
    request: Request,
    intent: Intent,
) -> Result<Json<&'static str>, Failure> {
    if !handle.options().methods.sms || handle.options().sms.is_none() {
        return Err(Code::DisabledEndpoint.into());
    }
    let Request { phone_number: Number(number), options } = request;
    let options = options.check(handle, &number)?;
    limits::take(handle, Zone::Sms, Subject::Account(&number)).await?;
    let code = codes::make(handle).await?;
    let _turn = handle.turn_to_send().await?;
    let sent = async {
        let mut client = handle.pool().get().await?;
        let transaction = client.transaction().await?;
        let user = account(handle, &transaction, caller, intent, &number, &options).await?;
        if user.disabled {
            transaction.commit().await?;
            return Err(Code::DisabledUser.into());
        }
        codes::keep(&transaction, user.id, Channel::Sms, &code).await?;
        send(handle, &number, &emails::text_message(handle, &user, code.text.expose())?).await?;
        Ok(transaction.commit().await?)
    };
    quietly(handle, sent).await
}

/// The account of a number, made when there is none.
async fn account<C: GenericClient>(
    handle: &Handle,
    client: &C,
    caller: &Caller,
    intent: Intent,
    number: &str,
    options: &SignUp,
) -> Result<User, Failure> {
    if let Some(user) = users::by_phone_number(client, number).await? {
        return passwordless::existing(handle, user, intent);
    }
    accounts::may_sign_up(handle, None)?;
    let new = NewUser {
        disabled: handle.options().accounts.disable_new_users,
        display_name: options.display_name.clone(),
        locale: options.locale.clone(),
        phone_number: Some(number.to_owned()),
        default_role: options.default_role.clone(),
        roles: options.roles.clone(),
        metadata: options.metadata.clone(),
        ..NewUser::default()
    };
    passwordless::new(client, caller, &new).await
}

async fn send(handle: &Handle, number: &str, text: &str) -> Result<(), Failure> {
    let Some(sms) = &handle.options().sms else { return Err(Code::DisabledEndpoint.into()) };
    let refused = match tokio::time::timeout(emails::PATIENCE, sms.send(number, text)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the provider does not answer in time".to_owned(),
    };
    tracing::error!(error = refused, "a text message cannot be sent");
    Err(Code::CannotSendSms.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VerifyRequest {
    phone_number: Number,
    otp: Short<16>,
}

/// The code proves that the number is the user's. Who has a second factor has to give it too.
async fn verify(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<VerifyRequest>,
) -> Result<Json<Value>, Failure> {
    if !handle.options().methods.sms {
        return Err(Code::DisabledEndpoint.into());
    }
    let number = &*request.phone_number.0;
    let account = Subject::Account(number);
    limits::take(&handle, Zone::BruteForce, account).await?;
    let user = users::by_phone_number(&handle.pool().get().await?, number).await?;
    let right = codes::is_right(&handle, user.as_ref(), Channel::Sms, &request.otp.0).await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = match user {
        Some(user) if right && codes::spend(&transaction, &user).await? => user,
        user => {
            let details = json!({ "method": "sms" });
            let user = user.map(|user| user.id);
            events::record(&transaction, events::Kind::SignInFailed, user, &caller, Some(&details)).await?;
            transaction.commit().await?;
            return Err(Code::InvalidOtp.into());
        }
    };
    accounts::may_sign_in(&handle, &user, Wanted::MayBeUnverified)?;
    run(&transaction, "UPDATE auth.users SET phone_number_verified = true WHERE id = $1", &[&user.id]).await?;
    let user = users::by_id(&transaction, user.id).await?.ok_or(Code::InvalidOtp)?;
    let answer = session::after_first_factor(&handle, &transaction, &user, &caller, "sms").await?;
    transaction.commit().await?;
    limits::give_back(&handle, Zone::BruteForce, account).await;
    Ok(Json(answer))
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn numbers() {
        for good in ["+491711234567", "+49 171 123-4567", "+1 (555) 010.9999"] {
            assert!(Number::parse(good).is_some(), "{good}");
        }
        for bad in ["", "491711234567", "+0491711234567", "+49171", "+49x711234567", "+1234567890123456", "+49\n171123"]
        {
            assert!(Number::parse(bad).is_none(), "{bad}");
        }
    }
}
