//! Tokens of every kind, and those that must not count.

mod anything;
mod es512;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use graphql::access::{Authenticator, Jwt, Revocations, Rules};
use graphql::{Code, Session, outbound};
use http::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::fake::Fake;

const SECRET: &str = "a secret that is long enough for HS512: 64 bytes or more, that is";
const NAMESPACE: &str = "https://hasura.io/jwt/claims";

fn authenticator(configs: &[Value]) -> Authenticator {
    let tokens = configs.iter().map(|config| Jwt::parse(&config.to_string()).unwrap()).collect();
    rules(tokens, None)
}

fn rules(tokens: Vec<Jwt>, unauthorized: Option<&str>) -> Authenticator {
    let rules = Rules {
        admin_secrets: vec![project::Secret::new("hush".to_owned())],
        tokens,
        unauthorized_role: unauthorized.map(str::to_owned),
        ..Rules::default()
    };
    Authenticator::new(rules, outbound::Client::new().unwrap())
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    pairs.iter().map(pair).collect()
}

async fn ask(authenticator: &Authenticator, pairs: &[(&str, &str)]) -> Result<Session, (&'static str, String)> {
    let found = authenticator.session(&headers(pairs), None).await;
    found.map(|found| found.session).map_err(|failure| (failure.code.as_str(), failure.message))
}

async fn bearer(authenticator: &Authenticator, token: &str) -> Result<Session, (&'static str, String)> {
    ask(authenticator, &[("authorization", &format!("Bearer {token}"))]).await
}

fn hasura() -> Value {
    json!({"x-hasura-allowed-roles": ["user", "editor"], "x-hasura-default-role": "user", "X-Hasura-User-Id": "7"})
}

fn claims() -> Value {
    json!({"sub": "7", NAMESPACE: hasura()})
}

fn sign(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn hs256(claims: &Value) -> String {
    sign(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()), claims)
}

