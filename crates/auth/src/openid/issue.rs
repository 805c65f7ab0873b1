//! The tokens that an application gets, and what they say.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::clients::Client;
use super::refusal::Refusal;
use super::{Openid, digest};
use crate::api::failure::Failure;
use crate::store::users::User;
use crate::store::{self, GenericClient, roles, run};
use crate::{Handle, pkce, session};

/// The answer of the token endpoint (RFC 6749, 5.1).
#[derive(Serialize)]
pub(super) struct Granted {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    refresh_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

/// What a user allowed an application.
pub(super) struct Grant {
    /// The row of `auth.oauth2_auth_requests`.
    pub authorization: Option<Uuid>,
    pub user: User,
    pub scopes: Vec<String>,
    pub nonce: Option<String>,
    pub auth_time: Option<Timestamp>,
}

/// New tokens. `asked`: for fewer scopes than were allowed.
pub(super) async fn tokens<C: GenericClient>(
    handle: &Handle,
    provider: &Openid,
    connection: &C,
    client: &Client,
    grant: &Grant,
    asked: Option<Vec<String>>,
) -> Result<Granted, Refusal> {
    let settings = &handle.options().openid;
    let life = life(client.access_token_lifetime, settings.access_token_life);
    let refresh_token = refresh_token(handle, connection, client, grant).await?;
    let scopes = asked.unwrap_or_else(|| grant.scopes.clone());
    let scope = scopes.join(" ");
    let mut claims = base(handle.options().keys.issuer(), &grant.user, client, life);
    claims.insert("scope".to_owned(), scope.clone().into());
    claims.insert("client_id".to_owned(), client.client_id.clone().into());
    claims.insert("jti".to_owned(), Uuid::new_v4().to_string().into());
    if has(&scopes, "graphql") {
        let roles = roles::of(connection, grant.user.id, &grant.user.default_role).await?;
        let hasura = session::hasura_claims(handle, &grant.user, &roles, &[]).await;
        claims.insert(handle.options().keys.namespace().to_owned(), hasura.into());
    }
    let failed = |why: String| Failure::internal("a token cannot be signed", &why);
    let access_token = handle.options().keys.sign(&claims).map_err(failed)?;
    let id_token = if has(&scopes, "openid") {
        let claims = id_claims(provider, client, grant, &scopes, life);
        Some(provider.signer.sign(handle, &claims).map_err(failed)?)
    } else {
        None
    };
    Ok(Granted { access_token, token_type: "Bearer", expires_in: seconds(life), refresh_token, id_token, scope })
}

/// What an application's row says, else the settings.
fn life(own: i32, default: Duration) -> Duration {
    u64::try_from(own).ok().filter(|own| *own > 0).map_or(default, Duration::from_secs)
}

fn seconds(life: Duration) -> i64 {
    i64::try_from(life.as_secs()).unwrap_or(i64::MAX)
}

async fn refresh_token<C: GenericClient>(
    handle: &Handle,
    connection: &C,
    client: &Client,
    grant: &Grant,
) -> Result<String, Refusal> {
    let token = pkce::secret()?;
    let life = life(client.refresh_token_lifetime, handle.options().openid.refresh_token_life);
    let sql = "INSERT INTO auth.oauth2_refresh_tokens (token_hash, auth_request_id, client_id, user_id, scopes, \
               expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let (hash, until) = (digest(&token), store::tokens::after(life));
    let values: store::Params<'_> =
        &[&hash, &grant.authorization, &client.client_id, &grant.user.id, &grant.scopes, &until];
    run(connection, sql, values).await?;
    Ok(token)
}

fn has(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| scope == wanted)
}

fn base(issuer: &str, user: &User, client: &Client, life: Duration) -> Map<String, Value> {
    let now = Timestamp::now().as_second();
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("sub".to_owned(), user.id.to_string().into());
    claims.insert("aud".to_owned(), client.client_id.clone().into());
    claims.insert("iat".to_owned(), now.into());
    claims.insert("exp".to_owned(), now.saturating_add(seconds(life)).into());
    claims
}

fn id_claims(
    provider: &Openid,
    client: &Client,
    grant: &Grant,
    scopes: &[String],
    life: Duration,
) -> Map<String, Value> {
    let mut claims = base(&provider.issuer, &grant.user, client, life);
    if let Some(at) = grant.auth_time {
        claims.insert("auth_time".to_owned(), at.as_second().into());
    }
    if let Some(nonce) = &grant.nonce {
        claims.insert("nonce".to_owned(), nonce.clone().into());
    }
    claims.extend(about(&grant.user, scopes));
    claims
}

/// What scopes tell about a user (OpenID Connect Core, 5.4).
pub(super) fn about(user: &User, scopes: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    if has(scopes, "profile") {
        for (name, value) in [("name", &user.display_name), ("picture", &user.avatar_url), ("locale", &user.locale)] {
            if !value.is_empty() {
                claims.insert(name.to_owned(), value.clone().into());
            }
        }
    }
    if has(scopes, "email")
        && let Some(email) = &user.email
    {
        claims.insert("email".to_owned(), email.clone().into());
        claims.insert("email_verified".to_owned(), user.email_verified.into());
    }
    if has(scopes, "phone")
        && let Some(number) = &user.phone_number
    {
        claims.insert("phone_number".to_owned(), number.clone().into());
        claims.insert("phone_number_verified".to_owned(), user.phone_number_verified.into());
    }
    claims
}
