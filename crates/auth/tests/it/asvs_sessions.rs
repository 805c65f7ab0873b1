//! OWASP ASVS 5, chapters V7 (sessions), V9 (self-contained tokens) and V10 (OAuth), as far as no other test shows it:
//! `docs/reference/asvs.md` is the table.

use std::time::Duration;

use auth::keys::Keys;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{self, KEY, PASSWORD};

/// 7.4.1, 7.4.3: an access token of a session that has ended changes nothing, however long it still says it lives.
#[tokio::test]
async fn the_token_of_an_ended_session() {
    let server = support::start().await;
    server.user("ann@example.org").await;
    for end in ["signout", "all", "revoked"] {
        let (stolen, own) = (server.sign_in("ann@example.org").await, server.sign_in("ann@example.org").await);
        let ended = match end {
            "signout" => server.post("/signout", json!({"refreshToken": stolen.refresh_token()})).await,
            "all" => server.post_as("/signout", &own.access_token(), json!({"all": true})).await,
            _ => {
                let path = format!("/user/sessions/{}", stolen.body["session"]["refreshTokenId"].as_str().unwrap());
                server.call(Method::DELETE, &path, Some(&own.access_token()), None).await
            }
        };
        assert_eq!(ended.status, StatusCode::OK, "{end}: {ended:?}");
        let token = stolen.access_token();
        for (method, path, body) in [
            (Method::GET, "/user", json!({})),
            (Method::GET, "/user/sessions", json!({})),
            (Method::POST, "/user/password", json!({"newPassword": PASSWORD})),
            (Method::POST, "/user/email/change", json!({"newEmail": "eve@example.org"})),
            (Method::POST, "/pat", json!({"expiresAt": "2099-01-01T00:00:00Z"})),
            (Method::POST, "/signout", json!({"all": true})),
        ] {
            let answer = server.call(method, path, Some(&token), Some(body)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{end} {path}: {answer:?}");
            assert!(answer.error().contains("the session has ended"), "{end} {path}: {answer:?}");
        }
    }
}

/// 7.4.2: disabled and deleted users are out.
#[tokio::test]
async fn a_deleted_user_is_out() {
    let server = support::start().await;
    let ann = server.user("ann@example.org").await;
    server.database.client().await.batch_execute("DELETE FROM auth.users").await.unwrap();
    assert_eq!(
        server.post("/token", json!({"refreshToken": ann.refresh_token()})).await.error(),
        "invalid-refresh-token"
    );
    assert_ne!(server.get_as("/user", &ann.access_token()).await.status, StatusCode::OK);
}

/// 7.3.1, 7.3.2, 10.4.8: a session ends when nobody uses it, and some day although somebody does.
#[tokio::test]
async fn sessions_end() {
    let hour = Duration::from_secs(3600);
    let server = support::start_with(|options| {
        options.refresh_token_life = hour;
        options.session_life = 3 * hour;
    })
    .await;
    let client = server.database.client().await;
    let age = async |minutes: u32| {
        let sql = format!(
            "UPDATE auth.refresh_tokens SET expires_at = expires_at - interval '{minutes} min',
               created_at = created_at - interval '{minutes} min'"
        );
        client.batch_execute(&sql).await.unwrap();
    };
    let refresh = async |token: String| server.post("/token", json!({"refreshToken": token})).await;
    let mut token = server.user("ann@example.org").await.refresh_token();
    for _ in 0..3 {
        age(50).await;
        token = refresh(token).await.refresh_token();
    }
    // Used ten minutes ago, begun two and a half hours ago: half an hour is left.
    age(40).await;
    assert_eq!(refresh(token).await.error(), "invalid-refresh-token", "its whole life is over");
    let idle = server.sign_in("ann@example.org").await.refresh_token();
    age(61).await;
    assert_eq!(refresh(idle).await.error(), "invalid-refresh-token", "nobody has used it");
}

/// 7.2.4: a sign-in makes a session of its own, whatever the browser brings.
#[tokio::test]
async fn no_session_is_taken_over_from_before_a_sign_in() {
    let server = support::start().await;
    let first = server.user("ann@example.org").await;
    let body = json!({"email": "ann@example.org", "password": PASSWORD});
    let again = server.post_as("/signin/email-password", &first.access_token(), body).await;
    assert_ne!(again.refresh_token(), first.refresh_token());
    assert_ne!(again.body["session"]["refreshTokenId"], first.body["session"]["refreshTokenId"]);
}

fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// 9.1.1, 9.1.2, 9.1.3, 9.2.1: the key and the algorithm are the settings', and nothing that a token says.
#[tokio::test]
async fn tokens_that_are_none_of_ours() {
    let server = support::start().await;
    let good = server.user("ann@example.org").await.access_token();
    let parts: Vec<&str> = good.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let sign = |key: &str, kind: &str, claims: &Value| {
        Keys::of_key(kind, key).unwrap().sign(claims.as_object().unwrap()).unwrap()
    };
    let other = "another secret, as long as sixty-four bytes are, so that every algorithm takes it";
    let hasura = "https://hasura.io/jwt/claims";
    let now = claims["iat"].as_i64().unwrap();
    let mut without_end = claims.clone();
    without_end.as_object_mut().unwrap().remove("exp");
    let bad = [
        forged(&json!({"alg": "none"}), &claims, ""),
        forged(&json!({"alg": "None", "typ": "JWT"}), &claims, parts[2]),
        forged(&json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "eA"}}), &claims, parts[2]),
        forged(&json!({"alg": "HS256", "crit": ["exp"]}), &claims, parts[2]),
        forged(&json!({"alg": "HS256", "kid": "../../dev/null"}), &claims, ""),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(changed("sub", json!("x")).to_string()), parts[2]),
        sign(other, "HS256", &claims),
        sign(other, "HS512", &claims),
        sign(KEY, "HS256", &changed("exp", json!(now - 1))),
        sign(KEY, "HS256", &changed("iss", json!("https://evil.org"))),
        sign(KEY, "HS256", &changed("iat", json!(now + 3600))),
        sign(KEY, "HS256", &changed("nbf", json!(now + 3600))),
        sign(KEY, "HS256", &changed("exp", json!("never"))),
        sign(KEY, "HS256", &without_end),
        // 9.2.2: signed by us for another purpose, it names no user.
        sign(KEY, "HS256", &changed(hasura, json!({}))),
        sign(KEY, "HS256", &changed(hasura, json!({"x-hasura-user-id": "1 OR 1=1"}))),
    ];
    for token in &bad {
        assert_eq!(server.get_as("/user", token).await.status, StatusCode::BAD_REQUEST, "{token}");
        assert_ne!(server.post("/token/verify", json!({"token": token})).await.status, StatusCode::OK, "{token}");
    }
    assert_eq!(server.get_as("/user", &good).await.status, StatusCode::OK);
}

