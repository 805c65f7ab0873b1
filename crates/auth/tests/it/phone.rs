//! Codes by text message: as a mail while developing, through a provider of Twilio's kind.

use std::sync::{Arc, Mutex};

use auth::Sms;
use auth::sms::{ByMail, Twilio};
use axum::extract::{Path, State};
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use project::Secret;
use serde_json::{Value, json};

use crate::support::{self, Server, header};

const NUMBER: &str = "+491711234567";

async fn start() -> Server {
    support::start_with(|options| {
        options.methods.sms = true;
        options.sms = Some(Arc::new(ByMail(options.mailer.clone())));
    })
    .await
}

fn code(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(digits.len(), 6, "{text}");
    digits
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let server = start().await;
    let sent = server.post("/v1/signin/passwordless/sms", json!({"phoneNumber": "+49 171 123-4567"})).await;
    assert_eq!((sent.status, &sent.body), (StatusCode::OK, &json!("OK")));
    let mail = server.mail.last_to("+491711234567@sms.localhost");
    assert_eq!(header(&mail, "X-Sms-To"), NUMBER);
    let otp = code(mail.text.as_deref().unwrap());
    let verify = |otp: &str| server.post("/signin/passwordless/sms/otp", json!({"phoneNumber": NUMBER, "otp": otp}));
    let wrong = if otp == "000000" { "000001" } else { "000000" };
    let refused = verify(wrong).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (400, "invalid-otp"));
    let right = verify(&otp).await;
    let user = &right.body["session"]["user"];
    assert_eq!((&user["phoneNumber"], &user["phoneNumberVerified"]), (&json!(NUMBER), &json!(true)), "{right:?}");
    assert_eq!(verify(&otp).await.error(), "invalid-otp", "once only");
    let again = server.post("/signup/passwordless/sms", json!({"phoneNumber": NUMBER})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_is_refused() {
    let off = support::start().await;
    let answer = off.post("/signin/passwordless/sms", json!({"phoneNumber": NUMBER})).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::CONFLICT, "disabled-endpoint"));
    let server = start().await;
    let answer = server.post("/signin/passwordless/sms", json!({"phoneNumber": "0171"})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    server.mail.fail(true);
    let answer = server.post("/signin/passwordless/sms", json!({"phoneNumber": NUMBER})).await;
    assert_eq!((answer.status.as_u16(), answer.error()), (400, "cannot-send-sms"));
    let client = server.database.client().await;
    let users: i64 = client.query_one("SELECT count(*) FROM auth.users", &[]).await.unwrap().get(0);
    assert_eq!(users, 0, "nothing is half done");
}

#[derive(Debug, Default, Clone)]
struct Provider(Arc<Mutex<Vec<(String, HeaderMap, String)>>>);

/// Refuses one number as Twilio refuses it.
async fn accept(
    State(provider): State<Provider>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, axum::Json<Value>) {
    let refused = body.contains("0000000");
    provider.0.lock().unwrap().push((account, headers, body));
    if refused {
        return (
            StatusCode::BAD_REQUEST,
            axum::Json(json!({"code": 21211, "message": "The 'To' number +4900000000 is not valid"})),
        );
    }
    (StatusCode::CREATED, axum::Json(json!({"sid": "SM1"})))
}

#[tokio::test]
async fn a_provider_of_twilios_kind() {
    let provider = Provider::default();
    let router = axum::Router::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(accept))
        .with_state(provider.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(listener, router).await });

    let token = || Secret::new("the-token".to_owned());
    let service = Twilio::new("AC1", token(), "MG1", Some(&base)).unwrap();
    service.send(NUMBER, "Your code is 1 & 2").await.unwrap();
    let number = Twilio::new("AC1", token(), "+15550109999", Some(&base)).unwrap();
    let error = number.send("+4900000000", "x").await.unwrap_err().to_string();
    assert_eq!(error, "the provider answers 400 (error 21211)", "neither number nor text");
    task.abort();
    let _ = task.await;
    let error = number.send(NUMBER, "x").await.unwrap_err().to_string();
    assert!(!error.contains("AC1"), "{error}");

    let seen = provider.0.lock().unwrap();
    assert_eq!(seen[0].0, "AC1");
    assert_eq!(seen[0].1["authorization"], "Basic QUMxOnRoZS10b2tlbg==");
    assert_eq!(seen[0].2, "To=%2B491711234567&MessagingServiceSid=MG1&Body=Your+code+is+1+%26+2");
    assert!(seen[1].2.contains("&From=%2B15550109999&"), "{}", seen[1].2);
}
