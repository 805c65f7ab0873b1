use std::sync::Arc;

use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::support::{start, start_with};

#[tokio::test]
async fn a_mail_from_a_real_client_is_kept_byte_by_byte() {
    let catcher = start().await;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(catcher.smtp.port())
        .credentials(Credentials::new("shop".to_owned(), "anything".to_owned()))
        .build();
    let body = "Hello\r\n.\r\n..two dots\r\n.leading\r\n=3D end\r\n";
    let mail = lettre::Message::builder()
        .from("Shop <shop@example.com>".parse().unwrap())
        .to("ann@example.com".parse().unwrap())
        .bcc("boss@example.com".parse().unwrap())
        .subject("Dots")
        .body(body.to_owned())
        .unwrap();
    // lettre ends the last line once more.
    let wire = [mail.formatted().as_slice(), b"\r\n"].concat();
    transport.send(mail).await.unwrap();

    let list = catcher.get("/api/v1/messages").await.json();
    assert_eq!(list["total"], 1);
    let line = &list["messages"][0];
    assert_eq!(line["Subject"], "Dots");
    assert_eq!(line["Username"], "shop");
    assert_eq!(line["Bcc"][0]["Address"], "boss@example.com");
    let source = catcher.get(&format!("/api/v1/message/{}/raw", line["ID"].as_str().unwrap())).await;
    assert_eq!(source.text.as_bytes(), wire);
    assert!(source.text.contains("\r\n.\r\n..two"), "sent as it is: {}", source.text);
    let message = catcher.get("/api/v1/message/latest").await.json();
    assert_eq!(message["Text"].as_str().unwrap().trim_end(), body.trim_end());
}

#[tokio::test]
async fn only_a_line_with_a_dot_ends_a_mail() {
    let catcher = start().await;
    let mut talk = catcher.talk().await;
    talk.envelope("ann@example.com").await;
    assert!(talk.say("DATA").await.starts_with("354"));
    // Other ways to end a line, with which a second mail is smuggled past careless servers.
    let smuggled = "Subject: one\r\n\r\ntext\n.\nMAIL FROM:<x@example.com>\r\ntext\n.\r\ntext\r.\r\nend\r\n.\r\n";
    talk.raw(smuggled.as_bytes()).await;
    assert!(talk.answer().await.starts_with("250"));
    assert!(talk.say("QUIT").await.starts_with("221"));
    assert!(talk.closed().await);
    let list = catcher.get("/api/v1/messages").await.json();
    assert_eq!(list["total"], 1);
    let source = catcher.get("/api/v1/message/latest/raw").await.text;
    assert!(source.contains("text\n.\nMAIL FROM"), "{source:?}");
}

#[tokio::test]
async fn commands_out_of_order_are_told_so() {
    let catcher = start().await;
    let mut talk = catcher.talk().await;
    assert!(talk.say("MAIL FROM:<a@example.com>").await.starts_with("503"));
    assert!(talk.say("EHLO test").await.starts_with("250"));
    assert!(talk.say("DATA").await.starts_with("503"));
    assert!(talk.say("RCPT TO:<a@example.com>").await.starts_with("503"));
    assert!(talk.say("MAIL FROM:<a@example.com> SIZE=99999999999").await.starts_with("552"));
    assert!(talk.say("MAIL FROM:<>").await.starts_with("250"));
    assert!(talk.say("MAIL FROM:<a@example.com>").await.starts_with("503"));
    assert!(talk.say("RSET").await.starts_with("250"));
    assert!(talk.say("STARTTLS").await.starts_with("502"));
    assert!(talk.say("AUTH LOGIN").await.starts_with("334"));
    assert!(talk.say("c2hvcA==").await.starts_with("334"));
    assert!(talk.say("cGFzcw==").await.starts_with("235"));
    assert!(talk.say("AUTH PLAIN not-base64").await.starts_with("501"));
    assert!(talk.say("NONSENSE").await.starts_with("500"));
    assert!(talk.say("GET / HTTP/1.1").await.starts_with("421"));
    assert!(talk.closed().await);
}

