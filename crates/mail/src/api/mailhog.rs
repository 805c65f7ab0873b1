//! MailHog's REST API: v2 for lists and searches, v1 for single messages. Upstream: mailhog/MailHog, `docs/APIv1.md`,
//! `docs/APIv2`, and the JSON that its `data` package writes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use mail_parser::{Message, MessagePart, PartType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Paging, Refusal, find};
use crate::parse;
use crate::search::Filter;
use crate::service::Shared;
use crate::store::Stored;

type Inbox = State<Arc<Shared>>;

pub(crate) async fn list(State(shared): Inbox, Query(paging): Query<Paging>) -> Answer<Json<Value>> {
    page(&shared, &Filter::all(), &paging).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    query: String,
    start: Option<i64>,
    limit: Option<i64>,
}

pub(crate) async fn search(State(shared): Inbox, Query(search): Query<Search>) -> Answer<Json<Value>> {
    if search.query.is_empty() {
        return Err(Refusal::Bad("query is missing".to_owned()));
    }
    let filter = match &*search.kind {
        "to" => Filter::all().recipient(&search.query),
        "from" => Filter::all().sender(&search.query),
        "containing" => Filter::all().containing(&search.query),
        _ => return Err(Refusal::Bad("kind is one of from, to and containing".to_owned())),
    };
    page(&shared, &filter, &Paging::new(search.start, search.limit)).await
}

async fn page(shared: &Shared, filter: &Filter, paging: &Paging) -> Answer<Json<Value>> {
    let window = paging.window();
    let messages = shared.inbox.store.whole(filter, window).await?;
    let total = shared.inbox.store.counts(filter).await?.total;
    let items: Vec<Value> = messages.iter().map(to_json).collect();
    Ok(Json(json!({ "total": total, "count": items.len(), "start": window.start, "items": items })))
}

pub(crate) async fn message(State(shared): Inbox, Path(id): Path<String>) -> Answer<Json<Value>> {
    Ok(Json(to_json(&find(&shared, &id, None).await?)))
}

pub(crate) async fn delete(State(shared): Inbox, Path(id): Path<String>) -> Answer<()> {
    match shared.inbox.delete(&Filter::ids(vec![id])).await? {
        0 => Err(Refusal::NotFound),
        _ => Ok(()),
    }
}

/// One part of a multipart mail, decoded.
pub(crate) async fn part(State(shared): Inbox, Path((id, part)): Path<(String, usize)>) -> Answer<Response> {
    let stored = find(&shared, &id, None).await?;
    let message = parse::parse(&stored.raw).ok_or(Refusal::NotFound)?;
    let ids = message.parts.first().and_then(MessagePart::sub_parts).ok_or(Refusal::NotFound)?;
    let id = *ids.get(part).ok_or(Refusal::NotFound)?;
    let part = usize::try_from(id).ok().and_then(|id| message.parts.get(id)).ok_or(Refusal::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    ];
    Ok((headers, part.contents().to_vec()).into_response())
}

/// A message as MailHog shows it.
pub(crate) fn to_json(stored: &Stored) -> Value {
    let summary = &stored.summary;
    let (head, body) = split(&stored.raw);
    let mut headers = headers(&stored.raw);
    let received = format!("from {} by localhost (nself)\r\n          id {}@localhost; {}", stored.helo, summary.id, {
        summary.created.strftime("%a, %d %b %Y %H:%M:%S +0000")
    });
    headers.entry("Message-ID").or_insert_with(|| json!([format!("{}@localhost", summary.id)]));
    headers.insert("Received".to_owned(), json!([received]));
    headers.insert("Return-Path".to_owned(), json!([format!("<{}>", stored.from)]));
    let message = parse::parse(&stored.raw);
    let mime = message.as_ref().and_then(|message| mime(message, message.parts.first()?, &stored.raw));
    json!({
        "ID": summary.id,
        "From": path(&stored.from),
        "To": stored.to.iter().map(|address| path(address)).collect::<Vec<_>>(),
        "Content": {
            "Headers": headers,
            "Body": String::from_utf8_lossy(body),
            "Size": head.len() + body.len(),
            "MIME": null,
        },
        "Created": summary.created,
        "MIME": mime,
        "Raw": {
            "From": stored.from,
            "To": stored.to,
            "Data": String::from_utf8_lossy(&stored.raw),
            "Helo": stored.helo,
        },
    })
}

fn path(address: &str) -> Value {
    let (mailbox, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    json!({ "Relays": null, "Mailbox": mailbox, "Domain": domain, "Params": "" })
}

/// The parts of a multipart part.
fn mime(message: &Message<'_>, part: &MessagePart<'_>, raw: &[u8]) -> Option<Value> {
    let PartType::Multipart(ids) = &part.body else { return None };
    let parts: Vec<Value> = ids
        .iter()
        .filter_map(|id| message.parts.get(usize::try_from(*id).ok()?))
        .map(|part| {
            let slice = |from: u32, to: u32| raw.get(from as usize..to as usize).unwrap_or_default();
            let body = slice(part.raw_body_offset(), part.raw_end_offset());
            json!({
                "Headers": headers(slice(part.raw_header_offset(), part.raw_body_offset())),
                "Body": String::from_utf8_lossy(body),
                "Size": body.len(),
                "MIME": mime(message, part, raw),
            })
        })
        .collect();
    Some(json!({ "Parts": parts }))
}

/// Head and body, without the empty line between them.
fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    for gap in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = raw.windows(gap.len()).position(|window| window == gap) {
            return (&raw[..at], &raw[at + gap.len()..]);
        }
    }
    (raw, b"")
}

/// Names as they were sent, each with all its values; folded lines are one.
pub(crate) fn headers(raw: &[u8]) -> Map<String, Value> {
    let (head, _) = split(raw);
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in String::from_utf8_lossy(head).split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim_start().to_owned()));
        }
    }
    let mut map = Map::new();
    for (name, value) in headers {
        if let Some(values) = map.entry(name).or_insert_with(|| json!([])).as_array_mut() {
            values.push(Value::String(value));
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_they_stand() {
        let raw = b"Subject: a\r\n b\r\nX-A: 1\r\nX-A: 2\r\nX-Ticket: verifyEmail:12\r\n\r\nX-No: header\r\n";
        let headers = Value::Object(headers(raw));
        assert_eq!(headers, json!({"Subject": ["a b"], "X-A": ["1", "2"], "X-Ticket": ["verifyEmail:12"]}));
        assert_eq!(split(raw).1, b"X-No: header\r\n");
    }
}
