use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{ADMIN, ALICE, World, as_user, request};

impl World {
    async fn op(&self, name: &str) -> serde_json::Value {
        let answer = self.send(request(Method::POST, &format!("/v1/ops/{name}"), &ADMIN, Body::empty())).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_listed_and_deleted() {
    let world = World::new().await;
    let kept = world.uploaded("kept.txt", b"kept").await;
    let path = world.uploaded("orphan.txt", b"orphan").await;
    std::fs::write(world.folder.path().join("stray"), "x").unwrap();
    assert_eq!(world.op("list-orphans").await, json!({"files": ["stray"]}));
    let client = world.database.client().await;
    let id = path.rsplit('/').next().unwrap();
    client.batch_execute(&format!("DELETE FROM storage.files WHERE id = '{id}'")).await.unwrap();
    let mut orphans = vec!["stray", id];
    orphans.sort_unstable();
    assert_eq!(world.op("list-orphans").await, json!({"files": orphans}));
    assert_eq!(world.op("delete-orphans").await, json!({"files": orphans}));
    assert_eq!(world.op("list-orphans").await, json!({"files": []}));
    assert_eq!(world.get(&kept, &as_user(ALICE)).await.text(), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_bytes_are_listed_and_deleted() {
    let world = World::new().await;
    let path = world.uploaded("broken.txt", b"broken").await;
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(world.op("list-broken-metadata").await, json!({"metadata": []}));
    std::fs::remove_file(world.folder.path().join(id)).unwrap();
    let broken = json!({"metadata": [{"id": id, "name": "broken.txt", "bucketId": "default", "isUploaded": true}]});
    assert_eq!(world.get(&path, &as_user(ALICE)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.op("list-broken-metadata").await, broken);
    assert_eq!(world.op("delete-broken-metadata").await, broken);
    assert_eq!(world.op("list-broken-metadata").await, json!({"metadata": []}));
    assert_eq!(world.settled().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_have_not_come_are_listed() {
    let world = World::new().await;
    world.uploaded("come.txt", b"come").await;
    let client = world.database.client().await;
    client.batch_execute("INSERT INTO storage.files (name) VALUES ('not.txt')").await.unwrap();
    let listed = world.op("list-not-uploaded").await;
    assert_eq!(listed["metadata"].as_array().unwrap().len(), 1);
    assert_eq!(listed["metadata"][0]["name"], "not.txt");
    let id = listed["metadata"][0]["id"].as_str().unwrap();
    let answer = world.get(&format!("/v1/files/{id}"), &ADMIN).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::FORBIDDEN, "file is not uploaded"));
}
