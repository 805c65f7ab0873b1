//! `/signin/provider/{provider}/callback`: a browser comes back from a provider.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use subtle::ConstantTimeEq;

use super::account::{self, Outcome};
use super::begin::{self, Params, cookie_name};
use super::profile::Profile;
use super::provider::{Provider, Tokens};
use super::state::{self, Intent, Pending};
use super::table::Protocol;
use super::{tokens, twitter};
use crate::accounts::{self, Wanted};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::store::{GenericClient, hash, users};
use crate::{Handle, pkce, redirect, session};

pub(super) async fn get(
    State(handle): State<Handle>,
    Path(provider): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    finish(&handle, &provider, &caller, &headers, &params).await
}

/// Apple's page posts a form.
pub(super) async fn post(
    State(handle): State<Handle>,
    Path(provider): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    finish(&handle, &provider, &caller, &headers, &params).await
}

async fn finish(handle: &Handle, name: &str, caller: &Caller, headers: &HeaderMap, params: &Params) -> Response {
    let state = params.get("state").map(String::as_str).unwrap_or_default();
    let pending = match take(handle, name, headers, state).await {
        Ok(pending) => pending,
        // Where such a browser wants to go nobody knows.
        Err(failure) => return redirect::failed(handle, handle.redirects().client(), failure),
    };
    let mut response = match handle.redirects().check(Some(&pending.redirect_to)) {
        Ok(url) => onward(handle, &pending, &with_state(&url, &pending), caller, params).await,
        Err(failure) => redirect::failed(handle, handle.redirects().client(), failure),
    };
    if let Ok(gone) = HeaderValue::from_str(&format!("{}=; Path=/; Max-Age=0", cookie_name(state))) {
        response.headers_mut().append(SET_COOKIE, gone);
    }
    response
}

/// The sign-in that a state belongs to. Whatever comes after, the state is used up.
async fn take(handle: &Handle, name: &str, headers: &HeaderMap, state: &str) -> Result<Pending, Failure> {
    let pending = state::take(&handle.pool().get().await?, state).await?.ok_or(Code::InvalidState)?;
    // A provider must not finish what was begun with another (mix-up).
    let same_provider = pending.provider == name;
    let same_browser = match &pending.browser {
        None => true,
        Some(wanted) => cookie(headers, &cookie_name(state))
            .is_some_and(|found| bool::from(hash(found).as_bytes().ct_eq(wanted.as_bytes()))),
    };
    if same_provider && same_browser {
        return Ok(pending);
    }
    tracing::warn!(provider = name, same_provider, same_browser, "a provider's answer is refused");
    Err(Code::InvalidState.into())
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn with_state(url: &str, pending: &Pending) -> String {
    match &pending.client_state {
        Some(state) => redirect::with(url, &[("state", state)]),
        None => url.to_owned(),
    }
}

/// Sends the browser on, signed in or told why not.
async fn onward(handle: &Handle, pending: &Pending, url: &str, caller: &Caller, params: &Params) -> Response {
    if let Some(error) = params.get("error").or_else(|| params.get("denied")).filter(|error| !error.is_empty()) {
        let text = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
        let shown = |text: &str| text.chars().filter(|char| !char.is_control()).take(300).collect::<String>();
        let error = if params.contains_key("error") { shown(error) } else { "access_denied".to_owned() };
        let told = [
            ("provider_error", &*error),
            ("provider_error_description", &*shown(text("error_description"))),
            ("provider_error_url", &*shown(text("error_uri"))),
        ];
        return redirect::failed(handle, &redirect::with(url, &told), Code::OauthProviderError.into());
    }
    let done = async {
        let (provider, profile, tokens) = ask(handle, pending, params).await?;
        settle(handle, pending, provider, &profile, &tokens, caller).await
    };
    match done.await {
        Ok(Some((name, value))) => redirect::found(&redirect::with(url, &[(name, &value)])),
        Ok(None) => redirect::found(url),
        Err(failure @ (Failure::Limited(_) | Failure::Busy)) => failure.into_response(),
        Err(failure) => redirect::failed(handle, url, failure),
    }
}

/// Asks the provider who it is. No connection to the database is held meanwhile.
async fn ask<'h>(
    handle: &'h Handle,
    pending: &Pending,
    params: &Params,
) -> Result<(&'h Provider, Profile, Tokens), Failure> {
    let oauth = handle.oauth();
    let provider = oauth.for_browsers(&pending.provider).ok_or(Code::DisabledEndpoint)?;
    let name = provider.definition.name;
    // RFC 9207, where a provider does it.
    if let (Some(said), Some(issuer)) = (params.get("iss"), &provider.issuer)
        && *said != issuer.name
    {
        return Err(Code::InvalidState.into());
    }
    let text = |name: &str| params.get(name).filter(|text| !text.is_empty());
    let tokens = match (provider.definition.protocol, &pending.request_token) {
        (Protocol::OAuth2, _) => {
            let code = text("code").ok_or(Code::InvalidRequest)?;
            provider.exchange(&oauth.http, code, pending.verifier.as_deref()).await
        }
        (Protocol::OAuth1, Some(token)) => {
            let same = text("oauth_token").is_some_and(|found| bool::from(found.as_bytes().ct_eq(token.0.as_bytes())));
            if !same {
                return Err(Code::InvalidState.into());
            }
            let verifier = text("oauth_verifier").ok_or(Code::InvalidRequest)?;
            twitter::exchange(provider, &oauth.http, token, verifier).await
        }
        (Protocol::OAuth1, None) => return Err(Code::InvalidState.into()),
    };
    let tokens = tokens.map_err(|why| {
        tracing::warn!(provider = name, %why, "a provider does not exchange a code");
        Code::OauthTokenExchangeFailed
    })?;
    let posted = text("user").map(String::as_str);
    let profile = provider.profile(&oauth.http, &oauth.keys, &tokens, &pending.nonce, posted).await;
    let profile = profile.map_err(|why| {
        tracing::warn!(provider = name, %why, "a provider's profile cannot be had");
        Code::OauthProfileFetchFailed
    })?;
    Ok((provider, profile, tokens))
}

