//! Mailpit's REST API v1. Upstream: axllent/mailpit, `server/apiv1` and its `swagger.json`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Latest, Paging, Refusal, find};
use crate::mailbox::News;
use crate::message::{Attachment, Mailbox, Message};
use crate::parse;
use crate::search::Filter;
use crate::service::{Handle, Shared};

type Inbox = State<Arc<Shared>>;

const PLAIN: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];

pub(crate) async fn live() -> &'static str {
    "ok"
}

pub(crate) async fn ready(State(shared): Inbox) -> Response {
    match shared.inbox.store.reachable().await {
        Ok(()) => "ok".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready").into_response(),
    }
}

pub(crate) async fn info(State(shared): Inbox) -> Answer<Json<Value>> {
    let counts = shared.inbox.store.counts(&Filter::all()).await?;
    let tags = shared.inbox.store.tags().await?;
    let tags: Map<String, Value> = tags.into_iter().map(|(tag, count)| (tag, count.into())).collect();
    let figures = &shared.inbox.figures;
    Ok(Json(json!({
        "Version": concat!("nself ", env!("CARGO_PKG_VERSION")),
        "LatestVersion": "disabled",
        "Database": "postgres: schema mail",
        "DatabaseSize": counts.size,
        "Messages": counts.total,
        "Unread": counts.unread,
        "Tags": tags,
        "RuntimeStats": {
            "Uptime": figures.started.elapsed().as_secs(),
            "Memory": 0,
            "MessagesDeleted": figures.deleted.load(Ordering::Relaxed),
            "SMTPAccepted": figures.accepted.load(Ordering::Relaxed),
            "SMTPAcceptedSize": figures.accepted_bytes.load(Ordering::Relaxed),
            "SMTPRejected": figures.rejected.load(Ordering::Relaxed),
            "SMTPIgnored": 0,
        },
    })))
}

pub(crate) async fn list(State(shared): Inbox, Query(paging): Query<Paging>) -> Answer<Json<Value>> {
    page(&shared, &Filter::all(), &paging).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    query: String,
    start: Option<i64>,
    limit: Option<i64>,
}

impl Search {
    fn filter(&self) -> Answer<Filter> {
        match self.query.trim() {
            "" => Err(Refusal::Bad("Error: no search query".to_owned())),
            query => Ok(Filter::parse(query)),
        }
    }
}

pub(crate) async fn search(State(shared): Inbox, Query(search): Query<Search>) -> Answer<Json<Value>> {
    page(&shared, &search.filter()?, &Paging::new(search.start, search.limit)).await
}

pub(crate) async fn delete_search(State(shared): Inbox, Query(search): Query<Search>) -> Answer<Response> {
    shared.inbox.delete(&search.filter()?).await?;
    Ok((PLAIN, "ok").into_response())
}

