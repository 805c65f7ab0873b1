//! Security keys and passkeys, with a key made of software.

use auth::{ElevatedClaim, Options};
use http::StatusCode;
use serde_json::{Value, json};

use crate::authenticator::{Authenticator, IN_CLOUD};
use crate::support::{self, Answer, Server};

async fn start(change: impl FnOnce(&mut Options)) -> Server {
    support::start_with(|options| {
        options.methods.webauthn = Some(auth::webauthn::Settings::default());
        change(options);
    })
    .await
}

/// A new account with a key.
async fn sign_up(server: &Server, email: &str, key: &mut Authenticator) -> Answer {
    let options = json!({"displayName": "Ann", "metadata": {"plan": "x"}});
    let asked = server.post("/v1/signup/webauthn", json!({"email": email, "options": options})).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    let body = json!({"credential": key.create(&asked.body), "nickname": "my key"});
    server.post("/v1/signup/webauthn/verify", body).await
}

async fn sign_in(server: &Server, email: Option<&str>, key: &Authenticator) -> Answer {
    let body = email.map_or_else(|| json!({}), |email| json!({ "email": email }));
    let asked = server.post("/signin/webauthn", body).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    server.post("/signin/webauthn/verify", json!({ "credential": key.get(&asked.body) })).await
}

fn is_refused(answer: &Answer) -> bool {
    (answer.status, answer.error()) == (StatusCode::BAD_REQUEST, "invalid-request")
}

fn wants_elevation(answer: &Answer) -> bool {
    answer.error().contains("elevated-claim-required")
}

async fn add(server: &Server, token: &str, key: &mut Authenticator) -> Answer {
    let asked = server.post_as("/user/webauthn/add", token, json!({})).await;
    if asked.status != StatusCode::OK {
        return asked;
    }
    server.post_as("/user/webauthn/add/verify", token, json!({"credential": key.create(&asked.body)})).await
}

#[tokio::test]
async fn sign_up_and_sign_in() {
    let server = start(|_| {}).await;
    let asked = server.post("/signup/webauthn", json!({"email": "ann@example.org"})).await;
    for (name, value) in [
        ("/rp/id", json!("localhost")),
        ("/user/name", json!("ann@example.org")),
        ("/authenticatorSelection/residentKey", json!("preferred")),
        ("/authenticatorSelection/userVerification", json!("required")),
    ] {
        assert_eq!(asked.body.pointer(name), Some(&value), "{name}");
    }
    let id = asked.body["user"]["id"].as_str().unwrap();
    assert!(id.parse::<uuid::Uuid>().is_ok(), "as upstream: {id}");

    let mut key = Authenticator::new();
    let up = sign_up(&server, "ann@example.org", &mut key).await;
    let user = up.body["session"]["user"].clone();
    assert_eq!((&user["displayName"], &user["metadata"]), (&json!("Ann"), &json!({"plan": "x"})), "{up:?}");
    let known = server.post("/signin/webauthn", json!({"email": "ann@example.org"})).await;
    assert_eq!(known.body["allowCredentials"][0]["id"], key.id());
    assert_eq!(known.body["allowCredentials"][0]["transports"], json!(["internal", "hybrid"]));
    for email in [Some("ann@example.org"), None] {
        let again = sign_in(&server, email, &key).await;
        assert_eq!(again.body["session"]["user"]["id"], user["id"], "{again:?}");
    }
}

