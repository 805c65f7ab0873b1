//! Id tokens that an app brings.

use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::idp::{self, Idp, KEY_ID};
use crate::support::{self, Server};

async fn start() -> (Server, Idp) {
    let idp = idp::start(&[]).await;
    let server = support::start_with(|options| {
        // Only for id tokens: without a client.
        let mut google = idp.settings();
        google.client_id = String::new();
        google.audience = vec!["client-id".to_owned(), "org.example.app".to_owned()];
        options.oauth.providers.insert("google", google);
    })
    .await;
    (server, idp)
}

fn ann() -> Value {
    json!({"sub": "g-ann", "email": "ann@example.org", "email_verified": true, "name": "Ann Lee"})
}

fn with(mut claims: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn body(token: &str) -> Value {
    json!({"provider": "google", "idToken": token})
}

#[tokio::test]
async fn a_token_signs_up_and_in() {
    let (server, idp) = start().await;
    let options = json!({"metadata": {"plan": "x"}});
    let first = with(body(&idp.id_token(ann())), json!({ "options": options }));
    let first = server.post("/signup/idtoken", first).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let user = &first.body["session"]["user"];
    assert_eq!((&user["email"], &user["displayName"]), (&json!("ann@example.org"), &json!("Ann Lee")));
    assert_eq!((&user["emailVerified"], &user["metadata"]), (&json!(true), &json!({"plan": "x"})));
    let again = server.post("/signin/idtoken", body(&idp.id_token(ann()))).await;
    assert_eq!(again.body["session"]["user"]["id"], user["id"]);
    assert_eq!(server.post("/signup/idtoken", body(&idp.id_token(ann()))).await.error(), "user-already-exists");
    let app = with(ann(), json!({"aud": "org.example.app"}));
    assert_eq!(server.post("/signin/idtoken", body(&idp.id_token(app))).await.status, StatusCode::OK);
    // There is no client, so no browser can sign in.
    assert_eq!(server.get("/signin/provider/google").await.param("error").as_deref(), Some("disabled-endpoint"));
    let apple = json!({"provider": "apple", "idToken": idp.id_token(ann())});
    assert_eq!(server.post("/signin/idtoken", apple).await.error(), "disabled-endpoint");
    let other = json!({"provider": "github", "idToken": "x"});
    assert!(server.post("/signin/idtoken", other).await.error().contains("RequestError"));
}

fn signed(algorithm: Algorithm, id: &str, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(id.to_owned());
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

#[tokio::test]
async fn tokens_that_are_refused() {
    let (server, idp) = start().await;
    let now = jiff::Timestamp::now().as_second();
    let good = with(ann(), json!({"iss": idp.url, "aud": "client-id", "iat": now, "exp": now + 300}));
    let ours = idp::signing_key();
    let foreign = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let foreign = EncodingKey::from_ec_pem(foreign.as_bytes()).unwrap();
    // The public key, which everybody has, as the secret of an HMAC.
    let public = EncodingKey::from_secret(include_bytes!("pem/ec.pub.pem"));
    let whole = signed(Algorithm::ES256, KEY_ID, &ours, &good);
    let unsigned = {
        use base64::Engine;
        let encode = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", encode(json!({"alg": "none", "kid": KEY_ID})), encode(good.clone()))
    };
    let changed = |more: Value| signed(Algorithm::ES256, KEY_ID, &ours, &with(good.clone(), more));
    for (what, token) in [
        ("another audience", changed(json!({"aud": "somebody-else"}))),
        ("another issuer", changed(json!({"iss": "https://evil.example.org"}))),
        ("expired", changed(json!({"exp": now - 60}))),
        ("issued in the future", changed(json!({"iat": now + 600}))),
        ("not yet valid", changed(json!({"nbf": now + 600}))),
        ("for another party", changed(json!({"aud": ["client-id", "evil"], "azp": "evil"}))),
        ("without a subject", changed(json!({ "sub": null }))),
        ("with a nonce that nobody asked for", changed(json!({"nonce": "n"}))),
        ("signed by somebody else", signed(Algorithm::ES256, KEY_ID, &foreign, &good)),
        ("of an unknown key", signed(Algorithm::ES256, "key-2", &ours, &good)),
        ("signed with the public key", signed(Algorithm::HS256, KEY_ID, &public, &good)),
        ("without a signature", unsigned),
        ("cut", whole[..whole.len() - 2].to_owned()),
        ("nonsense", "a.b.c".to_owned()),
        ("empty", String::new()),
    ] {
        let answer = server.post("/signin/idtoken", body(&token)).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (400, "invalid-request"), "{what}: {answer:?}");
    }
    assert!(idp.keys_asked() <= 2, "unknown keys do not make us ask and ask: {}", idp.keys_asked());
    assert_eq!(server.post("/signin/idtoken", body(&whole)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nonces() {
    let (server, idp) = start().await;
    let send = |nonce: &str, claim: &str| {
        let token = idp.id_token(with(ann(), json!({ "nonce": claim })));
        let request = with(body(&token), json!({ "nonce": nonce }));
        server.post("/signin/idtoken", request)
    };
    assert_eq!(send("raw", "raw").await.status, StatusCode::OK);
    let hashed = "78377b525757b494427f89014f97d79928f3938d14eb51e20fb5dec9834eb304";
    assert_eq!(send("nonce", hashed).await.status, StatusCode::OK, "as phones hash it");
    assert_eq!(send("other", "raw").await.error(), "invalid-request");
    let without = with(body(&idp.id_token(ann())), json!({"nonce": "x"}));
    assert_eq!(server.post("/signin/idtoken", without).await.error(), "invalid-request");
}

#[tokio::test]
async fn linking() {
    let (server, idp) = start().await;
    let bob = server.user("bob@example.org").await;
    let token = idp.id_token(with(ann(), json!({"email_verified": false})));
    let linked = server.post_as("/link/idtoken", &bob.access_token(), body(&token)).await;
    assert_eq!(linked.body, json!("OK"), "{linked:?}");
    let found = server.post("/signin/idtoken", body(&token)).await;
    assert_eq!(found.body["session"]["user"]["id"], bob.body["session"]["user"]["id"]);
    let eve = server.user("eve@example.org").await;
    let refused = server.post_as("/link/idtoken", &eve.access_token(), body(&token)).await;
    assert_eq!(refused.error(), "provider-account-already-linked");
    // Nobody's account is found by an address that is not verified.
    let mallory = idp.id_token(json!({"sub": "m", "email": "eve@example.org", "email_verified": false}));
    assert_eq!(server.post("/signin/idtoken", body(&mallory)).await.error(), "unverified-user");
}
