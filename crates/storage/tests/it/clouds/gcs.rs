//! As much of Google Cloud Storage as a store uses, from its documentation: the JSON API (cloud.google.com/storage/docs/
//! json_api/v1/objects) and the XML API's multipart uploads (cloud.google.com/storage/docs/multipart-uploads).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
    /// Parts by number, of uploads by their ids.
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
}

type Shared = Arc<Mutex<Bucket>>;
type Parameters = Query<BTreeMap<String, String>>;

/// Its address; there is one bucket, `shop`.
pub async fn serve() -> String {
    let router = Router::new()
        .route("/upload/storage/v1/b/shop/o", post(insert))
        .route("/storage/v1/b/shop/o", get(list))
        .route("/storage/v1/b/shop/o/{name}", get(read).delete(remove))
        .route("/shop/{*name}", post(upload).put(part).delete(abort))
        .layer(DefaultBodyLimit::disable())
        .with_state(Shared::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn describe(name: &str, content: &[u8]) -> Value {
    json!({
        "kind": "storage#object", "name": name, "bucket": "shop", "size": content.len().to_string(), "etag": "CKWasoTgyPkCEAE=",
        "md5Hash": "", "updated": "2022-08-15T11:33:34.866Z", "contentType": "application/octet-stream", "generation": "1",
    })
}

async fn insert(State(bucket): State<Shared>, Query(parameters): Parameters, body: Bytes) -> Response {
    assert_eq!(parameters["uploadType"], "media");
    let name = parameters["name"].clone();
    let described = describe(&name, &body);
    bucket.lock().unwrap().objects.insert(name, body.to_vec());
    axum::Json(described).into_response()
}

async fn list(State(bucket): State<Shared>, Query(parameters): Parameters) -> Response {
    let bucket = bucket.lock().unwrap();
    let prefix = parameters.get("prefix").cloned().unwrap_or_default();
    // Two a page, so that there are several.
    let after = parameters.get("pageToken").cloned().unwrap_or_default();
    let mut found = bucket.objects.iter().filter(|(name, _)| name.starts_with(&prefix) && **name > after);
    let page: Vec<Value> = found.by_ref().take(2).map(|(name, content)| describe(name, content)).collect();
    let mut answer = json!({"kind": "storage#objects", "items": page});
    if found.next().is_some() {
        answer["nextPageToken"] = page.last().unwrap()["name"].clone();
    }
    axum::Json(answer).into_response()
}

async fn read(
    State(bucket): State<Shared>,
    Path(name): Path<String>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Response {
    let bucket = bucket.lock().unwrap();
    let Some(content) = bucket.objects.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    if parameters.get("alt").is_none_or(|alt| alt != "media") {
        return axum::Json(describe(&name, content)).into_response();
    }
    let Some(range) = headers.get("range").map(|value| range(value.to_str().unwrap(), content.len())) else {
        return content.clone().into_response();
    };
    let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, content.len());
    (StatusCode::PARTIAL_CONTENT, [("content-range", content_range)], content[range].to_vec()).into_response()
}

fn range(header: &str, size: usize) -> Range<usize> {
    let (first, last) = header.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    first.parse().unwrap()..last.parse::<usize>().map_or(size, |last| (last + 1).min(size))
}

async fn remove(State(bucket): State<Shared>, Path(name): Path<String>) -> StatusCode {
    match bucket.lock().unwrap().objects.remove(&name) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

/// Begins an upload in parts, or ends one.
async fn upload(State(bucket): State<Shared>, Path(name): Path<String>, Query(parameters): Parameters) -> Response {
    let mut bucket = bucket.lock().unwrap();
    let Some(id) = parameters.get("uploadId") else {
        let id = format!("upload-{}", bucket.uploads.len());
        bucket.uploads.insert(id.clone(), BTreeMap::new());
        return format!(
            "<InitiateMultipartUploadResult><Bucket>shop</Bucket><Key>{name}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        )
        .into_response();
    };
    let parts = bucket.uploads.remove(id).unwrap();
    bucket.objects.insert(name, parts.into_values().flatten().collect());
    "<CompleteMultipartUploadResult><ETag>\"1\"</ETag></CompleteMultipartUploadResult>".into_response()
}

async fn part(State(bucket): State<Shared>, Query(parameters): Parameters, body: Bytes) -> Response {
    let number = parameters["partNumber"].parse().unwrap();
    bucket.lock().unwrap().uploads.get_mut(&parameters["uploadId"]).unwrap().insert(number, body.to_vec());
    [("etag", format!("\"{number}\""))].into_response()
}

async fn abort(State(bucket): State<Shared>, Query(parameters): Parameters) -> StatusCode {
    bucket.lock().unwrap().uploads.remove(&parameters["uploadId"]);
    StatusCode::NO_CONTENT
}
