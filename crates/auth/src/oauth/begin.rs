//! `GET /signin/provider/{provider}` and `/signup/provider/{provider}`: sends a browser to a provider.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::{Map, Value};

use super::provider::Provider;
use super::state::{self, Intent, Pending};
use super::table::{self, Protocol};
use super::twitter;
use crate::accounts::{self, SignUpOptions, Wanted};
use crate::api::bearer::Bearer;
use crate::api::failure::{Code, Failure};
use crate::pkce::{self, Challenge};
use crate::store::hash;
use crate::{Handle, redirect};

/// The query of a request. Clients send objects as JSON and lists with commas.
pub(super) type Params = BTreeMap<String, String>;

pub(super) async fn sign_in(
    State(handle): State<Handle>,
    Path(provider): Path<String>,
    Query(params): Query<Params>,
) -> Response {
    begin(&handle, &provider, &params, Intent::SignIn).await.unwrap_or_else(IntoResponse::into_response)
}

pub(super) async fn sign_up(
    State(handle): State<Handle>,
    Path(provider): Path<String>,
    Query(params): Query<Params>,
) -> Response {
    begin(&handle, &provider, &params, Intent::SignUp).await.unwrap_or_else(IntoResponse::into_response)
}

/// Until it is clear where the browser may be sent, a failure is an answer; then it goes there.
async fn begin(handle: &Handle, name: &str, params: &Params, intent: Intent) -> Result<Response, Failure> {
    let definition = table::find(name)
        .ok_or_else(|| Failure::Request(format!("provider {name:?} is not one of those there are")))?;
    let text = |name: &str| params.get(name).filter(|value| !value.is_empty());
    let redirect_to = handle.redirects().check(text("redirectTo").map(String::as_str))?;
    let code_challenge = match text("codeChallenge") {
        Some(text) => Some(Challenge::parse(text).ok_or(Code::InvalidRequest)?),
        None => None,
    };
    if intent == Intent::SignUp {
        accounts::may_sign_up(handle, None)?;
    }
    let wanted = Request { params, intent, redirect_to: &redirect_to, code_challenge };
    match send(handle, definition.name, wanted).await {
        Ok(response) => Ok(response),
        Err(failure) => Ok(redirect::failed(handle, &redirect_to, failure)),
    }
}

/// A request whose ways back are checked.
struct Request<'a> {
    params: &'a Params,
    intent: Intent,
    redirect_to: &'a str,
    code_challenge: Option<Challenge>,
}

async fn send(handle: &Handle, name: &'static str, wanted: Request<'_>) -> Result<Response, Failure> {
    let provider = handle.oauth().for_browsers(name).ok_or(Code::DisabledEndpoint)?;
    let options = options(wanted.params)?;
    parse(&options)?.check(handle, "")?;
    let intent = match wanted.params.get("connect").filter(|token| !token.is_empty()) {
        Some(token) if wanted.intent == Intent::SignIn => Intent::Connect(connecting(handle, token).await?),
        _ => wanted.intent,
    };
    let state = state::new()?;
    let cookie = if handle.options().oauth.browser_cookie { Some(pkce::secret()?) } else { None };
    let mut pending = Pending {
        provider: name.to_owned(),
        intent,
        options,
        redirect_to: wanted.redirect_to.to_owned(),
        client_state: wanted.params.get("state").filter(|state| state.len() <= 2048).cloned(),
        code_challenge: wanted.code_challenge,
        verifier: if provider.uses_pkce() { Some(pkce::secret()?) } else { None },
        nonce: pkce::secret()?,
        browser: cookie.as_deref().map(hash),
        request_token: None,
    };
    let given = |name: &str| wanted.params.get(name).filter(|value| !value.is_empty()).cloned();
    let url = match provider.definition.protocol {
        Protocol::OAuth2 => provider.authorization_url(&state, &pending.nonce, pending.verifier.as_deref(), &given),
        Protocol::OAuth1 => {
            let begun = twitter::begin(provider, &handle.oauth().http, &state, &given).await;
            let (url, token) = begun.map_err(|why| {
                tracing::warn!(provider = name, %why, "a provider gives no temporary token");
                Code::OauthProviderError
            })?;
            pending.request_token = Some(token);
            url
        }
    };
    state::save(&handle.pool().get().await?, &state, &pending).await?;
    let mut response = redirect::found(&url);
    if let Some(cookie) = cookie {
        set_cookie(&mut response, handle, provider, &state, &cookie);
    }
    Ok(response)
}

/// The user who is signed in, by the token in `connect`. Whoever holds only the token of an application, or one without
/// the elevated claim where that is wanted, adds no way to sign in.
async fn connecting(handle: &Handle, token: &str) -> Result<uuid::Uuid, Failure> {
    let bearer = Bearer::verify(handle, token).map_err(|_| Code::InvalidRequest)?;
    bearer.require_elevated(handle).await?;
    let client = handle.pool().get().await?;
    Ok(accounts::of_bearer(handle, &client, &bearer, Wanted::MayBeUnverified).await?.id)
}

/// The sign-up's options, as they stand in a body of the other sign-ups.
fn options(params: &Params) -> Result<Map<String, Value>, Failure> {
    let mut options = Map::new();
    for (name, value) in params.iter().filter(|(_, value)| !value.is_empty()) {
        let value = match name.as_str() {
            "defaultRole" | "displayName" | "locale" => Value::from(value.clone()),
            "allowedRoles" => value.split(',').map(|role| Value::from(role.trim())).collect(),
            "metadata" => serde_json::from_str(value).map_err(|_| Code::InvalidRequest)?,
            _ => continue,
        };
        options.insert(name.clone(), value);
    }
    Ok(options)
}

pub(super) fn parse(options: &Map<String, Value>) -> Result<SignUpOptions, Failure> {
    serde_json::from_value(Value::Object(options.clone())).map_err(|_| Code::InvalidRequest.into())
}

/// The cookie of a sign-in; each has its own, so that two windows do not disturb each other.
pub(super) fn cookie_name(state: &str) -> String {
    format!("nself-oauth-{}", state::id(state).simple())
}

fn set_cookie(response: &mut Response, handle: &Handle, provider: &Provider, state: &str, value: &str) {
    // A form that the provider's page posts brings no cookie of `Lax`. `None` wants `Secure`.
    let site = if provider.definition.form_post { "None; Secure" } else { "Lax" };
    let secure = if handle.options().server_url.starts_with("https://") && site == "Lax" { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; Max-Age=600; HttpOnly; SameSite={site}{secure}", cookie_name(state));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
