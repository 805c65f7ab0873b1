//! Health, version and public keys.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::Handle;
use crate::api::ok;
use crate::api::route::{Policy, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", Policy::Public, async || ok()),
        Route::get("/version", Policy::Public, async || Json(json!({ "version": env!("CARGO_PKG_VERSION") }))),
        Route::get("/.well-known/jwks.json", Policy::Public, jwks),
    ]
}

async fn jwks(State(handle): State<Handle>) -> Json<Value> {
    Json(handle.options().keys.jwks())
}
