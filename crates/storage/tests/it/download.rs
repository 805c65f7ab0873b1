use http::StatusCode;

use crate::support::{ALICE, BOB, World, as_user};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_for_whom_the_permissions_let() {
    let world = World::new().await;
    let id = world.upload("hello.txt", b"Hello, World!").await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/files/{id}");
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "Hello, World!");
    assert_eq!(world.get(&path, &[("x-role", "viewer")]).await.text(), "Hello, World!");
    let other = world.get(&path, &as_user(BOB)).await;
    assert_eq!((other.status, other.error().as_str()), (StatusCode::NOT_FOUND, "file not found"));
    let nobody = world.get(&path, &[]).await;
    assert_eq!((nobody.status, nobody.error().as_str()), (StatusCode::FORBIDDEN, "you are not authorized"));
    let expired = world.get(&path, &[("x-role", "expired")]).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
}
