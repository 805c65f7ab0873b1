//! Whatever a client sends: no panic, and nobody gets in.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graphql::access::Authenticator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NAMESPACE, SECRET, ask, authenticator, bearer, hmac, hs256};

/// Made once: a client reads the system's certificates.
fn kept(config: fn() -> Value, place: &'static OnceLock<Authenticator>) -> &'static Authenticator {
    place.get_or_init(|| authenticator(&[config()]))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just("user".to_owned()), "\\PC{0,8}"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof![Just("x-hasura-user-id".to_owned()), Just("x-hasura-role".to_owned()), "[a-z-]{0,4}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::hash_map(key, inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a signed token claims: no panic, and only a role that it allows.
    #[test]
    fn claims_never_panic(allowed in any_json(), default in any_json(), other in any_json(), exp in any_json()) {
        let claims = json!({"exp": exp, NAMESPACE: {
            "x-hasura-allowed-roles": allowed, "x-hasura-default-role": default, "x-hasura-a": other,
        }});
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        static KEPT: OnceLock<Authenticator> = OnceLock::new();
        let found = runtime.block_on(bearer(kept(hmac, &KEPT), &hs256(&claims)));
        if let Ok(session) = found {
            prop_assert!(allowed.as_array().unwrap().contains(&Value::from(&*session.role)));
        }
    }

    /// Whatever stands in the header.
    #[test]
    fn tokens_never_panic(token in "[A-Za-z0-9_.=-]{0,60}", head in any_json(), body in any_json()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        static KEPT: OnceLock<Authenticator> = OnceLock::new();
        let authenticator = kept(|| json!({"type": "HS256", "key": SECRET, "issuer": "me"}), &KEPT);
        for token in [token.clone(), format!("{}.{}.{token}", part(&head), part(&body))] {
            prop_assert!(runtime.block_on(bearer(authenticator, &token)).is_err());
        }
    }

    #[test]
    fn cookies_never_panic(header in "[ -~]{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        static KEPT: OnceLock<Authenticator> = OnceLock::new();
        let config = || json!({"type": "HS256", "key": SECRET, "header": {"type": "Cookie", "name": "a"}});
        let found = runtime.block_on(ask(kept(config, &KEPT), &[("cookie", &header)]));
        prop_assert!(found.is_err());
    }
}
