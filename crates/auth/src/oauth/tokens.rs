//! Providers' own tokens, for a client that wants to call the provider's API.
//!
//! They are kept, encrypted, from a sign-in until they are fetched, once. After that they are the client's.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use project::Secret;
use serde::{Deserialize, Serialize};

use super::provider::Tokens;
use super::table;
use crate::Handle;
use crate::accounts::{self, Wanted};
use crate::api::bearer::Bearer;
use crate::api::body::Body;
use crate::api::failure::{Code, Failure};
use crate::store::{GenericClient, row, run};

/// `ProviderSession` of the API.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProviderSession {
    access_token: String,
    /// Seconds.
    #[serde(default)]
    expires_in: i64,
    expires_at: Timestamp,
    refresh_token: Option<String>,
}

impl ProviderSession {
    fn of(tokens: &Tokens) -> Self {
        Self {
            access_token: tokens.access_token.expose().to_owned(),
            expires_in: 0,
            expires_at: tokens.expires_at.unwrap_or(Timestamp::UNIX_EPOCH),
            refresh_token: tokens.refresh_token.as_ref().map(|token| token.expose().to_owned()),
        }
        .now()
    }

    /// With the seconds that are left. A token without an end has none.
    fn now(mut self) -> Self {
        self.expires_in = (self.expires_at.as_second() - Timestamp::now().as_second()).max(0);
        self
    }
}

/// Keeps the tokens of a sign-in with the account they came with.
pub(super) async fn keep<C: GenericClient>(
    handle: &Handle,
    client: &C,
    provider: &str,
    account: &str,
    tokens: &Tokens,
) -> Result<(), Failure> {
    let session = serde_json::to_vec(&ProviderSession::of(tokens));
    let session = session.map_err(|why| Failure::internal("a provider's tokens cannot be written", &why))?;
    let sealed = handle.oauth().vault.seal(&place(provider, account), &session);
    let sealed = sealed.map_err(|why| Failure::internal("a provider's tokens cannot be encrypted", &why))?;
    let sql = "UPDATE auth.user_providers SET access_token = $3, refresh_token = NULL \
               WHERE provider_id = $1 AND provider_user_id = $2";
    run(client, sql, &[&provider, &account, &sealed]).await?;
    Ok(())
}

fn place(provider: &str, account: &str) -> String {
    format!("user_providers {provider} {account}")
}

/// `GET /signin/provider/{provider}/callback/tokens`. Empty when they were fetched before.
pub(super) async fn get(
    State(handle): State<Handle>,
    bearer: Bearer,
    Path(name): Path<String>,
) -> Result<Json<ProviderSession>, Failure> {
    known(&name)?;
    let client = handle.pool().get().await?;
    let user = accounts::of_bearer(&handle, &client, &bearer, Wanted::Any).await?;
    let sql = "WITH found AS (SELECT id, provider_user_id, access_token FROM auth.user_providers \
               WHERE user_id = $1 AND provider_id = $2 AND access_token <> '' \
               ORDER BY updated_at DESC LIMIT 1 FOR UPDATE) \
               UPDATE auth.user_providers SET access_token = '', refresh_token = NULL \
               FROM found WHERE user_providers.id = found.id RETURNING found.provider_user_id, found.access_token";
    let session = match row(&client, sql, &[&user.id, &name]).await? {
        Some(found) => {
            let (account, sealed): (String, String) = (found.try_get(0)?, found.try_get(1)?);
            let opened = handle.oauth().vault.open(&place(&name, &account), &sealed);
            opened.and_then(|session| serde_json::from_slice::<ProviderSession>(&session).ok())
        }
        None => None,
    };
    let none = || ProviderSession {
        access_token: String::new(),
        expires_in: 0,
        expires_at: Timestamp::UNIX_EPOCH,
        refresh_token: None,
    };
    Ok(Json(session.map_or_else(none, ProviderSession::now)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RefreshRequest {
    refresh_token: String,
}

/// `POST /token/provider/{provider}`: new tokens of the provider for its refresh token.
pub(super) async fn refresh(
    State(handle): State<Handle>,
    bearer: Bearer,
    Path(name): Path<String>,
    Body(request): Body<RefreshRequest>,
) -> Result<Json<ProviderSession>, Failure> {
    known(&name)?;
    let token = Secret::new(request.refresh_token);
    accounts::of_bearer(&handle, &handle.pool().get().await?, &bearer, Wanted::Any).await?;
    let provider = handle.oauth().for_browsers(&name).ok_or(Code::DisabledEndpoint)?;
    if provider.definition.protocol == table::Protocol::OAuth1 {
        return Err(Code::OauthProviderError.into());
    }
    let tokens = provider.refresh(&handle.oauth().http, token.expose()).await.map_err(|why| {
        tracing::info!(provider = name, %why, "a provider does not refresh a token");
        Code::OauthProviderError
    })?;
    Ok(Json(ProviderSession::of(&tokens)))
}

fn known(name: &str) -> Result<(), Failure> {
    let wrong = || Failure::Request(format!("provider {name:?} is not one of those there are"));
    table::find(name).map(drop).ok_or_else(wrong)
}
