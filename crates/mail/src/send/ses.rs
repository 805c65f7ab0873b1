//! Amazon SES: `POST /v2/email/outbound-emails` with the whole mail, signed with Signature Version 4, answered 200 with
//! `MessageId`.

use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::Client;
use super::{SendError, Ses};
use crate::compose;
use crate::message::{Mailbox, Message};

const PATH: &str = "/v2/email/outbound-emails";

pub(super) async fn send(client: &Client, ses: &Ses, message: &Message) -> Result<Option<String>, SendError> {
    if !ses.region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') || ses.region.is_empty() {
        return Err(client.setup("AWS_REGION is no region"));
    }
    let body = body(ses, message)?.to_string();
    let base = base(ses);
    let host = base.split_once("://").map_or(&*base, |(_, host)| host);
    let headers = sign(ses, host, &body, Timestamp::now()).ok_or_else(|| {
        client.setup("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN hold characters that none has")
    })?;
    let reply = client.post(&format!("{base}{PATH}"), headers, body).await?;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status.is_success() {
        return Ok(answer["MessageId"].as_str().map(str::to_owned));
    }
    // A refusal's kind stands in a header, its words in `message` or `Message`.
    let kind = reply.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default();
    let words = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default();
    Err(client.refused(&reply, Some(format!("{kind} {words}").trim())))
}

/// The API's address, without a path.
pub(super) fn base(ses: &Ses) -> String {
    let usual = || format!("https://email.{}.amazonaws.com", ses.region);
    ses.url.as_deref().map_or_else(usual, |url| url.trim_end_matches('/').to_owned())
}

fn body(ses: &Ses, message: &Message) -> Result<Value, SendError> {
    let mail = compose::compose(message)?.formatted();
    let list = |people: &[Mailbox]| people.iter().map(|one| one.address().to_owned()).collect::<Vec<_>>();
    let mut body = json!({
        "FromEmailAddress": message.from.address(),
        "Destination": {
            "ToAddresses": list(&message.to),
            "CcAddresses": list(&message.cc),
            "BccAddresses": list(&message.bcc),
        },
        "Content": { "Raw": { "Data": STANDARD.encode(mail) } },
    });
    if let Some(set) = &ses.configuration_set {
        body["ConfigurationSetName"] = set.as_str().into();
    }
    Ok(body)
}

/// Source: AWS, "Create a signed AWS API request". `None`: a key can stand in no header.
fn sign(ses: &Ses, host: &str, body: &str, now: Timestamp) -> Option<HeaderMap> {
    let date = now.strftime("%Y%m%d").to_string();
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut signed =
        vec![("content-type", "application/json".to_owned()), ("host", host.to_owned()), ("x-amz-date", time.clone())];
    if let Some(token) = &ses.session_token {
        signed.push(("x-amz-security-token", token.expose().to_owned()));
    }
    let canonical: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let request = format!("POST\n{PATH}\n\n{canonical}\n{names}\n{}", hexadecimal(&Sha256::digest(body)));
    let scope = format!("{date}/{}/ses/aws4_request", ses.region);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hexadecimal(&Sha256::digest(request)));
    let key = [&*date, &ses.region, "ses", "aws4_request"]
        .into_iter()
        .fold(format!("AWS4{}", ses.secret_key.expose()).into_bytes(), |key, part| hmac(&key, part));
    let signature = hexadecimal(&hmac(&key, &text));
    let credential = format!("{}/{scope}", ses.access_key);
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
    let mut headers = HeaderMap::new();
    let sensitive = |text: &str| {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("x-amz-date"), HeaderValue::from_str(&time).ok()?);
    headers.insert(AUTHORIZATION, sensitive(&authorization)?);
    if let Some(token) = &ses.session_token {
        headers.insert(HeaderName::from_static("x-amz-security-token"), sensitive(token.expose())?);
    }
    Some(headers)
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use project::Secret;

    use super::*;

    /// Signatures that botocore 1.43.11 made of the same request.
    #[test]
    fn signatures_are_amazons() {
        let mut ses = Ses {
            region: "eu-west-1".to_owned(),
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: None,
            configuration_set: None,
            url: None,
        };
        let signature = |ses: &Ses| {
            let now = "2026-01-02T03:04:05Z".parse().unwrap();
            let headers = sign(ses, "email.eu-west-1.amazonaws.com", "{\"a\":1}", now).unwrap();
            let value = headers[AUTHORIZATION].to_str().unwrap();
            value.rsplit_once("Signature=").unwrap().1.to_owned()
        };
        assert_eq!(signature(&ses), "919d3d8bd3f759c8aff858077e7216c54db84b02754fb34737d78fa43316341e");
        ses.session_token = Some(Secret::new("session-token".to_owned()));
        assert_eq!(signature(&ses), "3a29ad94790fe4cea8569de1026a98eb577b6b1eff94c5717c22f22103a96533");
    }
}
