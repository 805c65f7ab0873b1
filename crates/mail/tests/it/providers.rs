//! Each provider's API as its documentation describes it, played by a local server that keeps what it is sent.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use mail::send::{Api, Mailgun, Postmark, Provider, SendError, Sender, Ses};
use mail::{Attachment, Message};
use project::Secret;
use serde_json::{Value, json};

/// Answers every request alike and keeps the last.
#[derive(Clone)]
struct Played {
    status: StatusCode,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    last: Arc<Mutex<Option<(Parts, Bytes)>>>,
}

async fn play(State(played): State<Played>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    *played.last.lock().unwrap() = Some((parts, body));
    let mut response = (played.status, played.body).into_response();
    for (name, value) in played.headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

impl Played {
    async fn start(
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: &'static str,
    ) -> (Self, String) {
        let played = Self { status: StatusCode::from_u16(status).unwrap(), headers, body, last: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(play).with_state(played.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (played, url)
    }

    fn taken(&self) -> (Parts, Bytes) {
        self.last.lock().unwrap().take().unwrap()
    }
}

fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn message() -> Message {
    let mut message = Message::new(
        "Shop, Inc <shop@example.com>".parse().unwrap(),
        vec!["Ann <ann@example.com>".parse().unwrap()],
        "Grüße",
    );
    message.cc.push("bob@example.com".parse().unwrap());
    message.bcc.push("ANN@example.com".parse().unwrap());
    message.bcc.push("boss@example.com".parse().unwrap());
    message.reply_to.push("help@example.com".parse().unwrap());
    message.text = Some("Hello".to_owned());
    message.html = Some("<p>Hello</p>".to_owned());
    message.headers.push(("X-Email-Template".to_owned(), "email-verify".to_owned()));
    let file = |name: &str, id: Option<&str>| Attachment {
        name: name.to_owned(),
        content_type: "image/png".to_owned(),
        content: Bytes::from_static(b"\x89PNG"),
        content_id: id.map(str::to_owned),
    };
    message.attachments = vec![file("logo.png", Some("logo")), file("scan.png", None)];
    message
}

fn api(url: String) -> Api {
    Api { key: Secret::new("the-key".to_owned()), url: Some(url) }
}

#[tokio::test]
async fn sendgrid() {
    let (played, url) = Played::start(202, &[("x-message-id", "sg-1")], "").await;
    let sender = Sender::new(Provider::SendGrid(api(url)), None).unwrap();
    assert_eq!(sender.send(&message()).await.unwrap().as_deref(), Some("sg-1"));
    let (parts, body) = played.taken();
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/v3/mail/send"));
    assert_eq!(header(&parts, "authorization"), "Bearer the-key");
    assert_eq!(header(&parts, "content-type"), "application/json");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let wanted = json!({
        "personalizations": [{
            "to": [{"email": "ann@example.com", "name": "Ann"}],
            "cc": [{"email": "bob@example.com"}],
            "bcc": [{"email": "boss@example.com"}],
        }],
        "from": {"email": "shop@example.com", "name": "Shop, Inc"},
        "subject": "Grüße",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
        "reply_to_list": [{"email": "help@example.com"}],
        "headers": {"X-Email-Template": "email-verify"},
        "attachments": [
            {"content": "iVBORw==", "type": "image/png", "filename": "logo.png", "disposition": "inline", "content_id": "logo"},
            {"content": "iVBORw==", "type": "image/png", "filename": "scan.png", "disposition": "attachment"},
        ],
    });
    assert_eq!(body, wanted);

    let said =
        r#"{"errors":[{"message":"The from address does not match a verified Sender Identity","field":"from"}]}"#;
    let (_played, url) = Played::start(403, &[], said).await;
    let refused = Sender::new(Provider::SendGrid(api(url)), None).unwrap().send(&message()).await.unwrap_err();
    let SendError::Refused { why, temporary: false, .. } = &refused else { panic!("{refused:?}") };
    assert!(why.starts_with("403: The from address"), "{why}");
}

#[tokio::test]
async fn postmark() {
    let said = r#"{"To":"ann@example.com","SubmittedAt":"2026-01-01T00:00:00Z","MessageID":"pm-1","ErrorCode":0,"Message":"OK"}"#;
    let (played, url) = Played::start(200, &[], said).await;
    let postmark = |url| Provider::Postmark(Postmark { api: api(url), stream: "outbound".to_owned() });
    let sender = Sender::new(postmark(url), None).unwrap();
    assert_eq!(sender.send(&message()).await.unwrap().as_deref(), Some("pm-1"));
    let (parts, body) = played.taken();
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/email"));
    assert_eq!(header(&parts, "x-postmark-server-token"), "the-key");
    assert_eq!(header(&parts, "accept"), "application/json");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["From"], "\"Shop, Inc\" <shop@example.com>");
    assert_eq!(body["To"], "\"Ann\" <ann@example.com>");
    assert_eq!(body["Bcc"], "ANN@example.com, boss@example.com");
    assert_eq!((&body["TextBody"], &body["HtmlBody"]), (&json!("Hello"), &json!("<p>Hello</p>")));
    assert_eq!(body["Headers"], json!([{"Name": "X-Email-Template", "Value": "email-verify"}]));
    assert_eq!(body["MessageStream"], "outbound");
    assert_eq!(body["Attachments"][0]["ContentID"], "cid:logo");
    assert_eq!(body["Attachments"][1], json!({"Name": "scan.png", "Content": "iVBORw==", "ContentType": "image/png"}));

    let said = r#"{"ErrorCode":406,"Message":"You tried to send to a recipient that has been marked as inactive."}"#;
    let (_played, url) = Played::start(422, &[], said).await;
    let refused = Sender::new(postmark(url), None).unwrap().send(&message()).await.unwrap_err();
    let SendError::Refused { why, .. } = &refused else { panic!("{refused:?}") };
    assert!(why.contains("marked as inactive"), "{why}");
}

#[tokio::test]
async fn mailgun() {
    let (played, url) = Played::start(200, &[], r#"{"id":"<mg-1@example.com>","message":"Queued. Thank you."}"#).await;
    let mailgun = |url, domain: &str| Provider::Mailgun(Mailgun { api: api(url), domain: domain.to_owned() });
    let sender = Sender::new(mailgun(url, "mg.example.com"), None).unwrap();
    assert_eq!(sender.send(&message()).await.unwrap().as_deref(), Some("<mg-1@example.com>"));
    let (parts, body) = played.taken();
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/v3/mg.example.com/messages.mime"));
    let credentials = header(&parts, "authorization").strip_prefix("Basic ").unwrap();
    assert_eq!(STANDARD.decode(credentials).unwrap(), b"api:the-key");
    let boundary = header(&parts, "content-type").strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let fields: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    assert_eq!(fields.last(), Some(&"--\r\n"));
    let recipients: Vec<&str> = fields
        .iter()
        .filter(|field| field.contains("name=\"to\""))
        .map(|field| field.split("\r\n\r\n").nth(1).unwrap().trim_end())
        .collect();
    assert_eq!(recipients, ["ann@example.com", "bob@example.com", "ANN@example.com", "boss@example.com"]);
    let mail = fields.iter().find(|field| field.contains("name=\"message\"; filename=")).unwrap();
    let mail = mail.split_once("\r\n\r\n").unwrap().1;
    let read = mail_parser::MessageParser::default().parse(mail.as_bytes()).unwrap();
    assert_eq!((read.subject(), read.attachment_count()), (Some("Grüße"), 2));
    assert!(!mail.contains("boss@example.com"), "a blind copy is named");

    let (_played, url) = Played::start(401, &[], "Forbidden").await;
    let refused =
        Sender::new(mailgun(url.clone(), "mg.example.com"), None).unwrap().send(&message()).await.unwrap_err();
    assert_eq!(project::Diagnostic::why(&refused).as_deref(), Some("401: Forbidden"));
    let wrong = Sender::new(mailgun(url, "mg.example.com/../x"), None).unwrap().send(&message()).await.unwrap_err();
    assert!(matches!(wrong, SendError::Setup { .. }));
}

/// The signature itself is held against botocore's in `send::ses`.
#[tokio::test]
async fn ses() {
    let (played, url) = Played::start(200, &[], r#"{"MessageId":"ses-1"}"#).await;
    let ses = |url| {
        Provider::Ses(Ses {
            region: "eu-west-1".to_owned(),
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new("the-secret".to_owned()),
            session_token: Some(Secret::new("the-token".to_owned())),
            configuration_set: Some("shop".to_owned()),
            url: Some(url),
        })
    };
    let sender = Sender::new(ses(url), None).unwrap();
    assert_eq!(sender.send(&message()).await.unwrap().as_deref(), Some("ses-1"));
    let (parts, body) = played.taken();
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/v2/email/outbound-emails"));
    let authorization = header(&parts, "authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(
        authorization
            .contains("/eu-west-1/ses/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, ")
    );
    assert_eq!(header(&parts, "x-amz-security-token"), "the-token");
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["FromEmailAddress"], "shop@example.com");
    assert_eq!(body["Destination"]["BccAddresses"], json!(["ANN@example.com", "boss@example.com"]));
    assert_eq!(body["ConfigurationSetName"], "shop");
    let mail = STANDARD.decode(body["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
    let read = mail_parser::MessageParser::default().parse(&mail).unwrap();
    assert_eq!(read.subject(), Some("Grüße"));

    let headers: &[_] = &[("x-amzn-errortype", "TooManyRequestsException:http://internal.amazon.com/")];
    let (_played, url) = Played::start(429, headers, r#"{"message":"Maximum sending rate exceeded."}"#).await;
    let refused = Sender::new(ses(url), None).unwrap().send(&message()).await.unwrap_err();
    let SendError::Refused { why, temporary: true, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(why, "429: TooManyRequestsException Maximum sending rate exceeded.");
}

#[tokio::test]
async fn what_is_not_valid_reaches_nobody() {
    let (played, url) = Played::start(202, &[], "").await;
    let sender = Sender::new(Provider::SendGrid(api(url)), None).unwrap();
    let mut mail = message();
    mail.headers.push(("X-A".to_owned(), "1\r\nBcc: eve@example.com".to_owned()));
    assert!(matches!(sender.send(&mail).await, Err(SendError::Invalid(_))));
    assert!(played.last.lock().unwrap().is_none());
    assert!(matches!(Sender::new(Provider::Mailpit, None), Err(SendError::NoCatcher)));
}

#[tokio::test]
async fn errors_do_not_tell_keys() {
    // Nobody listens there.
    let sender = Sender::new(Provider::SendGrid(api("http://127.0.0.1:1".to_owned())), None).unwrap();
    let error = sender.send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }));
    let shown = format!("{error:?} {error} {:?} {sender:?}", project::Diagnostic::why(&error));
    assert!(!shown.contains("the-key"), "{shown}");
}
