//! OWASP ASVS 5, chapter V8 (authorization), and the walk over all routes: what each says to nobody, to an expired token,
//! and to somebody else.

use auth::Policy;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{self, KEY, Server};

/// Routes that anybody gets something useful from without presenting anything, by their nature.
const OPEN: &[&str] = &["/healthz", "/version", "/.well-known/jwks.json"];

fn path_of(route: &auth::Declared) -> String {
    route.path.replace("{id}", "5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10").replace("{provider}", "github")
}

fn expired(server_token: &str) -> String {
    let keys = auth::keys::Keys::of_key("HS256", KEY).unwrap();
    let mut claims = keys.verify(server_token).unwrap().claims;
    let now = claims["iat"].as_i64().unwrap();
    claims.insert("exp".to_owned(), json!(now - 1));
    keys.sign(&claims).unwrap()
}

/// Everything is on, so that no route hides behind a setting.
async fn everything() -> Server {
    support::start_with(|options| {
        options.methods.magic_link = true;
        options.methods.otp_email = true;
        options.methods.mfa = true;
        options.methods.webauthn = Some(auth::webauthn::Settings::default());
    })
    .await
}

/// 8.2.1, 8.3.1
#[tokio::test]
async fn all_routes_without_credentials_and_with_an_expired_token() {
    let server = everything().await;
    let token = expired(&server.user("ann@example.org").await.access_token());
    for route in server.handle.routes() {
        let path = path_of(&route);
        for bearer in [None, Some(token.as_str()), Some("a.b.c"), Some("null")] {
            let answer = server.call(route.method.clone(), &path, bearer, Some(json!({}))).await;
            let what = format!("{} {path} with {bearer:?}: {answer:?}", route.method);
            assert!(!answer.status.is_server_error(), "{what}");
            let session = answer.body["session"].is_object() || answer.body["accessToken"].is_string();
            assert!(!session, "{what}");
            match route.policy {
                Policy::Bearer | Policy::Elevated => {
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
                    assert!(answer.error().contains("SecurityRequirementsError"), "{what}");
                }
                _ if route.method == Method::GET && OPEN.contains(&route.path) => {
                    assert_eq!(answer.status, StatusCode::OK, "{what}");
                }
                // Sent to the frontend with an error, or refused.
                _ if answer.status == StatusCode::FOUND => assert!(answer.param("error").is_some(), "{what}"),
                _ if route.path.starts_with("/.well-known/") => {}
                // Options of a key that the user picks, for nobody in particular.
                _ if route.path == "/signin/webauthn" => assert!(answer.body["challenge"].is_string(), "{what}"),
                _ => assert!(answer.status.is_client_error(), "{what}"),
            }
        }
    }
}

/// 8.2.2: what belongs to a user is not found with another's token, and nothing of it has changed afterwards.
#[tokio::test]
async fn somebody_elses_things() {
    let server = everything().await;
    let (ann, eve) = (server.user("ann@example.org").await, server.user("eve@example.org").await);
    let session = ann.body["session"]["refreshTokenId"].as_str().unwrap();
    let taken =
        server.call(Method::DELETE, &format!("/user/sessions/{session}"), Some(&eve.access_token()), None).await;
    assert_eq!((taken.status, taken.error()), (StatusCode::BAD_REQUEST, "invalid-request"));
    let list = server.get_as("/user/sessions", &eve.access_token()).await;
    assert!(!list.body.to_string().contains(session), "{list:?}");
    assert_eq!(server.get_as("/user", &eve.access_token()).await.body["email"], "eve@example.org");

    // A ticket is for its own user and its own purpose.
    server.post("/user/password/reset", json!({"email": "ann@example.org"})).await;
    let reset = server.mail.ticket_to("ann@example.org");
    let uuid = reset.split_once(':').unwrap().1;
    for kind in ["verifyEmail", "passwordlessEmail", "emailConfirmChange", "mfaTotp"] {
        let other = format!("{kind}:{uuid}");
        let hop = server.get(&format!("/verify?ticket={other}")).await;
        assert_eq!(hop.param("error").as_deref(), Some("invalid-ticket"), "{kind}");
        let change = json!({"newPassword": "Another-3f9c1a-one", "ticket": other});
        assert_eq!(server.post("/user/password", change).await.error(), "invalid-ticket", "{kind}");
        let mfa = server.post("/signin/mfa/totp", json!({"ticket": other, "otp": "000000"})).await;
        assert_eq!(mfa.error(), "invalid-ticket", "{kind}");
    }
    // A security key of one user does not elevate another, nor is a code of one the other's.
    let elevated = server.post_as("/elevate/webauthn", &eve.access_token(), json!({})).await;
    assert_eq!(elevated.status, StatusCode::BAD_REQUEST, "{elevated:?}");
    let refreshed = server.post("/token", json!({"refreshToken": ann.refresh_token()})).await;
    assert_eq!(refreshed.status, StatusCode::OK, "Ann's session is as it was");
    assert_eq!(server.sign_in("ann@example.org").await.status, StatusCode::OK);
}

/// A personal access token is no refresh token, and a refresh token no personal access token.
#[tokio::test]
async fn tokens_of_one_kind_are_none_of_another() {
    let server = support::start().await;
    let ann = server.user("ann@example.org").await;
    let made = server.post_as("/pat", &ann.access_token(), json!({"expiresAt": "2099-01-01T00:00:00Z"})).await;
    let pat = made.body["personalAccessToken"].as_str().unwrap();
    assert_eq!(server.post("/token", json!({"refreshToken": pat})).await.error(), "invalid-refresh-token");
    let refresh = json!({"personalAccessToken": ann.refresh_token()});
    assert_eq!(server.post("/signin/pat", refresh).await.error(), "invalid-pat");
    assert_eq!(server.post("/signout", json!({"refreshToken": pat})).await.status, StatusCode::OK);
    let again = server.post("/signin/pat", json!({"personalAccessToken": pat})).await;
    assert_eq!(again.status, StatusCode::OK, "signing out ends sessions only");
    assert_eq!(server.get_as("/user", pat).await.status, StatusCode::BAD_REQUEST, "nor an access token");
}

/// The client's own x-hasura headers, roles and ids change nothing here.
#[tokio::test]
async fn headers_of_clients() {
    let server = support::start().await;
    let (ann, eve) = (server.user("ann@example.org").await, server.user("eve@example.org").await);
    let id = ann.body["session"]["user"]["id"].as_str().unwrap();
    let request = http::Request::builder()
        .uri("/user")
        .header("authorization", format!("Bearer {}", eve.access_token()))
        .header("x-hasura-user-id", id)
        .header("x-hasura-role", "admin")
        .header("x-hasura-admin-secret", "guess");
    let answer = server.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.body["email"], "eve@example.org");
    let claims: Value =
        json!(auth::keys::Keys::of_key("HS256", KEY).unwrap().verify(&eve.access_token()).unwrap().hasura);
    assert_eq!(claims["x-hasura-user-id"], eve.body["session"]["user"]["id"]);
}
