#![no_main]
//! A boolean expression as a permission's filter.

use std::sync::Arc;

use graphql::Session;
use graphql::schema::Schema;
use libfuzzer_sys::fuzz_target;
use nself_fuzz::{MARK, compile, model};

fuzz_target!(|text: &str| {
    let Ok(filter) = serde_json::from_str(text) else { return };
    let session = Session::role("user").with("x-hasura-user-id", "1");
    let schema = Schema::of_session(Arc::clone(&model(filter)), &session);
    for document in ["{ orders { id } }", "{ users { orders_aggregate { aggregate { count } } } }"] {
        if let Some(sql) = compile(&schema, &session, document) {
            assert!(!sql.contains(MARK), "{sql}");
        }
    }
});
