//! Uploads that go on where they broke off.

use std::time::Duration;

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use http::{Method, StatusCode};
use md5::{Digest, Md5};

use crate::clouds::install;
use crate::s3::{run, serve};
use crate::support::{ALICE, Answer, BOB, World, as_user, request};

const TYPE: (&str, &str) = ("content-type", "application/offset+octet-stream");

async fn send(world: &World, method: Method, path: &str, user: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut all = as_user(user).to_vec();
    all.push(("tus-resumable", "1.0.0"));
    all.extend_from_slice(headers);
    let answer = world.send(request(method, path, &all, body)).await;
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    answer
}

async fn create(world: &World, length: usize) -> String {
    let metadata = format!("filename {},filetype {}", BASE64_STANDARD.encode("a.bin"), BASE64_STANDARD.encode("x/y"));
    let headers = [("upload-length", &*length.to_string()), ("upload-metadata", &metadata)];
    let answer = send(world, Method::POST, "/v1/uploads", ALICE, &headers, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert!(answer.header("upload-expires").ends_with(" GMT"));
    format!("/v1/{}", answer.header("location"))
}

async fn patch(world: &World, path: &str, offset: usize, body: impl Into<Body>) -> Answer {
    send(world, Method::PATCH, path, ALICE, &[TYPE, ("upload-offset", &offset.to_string())], body.into()).await
}

async fn offset(world: &World, path: &str) -> String {
    let answer = send(world, Method::HEAD, path, ALICE, &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.header("upload-offset").to_owned()
}

/// The file that an upload became.
fn file(upload: &str) -> String {
    upload.replace("/uploads/", "/files/")
}

/// Waits for what is removed later.
async fn settled(world: &World) {
    for _ in 0..100 {
        if world.count("parts").await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("parts are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_comes_in_pieces() {
    let world = World::new().await;
    let path = create(&world, 13).await;
    assert_eq!(offset(&world, &path).await, "0");
    let first = patch(&world, &path, 0, "Hello, ").await;
    assert_eq!((first.status, first.header("upload-offset")), (StatusCode::NO_CONTENT, "7"));
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(patch(&world, &path, 3, "lo").await.status, StatusCode::CONFLICT);
    assert_eq!(patch(&world, &path, 7, "World! and more").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(offset(&world, &path).await, "7");
    let last = patch(&world, &path, 7, "World!").await;
    assert_eq!((last.status, last.header("upload-offset")), (StatusCode::NO_CONTENT, "13"));
    let got = world.get(&file(&path), &as_user(ALICE)).await;
    assert_eq!((got.text().as_str(), got.header("content-type")), ("Hello, World!", "x/y"));
    // A client that did not hear the answer asks again.
    assert_eq!(offset(&world, &path).await, "13");
    settled(&world).await;
    assert_eq!((world.count("files").await, world.count("objects").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_crash() {
    let mut world = World::new().await;
    let bytes: Vec<u8> = (0..20_u32 << 20).map(|at| (at / 251 + at) as u8).collect();
    let path = create(&world, bytes.len()).await;
    // The connection stands still after 18 MiB; then the process ends without a word.
    let begin = Bytes::copy_from_slice(&bytes[..18 << 20]);
    let body = futures::stream::iter([Ok::<_, std::io::Error>(begin)]).chain(futures::stream::pending());
    let hanging = patch(&world, &path, 0, Body::from_stream(body));
    assert!(tokio::time::timeout(Duration::from_secs(5), hanging).await.is_err());
    world.restart().await;
    // Pieces of 8 MiB count; what has come of the next one is sent again.
    let there: usize = offset(&world, &path).await.parse().unwrap();
    assert!(there >= 16 << 20, "{there}");
    let rest = patch(&world, &path, there, bytes[there..].to_vec()).await;
    assert_eq!(rest.status, StatusCode::NO_CONTENT, "{}", rest.text());
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.body, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_broken_connection_counts() {
    let world = World::new().await;
    let path = create(&world, 10).await;
    let broken = futures::stream::iter([Ok(Bytes::from_static(b"12345")), Err(std::io::Error::other("gone"))]);
    let answer = patch(&world, &path, 0, Body::from_stream(broken)).await;
    assert_eq!(answer.header("upload-offset"), "5");
    assert_eq!(offset(&world, &path).await, "5");
    patch(&world, &path, 5, "67890").await;
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.text(), "1234567890");
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_are_checked() {
    let world = World::new().await;
    let path = create(&world, 5).await;
    let with = |algorithm: &str, digest: &[u8]| format!("{algorithm} {}", BASE64_STANDARD.encode(digest));
    let wrong = with("sha1", &[0; 20]);
    let headers = |checksum| [TYPE, ("upload-offset", "0"), ("upload-checksum", checksum)];
    let answer = send(&world, Method::PATCH, &path, ALICE, &headers(&wrong), "12345".into()).await;
    assert_eq!((answer.status.as_u16(), offset(&world, &path).await.as_str()), (460, "0"));
    let answer = send(&world, Method::PATCH, &path, ALICE, &headers("crc7 AA=="), "12345".into()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let right = with("md5", &Md5::digest(b"12345"));
    let answer = send(&world, Method::PATCH, &path, ALICE, &headers(&right), "12345".into()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.text(), "12345");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_goes_on_with_an_upload() {
    let world = World::new().await;
    let path = create(&world, 5).await;
    for method in [Method::HEAD, Method::PATCH, Method::DELETE] {
        let headers = [TYPE, ("upload-offset", "0")];
        let answer = send(&world, method, &path, BOB, &headers, "12345".into()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(offset(&world, &path).await, "0");
    let answer = send(&world, Method::DELETE, &path, ALICE, &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let answer = send(&world, Method::HEAD, &path, ALICE, &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(world.count("uploads").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_refused_before_it_begins() {
    let world = World::new().await;
    for (user, headers, status) in [
        (ALICE, &[("upload-length", "50000001")][..], StatusCode::PAYLOAD_TOO_LARGE),
        (ALICE, &[("upload-length", "x")], StatusCode::BAD_REQUEST),
        (ALICE, &[("upload-defer-length", "2")], StatusCode::BAD_REQUEST),
        (ALICE, &[("upload-length", "5"), ("upload-metadata", "bucketId bm93aGVyZQ==")], StatusCode::NOT_FOUND),
        (ALICE, &[("upload-length", "5"), ("upload-metadata", "id bm8=")], StatusCode::BAD_REQUEST),
    ] {
        let answer = send(&world, Method::POST, "/uploads", user, headers, Body::empty()).await;
        assert_eq!(answer.status, status, "{headers:?} {}", answer.text());
    }
    let answer = world.send(request(Method::POST, "/uploads", &as_user(ALICE), Body::empty())).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.count("uploads").await, 0);
    // All at once.
    let headers = [TYPE, ("upload-length", "5")];
    let answer = send(&world, Method::POST, "/uploads", ALICE, &headers, "12345".into()).await;
    assert_eq!((answer.status, answer.header("upload-offset")), (StatusCode::CREATED, "5"));
    let path = format!("/v1/{}", answer.header("location"));
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.text(), "12345");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_library_resumes() {
    let world = World::new().await;
    let url = serve(world.handle.router()).await;
    let mut node = install::tus_script(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tus.mjs"));
    node.args([&format!("{url}/v1/uploads"), ALICE]);
    run(node).await;
}

/// For clients that send what they are still making.
#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_is_told_later() {
    let world = World::new().await;
    let create = |headers: &'static [(&'static str, &'static str)]| {
        send(&world, Method::POST, "/v1/uploads", ALICE, headers, Body::empty())
    };
    for wrong in [&[][..], &[("upload-defer-length", "2")], &[("upload-defer-length", "1"), ("upload-length", "3")]] {
        assert_eq!(create(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong:?}");
    }
    let created = create(&[("upload-defer-length", "1")]).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text());
    let path = format!("/v1/{}", created.header("location"));
    assert_eq!(patch(&world, &path, 0, "Hello, ").await.status, StatusCode::NO_CONTENT);
    let asked = send(&world, Method::HEAD, &path, ALICE, &[], Body::empty()).await;
    assert_eq!((asked.header("upload-offset"), asked.header("upload-defer-length")), ("7", "1"));
    assert_eq!(asked.header("upload-length"), "");
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.status, StatusCode::NOT_FOUND);
    let tell = |offset: &'static str, length: &'static str, body: &'static str| {
        let headers = [TYPE, ("upload-offset", offset), ("upload-length", length)];
        let (world, path) = (&world, &path);
        async move { send(world, Method::PATCH, path, ALICE, &headers, Body::from(body)).await.status }
    };
    assert_eq!(tell("7", "3", "").await, StatusCode::BAD_REQUEST, "there are more already");
    assert_eq!(tell("7", "99000000", "").await, StatusCode::PAYLOAD_TOO_LARGE, "more than the bucket takes");
    assert_eq!(tell("7", "13", "World").await, StatusCode::NO_CONTENT);
    assert_eq!(tell("12", "14", "!").await, StatusCode::BAD_REQUEST, "once told it stays");
    assert_eq!(tell("12", "13", "!").await, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&file(&path), &as_user(ALICE)).await.text(), "Hello, World!");
    settled(&world).await;
}
