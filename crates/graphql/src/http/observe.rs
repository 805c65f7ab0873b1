//! Around every request: its id, and a line in the log that holds no more than its path and how it went.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

use crate::Handle;
use crate::failure::Code;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A client's own id is kept if it is short and plain.
pub(super) async fn observe(State(handle): State<Handle>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).filter(|id| is_plain(id)).cloned();
    let id = given.unwrap_or_else(new_id);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let start = Instant::now();
    let mut response = next.run(request).await;
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let code = response.extensions().get::<Code>().copied();
    // Refused before there was a request to count.
    if let Some(code @ (Code::Unauthorized | Code::InvalidJwt | Code::InvalidHeaders)) = code {
        handle.metrics().error(code);
    }
    tracing::debug!(
        request_id = id.to_str().unwrap_or_default(),
        %method,
        path,
        status = response.status().as_u16(),
        code = code.map(Code::as_str),
        micros,
        "answered"
    );
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_plain(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=200).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

/// A UUID: the first half is this process's and random, the second counts its requests, so that none costs a system
/// call. It names a request and protects nothing.
fn new_id() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or_default());
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed);
    // Version 8, variant 1: RFC 9562's for one's own layout.
    let (first, second) = (*PROCESS & !0xf000 | 0x8000, count & (u64::MAX >> 2) | 1 << 63);
    let hex = format!("{first:016x}{second:016x}");
    let id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
}