fn hmac() -> Value {
    json!({"type": "HS256", "key": SECRET})
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

const RSA: &str = include_str!("keys/rsa.pub.pem");

/// Type, algorithm, private key, public key.
fn pairs() -> Vec<(&'static str, Algorithm, EncodingKey, &'static str)> {
    let rsa = || EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.pem")).unwrap();
    let secret = || EncodingKey::from_secret(SECRET.as_bytes());
    let (es256, es384) = (include_bytes!("keys/es256.pem"), include_bytes!("keys/es384.pem"));
    vec![
        ("HS256", Algorithm::HS256, secret(), SECRET),
        ("HS384", Algorithm::HS384, secret(), SECRET),
        ("HS512", Algorithm::HS512, secret(), SECRET),
        ("RS256", Algorithm::RS256, rsa(), RSA),
        ("RS384", Algorithm::RS384, rsa(), RSA),
        ("RS512", Algorithm::RS512, rsa(), include_str!("keys/rsa.cert.pem")),
        ("PS256", Algorithm::PS256, rsa(), RSA),
        ("PS384", Algorithm::PS384, rsa(), RSA),
        ("PS512", Algorithm::PS512, rsa(), RSA),
        ("ES256", Algorithm::ES256, EncodingKey::from_ec_pem(es256).unwrap(), include_str!("keys/es256.pub.pem")),
        ("ES384", Algorithm::ES384, EncodingKey::from_ec_pem(es384).unwrap(), include_str!("keys/es384.pub.pem")),
        (
            "Ed25519",
            Algorithm::EdDSA,
            EncodingKey::from_ed_pem(include_bytes!("keys/ed25519.pem")).unwrap(),
            include_str!("keys/ed25519.pub.pem"),
        ),
    ]
}

fn invalid_signature() -> (&'static str, String) {
    ("invalid-jwt", "Could not verify JWT: JWSError JWSInvalidSignature".to_owned())
}

#[tokio::test]
async fn every_algorithm_verifies_its_own_and_nothing_else() {
    for (kind, algorithm, key, public) in pairs() {
        let authenticator = authenticator(&[json!({"type": kind, "key": public})]);
        let token = sign(algorithm, &key, &claims());
        // Twice: the second time it is known.
        for _ in 0..2 {
            let session = bearer(&authenticator, &token).await.unwrap();
            assert_eq!(session.to_json(), json!({"x-hasura-role": "user", "x-hasura-user-id": "7"}), "{kind}");
            assert!(!session.is_admin_secret && !session.backend);
        }
        let (head, signature) = token.rsplit_once('.').unwrap();
        let other = sign(algorithm, &key, &json!({NAMESPACE: {}}));
        let forged = format!("{head}.{}", other.rsplit_once('.').unwrap().1);
        assert_eq!(bearer(&authenticator, &forged).await.unwrap_err(), invalid_signature(), "{kind}");
        assert_eq!(bearer(&authenticator, &format!("{head}.")).await.unwrap_err(), invalid_signature(), "{kind}");
        let admin = json!({NAMESPACE: {"x-hasura-allowed-roles": ["admin"], "x-hasura-default-role": "admin"}});
        let body = URL_SAFE_NO_PAD.encode(admin.to_string());
        let changed = format!("{}.{body}.{signature}", head.split_once('.').unwrap().0);
        assert_eq!(bearer(&authenticator, &changed).await.unwrap_err(), invalid_signature(), "{kind}");
        for (other, algorithm, key, _) in pairs() {
            let same_family =
                other.get(..2) == kind.get(..2) || matches!((&other[..1], &kind[..1]), ("R" | "P", "R" | "P"));
            if !same_family || (kind.starts_with("ES") && other != kind) {
                let token = sign(algorithm, &key, &claims());
                assert_eq!(
                    bearer(&authenticator, &token).await.unwrap_err(),
                    invalid_signature(),
                    "{other} for {kind}"
                );
            }
        }
    }
}

#[tokio::test]
async fn extensions_that_nobody_knows_are_not_passed_over() {
    let header = Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(Algorithm::HS256) };
    let token = encode(&header, &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    assert_eq!(bearer(&authenticator(&[hmac()]), &token).await.unwrap_err().0, "invalid-jwt");
}

#[tokio::test]
async fn a_token_without_signature_or_with_a_public_key_as_secret_fails() {
    let body = URL_SAFE_NO_PAD.encode(claims().to_string());
    for (kind, _, _, public) in pairs() {
        let authenticator = authenticator(&[json!({"type": kind, "key": public})]);
        for none in ["none", "None", "NONE", ""] {
            let head = URL_SAFE_NO_PAD.encode(json!({"alg": none, "typ": "JWT"}).to_string());
            for token in [format!("{head}.{body}."), format!("{head}.{body}.x"), format!("{head}.{body}")] {
                let (code, _) = bearer(&authenticator, &token).await.unwrap_err();
                assert_eq!(code, "invalid-jwt", "{kind} {none:?}");
            }
        }
        if !kind.starts_with("HS") {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let der = public.lines().filter(|line| !line.starts_with('-')).collect::<String>();
                for key in [public.as_bytes(), public.trim().as_bytes(), der.as_bytes()] {
                    let token = sign(algorithm, &EncodingKey::from_secret(key), &claims());
                    assert_eq!(bearer(&authenticator, &token).await.unwrap_err(), invalid_signature(), "{kind}");
                }
            }
        }
    }
}