async fn page(shared: &Shared, filter: &Filter, paging: &Paging) -> Answer<Json<Value>> {
    let store = &shared.inbox.store;
    let window = paging.window();
    let messages = store.list(filter, window).await?;
    let (all, found) = (store.counts(&Filter::all()).await?, store.counts(filter).await?);
    let tags: Vec<String> = store.tags().await?.into_iter().map(|(tag, _)| tag).collect();
    Ok(Json(json!({
        "total": all.total,
        "unread": all.unread,
        "count": messages.len(),
        "messages_count": found.total,
        "messages_unread": found.unread,
        "start": window.start,
        "tags": tags,
        "messages": messages,
    })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Marked {
    read: bool,
    #[serde(rename = "IDs")]
    ids: Vec<String>,
    search: String,
    tags: Vec<String>,
}

fn read<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Answer<T> {
    serde_json::from_slice(body).map_err(|error| Refusal::Bad(error.to_string()))
}

pub(crate) async fn mark(State(shared): Inbox, body: Bytes) -> Answer<Response> {
    let wanted: Marked = read(&body)?;
    let filter = match (wanted.ids.is_empty(), wanted.search.trim()) {
        (true, "") => Filter::all(),
        (true, search) => Filter::parse(search),
        (false, "") => Filter::ids(wanted.ids),
        (false, _) => return Err(Refusal::Bad("You may specify either IDs or a search query, not both".to_owned())),
    };
    shared.inbox.mark(&filter, wanted.read).await?;
    Ok((PLAIN, "ok").into_response())
}

/// All of them when the body names none, as MailHog's clients send it.
pub(crate) async fn delete(State(shared): Inbox, body: Bytes) -> Answer<Response> {
    let wanted: Marked = if body.iter().all(u8::is_ascii_whitespace) { Marked::default() } else { read(&body)? };
    let filter = if wanted.ids.is_empty() { Filter::all() } else { Filter::ids(wanted.ids) };
    shared.inbox.delete(&filter).await?;
    Ok((PLAIN, "ok").into_response())
}

pub(crate) async fn tags(State(shared): Inbox) -> Answer<Json<Vec<String>>> {
    Ok(Json(shared.inbox.store.tags().await?.into_iter().map(|(tag, _)| tag).collect()))
}

pub(crate) async fn set_tags(State(shared): Inbox, body: Bytes) -> Answer<Response> {
    let wanted: Marked = read(&body)?;
    let tags: Vec<String> = wanted.tags.iter().map(|tag| parse::storable(tag.trim())).collect();
    shared.inbox.store.tag(&wanted.ids, &tags).await?;
    shared.inbox.tell(News::Changed);
    Ok((PLAIN, "ok").into_response())
}

/// A message, which counts as read from now on.
pub(crate) async fn message(
    State(shared): Inbox,
    Path(id): Path<String>,
    Query(latest): Query<Latest>,
) -> Answer<Json<Value>> {
    let stored = find(&shared, &id, latest.query.as_deref()).await?;
    shared.inbox.mark(&Filter::ids(vec![stored.summary.id.clone()]), true).await?;
    let summary = &stored.summary;
    let content = parse::parse(&stored.raw).map(|message| parse::content(&message));
    let file = |file: &parse::File| {
        json!({
            "PartID": file.part.to_string(),
            "FileName": file.name,
            "ContentType": file.content_type,
            "ContentID": file.content_id,
            "Size": file.bytes.len(),
            "Checksums": { "SHA256": hexadecimal(&Sha256::digest(&file.bytes)) },
        })
    };
    let files = |inline: bool| -> Vec<Value> {
        let files = content.iter().flat_map(|content| &content.files);
        files.filter(|one| one.inline == inline).map(file).collect()
    };
    let unsubscribe = content.as_ref().map(|content| {
        let links = content.list_unsubscribe.split(',').map(|link| link.trim().trim_matches(['<', '>']));
        json!({
            "Header": content.list_unsubscribe,
            "Links": links.filter(|link| !link.is_empty()).collect::<Vec<_>>(),
            "Errors": "",
            "HeaderPost": content.list_unsubscribe_post,
        })
    });
    let text = |of: fn(&parse::Content) -> &str| content.as_ref().map(of).unwrap_or_default();
    let return_path = text(|content| &content.return_path);
    let date = content.as_ref().and_then(|content| content.date.clone());
    Ok(Json(json!({
        "ID": summary.id,
        "MessageID": summary.message_id,
        "From": summary.people.from,
        "To": summary.people.to,
        "Cc": summary.people.cc,
        "Bcc": summary.people.bcc,
        "ReplyTo": summary.people.reply_to,
        "ReturnPath": if return_path.is_empty() { &stored.from } else { return_path },
        "Subject": summary.subject,
        "ListUnsubscribe": unsubscribe,
        "Date": date.unwrap_or_else(|| summary.created.to_string()),
        "Tags": summary.tags,
        "Username": summary.username,
        "Text": text(|content| &content.text),
        "HTML": text(|content| &content.html),
        "Size": summary.size,
        "Inline": files(true),
        "Attachments": files(false),
    })))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every header with its values, as they stand in the mail.
pub(crate) async fn headers(
    State(shared): Inbox,
    Path(id): Path<String>,
    Query(latest): Query<Latest>,
) -> Answer<Json<Map<String, Value>>> {
    let stored = find(&shared, &id, latest.query.as_deref()).await?;
    Ok(Json(super::mailhog::headers(&stored.raw)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Address {
    name: String,
    email: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct File {
    content: String,
    filename: String,
    content_type: String,
    #[serde(rename = "ContentID")]
    content_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Sent {
    from: Address,
    to: Vec<Address>,
    cc: Vec<Address>,
    bcc: Vec<String>,
    reply_to: Vec<Address>,
    subject: String,
    text: String,
    #[serde(rename = "HTML")]
    html: String,
    attachments: Vec<File>,
    tags: Vec<String>,
    headers: Map<String, Value>,
}

/// Catches a mail that comes as JSON.
pub(crate) async fn send(State(shared): Inbox, body: Bytes) -> Answer<Json<Value>> {
    let sent: Sent = serde_json::from_slice(&body).map_err(|error| Refusal::Unsent(error.to_string()))?;
    let id = Handle(shared).deliver(&sent.message()?).await?;
    Ok(Json(json!({ "ID": id })))
}

impl Sent {
    fn message(self) -> Answer<Message> {
        let one = |address: &Address| Mailbox::new(Some(&address.name), &address.email);
        let all = |addresses: &[Address]| addresses.iter().map(one).collect::<Result<Vec<_>, _>>();
        let mut message = Message::new(one(&self.from)?, all(&self.to)?, self.subject.clone());
        message.cc = all(&self.cc)?;
        message.bcc = self.bcc.iter().map(|address| Mailbox::new(None, address)).collect::<Result<_, _>>()?;
        message.reply_to = all(&self.reply_to)?;
        message.text = Some(self.text);
        message.html = Some(self.html).filter(|html| !html.is_empty());
        for (name, value) in self.headers {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            message.headers.push((name, value));
        }
        if !self.tags.is_empty() {
            message.headers.push(("X-Tags".to_owned(), self.tags.join(", ")));
        }
        message.attachments = self.attachments.into_iter().map(File::attachment).collect::<Result<_, _>>()?;
        Ok(message)
    }
}

impl File {
    fn attachment(self) -> Answer<Attachment> {
        // A data URL's beginning is no part of the content.
        let content = self.content.rsplit(',').next().unwrap_or_default();
        let content = STANDARD
            .decode(content)
            .map_err(|_| Refusal::Unsent(format!("error decoding base64 attachment \"{}\"", self.filename)))?;
        let kind = if self.content_type.is_empty() { guess(&self.filename).to_owned() } else { self.content_type };
        Ok(Attachment {
            name: self.filename,
            content_type: kind,
            content: content.into(),
            content_id: Some(self.content_id).filter(|id| !id.is_empty()),
        })
    }
}

/// By the end of its name.
fn guess(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    match &*end {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "txt" | "log" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
