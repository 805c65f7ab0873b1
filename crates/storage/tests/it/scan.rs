use http::{Method, StatusCode};
use serde_json::json;
use storage::Scanner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{ALICE, Form, World, as_user, start};

/// Answers as clamd does: what has the word in it is infected. Its address.
async fn clamd() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut command = [0; 10];
                socket.read_exact(&mut command).await.unwrap();
                assert_eq!(&command, b"zINSTREAM\0");
                let mut content = Vec::new();
                loop {
                    let length = socket.read_u32().await.unwrap();
                    if length == 0 {
                        break;
                    }
                    let begin = content.len();
                    content.resize(begin + length as usize, 0);
                    socket.read_exact(&mut content[begin..]).await.unwrap();
                }
                let infected = content.windows(5).any(|window| window == b"EICAR");
                let answer = if infected { "stream: Eicar-Signature FOUND\0" } else { "stream: OK\0" };
                socket.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_scanner_finds_is_refused_and_recorded() {
    let mut world = World::new().await;
    let scanner = Some(Scanner::Clamd { address: clamd().await });
    world.handle = start(&world.database, world.folder.path(), |options| options.scanner = scanner).await;
    let form = Form::new().file("file[]", "a.txt", "", b"fine").file("file[]", "blah.txt", "", b"an EICAR test");
    let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::FORBIDDEN, "virus found: Eicar-Signature"));
    assert_eq!(answer.json()["error"]["data"], json!({"file": "blah.txt", "virus": "Eicar-Signature"}));
    assert_eq!(answer.json()["processedFiles"].as_array().unwrap().len(), 1);
    let client = world.database.client().await;
    let record = "SELECT filename, virus, user_session ->> 'x-hasura-user-id', is_uploaded
        FROM storage.virus JOIN storage.files ON files.id = file_id";
    let row = client.query_one(record, &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("blah.txt", "Eicar-Signature"));
    assert_eq!((row.get::<_, &str>(2), row.get::<_, bool>(3)), (ALICE, false));
    assert_eq!(world.settled().await, 1);
    let path = world.uploaded("b.txt", b"fine too").await;
    let form = Form::new().file("file", "b.txt", "", b"EICAR");
    assert_eq!(world.send(form.request(Method::PUT, &path, &as_user(ALICE))).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "fine too");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_while_nobody_can_look() {
    let mut world = World::new().await;
    let scanner = Some(Scanner::Clamd { address: "127.0.0.1:9".to_owned() });
    world.handle = start(&world.database, world.folder.path(), |options| options.scanner = scanner).await;
    let form = Form::new().file("file[]", "a.txt", "", b"fine");
    let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((world.settled().await, world.count("files").await), (0, 0));
}

/// A service over HTTP: what has the word in it is infected. Its URL.
async fn service() -> String {
    use axum::response::IntoResponse;
    use axum::routing::post;

    let looks = |headers: http::HeaderMap, body: bytes::Bytes| async move {
        assert_eq!(headers["content-type"], "application/octet-stream");
        let has = |word: &[u8]| body.windows(word.len()).any(|window| window == word);
        match (has(b"EICAR"), has(b"BROKEN")) {
            (_, true) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            (true, _) => axum::Json(json!({"virus": "Eicar-Signature"})).into_response(),
            _ => axum::Json(json!({"virus": null})).into_response(),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/scan", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/scan", post(looks))).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_over_http_looks_too() {
    let mut world = World::new().await;
    let scanner = Scanner::http(&service().await).unwrap();
    world.handle = start(&world.database, world.folder.path(), |options| options.scanner = Some(scanner)).await;
    let upload = |content: &'static [u8]| {
        let form = Form::new().file("file[]", "a.txt", "", content);
        world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE)))
    };
    assert_eq!(upload(b"fine").await.status, StatusCode::CREATED);
    let found = upload(b"an EICAR test").await;
    assert_eq!((found.status, found.error().as_str()), (StatusCode::FORBIDDEN, "virus found: Eicar-Signature"));
    assert_eq!(upload(b"BROKEN").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.settled().await, 1);
}
