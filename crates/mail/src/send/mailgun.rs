//! Mailgun: `POST /v3/<domain>/messages.mime`, a form with the recipients and the whole mail, answered 200 with `id`.

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::http::Client;
use super::{Mailgun, SendError};
use crate::compose;
use crate::message::Message;

pub(super) const URL: &str = "https://api.mailgun.net";

pub(super) async fn send(client: &Client, mailgun: &Mailgun, message: &Message) -> Result<Option<String>, SendError> {
    let domain = &mailgun.domain;
    if domain.is_empty() || !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)) {
        return Err(client.setup("MAILGUN_DOMAIN is no domain"));
    }
    let mail = compose::compose(message)?.formatted();
    let boundary = format!("nself-{}", uuid::Uuid::new_v4().simple());
    let mut headers = HeaderMap::new();
    let credentials = STANDARD.encode(format!("api:{}", mailgun.api.key.expose()));
    let mut key = HeaderValue::from_str(&format!("Basic {credentials}"))
        .map_err(|_| client.setup("MAILGUN_API_KEY holds characters that no key has"))?;
    key.set_sensitive(true);
    headers.insert(AUTHORIZATION, key);
    let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
        .map_err(|_| client.setup("the form has no boundary"))?;
    headers.insert(CONTENT_TYPE, kind);
    let base = mailgun.api.url.as_deref().unwrap_or(URL).trim_end_matches('/');
    let url = format!("{base}/v3/{domain}/messages.mime");
    let reply = client.post(&url, headers, form(&boundary, message, &mail)).await?;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status.is_success() {
        return Ok(answer["id"].as_str().map(str::to_owned));
    }
    // Its refusals are JSON, but a wrong key is told in plain text.
    let words = answer["message"].as_str().map_or_else(|| String::from_utf8_lossy(&reply.body), Into::into);
    Err(client.refused(&reply, Some(&words)))
}

/// RFC 7578. Addresses are checked and hold no line breaks; the boundary is random, so no mail contains it.
fn form(boundary: &str, message: &Message, mail: &[u8]) -> Vec<u8> {
    let mut form = Vec::with_capacity(mail.len() + 1024);
    for mailbox in message.recipients() {
        let field =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n{}\r\n", mailbox.address());
        form.extend_from_slice(field.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"message\"; filename=\"message.mime\"\r\n\
         Content-Type: message/rfc822\r\n\r\n"
    );
    form.extend_from_slice(head.as_bytes());
    form.extend_from_slice(mail);
    form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    form
}
