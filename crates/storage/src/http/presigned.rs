//! `GET /files/{id}/presignedurl` makes a URL that needs no credentials; `…/contents` is where it leads.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::download::{Wanted, respond};
use super::{caller, parse_id};
use crate::files::Bucket;
use crate::presign::{self, Signed};
use crate::service::Shared;
use crate::{Caller, Failure};

pub(super) async fn sign(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Failure> {
    let caller = caller(&shared, &headers).await?;
    let file = shared.files.get(&caller, parse_id(&id)?).await?.uploaded()?;
    let bucket = shared.files.bucket(&file.bucket_id).await?;
    check_enabled(&bucket)?;
    let seconds = bucket.download_expiration;
    let query = presign::query(&shared.signing_key, file.id, Timestamp::now(), seconds);
    let url = format!("{}{}/files/{}/presignedurl/contents?{query}", shared.public_url, shared.api_prefix, file.id);
    Ok(Json(json!({"url": url, "expiration": seconds})))
}

pub(super) async fn contents(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    query: Result<Query<Signed>, QueryRejection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let Ok(Query(signed)) = query else {
        let message = "error in openapi3filter.RequestError: a parameter of the signature is missing";
        return Err((StatusCode::BAD_REQUEST, Json(json!({"error": message}))).into_response());
    };
    let answer = async {
        let id = parse_id(&id)?;
        let left = presign::check(&shared.signing_key, id, Timestamp::now(), &signed)?;
        let file = shared.files.get(&Caller::admin(), id).await?.uploaded()?;
        // It may have been switched off since.
        check_enabled(&shared.files.bucket(&file.bucket_id).await?)?;
        let cache_control = format!("max-age={left}");
        let wanted = Wanted { method: &method, uri: &uri, headers: &headers, cache_control: &cache_control };
        respond(&shared, &file, &wanted).await
    };
    answer.await.map_err(IntoResponse::into_response)
}

fn check_enabled(bucket: &Bucket) -> Result<(), Failure> {
    if bucket.presigned_urls_enabled {
        return Ok(());
    }
    Err(Failure::forbidden("presigned URLs are not enabled on the bucket where this file is located in"))
}
