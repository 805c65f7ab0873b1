//! Custom claims and the elevated claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::keys::Keys;
use auth::{ClaimsError, CustomClaims, ElevatedClaim};
use futures::future::BoxFuture;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::support::{self, KEY};

/// GraphQL, as far as claims go; `None`: it is down.
#[derive(Debug)]
struct Source(Option<Value>);

impl CustomClaims for Source {
    fn ask(&self, query: String, variables: Value) -> BoxFuture<'_, Result<Value, ClaimsError>> {
        Box::pin(async move {
            assert!(query.contains("user(id: $id) { id isAnonymous metadata profile { org } }"), "{query}");
            assert!(variables["id"].is_string());
            self.0.clone().map(|user| json!({ "user": user })).ok_or_else(|| ClaimsError("it is down".to_owned()))
        })
    }
}

async fn claims_with(source: Source) -> Map<String, Value> {
    let paths = [("org", "profile.org"), ("Plan", "metadata.plan"), ("user-id", "id"), ("default-role", "isAnonymous")];
    let paths: BTreeMap<String, String> = paths.map(|(name, path)| (name.to_owned(), path.to_owned())).into();
    let server = support::start_with(|options| {
        options.custom_claims = paths;
        options.claims = Some(Arc::new(source));
    })
    .await;
    let token = server.user("ann@example.org").await.access_token();
    Keys::of_key("HS256", KEY).unwrap().verify(&token).unwrap().hasura
}

#[tokio::test]
async fn parts_of_the_user_go_into_the_token() {
    let user =
        json!({"id": "of-somebody-else", "isAnonymous": "admin", "profile": {"org": "x"}, "metadata": {"plan": 3}});
    let claims = claims_with(Source(Some(user))).await;
    assert_eq!(claims["x-hasura-org"], "x");
    assert_eq!(claims["x-hasura-plan"], "3");
    // Those that say who it is cannot be overwritten.
    assert_ne!(claims["x-hasura-user-id"], "of-somebody-else");
    assert_eq!(claims["x-hasura-default-role"], "user");
}

#[tokio::test]
async fn users_sign_in_while_claims_cannot_be_asked_for() {
    let claims = claims_with(Source(None)).await;
    assert_eq!(claims.len(), 4, "{claims:?}");
}

#[tokio::test]
async fn credentials_change_with_the_elevated_claim_only() {
    for (mode, key, refused) in [
        (ElevatedClaim::Disabled, true, false),
        (ElevatedClaim::Recommended, false, false),
        (ElevatedClaim::Recommended, true, true),
        (ElevatedClaim::Required, false, true),
    ] {
        let server = support::start_with(|options| options.elevated_claim = mode).await;
        let token = server.user("ann@example.org").await.access_token();
        if key {
            let sql = "INSERT INTO auth.user_security_keys (user_id, credential_id) SELECT id, 'x' FROM auth.users";
            server.database.client().await.batch_execute(sql).await.unwrap();
        }
        let password = json!({"newPassword": "Pw-5b77d0-longer"});
        let pat = json!({"expiresAt": "2999-01-01T00:00:00Z"});
        for (path, body) in [("/pat", &pat), ("/user/password", &password)] {
            let answer = server.post_as(path, &token, body.clone()).await;
            assert_eq!(answer.status == StatusCode::BAD_REQUEST, refused, "{mode:?} {path} {answer:?}");
            assert_eq!(answer.error().ends_with("elevated-claim-required"), refused, "{answer:?}");
        }
        // The claim as a security key's signature would give it.
        let keys = Keys::of_key("HS256", KEY).unwrap();
        let mut verified = keys.verify(&token).unwrap();
        let user = verified.hasura["x-hasura-user-id"].clone();
        verified.hasura.insert("x-hasura-auth-elevated".to_owned(), user);
        verified.claims.insert("https://hasura.io/jwt/claims".to_owned(), verified.hasura.into());
        let elevated = keys.sign(&verified.claims).unwrap();
        assert_eq!(server.post_as("/pat", &elevated, pat.clone()).await.status, StatusCode::OK);
    }
}
