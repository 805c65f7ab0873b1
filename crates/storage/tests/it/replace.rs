use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{ADMIN, ALICE, BOB, Form, World, as_user, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_file_keeps_its_id() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"old content").await;
    let form = Form::new().json("metadata", &json!({"name": "renamed.txt", "metadata": {"k": "w"}})).file(
        "file",
        "n.txt",
        "text/plain",
        b"new body",
    );
    let answer = world.send(form.request(Method::PUT, &path, &as_user(ALICE))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let file = answer.json();
    assert!(path.ends_with(file["id"].as_str().unwrap()));
    assert_eq!((file["name"].as_str(), file["size"].as_u64()), (Some("renamed.txt"), Some(8)));
    assert_eq!(file["metadata"], json!({"k": "w"}));
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "new body");
    assert_eq!(world.objects().into_values().collect::<Vec<_>>(), [8]);
    assert_eq!(world.count("objects").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_keeps_its_content_when_only_its_description_changes() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"content").await;
    let form = Form::new().json("metadata", &json!({"name": "new.txt"}));
    let answer = world.send(form.request(Method::PUT, &path, &as_user(ALICE))).await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (StatusCode::OK, Some("new.txt")));
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "content");
    let answer = world.send(Form::new().field("other", "x").request(Method::PUT, &path, &as_user(ALICE))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.error(), "wrong file data in multipart form, one needs to be specified");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_change_a_file_changes_nothing() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"content").await;
    for (headers, expected) in [(&as_user(BOB)[..], 404), (&[("x-role", "viewer")], 403), (&[], 403)] {
        let form = Form::new().file("file", "n.txt", "", b"new body");
        let answer = world.send(form.request(Method::PUT, &path, headers)).await;
        assert_eq!(answer.status, expected);
        let answer = world.send(request(Method::DELETE, &path, headers, Body::empty())).await;
        assert_eq!(answer.status, expected);
    }
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "content");
    assert_eq!(world.settled().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_file_is_gone_with_its_bytes() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"content").await;
    let answer = world.send(request(Method::DELETE, &path, &as_user(ALICE), Body::empty())).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(world.get(&path, &ADMIN).await.status, StatusCode::NOT_FOUND);
    assert_eq!((world.objects().len(), world.count("objects").await), (0, 0));
    let answer = world.send(request(Method::DELETE, &path, &as_user(ALICE), Body::empty())).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_replacements_at_once_one_wins_whole() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"content").await;
    let contents: Vec<String> = (0..8).map(|n| format!("content number {n}").repeat(n + 1)).collect();
    let replace = |content: &String| {
        let form = Form::new().file("file", "n.txt", "", content.as_bytes());
        world.send(form.request(Method::PUT, &path, &as_user(ALICE)))
    };
    let answers = futures::future::join_all(contents.iter().map(replace)).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let answer = world.get(&path, &as_user(ALICE)).await;
    assert!(contents.contains(&answer.text()), "{}", answer.text());
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    assert_eq!(world.settled().await, 1);
}
