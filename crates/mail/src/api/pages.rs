//! Bytes of mails: source, parts, and the two faces of a text. All of it was written by strangers, so nothing of it may
//! run as a page of this origin.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::answer::{Answer, Latest, Refusal, find};
use crate::inbox::{HTML_POLICY, shown_html};
use crate::parse;
use crate::service::Shared;

type Inbox = State<Arc<Shared>>;

/// Nothing in it runs or loads anything.
const SANDBOX: &str = "sandbox; default-src 'none'";

/// Types that browsers show without running anything.
const HARMLESS: &[&str] = &["image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"];

#[derive(Debug, Default, Deserialize)]
pub(crate) struct RawQuery {
    query: Option<String>,
    dl: Option<String>,
}

/// The source.
pub(crate) async fn raw(
    State(shared): Inbox,
    Path(id): Path<String>,
    Query(query): Query<RawQuery>,
) -> Answer<Response> {
    let stored = find(&shared, &id, query.query.as_deref()).await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, SANDBOX)];
    let mut response = (headers, stored.raw).into_response();
    if query.dl.as_deref() == Some("1") {
        attach(&mut response, &format!("{}.eml", stored.summary.id));
    }
    Ok(response)
}

/// The source as a file.
pub(crate) async fn download(State(shared): Inbox, Path(id): Path<String>) -> Answer<Response> {
    let stored = find(&shared, &id, None).await?;
    let headers = [(header::CONTENT_TYPE, "message/rfc822"), (header::CONTENT_SECURITY_POLICY, SANDBOX)];
    let mut response = (headers, stored.raw).into_response();
    attach(&mut response, &format!("{}.eml", stored.summary.id));
    Ok(response)
}

/// A part, decoded.
pub(crate) async fn part(
    State(shared): Inbox,
    Path((id, part)): Path<(String, usize)>,
    Query(latest): Query<Latest>,
) -> Answer<Response> {
    let stored = find(&shared, &id, latest.query.as_deref()).await?;
    let message = parse::parse(&stored.raw).ok_or(Refusal::NotFound)?;
    let file = parse::file(part, message.parts.get(part).ok_or(Refusal::NotFound)?);
    let harmless = HARMLESS.contains(&&*file.content_type);
    let kind = if harmless { &*file.content_type } else { "application/octet-stream" };
    let kind = if kind == "text/plain" { "text/plain; charset=utf-8" } else { kind };
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let policy = HeaderValue::from_static(SANDBOX);
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)];
    let mut response = (headers, file.bytes).into_response();
    let name = if file.name.is_empty() { format!("part-{part}") } else { file.name };
    if harmless {
        dispose(&mut response, "inline", &name);
    } else {
        attach(&mut response, &name);
    }
    Ok(response)
}

/// `<id>.html` or `<id>.txt`: the words of a message.
pub(crate) async fn view(
    State(shared): Inbox,
    Path(file): Path<String>,
    Query(latest): Query<Latest>,
) -> Answer<Response> {
    let (id, face) = file.rsplit_once('.').ok_or(Refusal::NotFound)?;
    let stored = find(&shared, id, latest.query.as_deref()).await?;
    let message = parse::parse(&stored.raw).ok_or(Refusal::NotFound)?;
    let content = parse::content(&message);
    match face {
        "html" if !content.html.is_empty() => {
            let headers =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, HTML_POLICY)];
            Ok((headers, shown_html(&content)).into_response())
        }
        "txt" => {
            let kind = "text/plain; charset=utf-8";
            Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, SANDBOX)], content.text)
                .into_response())
        }
        _ => Err(Refusal::NotFound),
    }
}

fn attach(response: &mut Response, name: &str) {
    dispose(response, "attachment", name);
}

/// RFC 6266, with the name percent-encoded: it came from a stranger.
fn dispose(response: &mut Response, how: &str, name: &str) {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    if let Ok(value) = HeaderValue::from_str(&format!("{how}; filename*=UTF-8''{name}")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
}
