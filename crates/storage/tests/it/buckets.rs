use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{ALICE, Form, World, as_user, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_has_limits() {
    let world = World::new().await;
    let client = world.database.client().await;
    let limits = "INSERT INTO storage.buckets (id, min_upload_file_size, max_upload_file_size, cache_control)
        VALUES ('small', 2, 5, 'private')";
    client.batch_execute(limits).await.unwrap();
    let upload = |contents: &[&str]| {
        let form = contents.iter().fold(Form::new().field("bucket-id", "small"), |form, content| {
            form.file("file[]", "a.txt", "", content.as_bytes())
        });
        world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE)))
    };
    let answer = upload(&["12345", "123456", "12"]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "file too big"));
    assert_eq!(answer.json()["error"]["data"]["maxSize"], 5);
    assert_eq!(answer.json()["processedFiles"].as_array().unwrap().len(), 1, "{}", answer.text());
    let answer = upload(&["1"]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "file too small"));
    assert_eq!(answer.json()["error"]["data"], json!({"filename": "a.txt", "minSize": 2, "size": 1}));
    assert_eq!(world.settled().await, 1);
    let file: String = client.query_one("SELECT id::text FROM storage.files", &[]).await.unwrap().get(0);
    assert_eq!(world.get(&format!("/files/{file}"), &as_user(ALICE)).await.header("cache-control"), "private");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_has_limits_of_its_own() {
    let mut world = World::new().await;
    world.handle = start(&world.database, world.folder.path(), |options| {
        options.max_file_size = Some(5);
        options.allowed_types = vec!["image/*".to_owned(), "Application/PDF".to_owned()];
    })
    .await;
    for (kind, content, message) in [
        ("image/png", "12345", None),
        ("application/pdf; a=b", "12345", None),
        ("text/plain", "12345", Some("files of type 'text/plain' are not allowed")),
        ("image/png", "123456", Some("file too big")),
    ] {
        let form = Form::new().file("file[]", "a", kind, content.as_bytes());
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        let said = (answer.status != StatusCode::CREATED).then(|| answer.error());
        assert_eq!(said.as_deref(), message, "{kind}");
    }
    assert_eq!(world.settled().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_must_be_right() {
    let world = World::new().await;
    let file = || Form::new().file("file[]", "a.txt", "", b"text");
    let nothing = serde_json::Value::Null;
    for (form, status, message, processed) in [
        (file().field("bucket-id", "nowhere"), 404, "bucket not found", nothing),
        (Form::new().field("bucket-id", "default"), 400, "file[] not found in Multipart form", json!([])),
        (file().field("metadata[]", "{no json"), 400, "couldn't decode metadata", json!([])),
        (
            file().field("metadata[]", "{}").field("metadata[]", "{}"),
            400,
            "file metadata length doesn't match number of files in request",
            json!([]),
        ),
        (file().field("metadata[]", "{\"id\": \"x\"}"), 400, "invalid input syntax for type uuid: \"x\"", json!([])),
    ] {
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, message));
        assert_eq!(answer.json()["processedFiles"], processed, "{message}");
    }
    let answer = world.send(crate::support::request(Method::POST, "/v1/files", &as_user(ALICE), "text".into())).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.settled().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_taken_once_and_nobodys_bytes_are_touched() {
    let world = World::new().await;
    let path = world.uploaded("mine.txt", b"mine").await;
    let id = path.rsplit('/').next().unwrap();
    let form = Form::new().json("metadata[]", &json!({"id": id})).file("file[]", "a.txt", "", b"theirs");
    let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(crate::support::BOB))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().contains("files_pkey"));
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "mine");
    assert_eq!(world.settled().await, 1);
}