#[tokio::test]
async fn limits_hold() {
    let catcher = start_with(|options| {
        options.limits.message = 100_000;
        options.limits.recipients = 2;
        options.limits.connections = 2;
        options.limits.mistakes = 3;
        options.accept_any_auth = false;
    })
    .await;
    let mut talk = catcher.talk().await;
    talk.envelope("ann@example.com").await;
    assert!(talk.say("RCPT TO:<bob@example.com>").await.starts_with("250"));
    assert!(talk.say("RCPT TO:<eve@example.com>").await.starts_with("452"));
    let long = "x".repeat(78).into_bytes();
    let lines = |count: usize| [long.as_slice(), b"\r\n"].concat().repeat(count);

    // Longer than a mail may be: refused at its end, and the connection goes on.
    assert!(talk.say("DATA").await.starts_with("354"));
    talk.raw(&lines(2000)).await;
    assert!(talk.say(".").await.starts_with("552"));

    // One endless line.
    assert!(talk.say("MAIL FROM:<shop@example.com>").await.starts_with("250"));
    assert!(talk.say("RCPT TO:<ann@example.com>").await.starts_with("250"));
    assert!(talk.say("DATA").await.starts_with("354"));
    talk.raw(&vec![b'y'; 300_000]).await;
    talk.raw(b"\r\n").await;
    assert!(talk.say(".").await.starts_with("552"));
    assert_eq!(catcher.get("/api/v1/messages").await.json()["total"], 0);

    assert!(talk.say("AUTH PLAIN AGEAYg==").await.starts_with("535"));
    let mut second = catcher.talk().await;
    let mut third = tokio::net::TcpStream::connect(catcher.smtp).await.unwrap();
    let mut said = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut third, &mut said).await.unwrap();
    assert!(said.starts_with("421"), "{said}");
    for _ in 0..3 {
        assert!(second.say("WHAT").await.starts_with("500"));
    }
    second.raw(b"WHAT\r\n").await;
    assert!(second.answer().await.starts_with("500"));
    assert!(second.answer().await.starts_with("421"));
    assert!(second.closed().await);
}

#[tokio::test]
async fn a_mail_without_room_may_come_again() {
    let catcher = start_with(|options| options.limits.in_flight = 64 << 10).await;
    let mut talk = catcher.talk().await;
    let line = format!("{}\r\n", "x".repeat(78));
    for (lines, code) in [(1000, "452"), (100, "250")] {
        talk.envelope("ann@example.com").await;
        assert!(talk.say("DATA").await.starts_with("354"));
        talk.raw(line.repeat(lines).as_bytes()).await;
        assert!(talk.say(".").await.starts_with(code));
    }
}

#[tokio::test]
async fn a_line_that_never_ends_ends_the_connection() {
    let catcher = start().await;
    let mut talk = catcher.talk().await;
    talk.raw(&vec![b'A'; 50_000]).await;
    assert!(talk.answer().await.starts_with("500"));
}

#[tokio::test]
async fn the_newest_are_kept() {
    let catcher = start_with(|options| options.keep = 3).await;
    for number in 0..5 {
        catcher.deliver("ann@example.com", &format!("mail {number}"), "x").await;
    }
    let list = catcher.get("/api/v1/messages").await.json();
    let subjects: Vec<_> = list["messages"].as_array().unwrap().iter().map(|line| line["Subject"].clone()).collect();
    assert_eq!(subjects, ["mail 4", "mail 3", "mail 2"]);
}

#[tokio::test]
async fn many_clients_at_once() {
    let catcher = Arc::new(start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..8 {
        let catcher = Arc::clone(&catcher);
        tasks.spawn(async move {
            let mut talk = catcher.talk().await;
            for number in 0..5 {
                talk.envelope("ann@example.com").await;
                assert!(talk.say("DATA").await.starts_with("354"));
                talk.raw(format!("Subject: {client}.{number}\r\n\r\nx\r\n").as_bytes()).await;
                assert!(talk.say(".").await.starts_with("250"));
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(catcher.get("/api/v1/messages").await.json()["total"], 40);
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_to_the_client() {
    let catcher = start().await;
    let mut talk = catcher.talk().await;
    talk.envelope("ann@example.com").await;
    assert!(talk.say("DATA").await.starts_with("354"));
    catcher.database.client().await.batch_execute("DROP SCHEMA mail CASCADE").await.unwrap();
    talk.raw(b"Subject: lost\r\n\r\nx\r\n").await;
    assert!(talk.say(".").await.starts_with("451"));
    assert!(talk.say("NOOP").await.starts_with("250"));
}

#[tokio::test]
async fn other_machines_stay_out() {
    let database = testkit::db().await;
    let mut options = mail::Options::new(postgres::Pool::new(database.config(), 2));
    options.smtp = Some(([0, 0, 0, 0], 0).into());
    let error = mail::Service::start(options).await.unwrap_err();
    assert_eq!(project::Diagnostic::code(&error), "NS-MAIL-004");
}
