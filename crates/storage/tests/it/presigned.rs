use http::StatusCode;

use crate::support::{ALICE, BOB, World, as_user};

impl World {
    /// The path and query of a presigned URL for the file at a path.
    async fn presign(&self, path: &str) -> String {
        let answer = self.get(&format!("{path}/presignedurl"), &as_user(ALICE)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let url = answer.json()["url"].as_str().unwrap().to_owned();
        url.strip_prefix("http://storage.test").unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presigned_url_needs_no_credentials() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", b"Hello, World!").await;
    let url = world.presign(&path).await;
    assert!(url.starts_with(&format!("{path}/presignedurl/contents?X-Amz-Algorithm=AWS4-HMAC-SHA256&")), "{url}");
    let answer = world.get(&url, &[]).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "Hello, World!"));
    let life = answer.header("cache-control").strip_prefix("max-age=").unwrap().parse::<u32>().unwrap();
    assert!((1..=30).contains(&life));
    assert_eq!(answer.header("surrogate-control"), answer.header("cache-control"));
    assert_eq!(world.get(&url, &[("range", "bytes=0-4")]).await.text(), "Hello");
    assert_eq!(world.get(&url, &[("if-none-match", answer.header("etag"))]).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_signature_counts() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", b"Hello, World!").await;
    let other = world.uploaded("other.txt", b"other").await;
    let url = world.presign(&path).await;
    let (ours, _) = url.split_once("&X-Amz-Signature=").unwrap();
    for url in [
        format!("{ours}&X-Amz-Signature={}", "0".repeat(64)),
        url.replace("X-Amz-Expires=30", "X-Amz-Expires=31"),
        url.replace(&path, &other),
    ] {
        assert_eq!(world.get(&url, &[]).await.status, StatusCode::FORBIDDEN, "{url}");
    }
    assert_eq!(world.get(ours, &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bucket_decides_over_presigned_urls() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", b"Hello, World!").await;
    let client = world.database.client().await;
    client.batch_execute("UPDATE storage.buckets SET download_expiration = 1").await.unwrap();
    let answer = world.get(&format!("{path}/presignedurl"), &as_user(ALICE)).await;
    assert_eq!(answer.json()["expiration"], 1);
    client.batch_execute("UPDATE storage.buckets SET download_expiration = 30").await.unwrap();
    let url = world.presign(&path).await;
    client.batch_execute("UPDATE storage.buckets SET presigned_urls_enabled = false").await.unwrap();
    assert_eq!(world.get(&url, &[]).await.status, StatusCode::FORBIDDEN);
    let answer = world.get(&format!("{path}/presignedurl"), &as_user(ALICE)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.error().starts_with("presigned URLs are not enabled"));
    let answer = world.get(&format!("{path}/presignedurl"), &as_user(BOB)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