/// What the frontend gets: a refresh token, a code, or the ticket of the second factor; nothing when an account was connected.
async fn settle(
    handle: &Handle,
    pending: &Pending,
    provider: &Provider,
    profile: &Profile,
    granted: &Tokens,
    caller: &Caller,
) -> Result<Option<(&'static str, String)>, Failure> {
    let name = provider.definition.name;
    let mut client = handle.pool().get().await?;
    let transaction = client.transaction().await?;
    if let Intent::Connect(user) = pending.intent {
        let user = users::by_id(&transaction, user).await?.ok_or(Code::InvalidRequest)?;
        accounts::may_sign_in(handle, &user, Wanted::MayBeUnverified)?;
        account::connect(&transaction, &user, name, profile, caller).await?;
        tokens::keep(handle, &transaction, name, &profile.id, granted).await?;
        transaction.commit().await?;
        return Ok(None);
    }
    let mut options = begin::parse(&pending.options)?;
    options.redirect_to = Some(pending.redirect_to.clone());
    let outcome = account::settle(handle, &transaction, name, profile, pending.intent, options, caller).await?;
    let answer = match outcome {
        Outcome::Ready(user) => {
            tokens::keep(handle, &transaction, name, &profile.id, granted).await?;
            Ok(Some(grant(handle, &transaction, pending, &user, caller).await?))
        }
        Outcome::MustVerify => Err(Code::UnverifiedUser.into()),
        Outcome::Disabled => Err(Code::DisabledUser.into()),
    };
    transaction.commit().await?;
    answer
}

async fn grant<C: GenericClient>(
    handle: &Handle,
    client: &C,
    pending: &Pending,
    user: &users::User,
    caller: &Caller,
) -> Result<(&'static str, String), Failure> {
    // The provider is one factor.
    if let Some(ticket) = session::second_factor(client, user).await? {
        return Ok(("ticket", ticket));
    }
    if let Some(challenge) = &pending.code_challenge {
        return Ok(("code", pkce::leave(client, user.id, challenge, &pending.redirect_to).await?));
    }
    let session = session::create(handle, client, user, caller, &pending.provider).await?;
    Ok(("refreshToken", session.refresh_token))
}
