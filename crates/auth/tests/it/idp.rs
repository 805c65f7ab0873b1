//! A sign-in provider for tests. It checks what real ones check: the client, its secret, the redirect URI (registered,
//! and the same in both requests), PKCE's verifier, that a code works once, and that a token is one of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT: &str = "client-id";
/// With characters that must be encoded.
pub const SECRET: &str = "client+secret/&=:%";
pub const KEY_ID: &str = "key-1";

type Params = BTreeMap<String, String>;
type Shared = State<Arc<Mutex<Inner>>>;

/// The running provider.
pub struct Idp {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    url: String,
    /// What the profile and the addresses of whoever signs in are.
    profile: Value,
    emails: Value,
    redirect_uris: Vec<String>,
    /// Authorization requests that were granted, by their codes.
    codes: HashMap<String, Params>,
    tokens: Vec<String>,
    /// What the token endpoint was sent, and in which way the client proved itself.
    seen: Vec<(Params, &'static str)>,
    /// How often the keys were asked for.
    keys_asked: usize,
    next: u32,
}

pub async fn start(redirect_uris: &[&str]) -> Idp {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let redirect_uris = redirect_uris.iter().map(|uri| (*uri).to_owned()).collect();
    let inner = Inner { url: url.clone(), redirect_uris, emails: json!([]), ..Inner::default() };
    let inner = Arc::new(Mutex::new(inner));
    let router = Router::new()
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/profile", get(profile))
        .route("/emails", get(emails))
        .route("/keys", get(keys))
        .route("/request_token", post(request_token))
        .route("/access_token", post(access_token))
        .with_state(inner.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Idp { url, inner }
}

impl Idp {
    /// Who signs in from now on.
    pub fn is(&self, profile: Value) {
        self.inner.lock().unwrap().profile = profile;
    }

    pub fn has_emails(&self, emails: Value) {
        self.inner.lock().unwrap().emails = emails;
    }

    /// Settings of a provider of this name that answers here.
    pub fn settings(&self) -> auth::oauth::options::Provider {
        let at = |path: &str| Some(format!("{}/{path}", self.url));
        auth::oauth::options::Provider {
            client_id: CLIENT.to_owned(),
            client_secret: Some(project::Secret::new(SECRET.to_owned())),
            authorization_url: at("authorize"),
            token_url: at("token"),
            user_profile_url: at("profile"),
            emails_url: at("emails"),
            jwks_url: at("keys"),
            issuer: Some(self.url.clone()),
            ..Default::default()
        }
    }

    /// A user says yes at the URL a browser was sent to; where it is sent then.
    pub async fn approve(&self, url: &str) -> String {
        assert!(url.starts_with(&self.url), "{url} is not the provider's");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let response = client.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND, "{url}: {}", response.status());
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    /// The last request to the token endpoint.
    pub fn seen(&self) -> (Params, &'static str) {
        self.inner.lock().unwrap().seen.last().cloned().unwrap()
    }

    /// Every secret that went over the wire.
    pub fn secrets(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        let sent = inner.seen.iter().flat_map(|(form, _)| form.iter());
        let secret = ["code", "code_verifier", "client_secret", "refresh_token"];
        let sent = sent.filter(|(name, _)| secret.contains(&name.as_str())).map(|(_, value)| value.clone());
        sent.chain(inner.tokens.iter().cloned()).chain([SECRET.to_owned()]).collect()
    }

    pub fn keys_asked(&self) -> usize {
        self.inner.lock().unwrap().keys_asked
    }

    /// An id token of this provider's. `change` spoils it.
    pub fn id_token(&self, claims: Value) -> String {
        sign(&self.url, claims)
    }
}

fn sign(url: &str, more: Value) -> String {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({"iss": url, "aud": CLIENT, "iat": now, "exp": now + 300});
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(KEY_ID.to_owned());
    jsonwebtoken::encode(&header, &claims, &signing_key()).unwrap()
}

pub fn signing_key() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("pem/ec.pem")).unwrap()
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": "code and token are secret"})))
        .into_response()
}

