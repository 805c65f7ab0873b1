//! What the service says about itself.

use axum::Json;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

const OPENAPI: &str = include_str!("../../../../assets/storage/openapi.yaml");

pub(super) async fn health() -> Json<Value> {
    Json(json!({"healthz": "ok"}))
}

pub(super) async fn version() -> Json<Value> {
    Json(json!({"buildVersion": env!("CARGO_PKG_VERSION")}))
}

pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/yaml")], OPENAPI)
}