#[tokio::test]
async fn roles_and_claims() {
    let authenticator = authenticator(&[hmac()]);
    let with = async |hasura: Value, role: Option<&str>| {
        let token = format!("Bearer {}", hs256(&json!({NAMESPACE: hasura})));
        let mut pairs = vec![("authorization", &*token), ("x-hasura-user-id", "1")];
        pairs.extend(role.map(|role| ("x-hasura-role", role)));
        let found = ask(&authenticator, &pairs).await;
        found.map(|session| session.to_json())
    };
    let roles = |more: Value| {
        let mut all = json!({"x-hasura-allowed-roles": ["user", "editor"], "x-hasura-default-role": "user"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    // A header of the client never becomes a variable.
    assert_eq!(with(roles(json!({})), None).await, Ok(json!({"x-hasura-role": "user"})));
    assert_eq!(with(roles(json!({})), Some("editor")).await, Ok(json!({"x-hasura-role": "editor"})));
    assert_eq!(with(roles(json!({})), Some("")).await, Ok(json!({"x-hasura-role": "user"})));
    let denied = || Err(("access-denied", "Your requested role is not in allowed roles".to_owned()));
    assert_eq!(with(roles(json!({})), Some("admin")).await, denied());
    assert_eq!(with(roles(json!({"x-hasura-default-role": "admin"})), None).await, denied());
    for (more, code, message) in [
        (
            json!({"x-hasura-user-id": 7}),
            "jwt-invalid-claims",
            "x-hasura-* claims: parsing Text failed, expected String, but encountered Number",
        ),
        (
            json!({"x-hasura-allowed-roles": "user"}),
            "jwt-invalid-claims",
            "invalid x-hasura-allowed-roles; should be a list of roles: parsing [] failed, expected Array, but encountered String",
        ),
        (
            json!({"x-hasura-default-role": ["user"]}),
            "jwt-invalid-claims",
            "invalid x-hasura-default-role; should be a single role name: parsing Text failed, expected String, but encountered Array",
        ),
    ] {
        assert_eq!(with(roles(more), None).await, Err((code, message.to_owned())));
    }
    let missing = |name: &str| Err(("jwt-missing-role-claims", format!("JWT claim does not contain {name}")));
    assert_eq!(with(json!({"x-hasura-default-role": "user"}), None).await, missing("x-hasura-allowed-roles"));
    assert_eq!(with(json!({"x-hasura-allowed-roles": ["user"]}), None).await, missing("x-hasura-default-role"));
    let none = bearer(&authenticator, &hs256(&json!({"sub": "7"}))).await.unwrap_err();
    assert_eq!(none, ("jwt-invalid-claims", format!("claims key: '{NAMESPACE}' not found")));
}

#[tokio::test]
async fn time_issuer_and_audience() {
    let with = async |config: Value, more: Value| {
        let mut config_all = hmac();
        config_all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        let mut all = claims();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bearer(&authenticator(&[config_all]), &hs256(&all)).await
    };
    let why = |why: &str| Some(("invalid-jwt", format!("Could not verify JWT: {why}")));
    let (past, soon) = (now() - 60, now() + 60);
    for (config, more, expected) in [
        (json!({}), json!({"exp": soon, "nbf": past, "iat": past}), None),
        (json!({}), json!({"exp": past}), why("JWTExpired")),
        (json!({"allowed_skew": 120}), json!({"exp": past}), None),
        (json!({"allowed_skew": 30}), json!({"exp": past}), why("JWTExpired")),
        (json!({}), json!({"nbf": soon}), why("JWTNotYetValid")),
        (json!({"allowed_skew": 120}), json!({"nbf": soon, "iat": soon}), None),
        (json!({}), json!({"iat": soon}), why("JWTIssuedAtFuture")),
        (json!({}), json!({"iss": "x", "aud": "y"}), None),
        (json!({"issuer": "me"}), json!({"iss": "me"}), None),
        (json!({"issuer": "me"}), json!({"iss": "you"}), why("JWTNotInIssuer")),
        (json!({"issuer": "me"}), json!({}), why("JWTNotInIssuer")),
        (json!({"audience": "a"}), json!({"aud": "a"}), None),
        (json!({"audience": ["a", "b"]}), json!({"aud": ["b", "c"]}), None),
        (json!({"audience": ["a", "b"]}), json!({"aud": "c"}), why("JWTNotInAudience")),
        (json!({"audience": "a"}), json!({}), why("JWTNotInAudience")),
        (json!({"audience": []}), json!({"aud": []}), why("JWTNotInAudience")),
    ] {
        let found = with(config.clone(), more.clone()).await;
        assert_eq!(found.err(), expected, "{config} {more}");
    }
    let session = with(json!({"allowed_skew": 5}), json!({"exp": soon})).await.unwrap();
    assert_eq!(session.expires.unwrap().as_second(), soon + 5);
    assert_eq!(with(json!({}), json!({})).await.unwrap().expires, None);
    for hostile in [json!({"exp": 1e300}), json!({"exp": -1e300}), json!({"exp": "soon"}), json!({"exp": null})] {
        let _ = with(json!({}), hostile).await;
    }
}

#[tokio::test]
async fn where_the_claims_are() {
    let with = async |config: Value, claims: Value| {
        let mut all = hmac();
        all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        bearer(&authenticator(&[all]), &hs256(&claims)).await.map(|session| session.to_json())
    };
    let expected = Ok(json!({"x-hasura-role": "user", "x-hasura-user-id": "7"}));
    let map = json!({"claims_map": {
        "x-hasura-allowed-roles": {"path": "$.roles.all"},
        "x-hasura-default-role": {"path": "$.roles.all[0]", "default": "guest"},
        "x-hasura-user-id": {"path": "$.sub"},
    }});
    for (config, claims) in [
        (json!({"claims_namespace": "h"}), json!({"h": hasura()})),
        (json!({"claims_namespace_path": "$"}), hasura()),
        (json!({"claims_namespace_path": "$.h['a.b']"}), json!({"h": {"a.b": hasura()}})),
        (json!({"claims_namespace_path": "$['h%']"}), json!({"h%": hasura()})),
        (json!({"claims_format": "stringified_json"}), json!({NAMESPACE: hasura().to_string()})),
        (map.clone(), json!({"sub": "7", "roles": {"all": ["user", "editor"]}})),
    ] {
        assert_eq!(with(config.clone(), claims).await, expected, "{config}");
    }
    let guest = json!({"claims_map": {
        "x-hasura-allowed-roles": ["guest"], "x-hasura-default-role": {"path": "$.role", "default": "guest"},
        "x-hasura-org": "acme",
    }});
    assert_eq!(with(guest, json!({})).await, Ok(json!({"x-hasura-role": "guest", "x-hasura-org": "acme"})));
    for (config, claims, code, message) in [
        (
            json!({}),
            json!({NAMESPACE: "{}"}),
            "jwt-invalid-claims",
            "expecting a json object when claims_format is json",
        ),
        (
            json!({"claims_format": "stringified_json"}),
            claims(),
            "jwt-invalid-claims",
            "expecting a string when claims_format is stringified_json",
        ),
        (
            json!({"claims_format": "stringified_json", "claims_namespace": "h"}),
            json!({"h": "{"}),
            "jwt-invalid-claims",
            "expecting stringified json at: 'claims_namespace h', but found: {",
        ),
        (
            json!({"claims_namespace_path": "$.h"}),
            claims(),
            "jwt-invalid-claims",
            "claims not found at claims_namespace_path: '$.h'",
        ),
        (
            map.clone(),
            json!({"sub": "7"}),
            "jwt-missing-role-claims",
            "JWT claim does not contain x-hasura-allowed-roles",
        ),
        (
            map,
            json!({"roles": {"all": ["user"]}}),
            "jwt-invalid-claims",
            "JWT claim from claims_map, x-hasura-user-id not found",
        ),
    ] {
        assert_eq!(with(config, claims).await, Err((code, message.to_owned())));
    }
}

#[tokio::test]
async fn where_the_token_is() {
    let token = hs256(&claims());
    let with = |header: Value| authenticator(&[json!({"type": "HS256", "key": SECRET, "header": header})]);
    let cookie = with(json!({"type": "Cookie", "name": "session"}));
    assert!(ask(&cookie, &[("cookie", &format!("a=b; session={token}; c"))]).await.is_ok());
    assert!(ask(&cookie, &[("cookie", &format!("asession={token}"))]).await.is_err());
    let custom = with(json!({"type": "CustomHeader", "name": "X-Token"}));
    assert!(ask(&custom, &[("x-token", &token)]).await.is_ok());
    assert!(bearer(&custom, &token).await.is_err());
    let plain = authenticator(&[hmac()]);
    for malformed in ["", "Basic x", &format!("bearer {token}"), &format!("Bearer {token} x"), "Bearer"] {
        let expected = ("invalid-headers", "Malformed Authorization header".to_owned());
        assert_eq!(ask(&plain, &[("authorization", malformed)]).await.unwrap_err(), expected, "{malformed}");
    }
    let missing = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode".to_owned();
    assert_eq!(ask(&plain, &[]).await.unwrap_err(), ("invalid-headers", missing));
    let anonymous = rules(vec![Jwt::parse(&hmac().to_string()).unwrap()], Some("anonymous"));
    let session = ask(&anonymous, &[("x-hasura-role", "admin")]).await.unwrap();
    assert_eq!(&*session.role, "anonymous");
    // A token that does not count is no missing token.
    assert!(bearer(&anonymous, "x").await.is_err());
    // The secret comes first.
    let session = ask(&anonymous, &[("x-hasura-admin-secret", "hush"), ("authorization", "x")]).await.unwrap();
    assert!(session.is_admin());
    let wrong = ask(&anonymous, &[("x-hasura-admin-secret", "x"), ("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(wrong.unwrap_err().0, "access-denied");
}

#[tokio::test]
async fn several_issuers() {
    let (one, two) = (SECRET, SECRET.to_uppercase());
    let both = authenticator(&[
        json!({"type": "HS256", "key": one, "issuer": "one"}),
        json!({"type": "HS256", "key": two, "issuer": "two"}),
    ]);
    let token = |key: &str, issuer: Option<&str>| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(issuer.map(|issuer| ("iss".to_owned(), issuer.into())));
        sign(Algorithm::HS256, &EncodingKey::from_secret(key.as_bytes()), &claims)
    };
    assert!(bearer(&both, &token(one, Some("one"))).await.is_ok());
    assert!(bearer(&both, &token(&two, Some("two"))).await.is_ok());
    assert_eq!(bearer(&both, &token(one, Some("two"))).await.unwrap_err(), invalid_signature());
    let other = bearer(&both, &token(one, Some("three"))).await.unwrap_err();
    assert_eq!(other, ("invalid-jwt", "Could not verify JWT: JWTNotInIssuer".to_owned()));
    let nobody = bearer(&both, &token(one, None)).await.unwrap_err();
    assert_eq!(nobody, ("invalid-headers", "Could not verify JWT: Multiple JWTs found".to_owned()));
}

#[tokio::test]
async fn key_sets_are_fetched_once_and_again_when_needed() {
    let key =
        |id: &str, secret: &str| json!({"kty": "oct", "alg": "HS256", "kid": id, "k": URL_SAFE_NO_PAD.encode(secret)});
    let rsa = json!({"kty": "RSA", "use": "sig", "kid": "rsa", "n": modulus(), "e": "AQAB"});
    let strange = json!({"kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "x"});
    let set = json!({"keys": [key("a", SECRET), rsa, strange, {"kty": "EC"}, 7]});
    let server = Fake::start(move |_| (200, vec![("cache-control", "max-age=600")], set.to_string())).await;
    let authenticator = authenticator(&[json!({"type": "RS256", "jwk_url": server.url("/keys")})]);
    let token = |id: Option<&str>, secret: &str| {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let good = token(Some("a"), SECRET);
    let all = futures::future::join_all((0..20).map(|_| bearer(&authenticator, &good))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.requests().len(), 1, "twenty requests, one fetch");
    assert!(bearer(&authenticator, &token(None, SECRET)).await.is_ok());
    let signed = EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.pem")).unwrap();
    assert!(bearer(&authenticator, &sign(Algorithm::RS512, &signed, &claims())).await.is_ok());
    // The key's own algorithm counts, and a modulus is no secret.
    let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::HS512) };
    let other = encode(&header, &claims(), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
    assert_eq!(bearer(&authenticator, &other).await.unwrap_err(), invalid_signature());
    // Unknown keys cannot make us fetch for each request.
    for _ in 0..5 {
        assert_eq!(bearer(&authenticator, &token(Some("b"), SECRET)).await.unwrap_err(), invalid_signature());
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_key_set_that_cannot_be_fetched_lets_nobody_in() {
    for (status, body) in [(500, "{}"), (200, "nothing"), (200, "{}"), (404, r#"{"keys": []}"#)] {
        let server = Fake::start(move |_| (status, vec![], body.to_owned())).await;
        let authenticator = authenticator(&[json!({"jwk_url": server.url("/")})]);
        let (code, message) = bearer(&authenticator, &hs256(&claims())).await.unwrap_err();
        assert_eq!((code, &*message), ("unexpected", "Could not verify JWT: the key set cannot be fetched"));
    }
}

/// Of the RSA key of 2048 bits: its last 256 bytes before the five of the exponent.
fn modulus() -> String {
    let der: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(der).unwrap();
    let end = der.len() - 5;
    URL_SAFE_NO_PAD.encode(&der[end - 256..end])
}

#[test]
fn configurations_that_say_nothing_sensible_are_refused() {
    for (config, why) in [
        ("", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("{}", "key and jwk_url both cannot be empty"),
        (r#"{"key": "x"}"#, "type is missing"),
        (r#"{"type": "HS256", "key": "x", "jwk_url": "y"}"#, "key, jwk_url both cannot be present"),
        (r#"{"type": "HS256", "key": "short"}"#, "Key size too small; should be atleast 32 characters"),
        (r#"{"type": "ES512", "key": "x"}"#, "the key is no PEM of a ES512 key (InvalidKeyFormat)"),
        (r#"{"type": "none", "key": "x"}"#, "Invalid JWK: Key type: none is not supported"),
        (
            r#"{"jwk_url": "x", "claims_namespace": "a", "claims_namespace_path": "b"}"#,
            "claims_namespace and claims_namespace_path both cannot be set",
        ),
        (
            r#"{"jwk_url": "x", "header": {"type": "X"}}"#,
            "expected 'type' is 'Authorization' or 'Cookie' or 'CustomHeader'",
        ),
        (r#"{"jwk_url": "x", "claims_map": {}}"#, "x-hasura-allowed-roles is expected but not found"),
    ] {
        assert_eq!(Jwt::parse(config).unwrap_err(), why, "{config}");
    }
    let secret = "this must not be told, whatever else is wrong with it";
    let wrong = Jwt::parse(&json!({"type": "RS256", "key": secret}).to_string()).unwrap_err();
    assert!(!wrong.contains(secret), "{wrong}");
    let shown = format!("{:?}", Jwt::parse(&json!({"type": "HS256", "key": secret}).to_string()).unwrap());
    assert!(!shown.contains("told"), "{shown}");
    assert!(Jwt::of_key("EdDSA", include_str!("keys/ed25519.pub.pem")).is_ok());
    assert_eq!(Jwt::parse_list(&json!([hmac(), hmac()]).to_string()).unwrap().len(), 2);
}

#[test]
fn codes_are_hasuras() {
    assert_eq!(Code::Unauthorized.as_str(), Code::AccessDenied.as_str());
}

#[tokio::test]
async fn a_token_counts_no_more_when_its_session_has_ended() {
    let revocations = std::sync::Arc::new(Revocations::new(std::time::Duration::from_secs(900)));
    let rules = Rules {
        admin_secrets: vec![project::Secret::new("hush".to_owned())],
        tokens: vec![Jwt::parse(&hmac().to_string()).unwrap()],
        unauthorized_role: Some("public".to_owned()),
        revocations: Some(revocations.clone()),
        ..Rules::default()
    };
    let authenticator = Authenticator::new(rules, outbound::Client::new().unwrap());
    let token = |session: &str| hs256(&json!({"sid": session, NAMESPACE: hasura()}));
    let (mine, other) = (token("a"), token("b"));
    let session = bearer(&authenticator, &mine).await.unwrap();
    revocations.revoke(["a".to_owned()]);
    // Not as somebody unknown either: the client has to hear that it is signed out.
    assert_eq!(
        bearer(&authenticator, &mine).await.unwrap_err(),
        ("invalid-jwt", "Could not verify JWT: JWTRevoked".to_owned())
    );
    assert!(bearer(&authenticator, &other).await.is_ok());
    // Whoever has a socket open hears of it.
    authenticator.revoked(&session).await;
    revocations.revoke(["7".to_owned()]);
    assert!(bearer(&authenticator, &other).await.is_err(), "the user");
    let admin = ask(&authenticator, &[("x-hasura-admin-secret", "hush"), ("x-hasura-user-id", "7")]).await;
    assert!(admin.is_ok(), "what the administrator says is no token");
}