/// 10.4.1 and open redirects: nobody is sent, with a token, to where the settings do not allow.
#[tokio::test]
async fn no_open_redirect() {
    let server = support::start_with(|options| {
        options.client_url = "https://app.example.org".to_owned();
        options.allowed_redirect_urls = vec!["https://*.preview.example.org/app".to_owned()];
        options.methods.magic_link = true;
    })
    .await;
    for url in [
        "https://evil.org",
        "//evil.org",
        "/\\evil.org",
        "https:evil.org",
        "https://app.example.org.evil.org",
        "https://app.example.org@evil.org",
        "https://evil.org\\@app.example.org",
        "https://evil.org\\.app.example.org",
        "https://app.example.org:8443",
        "http://app.example.org",
        "https://app.example.org%00.evil.org",
        "https://app.example.org\r\nset-cookie: a=b",
        "https://app.example.org\t.evil.org",
        "https://evil.org?x.preview.example.org/app",
        "https://evil.org/x.preview.example.org/app",
        "https://preview.example.org/app",
        "https://a.preview.example.org/application",
        "https://a.preview.example.org/app/../admin",
        "https://a.preview.example.org/app/%2e%2e/admin",
        "https://a.preview.example.org.evil.org/app",
        "javascript:alert(1)",
        "JavaScript://app.example.org/%0aalert(1)",
        "data:text/html,x",
        "ftp://app.example.org",
    ] {
        let options = json!({"redirectTo": url});
        let asked =
            server.post("/signin/passwordless/email", json!({"email": "ann@example.org", "options": options})).await;
        assert_eq!(asked.error(), "redirectTo-not-allowed", "{url:?}");
        let encoded: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let hop = server.get(&format!("/verify?ticket=verifyEmail:x&redirectTo={encoded}")).await;
        assert!(hop.location().starts_with("https://app.example.org"), "{url:?}: {}", hop.location());
        let target = reqwest::Url::parse(hop.location()).unwrap();
        assert_eq!(target.host_str(), Some("app.example.org"), "{url:?}");
    }
    for url in ["https://app.example.org/any/page?x=1", "https://a.preview.example.org/app/x"] {
        let options = json!({"redirectTo": url});
        let body = json!({"email": "ann@example.org", "options": options});
        assert_eq!(server.post("/signin/passwordless/email", body).await.status, StatusCode::OK, "{url}");
    }
}

/// 10.4.2, 10.4.3, 10.4.6: a code is worth nothing without its verifier, works once, and is used up by a wrong one.
#[tokio::test]
async fn codes_want_their_verifier() {
    let server = support::start_with(|options| options.methods.magic_link = true).await;
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let code = async || {
        let body = json!({"email": "ann@example.org", "codeChallenge": challenge});
        assert_eq!(server.post("/signin/passwordless/email", body).await.status, StatusCode::OK);
        let hop = server.get(&format!("/verify?ticket={}", server.mail.ticket_to("ann@example.org"))).await;
        assert_eq!(hop.param("refreshToken"), None, "no token beside the code");
        hop.param("code").unwrap()
    };
    let exchange = async |code: &str, verifier: &str| {
        server.post("/token/exchange", json!({"code": code, "codeVerifier": verifier})).await
    };
    // The challenge itself (`plain`) is no verifier.
    for wrong in [challenge, "", "a-verifier-that-is-forty-three-characters-xx"] {
        let code = code().await;
        assert_eq!(exchange(&code, wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(exchange(&code, verifier).await.status, StatusCode::BAD_REQUEST, "used up by a wrong try");
    }
    let code = code().await;
    assert_eq!(exchange(&code, verifier).await.status, StatusCode::OK);
    assert_eq!(exchange(&code, verifier).await.status, StatusCode::BAD_REQUEST, "once only");
    for weak in ["", "short", "plain"] {
        let body = json!({"email": "ann@example.org", "codeChallenge": weak});
        assert_eq!(server.post("/signin/passwordless/email", body).await.status, StatusCode::BAD_REQUEST, "{weak}");
    }
}
