#![no_main]
//! A metadata export, or one file of a metadata folder.

use std::sync::Arc;

use graphql::Session;
use graphql::schema::Schema;
use libfuzzer_sys::fuzz_target;
use nself_fuzz::build;

fuzz_target!(|text: &str| {
    let Ok(value) = metadata::folder::parse(text) else { return };
    let (metadata, _) = metadata::read(value);
    let model = build(&metadata);
    for session in [Session::admin(), Session::role("user")] {
        let _ = Schema::of_session(Arc::clone(&model), &session).sdl();
    }
    let _ = serde_json::to_value(&metadata).expect("metadata is JSON");
});
