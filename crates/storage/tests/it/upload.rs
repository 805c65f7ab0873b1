use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{ALICE, BOB, Form, World, as_user};

#[tokio::test(flavor = "multi_thread")]
async fn files_are_uploaded_with_their_metadata() {
    let world = World::new().await;
    let form = Form::new()
        .field("bucket-id", "default")
        .json("metadata[]", &json!({"name": "greeting.txt", "metadata": {"k": "v"}}))
        .json("metadata[]", &json!({"name": "b.bin"}))
        .file("file[]", "orig.txt", "text/plain", b"Hello, World!")
        .file("file[]", "b.bin", "application/octet-stream", &[1, 2, 3]);
    let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let files = &answer.json()["processedFiles"];
    let (first, second) = (&files[0], &files[1]);
    assert_eq!(first["name"], "greeting.txt");
    assert_eq!(first["size"], 13);
    assert_eq!(first["bucketId"], "default");
    assert_eq!(first["etag"], "\"65a8e27d8879283831b664bd8b7f0ad4\"");
    assert_eq!(first["isUploaded"], true);
    assert_eq!(first["mimeType"], "text/plain");
    assert_eq!(first["uploadedByUserId"], ALICE);
    assert_eq!(first["metadata"], json!({"k": "v"}));
    assert!(first["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(second["name"], "b.bin");
    assert_eq!(second["mimeType"], "application/octet-stream");
    assert!(second.get("metadata").is_none());
    assert_eq!(world.objects().values().sum::<u64>(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_may_come_in_any_order() {
    let world = World::new().await;
    let id = "69045896-4b8e-4bd1-a87b-e1386cb77f00";
    let form = Form::new()
        .file("file[]", "late.txt", "", b"text")
        .json("metadata[]", &json!({"id": id, "name": "named.txt"}))
        .field("bucket-id", "default");
    let answer = world.send(form.request(Method::POST, "/files", &as_user(ALICE))).await;
    let file = &answer.json()["processedFiles"][0];
    assert_eq!((file["id"].as_str(), file["name"].as_str()), (Some(id), Some("named.txt")));
    assert_eq!(file["mimeType"], "text/plain; charset=utf-8");
    assert_eq!(world.get(&format!("/v1/files/{id}"), &as_user(ALICE)).await.text(), "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_upload_is_refused() {
    let world = World::new().await;
    for headers in [&[("x-role", "viewer")][..], &[]] {
        let form = Form::new().file("file[]", "a.txt", "", b"text");
        let answer = world.send(form.request(Method::POST, "/v1/files", headers)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.error(), "you are not authorized");
        assert_eq!(answer.json()["processedFiles"], json!([]));
    }
    assert_eq!((world.objects().len(), world.count("files").await), (0, 0));
    let _ = BOB;
}
