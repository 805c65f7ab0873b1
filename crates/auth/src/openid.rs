//! Sign-in for other applications: this service as an OpenID provider.
//!
//! OAuth 2.0's authorization code flow (RFC 6749) with PKCE (RFC 7636), OpenID Connect Core and Discovery, revocation
//! (RFC 7009), introspection (RFC 7662), metadata (RFC 8414), `iss` in answers (RFC 9207). Off by default.
//!
//! An application (`clients`) sends a browser to `/oauth2/authorize` (`authorize`); the frontend's page asks the user and
//! tells `/oauth2/login` (`login`); the application exchanges the code at `/oauth2/token` (`grant`, `issue`). `inspect` is what
//! can be asked about tokens, `signer` signs id tokens.
//!
//! An application's access token carries Hasura's claims only with the scope `graphql`, and never counts as the user's own
//! session: with it nobody changes a password or adds a key.

mod authorize;
pub mod clients;
mod grant;
mod inspect;
mod issue;
mod login;
pub mod options;
mod refusal;
mod signer;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio_postgres::Error as PgError;

use crate::api::failure::{Code, Failure};
use crate::api::route::{Policy, Route};
use crate::limits::Zone;
use crate::oauth::Oauth;
use crate::store::{GenericClient, run};
use crate::{Error, Handle, Options};
use refusal::Refusal;
use signer::Signer;

/// What an application can ask for.
pub(crate) const SCOPES: [&str; 6] = ["openid", "profile", "email", "phone", "offline_access", "graphql"];

/// Those of `/oauth2/{token,revoke,introspect}` are for applications, which prove themselves in the body or with `Basic`;
/// `userinfo` takes their access tokens, which are no sessions. So their handlers decide.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/.well-known/openid-configuration", Policy::Public, discovery),
        Route::get("/.well-known/oauth-authorization-server", Policy::Public, discovery),
        Route::get("/oauth2/jwks", Policy::Public, jwks),
        Route::get("/oauth2/authorize", Policy::Public, authorize::get).limited(Zone::SignUp),
        Route::post("/oauth2/authorize", Policy::Public, authorize::post).limited(Zone::SignUp),
        Route::get("/oauth2/login", Policy::Public, login::describe).limited(Zone::BruteForce),
        Route::post("/oauth2/login", Policy::Bearer, login::complete).limited(Zone::BruteForce),
        Route::post("/oauth2/token", Policy::Public, grant::token).limited(Zone::BruteForce),
        Route::get("/oauth2/userinfo", Policy::Public, inspect::userinfo).limited(Zone::BruteForce),
        Route::post("/oauth2/userinfo", Policy::Public, inspect::userinfo).limited(Zone::BruteForce),
        Route::post("/oauth2/introspect", Policy::Public, inspect::introspect).limited(Zone::BruteForce),
        Route::post("/oauth2/revoke", Policy::Public, inspect::revoke).limited(Zone::BruteForce),
    ]
}

/// The provider, when the settings want one.
#[derive(Debug)]
pub(crate) struct Openid {
    issuer: String,
    login_url: String,
    signer: Signer,
}

impl Openid {
    /// Makes the key of id tokens when there is none. The schema is up to date.
    ///
    /// # Errors
    /// PostgreSQL cannot be reached; a setting cannot be used.
    pub async fn new(options: &Options, oauth: &Oauth) -> Result<Option<Self>, Error> {
        let settings = &options.openid;
        if !settings.enabled {
            return Ok(None);
        }
        let server = options.server_url.trim_end_matches('/');
        let login = || format!("{}/oauth2/login", options.client_url.trim_end_matches('/'));
        let login_url = settings.login_url.clone().unwrap_or_else(login);
        if reqwest::Url::parse(&login_url).is_err() {
            return Err(Error::setting("AUTH_OAUTH2_PROVIDER_LOGIN_URL", "it is no URL"));
        }
        Ok(Some(Self {
            issuer: settings.issuer.clone().unwrap_or_else(|| server.to_owned()),
            login_url,
            signer: Signer::new(options, &oauth.vault).await?,
        }))
    }
}

impl Handle {
    fn provider(&self) -> Result<&Openid, Failure> {
        self.openid().ok_or_else(|| Code::DisabledEndpoint.into())
    }
}

async fn discovery(State(handle): State<Handle>) -> Result<Json<Value>, Failure> {
    let provider = handle.openid().ok_or(Failure::NotFound)?;
    let server = handle.options().server_url.trim_end_matches('/');
    let at = |path: &str| format!("{server}/oauth2/{path}");
    Ok(Json(json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at("jwks"),
        "revocation_endpoint": at("revoke"),
        "introspection_endpoint": at("introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "scopes_supported": SCOPES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [provider.signer.algorithm()],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "sub", "iss", "aud", "iat", "exp", "auth_time", "nonce", "name", "picture", "locale", "email",
            "email_verified", "phone_number", "phone_number_verified"
        ],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    })))
}

async fn jwks(State(handle): State<Handle>) -> Result<Json<Value>, Failure> {
    Ok(Json(handle.provider()?.signer.jwks(&handle)))
}

/// The answer to an application whose request cannot be read.
pub(crate) fn unreadable(why: &'static str) -> axum::response::Response {
    axum::response::IntoResponse::into_response(Refusal::request(why))
}

/// SHA-256 in hexadecimal digits, as Nhost's service keeps the secrets of these tables.
fn digest(secret: &str) -> String {
    crate::store::hash(secret).split_off(2)
}

/// The token of `Authorization: Bearer`, or why there is none (RFC 6750).
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    crate::api::bearer::Bearer::text(headers).ok_or(Refusal::token("a token is missing"))
}

/// Codes that were used are kept for a day, so that a second use is noticed.
pub(crate) async fn sweep<C: GenericClient>(client: &C) -> Result<u64, PgError> {
    let mut rows = 0;
    for sql in [
        "DELETE FROM auth.oauth2_authorization_codes WHERE expires_at < now() \
         AND (expires_at <> '-infinity' OR created_at < now() - interval '1 day')",
        "DELETE FROM auth.oauth2_refresh_tokens WHERE expires_at < now()",
        "DELETE FROM auth.oauth2_auth_requests WHERE expires_at < now() \
         AND NOT EXISTS (SELECT FROM auth.oauth2_refresh_tokens WHERE auth_request_id = oauth2_auth_requests.id) \
         AND NOT EXISTS (SELECT FROM auth.oauth2_authorization_codes WHERE auth_request_id = oauth2_auth_requests.id)",
    ] {
        rows += run(client, sql, &[]).await?;
    }
    Ok(rows)
}