async fn authorize(State(inner): Shared, Query(params): Query<Params>) -> Response {
    let mut inner = inner.lock().unwrap();
    if let Some(token) = params.get("oauth_token") {
        let state = inner.codes.get(token).unwrap()["callback"].clone();
        let location = format!("{state}&oauth_token={token}&oauth_verifier=verified");
        return (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
    }
    let text = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    let known = inner.redirect_uris.iter().any(|uri| uri == text("redirect_uri"));
    if text("client_id") != CLIENT || text("response_type") != "code" || text("state").len() < 20 || !known {
        return refuse("invalid_request");
    }
    inner.next += 1;
    let code = format!("secret-code-{}", inner.next);
    let location = format!("{}?code={code}&state={}&iss={}", text("redirect_uri"), text("state"), inner.url);
    inner.codes.insert(code, params);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(State(inner): Shared, headers: HeaderMap, Form(form): Form<Params>) -> Response {
    let mut inner = inner.lock().unwrap();
    let decode = |text: &str| {
        form_urlencoded::parse(format!("v={text}").as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap()
    };
    let header = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let (id, secret, how) = match header.as_deref().and_then(|value| value.strip_prefix("Basic ")) {
        Some(pair) => {
            let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
            let (id, secret) = pair.split_once(':').unwrap();
            (decode(id), decode(secret), "basic")
        }
        None => {
            let text = |name: &str| form.get(name).cloned().unwrap_or_default();
            (text("client_id"), text("client_secret"), "form")
        }
    };
    inner.seen.push((form.clone(), how));
    if id != CLIENT || !(secret == SECRET || is_apples(&secret)) {
        return refuse("invalid_client");
    }
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let nonce = match text("grant_type") {
        "refresh_token" if text("refresh_token").starts_with("secret-refresh-") => None,
        "authorization_code" => {
            // Used up by being presented.
            let Some(asked) = inner.codes.remove(text("code")) else { return refuse("invalid_grant") };
            let challenge = |verifier: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            let verified = match (asked.get("code_challenge"), form.get("code_verifier")) {
                (Some(wanted), Some(verifier)) => *wanted == challenge(verifier),
                (None, None) => true,
                _ => false,
            };
            if asked["redirect_uri"] != text("redirect_uri") || !verified {
                return refuse("invalid_grant");
            }
            asked.get("nonce").cloned()
        }
        _ => return refuse("invalid_grant"),
    };
    inner.next += 1;
    let access = format!("secret-access-{}", inner.next);
    inner.tokens.push(access.clone());
    let mut claims = inner.profile.clone();
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    Json(json!({
        "access_token": access,
        "refresh_token": format!("secret-refresh-{}", inner.next),
        "token_type": "bearer",
        "expires_in": 3600,
        "id_token": if claims.is_object() { sign(&inner.url, claims) } else { String::new() },
    }))
    .into_response()
}

/// A token that Apple's clients sign themselves.
fn is_apples(secret: &str) -> bool {
    let key = DecodingKey::from_ec_pem(include_bytes!("pem/ec.pub.pem")).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["https://appleid.apple.com"]);
    validation.set_issuer(&["TEAM"]);
    validation.sub = Some(CLIENT.to_owned());
    let Ok(header) = jsonwebtoken::decode_header(secret) else { return false };
    header.kid.as_deref() == Some("KEY") && jsonwebtoken::decode::<Value>(secret, &key, &validation).is_ok()
}

fn bearer(inner: &Inner, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = value.strip_prefix("Bearer ").unwrap_or_default();
    inner.tokens.iter().any(|known| known == token)
}

async fn profile(State(inner): Shared, headers: HeaderMap) -> Response {
    let inner = inner.lock().unwrap();
    if signed(&headers).is_some() || bearer(&inner, &headers) {
        return Json(inner.profile.clone()).into_response();
    }
    StatusCode::UNAUTHORIZED.into_response()
}

async fn emails(State(inner): Shared, headers: HeaderMap) -> Response {
    let inner = inner.lock().unwrap();
    if bearer(&inner, &headers) {
        Json(inner.emails.clone()).into_response()
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

async fn keys(State(inner): Shared) -> Json<Value> {
    inner.lock().unwrap().keys_asked += 1;
    let mut key = Jwk::from_encoding_key(&signing_key(), Algorithm::ES256).unwrap();
    key.common.key_id = Some(KEY_ID.to_owned());
    Json(json!({"keys": [key, {"kty": "of the future", "kid": "x"}]}))
}

/// The parameters of OAuth 1.0a's header; the signature is there (its making has a test of its own).
fn signed(headers: &HeaderMap) -> Option<Params> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("OAuth ")?;
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let fields = value.split(", ").filter_map(|field| field.split_once('='));
    let fields: Params = fields.map(|(name, value)| (name.to_owned(), decode(value.trim_matches('"')))).collect();
    let right =
        fields.get("oauth_consumer_key").is_some_and(|key| key == CLIENT) && fields.contains_key("oauth_signature");
    right.then_some(fields)
}

async fn request_token(State(inner): Shared, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap();
    let Some(fields) = signed(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    inner.next += 1;
    let token = format!("temporary-{}", inner.next);
    inner.codes.insert(token.clone(), Params::from([("callback".to_owned(), fields["oauth_callback"].clone())]));
    format!("oauth_token={token}&oauth_token_secret=secret-temporary&oauth_callback_confirmed=true").into_response()
}

async fn access_token(State(inner): Shared, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap();
    let fields = signed(&headers).unwrap_or_default();
    let text = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if text("oauth_verifier") != "verified" || inner.codes.remove(text("oauth_token")).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    "oauth_token=secret-twitter&oauth_token_secret=secret-twitter-secret".into_response()
}
