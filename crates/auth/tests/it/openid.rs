//! Applications that let users sign in through this service.

use auth::Options;
use auth::openid::clients::{self, Client, New};
use axum::body::Body;
use base64::Engine;
use http::{Method, Request, StatusCode};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use project::Secret;
use serde_json::{Value, json};

use crate::support::{self, Answer, Server};

const HOME: &str = "https://app.example.org/back";
// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An application.
struct App {
    client: Client,
    secret: Option<Secret>,
}

async fn start(change: impl FnOnce(&mut Options)) -> Server {
    support::start_with(|options| {
        options.openid.enabled = true;
        change(options);
    })
    .await
}

async fn app(server: &Server, scopes: &[&str], is_public: bool) -> App {
    let pool = postgres::Pool::new(server.database.config(), 1);
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let new = New { name: "App".to_owned(), redirect_uris: vec![HOME.to_owned()], scopes, is_public };
    let (client, secret) = clients::create(&pool, &new).await.unwrap();
    App { client, secret }
}

impl App {
    fn url(&self, more: &[(&str, &str)]) -> String {
        let mut params = vec![
            ("client_id", self.client.client_id.as_str()),
            ("redirect_uri", HOME),
            ("response_type", "code"),
            ("state", "s t"),
            ("nonce", "n-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in more {
            params.retain(|(found, _)| found != name);
            if !value.is_empty() {
                params.push((name, value));
            }
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        format!("/oauth2/authorize?{query}")
    }

    /// The code that a user's yes gives.
    async fn code(&self, server: &Server, user: &str, more: &[(&str, &str)]) -> String {
        let asked = server.get(&self.url(more)).await;
        assert!(asked.location().starts_with("http://localhost:3000/oauth2/login?"), "{}", asked.location());
        let request = asked.param("request_id").unwrap();
        let told = server.get(&format!("/oauth2/login?request_id={request}")).await;
        assert_eq!(told.body["clientName"], "App", "{told:?}");
        let done = server.post_as("/oauth2/login", user, json!({ "requestId": request })).await;
        let url = reqwest::Url::parse(done.body["redirectUri"].as_str().unwrap()).unwrap();
        assert!(url.as_str().starts_with(HOME));
        let param = |name: &str| url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
        assert_eq!((param("state").as_str(), param("iss").as_str()), ("s t", "http://localhost:4000"));
        let twice = server.post_as("/oauth2/login", user, json!({ "requestId": request })).await;
        assert_eq!(twice.error(), "invalid_request");
        param("code")
    }

    async fn post(&self, server: &Server, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(secret) = &self.secret {
            let pair = format!("{}:{}", self.client.client_id, secret.expose());
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            request = request.header("authorization", format!("Basic {pair}"));
        }
        server.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn exchange(&self, server: &Server, code: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", HOME),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in more {
            form.retain(|(found, _)| found != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        self.post(server, "/oauth2/token", &form).await
    }

    async fn refresh(&self, server: &Server, token: &Value) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
        self.post(server, "/oauth2/token", &form).await
    }
}

/// As an application verifies it: with what discovery and the keys say.
async fn read_id_token(server: &Server, app: &App, token: &Value) -> Value {
    let discovery = server.get("/.well-known/openid-configuration").await.body;
    let keys: JwkSet = serde_json::from_value(server.get("/oauth2/jwks").await.body).unwrap();
    let token = token.as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(discovery["id_token_signing_alg_values_supported"], json!([format!("{:?}", header.alg)]));
    let key = match &header.kid {
        Some(id) => keys.find(id).unwrap(),
        None => &keys.keys[0],
    };
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[discovery["issuer"].as_str().unwrap()]);
    validation.set_audience(&[&app.client.client_id]);
    jsonwebtoken::decode(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims
}

#[tokio::test]
async fn it_is_off_by_default() {
    let server = support::start().await;
    assert_eq!(server.get("/.well-known/openid-configuration").await.status, StatusCode::NOT_FOUND);
    for path in ["/oauth2/jwks", "/oauth2/authorize", "/oauth2/userinfo", "/oauth2/login"] {
        assert_eq!(server.get(path).await.error(), "disabled-endpoint", "{path}");
    }
}

#[tokio::test]
async fn from_the_first_redirect_to_the_end() {
    let server = start(|_| {}).await;
    let app = app(&server, &["openid", "profile", "email"], false).await;
    let ann = server.user("ann@example.org").await;
    let (user, id) = (ann.access_token(), ann.body["session"]["user"]["id"].clone());
    let code = app.code(&server, &user, &[("scope", "openid email")]).await;
    let tokens = app.exchange(&server, &code, &[]).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    let tokens = tokens.body;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(tokens["scope"], "openid email");
    let claims = read_id_token(&server, &app, &tokens["id_token"]).await;
    assert_eq!((&claims["sub"], &claims["nonce"], &claims["email"]), (&id, &json!("n-1"), &json!("ann@example.org")));
    assert!(claims["auth_time"].is_i64() && claims.get("name").is_none(), "{claims}");

    let access = tokens["access_token"].as_str().unwrap();
    let info = server.get_as("/oauth2/userinfo", access).await.body;
    assert_eq!(info, json!({"sub": id, "email": "ann@example.org", "email_verified": false}));
    // An application's token is not the user's session.
    let as_user = server.get_as("/user", access).await;
    assert!(as_user.error().contains("SecurityRequirementsError"), "{as_user:?}");
    let told = app.post(&server, "/oauth2/introspect", &[("token", access)]).await.body;
    assert_eq!((&told["active"], &told["sub"], &told["scope"]), (&json!(true), &id, &json!("openid email")));
    let sessions = app.post(&server, "/oauth2/introspect", &[("token", &user)]).await.body;
    assert_eq!(sessions, json!({"active": false}), "a session is not its business");

    let next = app.refresh(&server, &tokens["refresh_token"]).await.body;
    assert!(next["refresh_token"].is_string() && next["refresh_token"] != tokens["refresh_token"], "{next}");
    let gone = app.post(&server, "/oauth2/revoke", &[("token", next["refresh_token"].as_str().unwrap())]).await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(app.refresh(&server, &next["refresh_token"]).await.error(), "invalid_grant");
    let unknown = app.post(&server, "/oauth2/revoke", &[("token", "unknown")]).await;
    assert_eq!(unknown.status, StatusCode::OK);
}

#[tokio::test]
async fn with_a_key_that_others_can_verify() {
    let keys = json!({
        "type": "RS256", "kid": "k1",
        "key": include_str!("pem/rsa.pub.pem"), "signing_key": include_str!("pem/rsa.pem"),
    });
    let keys = auth::keys::Keys::parse(&keys.to_string()).unwrap();
    let server = start(|options| options.keys = keys).await;
    let app = app(&server, &[], false).await;
    let ann = server.user("ann@example.org").await.access_token();
    let tokens = app.exchange(&server, &app.code(&server, &ann, &[]).await, &[]).await.body;
    read_id_token(&server, &app, &tokens["id_token"]).await;
}

#[tokio::test]
async fn the_key_of_id_tokens_stays() {
    let server = start(|_| {}).await;
    let keys = server.get("/oauth2/jwks").await.body;
    assert!(keys["keys"][0].get("d").is_none() && keys["keys"][0]["kty"] == "EC", "{keys}");
    let client = server.database.client().await;
    let kept: String = client.query_one("SELECT private_key FROM auth.signing_keys", &[]).await.unwrap().get(0);
    assert!(kept.starts_with("nself1."));
    let server = support::start_on(server.database, |options| options.openid.enabled = true).await;
    assert_eq!(server.get("/oauth2/jwks").await.body, keys);
}

#[tokio::test]
async fn only_graphqls_scope_gives_hasuras_claims() {
    let server = start(|options| {
        let github = auth::oauth::options::Provider { client_id: "x".to_owned(), ..Default::default() };
        options.oauth.providers.insert("github", github);
    })
    .await;
    let app = app(&server, &["openid", "graphql"], false).await;
    let ann = server.user("ann@example.org").await.access_token();
    let claims = |token: &Value| {
        let part = token.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    let tokens = app.exchange(&server, &app.code(&server, &ann, &[("scope", "openid")]).await, &[]).await.body;
    assert!(claims(&tokens["access_token"]).get("https://hasura.io/jwt/claims").is_none());
    let code = app.code(&server, &ann, &[("scope", "openid graphql")]).await;
    let tokens = app.exchange(&server, &code, &[]).await.body;
    let hasura = claims(&tokens["access_token"])["https://hasura.io/jwt/claims"].clone();
    assert_eq!(hasura["x-hasura-default-role"], "user");
    let access = tokens["access_token"].as_str().unwrap();
    for path in ["/user", "/user/sessions"] {
        assert_eq!(server.get_as(path, access).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let connect = server.get(&format!("/signin/provider/github?connect={access}")).await;
    assert_eq!(connect.param("error").as_deref(), Some("invalid-request"), "it connects nothing");
}

#[tokio::test]
async fn codes() {
    let server = start(|_| {}).await;
    let (one, two) = (app(&server, &[], false).await, app(&server, &[], false).await);
    let ann = server.user("ann@example.org").await.access_token();
    let error = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        answer.error().to_owned()
    };
    for wrong in [
        ("redirect_uri", "https://app.example.org/other"),
        ("redirect_uri", ""),
        ("code_verifier", ""),
        ("code_verifier", CHALLENGE),
    ] {
        let code = one.code(&server, &ann, &[]).await;
        assert_eq!(error(one.exchange(&server, &code, &[wrong]).await), "invalid_grant", "{wrong:?}");
        assert_eq!(error(one.exchange(&server, &code, &[]).await), "invalid_grant", "{wrong:?} uses it up");
    }
    // Somebody took the challenge out of the first request.
    let downgraded = one.code(&server, &ann, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(error(one.exchange(&server, &downgraded, &[]).await), "invalid_grant");
    let code = one.code(&server, &ann, &[]).await;
    assert_eq!(error(two.exchange(&server, &code, &[]).await), "invalid_grant", "another application's");
    let tokens = one.exchange(&server, &code, &[]).await.body;
    // The second use says that it was stolen.
    assert_eq!(error(one.exchange(&server, &code, &[]).await), "invalid_grant");
    assert_eq!(error(one.refresh(&server, &tokens["refresh_token"]).await), "invalid_grant");
    let late = one.code(&server, &ann, &[]).await;
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.oauth2_authorization_codes SET expires_at = now()").await.unwrap();
    assert_eq!(error(one.exchange(&server, &late, &[]).await), "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens() {
    let server = start(|_| {}).await;
    let (one, two) = (app(&server, &[], false).await, app(&server, &[], false).await);
    let ann = server.user("ann@example.org").await.access_token();
    let first = one.exchange(&server, &one.code(&server, &ann, &[]).await, &[]).await.body;
    assert_eq!(two.refresh(&server, &first["refresh_token"]).await.error(), "invalid_grant", "another application's");
    let second = one.refresh(&server, &first["refresh_token"]).await.body;
    assert_eq!(one.refresh(&server, &first["refresh_token"]).await.error(), "invalid_grant");
    assert_eq!(
        one.refresh(&server, &second["refresh_token"]).await.error(),
        "invalid_grant",
        "one was copied: both end"
    );
    let tokens = one.exchange(&server, &one.code(&server, &ann, &[]).await, &[]).await.body;
    let form = |scope| {
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ("scope", scope),
        ]
    };
    assert_eq!(one.post(&server, "/oauth2/token", &form("openid graphql")).await.error(), "invalid_scope");
    let client = server.database.client().await;
    client.batch_execute("UPDATE auth.users SET disabled = true").await.unwrap();
    assert_eq!(one.refresh(&server, &tokens["refresh_token"]).await.error(), "invalid_grant");
}

#[tokio::test]
async fn who_the_application_is() {
    let server = start(|_| {}).await;
    let mut app_ = app(&server, &[], false).await;
    let ann = server.user("ann@example.org").await.access_token();
    let code = app_.code(&server, &ann, &[]).await;
    let secret = app_.secret.take().unwrap();
    let id = app_.client.client_id.clone();
    for form in [
        vec![],
        vec![("client_id", &*id)],
        vec![("client_id", &*id), ("client_secret", "wrong")],
        vec![("client_id", "unknown"), ("client_secret", secret.expose())],
    ] {
        let answer = app_.exchange(&server, &code, &form).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{form:?}");
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    // None of these used the code up.
    let form = [("client_id", &*id), ("client_secret", secret.expose())];
    assert_eq!(app_.exchange(&server, &code, &form).await.status, StatusCode::OK);
    let public = app(&server, &[], true).await;
    assert!(public.secret.is_none());
    let id = [("client_id", public.client.client_id.as_str())];
    let code = public.code(&server, &ann, &[]).await;
    assert_eq!(public.exchange(&server, &code, &id).await.status, StatusCode::OK);
    let asks = public.post(&server, "/oauth2/introspect", &[id[0], ("token", "x")]).await;
    assert_eq!(asks.error(), "invalid_client");
}

#[tokio::test]
async fn requests_that_are_refused() {
    let server = start(|_| {}).await;
    let app_ = app(&server, &["openid"], false).await;
    // To nobody that is not known.
    for wrong in [
        ("client_id", "unknown"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.org"),
        ("redirect_uri", "https://app.example.org/back/"),
        ("redirect_uri", "https://app.example.org/back?x=1"),
    ] {
        let answer = server.get(&app_.url(&[wrong])).await;
        assert!(answer.status.is_client_error() && !answer.headers.contains_key("location"), "{wrong:?}: {answer:?}");
    }
    for (wrong, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "unsupported_response_type"),
        (("scope", "openid graphql"), "invalid_scope"),
        (("scope", "made-up"), "invalid_scope"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("request", "x.y.z"), "request_not_supported"),
    ] {
        let answer = server.get(&app_.url(&[wrong])).await;
        assert!(answer.location().starts_with(HOME), "{wrong:?}");
        assert_eq!(answer.param("error").as_deref(), Some(error), "{wrong:?}");
        assert_eq!(answer.param("state").as_deref(), Some("s t"));
    }
    let public = app(&server, &["openid"], true).await;
    let without = server.get(&public.url(&[("code_challenge", ""), ("code_challenge_method", "")])).await;
    assert_eq!(without.param("error").as_deref(), Some("invalid_request"), "a public client uses PKCE");
    for id in ["", "?request_id=x", "?request_id=5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10"] {
        assert_eq!(server.get(&format!("/oauth2/login{id}")).await.error(), "invalid_request", "{id}");
    }
    let missing = server.get("/oauth2/userinfo").await;
    assert_eq!((missing.status, missing.error()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert_eq!(missing.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_refused_as_everything_else() {
    let server = start(|_| {}).await;
    // JSON, where a form is wanted.
    for path in ["/oauth2/token", "/v1/oauth2/introspect", "/oauth2/revoke", "/oauth2/authorize"] {
        let answer = server.post(path, json!({})).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::BAD_REQUEST, "invalid_request"), "{path}: {answer:?}");
        assert!(answer.body["error_description"].is_string(), "{path}");
    }
    let answer = server.post("/signin/provider/apple/callback", json!({})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().starts_with("error in openapi3filter.RequestError: "), "{answer:?}");
}
