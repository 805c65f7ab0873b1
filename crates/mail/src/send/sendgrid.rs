//! SendGrid: `POST /v3/mail/send`, JSON, answered 202 with `X-Message-Id`.

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::http::Client;
use super::{Api, SendError};
use crate::message::{Mailbox, Message};

pub(super) const URL: &str = "https://api.sendgrid.com";

pub(super) async fn send(client: &Client, api: &Api, message: &Message) -> Result<Option<String>, SendError> {
    let mut headers = HeaderMap::new();
    let mut key = HeaderValue::from_str(&format!("Bearer {}", api.key.expose()))
        .map_err(|_| client.setup("SENDGRID_API_KEY holds characters that no key has"))?;
    key.set_sensitive(true);
    headers.insert(AUTHORIZATION, key);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let url = format!("{}/v3/mail/send", api.url.as_deref().unwrap_or(URL).trim_end_matches('/'));
    let reply = client.post(&url, headers, body(message).to_string()).await?;
    if reply.status.is_success() {
        let id = reply.headers.get("x-message-id").and_then(|id| id.to_str().ok());
        return Ok(id.map(str::to_owned));
    }
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    Err(client.refused(&reply, answer["errors"][0]["message"].as_str()))
}

fn body(message: &Message) -> Value {
    // Each address once among all three lists, or SendGrid refuses the mail.
    let mut seen = Vec::new();
    let mut once = |list: &[Mailbox]| -> Vec<Value> {
        let mut people = Vec::new();
        for mailbox in list {
            let address = mailbox.address().to_lowercase();
            if !seen.contains(&address) {
                seen.push(address);
                people.push(person(mailbox));
            }
        }
        people
    };
    let mut recipients = Map::new();
    for (name, list) in [("to", &message.to), ("cc", &message.cc), ("bcc", &message.bcc)] {
        let people = once(list);
        if !people.is_empty() {
            recipients.insert(name.to_owned(), people.into());
        }
    }
    // Plain text comes first, and no part may be empty.
    let parts = [("text/plain", &message.text), ("text/html", &message.html)];
    let given =
        parts.into_iter().filter_map(|(kind, text)| Some((kind, text.as_deref().filter(|text| !text.is_empty())?)));
    let mut content: Vec<Value> = given.map(|(kind, text)| json!({ "type": kind, "value": text })).collect();
    if content.is_empty() {
        content.push(json!({ "type": "text/plain", "value": " " }));
    }
    let mut body = json!({
        "personalizations": [recipients],
        "from": person(&message.from),
        "subject": message.subject,
        "content": content,
    });
    if !message.reply_to.is_empty() {
        body["reply_to_list"] = message.reply_to.iter().map(person).collect();
    }
    if !message.headers.is_empty() {
        let headers = message.headers.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
        body["headers"] = Value::Object(headers.collect());
    }
    if !message.attachments.is_empty() {
        body["attachments"] = message.attachments.iter().map(attachment).collect();
    }
    body
}

fn person(mailbox: &Mailbox) -> Value {
    match mailbox.name() {
        Some(name) => json!({ "email": mailbox.address(), "name": name }),
        None => json!({ "email": mailbox.address() }),
    }
}

fn attachment(attachment: &crate::message::Attachment) -> Value {
    let mut file = json!({
        "content": STANDARD.encode(&attachment.content),
        "type": attachment.content_type,
        "filename": attachment.name,
        "disposition": "attachment",
    });
    if let Some(id) = &attachment.content_id {
        file["disposition"] = "inline".into();
        file["content_id"] = id.as_str().into();
    }
    file
}
