//! Keys: rotation, other algorithms, and tokens that were made by somebody else.

use auth::keys::Keys;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::support::{self, KEY};

fn claims(change: impl FnOnce(&mut Map<String, Value>)) -> Map<String, Value> {
    let now = jiff::Timestamp::now().as_second();
    let id = "5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10";
    let all = json!({
        "sub": id, "iss": "hasura-auth", "iat": now, "exp": now + 900,
        "https://hasura.io/jwt/claims": { "x-hasura-user-id": id },
    });
    let Value::Object(mut all) = all else { unreachable!() };
    change(&mut all);
    all
}

#[test]
fn what_is_not_accepted() {
    let keys = Keys::of_key("HS256", KEY).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let signed = |change: fn(&mut Map<String, Value>, i64)| keys.sign(&claims(|all| change(all, now))).unwrap();
    assert!(keys.verify(&signed(|_, _| {})).is_some());
    for (name, token) in [
        ("expired", signed(|all, now| drop(all.insert("exp".into(), (now - 60).into())))),
        ("endless", signed(|all, _| drop(all.remove("exp")))),
        ("of another issuer", signed(|all, _| drop(all.insert("iss".into(), "else".into())))),
        ("of nobody", signed(|all, _| drop(all.remove("iss")))),
        ("of the future", signed(|all, now| drop(all.insert("iat".into(), (now + 600).into())))),
        ("of another key", Keys::of_key("HS256", &"x".repeat(32)).unwrap().sign(&claims(|_| {})).unwrap()),
        ("of another algorithm", Keys::of_key("HS384", &KEY.repeat(2)).unwrap().sign(&claims(|_| {})).unwrap()),
    ] {
        assert!(keys.verify(&token).is_none(), "{name}");
    }
    let token = signed(|_, _| {});
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    for forged in [format!("{none}.{}.", parts[1]), format!("{}.{}.", parts[0], parts[1]), "a.b.c".to_owned()] {
        assert!(keys.verify(&forged).is_none(), "{forged}");
    }
}

#[tokio::test]
async fn an_old_key_still_verifies() {
    let new = "another secret of at least thirty-two bytes";
    let old = json!([{"type": "HS256", "key": KEY}]).to_string();
    let server = support::start_with(|options| {
        options.keys = Keys::of_key("HS256", new).unwrap().with_previous(&old).unwrap();
    })
    .await;
    let session = server.user("ann@example.org").await;
    assert!(Keys::of_key("HS256", new).unwrap().verify(&session.access_token()).is_some());
    let of_old = Keys::of_key("HS256", KEY).unwrap().sign(&claims(|_| {})).unwrap();
    assert_eq!(server.post("/token/verify", json!({ "token": of_old })).await.status, StatusCode::OK);
}

#[test]
fn settings_that_cannot_work() {
    for (setting, why) in [
        ("{", "it is not JSON of a key"),
        (r#"{"type":"HS256"}"#, "key is missing"),
        (r#"{"type":"HS256","key":"short"}"#, "at least 32"),
        (r#"{"type":"none","key":"x"}"#, "not supported"),
        (r#"{"type":"RS256","key":"no pem"}"#, "no PEM"),
    ] {
        let error = Keys::parse(setting).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

/// A setting of a pair of `pem/`.
fn pair(kind: &str, private: &str, public: &str) -> String {
    let read =
        |name: &str| std::fs::read_to_string(format!("{}/tests/it/pem/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (key, signing_key) = (read(&format!("{public}.pub.pem")), read(&format!("{private}.pem")));
    json!({"type": kind, "key": key, "signing_key": signing_key, "kid": "one"}).to_string()
}

#[test]
fn every_algorithm_signs_and_shows_its_public_key() {
    for (kind, name, kty) in [
        ("RS256", "rsa", "RSA"),
        ("RS384", "rsa", "RSA"),
        ("RS512", "rsa", "RSA"),
        ("PS256", "rsa", "RSA"),
        ("ES256", "ec", "EC"),
        ("ES384", "ec384", "EC"),
        ("ES512", "ec521", "EC"),
        ("EdDSA", "ed", "OKP"),
        ("Ed25519", "ed", "OKP"),
    ] {
        let keys = Keys::parse(&pair(kind, name, name)).unwrap();
        let token = keys.sign(&claims(|_| {})).unwrap();
        assert!(keys.verify(&token).is_some(), "{kind}");
        let jwks = keys.jwks();
        let jwk = &jwks["keys"][0];
        assert_eq!((&jwk["kty"], &jwk["use"], &jwk["kid"]), (&json!(kty), &json!("sig"), &json!("one")), "{jwk}");
        assert!(jwk.get("d").is_none() && jwk.get("k").is_none(), "{jwk}");
        assert_eq!(jwk["alg"], kind.replace("Ed25519", "EdDSA"));
        if kind == "ES512" {
            continue;
        }
        // What a client makes of the key set verifies the token.
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        let mut validation = jsonwebtoken::Validation::new(header.alg);
        validation.set_issuer(&["hasura-auth"]);
        assert!(jsonwebtoken::decode::<Value>(&token, &key, &validation).is_ok(), "{kind}");
    }
}

#[test]
fn a_public_key_is_no_secret_of_an_hmac() {
    let keys = Keys::parse(&pair("RS256", "rsa", "rsa")).unwrap();
    let public = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pem/rsa.pub.pem")).unwrap();
    let forged = Keys::of_key("HS256", &public).unwrap().sign(&claims(|_| {})).unwrap();
    assert!(keys.verify(&forged).is_none());
}

#[test]
fn keys_that_are_no_pair_are_refused() {
    let error = Keys::parse(&pair("ES256", "ec384", "ec")).unwrap_err();
    assert!(error.contains("cannot sign") || error.contains("no pair") || error.contains("no PEM"), "{error}");
    let public_only = json!({"type": "RS256", "key": std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pem/rsa.pub.pem")).unwrap()});
    assert!(Keys::parse(&public_only.to_string()).unwrap_err().contains("signing_key"));
}