#[tokio::test]
async fn what_is_refused() {
    let off = support::start().await;
    for path in ["/signup/webauthn", "/signin/webauthn"] {
        let answer = off.post(path, json!({"email": "ann@example.org"})).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::CONFLICT, "disabled-endpoint"));
    }
    let server = start(|_| {}).await;
    let mut key = Authenticator::new();
    sign_up(&server, "ann@example.org", &mut key).await.access_token();
    let taken = server.post("/signup/webauthn", json!({"email": "Ann@example.org"})).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let unknown = server.post("/signin/webauthn", json!({"email": "bob@example.org"})).await;
    assert_eq!(unknown.error(), "invalid-email-password");

    let asked = server.post("/signin/webauthn", json!({})).await.body;
    let answer = key.get(&asked);
    let verify = |credential: Value| server.post("/signin/webauthn/verify", json!({ "credential": credential }));
    assert_eq!(verify(answer.clone()).await.status, StatusCode::OK);
    assert!(is_refused(&verify(answer).await), "a challenge is answered once");

    // For another service, by another page, without its user, by nobody's key, signed by another key.
    let mut stranger = Authenticator::new();
    let asked = server.post("/signin/webauthn", json!({})).await.body;
    let mut elsewhere = asked.clone();
    elsewhere["rpId"] = json!("evil.org");
    assert!(is_refused(&verify(key.get(&elsewhere)).await));
    key.origin = "http://evil.localhost:3000";
    assert!(is_refused(&sign_in(&server, None, &key).await));
    key.origin = "http://localhost:3000";
    key.flags &= !crate::authenticator::VERIFIED;
    assert!(is_refused(&sign_in(&server, None, &key).await));
    key.flags |= crate::authenticator::VERIFIED;
    assert!(is_refused(&sign_in(&server, None, &stranger).await));
    let asked = server.post("/signin/webauthn", json!({})).await.body;
    let mut forged = stranger.get(&asked);
    (forged["id"], forged["rawId"]) = (json!(key.id()), json!(key.id()));
    assert!(is_refused(&verify(forged).await));

    // A key of somebody else's account, and a sign-up that answers a sign-in.
    sign_up(&server, "bob@example.org", &mut stranger).await.access_token();
    assert!(is_refused(&sign_in(&server, Some("ann@example.org"), &stranger).await));
    let asked = server.post("/signin/webauthn", json!({})).await.body;
    let mut mixed = asked.clone();
    mixed["rp"] = json!({"id": "localhost"});
    let credential = Authenticator::new().create(&mixed);
    assert!(is_refused(&server.post("/signup/webauthn/verify", json!({ "credential": credential })).await));
    assert_eq!(sign_in(&server, None, &key).await.status, StatusCode::OK, "the key itself is fine");
}

#[tokio::test]
async fn a_copied_key_is_noticed() {
    let server = start(|_| {}).await;
    let mut key = Authenticator::new();
    key.counter = 1;
    sign_up(&server, "ann@example.org", &mut key).await.access_token();
    key.counter = 5;
    assert_eq!(sign_in(&server, None, &key).await.status, StatusCode::OK);
    for counter in [5, 4, 0] {
        key.counter = counter;
        assert!(is_refused(&sign_in(&server, None, &key).await), "{counter}");
    }
    key.counter = 6;
    assert_eq!(sign_in(&server, None, &key).await.status, StatusCode::OK);
}

