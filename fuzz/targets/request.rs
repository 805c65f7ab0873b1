#![no_main]
//! A GraphQL document, as the administrator and as a role.

use std::sync::{Arc, LazyLock};

use graphql::Session;
use graphql::schema::Schema;
use libfuzzer_sys::fuzz_target;
use nself_fuzz::{MARK, compile, model};
use serde_json::json;

static SCHEMAS: LazyLock<[(Session, Schema); 2]> = LazyLock::new(|| {
    let model = model(json!({ "user_id": { "_eq": "X-Hasura-User-Id" } }));
    [Session::admin(), Session::role("user").with("x-hasura-user-id", "1")].map(|session| {
        let schema = Schema::of_session(Arc::clone(&model), &session);
        (session, schema)
    })
});

fuzz_target!(|document: &str| {
    for (session, schema) in &*SCHEMAS {
        if let Some(sql) = compile(schema, session, document) {
            assert!(!sql.contains(MARK), "{sql}");
        }
    }
});
