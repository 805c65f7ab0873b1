//! Sessions: an access token for a quarter of an hour, a refresh token that is replaced at every use.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Handle;
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::store::users::User;
use crate::store::{GenericClient, roles, tokens};
use crate::{claims, events, tickets};

/// `Session` of the API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub access_token: String,
    /// Seconds.
    pub access_token_expires_in: u64,
    pub refresh_token_id: Uuid,
    pub refresh_token: String,
    pub user: UserView,
}

/// `SessionPayload` of the API.
#[derive(Serialize)]
pub(crate) struct SessionPayload {
    pub session: Option<Session>,
}

/// `User` of the API.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    pub id: Uuid,
    pub created_at: Timestamp,
    pub display_name: String,
    pub avatar_url: String,
    pub locale: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    pub phone_number_verified: bool,
    pub is_anonymous: bool,
    pub default_role: String,
    pub roles: Vec<String>,
    pub metadata: Option<Value>,
    /// Only where a user asks about itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_mfa_type: Option<String>,
}

impl UserView {
    pub fn new(user: &User, roles: Vec<String>) -> Self {
        Self {
            id: user.id,
            created_at: user.created_at,
            display_name: user.display_name.clone(),
            avatar_url: user.avatar_url.clone(),
            locale: user.locale.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            phone_number: user.phone_number.clone(),
            phone_number_verified: user.phone_number_verified,
            is_anonymous: user.is_anonymous,
            default_role: user.default_role.clone(),
            roles,
            metadata: user.metadata.clone(),
            active_mfa_type: None,
        }
    }
}

/// A new session. `how` says by what the user signed in, for the security events: `password`, `pat`, …
///
/// The caller has made sure that the user may sign in (`accounts::may_sign_in`).
///
/// # Errors
/// PostgreSQL; the key does not sign.
pub(crate) async fn create<C: GenericClient>(
    handle: &Handle,
    client: &C,
    user: &User,
    caller: &Caller,
    how: &str,
) -> Result<Session, Failure> {
    let refresh_token = Uuid::new_v4().to_string();
    let life = handle.options().refresh_token_life;
    let id = tokens::insert_session(client, user.id, &refresh_token, life, caller).await?;
    let details = json!({ "method": how });
    events::record(client, events::Kind::SignedIn, Some(user.id), caller, Some(&details)).await?;
    build(handle, client, user, id, refresh_token).await
}

/// What a user gets who has shown one thing: a session, or, where a second factor is on, the ticket of the step that
/// asks for it (`/signin/mfa/totp`). As JSON, `{session, mfa}`, one of them null.
///
/// # Errors
/// As [`create`].
pub(crate) async fn after_first_factor<C: GenericClient>(
    handle: &Handle,
    client: &C,
    user: &User,
    caller: &Caller,
    how: &str,
) -> Result<Value, Failure> {
    if let Some(ticket) = second_factor(client, user).await? {
        return Ok(json!({ "session": null, "mfa": { "ticket": ticket } }));
    }
    let session = create(handle, client, user, caller, how).await?;
    Ok(json!({ "session": session, "mfa": null }))
}

/// The ticket of the second step of a sign-in; nothing for who has no second factor.
///
/// # Errors
/// PostgreSQL.
pub(crate) async fn second_factor<C: GenericClient>(client: &C, user: &User) -> Result<Option<String>, Failure> {
    if user.active_mfa_type.as_deref() != Some("totp") {
        return Ok(None);
    }
    Ok(Some(tickets::issue(client, user.id, tickets::Kind::MfaTotp, None).await?))
}

/// The next session of a refresh token, which dies.
///
/// # Errors
/// The token is not alive. One that was used up before ends its whole session: somebody has copied it.
pub(crate) async fn refresh<C: GenericClient>(
    handle: &Handle,
    client: &C,
    token: &str,
    caller: &Caller,
) -> Result<Session, Failure> {
    let options = handle.options();
    let Some(user) = tokens::user(client, token, tokens::Kind::Regular).await? else {
        return Err(refuse_spent(handle, client, token, caller).await?);
    };
    crate::accounts::may_sign_in(handle, &user, crate::accounts::Wanted::Any)?;
    let next = Uuid::new_v4().to_string();
    let lives = tokens::Lives { idle: options.refresh_token_life, whole: options.session_life };
    let Some(id) = tokens::rotate(client, token, &next, lives, caller).await? else {
        // Somebody else was a moment faster.
        return Err(Code::InvalidRefreshToken.into());
    };
    build(handle, client, &user, id, next).await
}

async fn refuse_spent<C: GenericClient>(
    handle: &Handle,
    client: &C,
    token: &str,
    caller: &Caller,
) -> Result<Failure, Failure> {
    let revoked = tokens::revoke_family(client, token, handle.options().refresh_reuse_grace).await?;
    if let Some(user) = revoked {
        events::record(client, events::Kind::RefreshTokenReused, Some(user), caller, None).await?;
        tracing::warn!(%user, "a used-up refresh token came again; its session is ended");
    }
    Ok(Code::InvalidRefreshToken.into())
}

async fn build<C: GenericClient>(
    handle: &Handle,
    client: &C,
    user: &User,
    id: Uuid,
    refresh_token: String,
) -> Result<Session, Failure> {
    let roles = roles::of(client, user.id, &user.default_role).await?;
    Ok(Session {
        access_token: access_token(handle, user, &roles, Some(id), &[]).await?,
        access_token_expires_in: handle.options().access_token_life.as_secs(),
        refresh_token_id: id,
        refresh_token,
        user: UserView::new(user, roles),
    })
}

/// A signed access token. `session` is the row of `auth.refresh_tokens`; `more` are further claims of the namespace
/// (the elevated one), which custom claims cannot overwrite.
///
/// # Errors
/// The key does not sign.
pub(crate) async fn access_token(
    handle: &Handle,
    user: &User,
    roles: &[String],
    session: Option<Uuid>,
    more: &[(&str, String)],
) -> Result<String, Failure> {
    let options = handle.options();
    let hasura = hasura_claims(handle, user, roles, more).await;
    let now = Timestamp::now().as_second();
    let life = i64::try_from(options.access_token_life.as_secs()).unwrap_or(i64::MAX);
    let mut all = Map::new();
    all.insert("sub".to_owned(), user.id.to_string().into());
    all.insert("iss".to_owned(), options.keys.issuer().into());
    all.insert("iat".to_owned(), now.into());
    all.insert("exp".to_owned(), now.saturating_add(life).into());
    if let Some(session) = session {
        all.insert("sid".to_owned(), session.to_string().into());
    }
    all.insert(options.keys.namespace().to_owned(), hasura.into());
    options.keys.sign(&all).map_err(|why| Failure::internal("a token cannot be signed", &why))
}

/// The claims of the namespace; custom ones do not overwrite the others.
pub(crate) async fn hasura_claims(
    handle: &Handle,
    user: &User,
    roles: &[String],
    more: &[(&str, String)],
) -> Map<String, Value> {
    let mut hasura = claims::custom(handle, user.id).await;
    let mut set = |name: &str, value: Value| hasura.insert(name.to_owned(), value);
    set("x-hasura-allowed-roles", roles.into());
    set("x-hasura-default-role", user.default_role.clone().into());
    set("x-hasura-user-id", user.id.to_string().into());
    set("x-hasura-user-is-anonymous", user.is_anonymous.to_string().into());
    for (name, value) in more {
        set(name, value.clone().into());
    }
    hasura
}
