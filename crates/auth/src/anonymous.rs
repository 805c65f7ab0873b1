//! Anonymous users, and how they become others.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::accounts::{self, SignUp, SignUpOptions, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::{Body, Email, Locale, Password, Short};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::api::{ok, unhurried};
use crate::limits::{self, Subject, Zone};
use crate::session::{self, SessionPayload};
use crate::store::users::{self, NewUser};
use crate::store::{GenericClient, duplicate, run, tokens};
use crate::{Handle, email_verification, events, password, passwordless, tickets};

/// The role of anonymous users.
const ROLE: &str = "anonymous";

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::post("/signin/anonymous", Policy::Public, sign_in).limited(Zone::SignUp),
        Route::post("/user/deanonymize", Policy::Bearer, deanonymize).limited(Zone::Email),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignInRequest {
    display_name: Option<Short<32>>,
    locale: Option<Locale>,
    metadata: Option<Map<String, Value>>,
}

async fn sign_in(
    State(handle): State<Handle>,
    caller: Caller,
    Body(request): Body<SignInRequest>,
) -> Result<Json<SessionPayload>, Failure> {
    let settings = &handle.options().accounts;
    accounts::may_sign_up(&handle, None)?;
    if !settings.anonymous {
        return Err(Code::DisabledEndpoint.into());
    }
    let locale = request.locale.map(|locale| locale.0.to_ascii_lowercase());
    let locale = locale.filter(|locale| settings.allowed_locales.contains(locale));
    let new = NewUser {
        disabled: settings.disable_new_users,
        display_name: request.display_name.map_or_else(|| "Anonymous User".to_owned(), |name| name.0),
        locale: locale.unwrap_or_else(|| settings.default_locale.clone()),
        default_role: ROLE.to_owned(),
        roles: vec![ROLE.to_owned()],
        is_anonymous: true,
        metadata: request.metadata.map(Value::Object),
        ..NewUser::default()
    };
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = passwordless::new(&transaction, &caller, &new).await?;
    if user.disabled {
        transaction.commit().await?;
        return Err(Code::DisabledUser.into());
    }
    let session = session::create(&handle, &transaction, &user, &caller, "anonymous").await?;
    transaction.commit().await?;
    Ok(Json(SessionPayload { session: Some(session) }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Method {
    EmailPassword,
    Passwordless,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DeanonymizeRequest {
    sign_in_method: Method,
    email: Email,
    password: Option<Password>,
    /// Upstream reads it and does nothing with it.
    #[serde(rename = "connection")]
    _connection: Option<String>,
    #[serde(default)]
    options: SignUpOptions,
    code_challenge: Option<crate::pkce::Challenge>,
}

/// Who has to prove the address first is signed out everywhere, and signs in with the link.
async fn deanonymize(
    State(handle): State<Handle>,
    bearer: Bearer,
    caller: Caller,
    Body(request): Body<DeanonymizeRequest>,
) -> Result<Json<&'static str>, Failure> {
    let proves = request.sign_in_method == Method::Passwordless || handle.options().accounts.require_verified_email;
    let work = identify(&handle, &bearer, &caller, request);
    // How long it takes must not tell either whether a mail was sent.
    if proves { unhurried(&handle, work).await } else { work.await }
}

async fn identify(
    handle: &Handle,
    bearer: &Bearer,
    caller: &Caller,
    request: DeanonymizeRequest,
) -> Result<Json<&'static str>, Failure> {
    if !bearer.is_anonymous() {
        return Err(Code::UserNotAnonymous.into());
    }
    accounts::may_sign_up(handle, Some(&request.email))?;
    let hash = match (request.sign_in_method, &request.password) {
        (Method::Passwordless, _) => None,
        (Method::EmailPassword, None) => return Err(Code::InvalidRequest.into()),
        (Method::EmailPassword, Some(password)) => {
            password::judge(handle, password.expose())?;
            Some(handle.hasher().hash(password.expose()).await?)
        }
    };
    let options = request.options.check(handle, request.email.as_str())?;
    limits::take(handle, Zone::Email, Subject::Account(request.email.as_str())).await?;
    let proof = match request.sign_in_method {
        Method::Passwordless => Some(tickets::Kind::PasswordlessEmail),
        Method::EmailPassword if handle.options().accounts.require_verified_email => Some(tickets::Kind::VerifyEmail),
        Method::EmailPassword => None,
    };

    let _turn = handle.turn_to_send().await?;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    let user = accounts::of_bearer(handle, &transaction, bearer, Wanted::Any).await?;
    if !user.is_anonymous {
        return Err(Code::UserNotAnonymous.into());
    }
    let new = options.user(handle, &request.email);
    match become_known(&transaction, user.id, &new, hash.as_deref()).await {
        Err(Failure::Coded(Code::EmailAlreadyInUse)) if proof.is_some() && handle.options().conceal_errors => {
            transaction.rollback().await?;
            // As with an address that is free: signed out, and everything else depends on who reads its mail.
            tokens::delete_all(&client, user.id, None, true).await?;
            return Ok(ok());
        }
        known => known?,
    }
    events::record(&transaction, events::Kind::Deanonymized, Some(user.id), caller, None).await?;
    if let Some(kind) = proof {
        tokens::delete_all(&transaction, user.id, None, true).await?;
        let data = tickets::challenge(request.code_challenge);
        let ticket = tickets::issue(&transaction, user.id, kind, data.as_ref()).await?;
        mail(handle, &transaction, user.id, kind, &ticket, &options).await?;
    }
    transaction.commit().await?;
    Ok(ok())
}

async fn mail<C: GenericClient>(
    handle: &Handle,
    client: &C,
    user: Uuid,
    kind: tickets::Kind,
    ticket: &str,
    options: &SignUp,
) -> Result<(), Failure> {
    let user = users::by_id(client, user).await?.ok_or(Code::InvalidRequest)?;
    let to = user.email.as_deref().unwrap_or_default();
    match kind {
        tickets::Kind::PasswordlessEmail => {
            passwordless::mail_link(handle, &user, to, ticket, &options.redirect_to).await
        }
        _ => email_verification::mail(handle, &user, ticket, &options.redirect_to).await,
    }
}

/// The row of an anonymous user becomes that of somebody with an address; its id and what belongs to it stay.
async fn become_known<C: GenericClient>(
    client: &C,
    user: Uuid,
    new: &NewUser,
    hash: Option<&str>,
) -> Result<(), Failure> {
    let sql = "UPDATE auth.users SET is_anonymous = false, email = $2::text, password_hash = $3, display_name = $4, \
               avatar_url = $5, locale = $6, default_role = $7, metadata = coalesce($8, metadata) \
               WHERE id = $1 AND is_anonymous";
    let (name, avatar) = (&new.display_name, &new.avatar_url);
    let params: crate::store::Params<'_> =
        &[&user, &new.email, &hash, name, avatar, &new.locale, &new.default_role, &new.metadata];
    match run(client, sql, params).await {
        Ok(1) => {}
        Ok(_) => return Err(Code::UserNotAnonymous.into()),
        Err(error) if duplicate(&error).is_some() => return Err(Code::EmailAlreadyInUse.into()),
        Err(error) => return Err(error.into()),
    }
    run(client, "DELETE FROM auth.user_roles WHERE user_id = $1", &[&user]).await?;
    let sql = "INSERT INTO auth.user_roles (user_id, role) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING";
    run(client, sql, &[&user, &new.roles]).await?;
    Ok(())
}