#[tokio::test]
async fn keys_that_are_kept_in_a_cloud() {
    let server = start(|_| {}).await;
    let mut key = Authenticator::new();
    key.flags |= IN_CLOUD;
    sign_up(&server, "ann@example.org", &mut key).await.access_token();
    for email in [Some("ann@example.org"), None] {
        assert_eq!(sign_in(&server, email, &key).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_address_that_is_verified_first() {
    let server = start(|options| options.accounts.require_verified_email = true).await;
    let mut key = Authenticator::new();
    let up = sign_up(&server, "ann@example.org", &mut key).await;
    assert_eq!((up.status, &up.body["session"]), (StatusCode::OK, &Value::Null));
    assert_eq!(sign_in(&server, None, &key).await.error(), "unverified-user");
    server.get(&format!("/verify?ticket={}", server.mail.ticket_to("ann@example.org"))).await;
    assert_eq!(sign_in(&server, None, &key).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_key_and_the_elevated_claim() {
    let server = start(|options| options.elevated_claim = ElevatedClaim::Required).await;
    let token = server.user("ann@example.org").await.access_token();
    let pat = json!({"expiresAt": "2999-01-01T00:00:00Z"});
    assert!(wants_elevation(&server.post_as("/pat", &token, pat.clone()).await));
    assert!(is_refused(&server.post_as("/elevate/webauthn", &token, json!({})).await), "there is no key yet");

    // The first key needs no elevation, the second does.
    let (mut first, mut second) = (Authenticator::new(), Authenticator::new());
    let added = add(&server, &token, &mut first).await;
    assert!(added.body["id"].is_string() && added.body.get("nickname").is_none(), "{added:?}");
    assert!(wants_elevation(&add(&server, &token, &mut second).await));

    let asked = server.post_as("/elevate/webauthn", &token, json!({})).await.body;
    let session = server.post_as("/elevate/webauthn/verify", &token, json!({"credential": first.get(&asked)})).await;
    let elevated = session.access_token();
    assert_eq!(server.post_as("/pat", &elevated, pat.clone()).await.status, StatusCode::OK);
    let asked = server.post_as("/user/webauthn/add", &elevated, json!({})).await.body;
    assert_eq!(asked["excludeCredentials"][0]["id"], first.id());
    assert_eq!(add(&server, &elevated, &mut second).await.status, StatusCode::OK);
    assert!(is_refused(&add(&server, &elevated, &mut second).await), "the same key twice");
    for key in [&first, &second] {
        assert_eq!(sign_in(&server, Some("ann@example.org"), key).await.status, StatusCode::OK);
    }

    // Elevation is for one's own session, and ends with the token.
    let refreshed = server.post("/token", json!({"refreshToken": session.refresh_token()})).await.access_token();
    assert!(wants_elevation(&server.post_as("/pat", &refreshed, pat).await));
    let bob = server.user("bob@example.org").await.access_token();
    let asked = server.post_as("/elevate/webauthn", &elevated, json!({})).await.body;
    let foreign = server.post_as("/elevate/webauthn/verify", &bob, json!({"credential": first.get(&asked)})).await;
    assert!(is_refused(&foreign));
}

/// As Nhost's service leaves it: no counter, no transports, the user's id as the handle.
#[tokio::test]
async fn a_key_of_a_database_of_nhosts() {
    let server = start(|_| {}).await;
    let mut key = Authenticator::new();
    key.flags |= IN_CLOUD;
    sign_up(&server, "ann@example.org", &mut key).await.access_token();
    let client = server.database.client().await;
    let sql = "UPDATE auth.user_security_keys SET counter = 0, transports = '' RETURNING credential_public_key";
    let cose: Vec<u8> = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(cose[..5], [0xa5, 1, 2, 3, 0x26], "COSE, in the canonical order");
    let answer = sign_in(&server, Some("ann@example.org"), &key).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_comes_late() {
    let server = start(|_| {}).await;
    let mut key = Authenticator::new();
    let token = sign_up(&server, "ann@example.org", &mut key).await.access_token();
    let asked = server.post_as("/elevate/webauthn", &token, json!({})).await.body;
    let client = server.database.client().await;
    let sql = "UPDATE auth.webauthn_challenges SET expires_at = now() - interval '1 second'";
    assert_eq!(client.execute(sql, &[]).await.unwrap(), 1, "the others were answered");
    let late = server.post_as("/elevate/webauthn/verify", &token, json!({"credential": key.get(&asked)})).await;
    assert!(is_refused(&late));
}

/// Anybody may ask for one, as often as it likes.
#[tokio::test]
async fn challenges_of_sign_ins_are_kept_nowhere_and_good_once() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let server = start(|_| {}).await;
    let (mut key, mut other) = (Authenticator::new(), Authenticator::new());
    sign_up(&server, "ann@example.org", &mut key).await.access_token();
    sign_up(&server, "bob@example.org", &mut other).await.access_token();
    for body in [json!({}), json!({"email": "ann@example.org"})] {
        for _ in 0..10 {
            assert_eq!(server.post("/signin/webauthn", body.clone()).await.status, StatusCode::OK);
        }
    }
    let client = server.database.client().await;
    let kept = client.query_one("SELECT count(*) FROM auth.webauthn_challenges", &[]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 0);

    let verify = |key: &Authenticator, asked: &Value| {
        let body = json!({ "credential": key.get(asked) });
        let server = &server;
        async move { server.post("/signin/webauthn/verify", body).await }
    };
    let ask = || async { server.post("/signin/webauthn", json!({"email": "ann@example.org"})).await.body };
    let asked = ask().await;
    assert_eq!(verify(&key, &asked).await.status, StatusCode::OK);
    assert!(is_refused(&verify(&key, &asked).await), "it was used");
    assert!(is_refused(&verify(&other, &ask().await).await), "it was made for somebody else");
    // Neither its end nor anything else of it can be changed.
    let bytes = URL_SAFE_NO_PAD.decode(asked["challenge"].as_str().unwrap()).unwrap();
    for place in [0, 22, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let asked = json!({"challenge": URL_SAFE_NO_PAD.encode(&changed)});
        let asked = ask().await.as_object().unwrap().clone().into_iter().chain(asked.as_object().unwrap().clone());
        assert!(is_refused(&verify(&key, &Value::Object(asked.collect())).await), "byte {place}");
    }
}

#[tokio::test]
async fn concealed_answers_do_not_tell_whether_there_is_an_account() {
    let server = start(|options| options.conceal_errors = true).await;
    server.user("ann@example.org").await;
    for email in ["ann@example.org", "nobody@example.org"] {
        let asked = server.post("/signin/webauthn", json!({"email": email})).await;
        // As if it had a key: so looks an account that has one.
        let keys = asked.body["allowCredentials"].as_array().map(Vec::len);
        assert_eq!((asked.status, keys), (StatusCode::OK, Some(1)), "{email}");
        let up = server.post("/signup/webauthn", json!({"email": email})).await;
        assert_eq!(up.status, StatusCode::OK, "{email}");
    }
    let mut key = Authenticator::new();
    assert!(is_refused(&sign_up(&server, "ann@example.org", &mut key).await), "refused when the key is there");
}
