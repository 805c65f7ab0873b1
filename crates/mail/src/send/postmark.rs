//! Postmark: `POST /email`, JSON, answered 200 with `ErrorCode` 0 and `MessageID`.

use ::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http::Client;
use super::{Postmark, SendError};
use crate::message::{Attachment, Mailbox, Message};

pub(super) const URL: &str = "https://api.postmarkapp.com";

pub(super) async fn send(client: &Client, postmark: &Postmark, message: &Message) -> Result<Option<String>, SendError> {
    let mut headers = HeaderMap::new();
    let mut key = HeaderValue::from_str(postmark.api.key.expose())
        .map_err(|_| client.setup("POSTMARK_API_KEY holds characters that no key has"))?;
    key.set_sensitive(true);
    headers.insert("x-postmark-server-token", key);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let url = format!("{}/email", postmark.api.url.as_deref().unwrap_or(URL).trim_end_matches('/'));
    let reply = client.post(&url, headers, body(postmark, message).to_string()).await?;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status.is_success() && answer["ErrorCode"].as_i64().unwrap_or(0) == 0 {
        return Ok(answer["MessageID"].as_str().map(str::to_owned));
    }
    Err(client.refused(&reply, answer["Message"].as_str()))
}

fn body(postmark: &Postmark, message: &Message) -> Value {
    let mut body = json!({
        "From": written(&message.from),
        "To": list(&message.to),
        "Subject": message.subject,
        "MessageStream": postmark.stream,
    });
    for (name, people) in [("Cc", &message.cc), ("Bcc", &message.bcc), ("ReplyTo", &message.reply_to)] {
        if !people.is_empty() {
            body[name] = list(people).into();
        }
    }
    if let Some(text) = &message.text {
        body["TextBody"] = text.as_str().into();
    }
    if let Some(html) = &message.html {
        body["HtmlBody"] = html.as_str().into();
    }
    if message.text.is_none() && message.html.is_none() {
        body["TextBody"] = " ".into();
    }
    if !message.headers.is_empty() {
        let header = |(name, value): &(String, String)| json!({ "Name": name, "Value": value });
        body["Headers"] = message.headers.iter().map(header).collect();
    }
    if !message.attachments.is_empty() {
        body["Attachments"] = message.attachments.iter().map(attachment).collect();
    }
    body
}

fn list(people: &[Mailbox]) -> String {
    people.iter().map(written).collect::<Vec<_>>().join(", ")
}

/// As Postmark reads it: a quoted name before the address.
fn written(mailbox: &Mailbox) -> String {
    match mailbox.name() {
        Some(name) => format!("\"{}\" <{}>", name.replace(['"', '\\'], ""), mailbox.address()),
        None => mailbox.address().to_owned(),
    }
}

fn attachment(attachment: &Attachment) -> Value {
    let mut file = json!({
        "Name": attachment.name,
        "Content": STANDARD.encode(&attachment.content),
        "ContentType": attachment.content_type,
    });
    if let Some(id) = &attachment.content_id {
        file["ContentID"] = format!("cid:{id}").into();
    }
    file
}
