//! `/oauth2/authorize`: an application sends a browser, which goes on to the page that asks the user.
//!
//! Before the application and its redirect URI are known to be good, nobody is redirected (RFC 6749, 4.1.2.1).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use uuid::Uuid;

use super::clients::{self, Client};
use super::refusal::Refusal;
use super::{Openid, SCOPES};
use crate::pkce::Challenge;
use crate::store::{self, tokens};
use crate::{Handle, redirect};

/// How long a user may take to answer.
const LIFE: Duration = Duration::from_secs(600);

/// Bytes of a parameter that is kept.
const LONGEST: usize = 2048;

type Params = BTreeMap<String, String>;

pub(super) async fn get(State(handle): State<Handle>, Query(params): Query<Params>) -> Result<Response, Refusal> {
    authorize(&handle, &params).await
}

pub(super) async fn post(State(handle): State<Handle>, Form(params): Form<Params>) -> Result<Response, Refusal> {
    authorize(&handle, &params).await
}

async fn authorize(handle: &Handle, params: &Params) -> Result<Response, Refusal> {
    let provider = handle.provider()?;
    let id = text(params, "client_id").ok_or(Refusal::request("client_id is missing"))?;
    let client = clients::find(&handle.pool().get().await?, id).await?;
    let client = client.ok_or(Refusal::client("the client is unknown"))?;
    let redirect_uri = text(params, "redirect_uri").ok_or(Refusal::request("redirect_uri is missing"))?;
    if !client.redirect_uris.iter().any(|known| known == redirect_uri) {
        return Err(Refusal::request("redirect_uri is not one of the client's"));
    }
    let accepted = match check(&client, params) {
        Ok(asked) => keep(handle, &client, redirect_uri, params, &asked).await,
        Err(refusal) => Err(refusal),
    };
    match accepted {
        Ok(request) => Ok(redirect::found(&login(provider, request, text(params, "prompt")))),
        Err(Refusal::OAuth { code, why }) => {
            let told = [("error", code), ("error_description", why)];
            Ok(redirect::found(&answer(provider, redirect_uri, text(params, "state"), &told)))
        }
        Err(other) => Err(other),
    }
}

fn text<'p>(params: &'p Params, name: &str) -> Option<&'p str> {
    params.get(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// What an application asks for.
struct Asked<'p> {
    scopes: Vec<&'p str>,
    challenge: Option<Challenge>,
}

fn check<'p>(client: &Client, params: &'p Params) -> Result<Asked<'p>, Refusal> {
    let text = |name| text(params, name);
    if text("request").is_some() {
        return Err(Refusal::new("request_not_supported", "request objects are not taken"));
    }
    if text("request_uri").is_some() {
        return Err(Refusal::new("request_uri_not_supported", "request objects are not taken"));
    }
    if text("response_type") != Some("code") {
        return Err(Refusal::new("unsupported_response_type", "response_type is code"));
    }
    if text("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Refusal::request("response_mode is query"));
    }
    if ["state", "nonce", "resource"].into_iter().any(|name| text(name).is_some_and(|text| text.len() > LONGEST)) {
        return Err(Refusal::request("a parameter is too long"));
    }
    let scopes: Vec<&str> = text("scope").unwrap_or("openid").split(' ').filter(|scope| !scope.is_empty()).collect();
    let allowed = |scope: &&str| SCOPES.contains(scope) && client.scopes.iter().any(|known| known == scope);
    if !scopes.iter().all(allowed) {
        return Err(Refusal::new("invalid_scope", "a scope is not allowed for this client"));
    }
    let challenge = match (text("code_challenge"), text("code_challenge_method")) {
        (None, None) if client.is_public => return Err(Refusal::request("a public client uses PKCE")),
        (None, None) => None,
        (Some(challenge), Some("S256")) => {
            Some(Challenge::parse(challenge).ok_or(Refusal::request("code_challenge is malformed"))?)
        }
        _ => return Err(Refusal::request("code_challenge_method is S256")),
    };
    Ok(Asked { scopes, challenge })
}

/// Remembers a request until the user has answered.
async fn keep(
    handle: &Handle,
    client: &Client,
    redirect_uri: &str,
    params: &Params,
    asked: &Asked<'_>,
) -> Result<Uuid, Refusal> {
    let sql = "INSERT INTO auth.oauth2_auth_requests (client_id, scopes, redirect_uri, state, nonce, response_type, \
               code_challenge, code_challenge_method, resource, expires_at) \
               VALUES ($1, $2, $3, $4, $5, 'code', $6, $7, $8, $9) RETURNING id";
    let method = asked.challenge.as_ref().map(|_| "S256");
    let challenge = asked.challenge.as_ref().map(Challenge::as_str);
    let (state, nonce, resource) = (text(params, "state"), text(params, "nonce"), text(params, "resource"));
    let until = tokens::after(LIFE);
    let values: store::Params<'_> =
        &[&client.client_id, &asked.scopes, &redirect_uri, &state, &nonce, &challenge, &method, &resource, &until];
    Ok(store::one(&handle.pool().get().await?, sql, values).await?.try_get(0)?)
}

fn login(provider: &Openid, request: Uuid, prompt: Option<&str>) -> String {
    let request = request.to_string();
    let mut params = vec![("request_id", request.as_str())];
    params.extend(prompt.map(|prompt| ("prompt", prompt)));
    redirect::with(&provider.login_url, &params)
}

/// The application's redirect URI with an answer, the state it gave, and who answers (RFC 9207).
pub(super) fn answer(provider: &Openid, redirect_uri: &str, state: Option<&str>, told: &[(&str, &str)]) -> String {
    let mut params = told.to_vec();
    params.extend(state.map(|state| ("state", state)));
    params.push(("iss", &provider.issuer));
    redirect::with(redirect_uri, &params)
}
