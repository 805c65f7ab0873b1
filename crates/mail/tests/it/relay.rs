//! Sending by SMTP: to a server with STARTTLS and passwords, and to one without.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Message;
use mail::send::{Provider, Security, SendError, Sender, Smtp};
use project::Secret;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// What a server heard, line by line; `TLS` where it began.
type Heard = Arc<Mutex<Vec<String>>>;

/// A server that knows one password. Its port and its certificate (PEM).
async fn server(tls: bool) -> (u16, String, Heard) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let keep = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut plain = BufReader::new(stream);
            plain.get_mut().write_all(b"220 test\r\n").await.unwrap();
            if talk(&mut plain, &keep, tls).await {
                keep.lock().unwrap().push("TLS".to_owned());
                if let Ok(stream) = acceptor.accept(plain.into_inner()).await {
                    talk(&mut BufReader::new(stream), &keep, false).await;
                }
            }
        }
    });
    (port, key.cert.pem(), heard)
}

/// True: the client wants TLS now.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, heard: &Heard, tls: bool) -> bool {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return false;
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match &*verb {
            "EHLO" if tls => "250-test\r\n250 STARTTLS",
            "EHLO" => "250-test\r\n250 AUTH PLAIN LOGIN",
            "STARTTLS" => "220 go",
            "AUTH" if line.ends_with(&STANDARD.encode("\0shop\0the-password")) => "235 ok",
            "AUTH" => "535 5.7.8 wrong password",
            "RCPT" if line.contains("nobody") => "550 5.1.1 no such user",
            "DATA" => {
                stream.get_mut().write_all(b"354 go\r\n").await.unwrap();
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") && stream.read_line(&mut text).await.unwrap_or(0) > 0 {}
                heard.lock().unwrap().push(text);
                "250 2.0.0 queued as 42"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        stream.get_mut().flush().await.unwrap();
        if verb == "STARTTLS" {
            return true;
        }
    }
}

fn sender(port: u16, security: Security, password: &str, authority: Option<&str>) -> Sender {
    let server = Smtp {
        host: "localhost".to_owned(),
        port,
        security,
        credentials: Some(("shop".to_owned(), Secret::new(password.to_owned()))),
        authority: authority.map(|pem| pem.as_bytes().to_vec()),
    };
    Sender::new(Provider::Smtp(server), None).unwrap()
}

fn message(to: &str) -> Message {
    let mut message = Message::new("shop@example.com".parse().unwrap(), vec![to.parse().unwrap()], "Hello");
    message.text = Some("text".to_owned());
    message
}

#[tokio::test]
async fn starttls_and_a_password() {
    let (port, certificate, heard) = server(true).await;
    let sent =
        sender(port, Security::StartTls, "the-password", Some(&certificate)).send(&message("ann@example.com")).await;
    assert!(sent.unwrap().unwrap().contains("queued as 42"));
    let heard = heard.lock().unwrap().clone();
    let tls = heard.iter().position(|line| line == "TLS").unwrap();
    let password = heard.iter().position(|line| line.starts_with("AUTH")).unwrap();
    assert!(tls < password, "{heard:?}");
    assert!(heard.iter().any(|line| line.contains("Subject: Hello")), "{heard:?}");
}

#[tokio::test]
async fn a_password_waits_for_tls() {
    // A server without it, or a man in the middle who hides it.
    let (port, _, heard) = server(false).await;
    let error =
        sender(port, Security::StartTls, "the-password", None).send(&message("ann@example.com")).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }), "{error:?}");
    assert!(!heard.lock().unwrap().iter().any(|line| line.starts_with("AUTH")));
    // A certificate of nobody we believe.
    let (port, _, heard) = server(true).await;
    let error =
        sender(port, Security::StartTls, "the-password", None).send(&message("ann@example.com")).await.unwrap_err();
    assert!(matches!(error, SendError::Unreachable { .. }), "{error:?}");
    assert!(!heard.lock().unwrap().iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn refusals_are_told() {
    let (port, certificate, _) = server(true).await;
    let error = sender(port, Security::StartTls, "wrong", Some(&certificate)).send(&message("ann@example.com")).await;
    let SendError::Refused { why, temporary: false, .. } = error.unwrap_err() else { panic!("not refused") };
    assert!(why.contains("535") && !why.contains("wrong\0"), "{why}");
    let sender = sender(port, Security::StartTls, "the-password", Some(&certificate));
    sender.check().await.unwrap();
    let SendError::Refused { why, .. } = sender.send(&message("nobody@example.com")).await.unwrap_err() else {
        panic!("not refused")
    };
    assert!(why.contains("no such user"), "{why}");
    assert!(!format!("{sender:?}").contains("the-password"));
}
