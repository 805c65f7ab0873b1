use axum::body::Body;
use http::{Method, StatusCode};

use crate::support::{ALICE, BOB, Form, World, as_user, request};

const HELLO: &[u8] = b"Hello, World!";
const ETAG: &str = "\"65a8e27d8879283831b664bd8b7f0ad4\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_for_whom_the_permissions_let() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", HELLO).await;
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "Hello, World!");
    assert_eq!(world.get(&path, &[("x-role", "viewer")]).await.text(), "Hello, World!");
    let other = world.get(&path, &as_user(BOB)).await;
    assert_eq!((other.status, other.error().as_str()), (StatusCode::NOT_FOUND, "file not found"));
    let nobody = world.get(&path, &[]).await;
    assert_eq!((nobody.status, nobody.error().as_str()), (StatusCode::FORBIDDEN, "you are not authorized"));
    let expired = world.get(&path, &[("x-role", "expired")]).await;
    assert_eq!((expired.status, expired.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid or expired jwt"));
    let wrong = world.get("/v1/files/nope", &as_user(ALICE)).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.error(), "invalid input syntax for type uuid: \"nope\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_has_nhosts_headers() {
    let world = World::new().await;
    let path = world.uploaded("Custom Name.txt", HELLO).await;
    for method in [Method::GET, Method::HEAD] {
        let answer = world.send(request(method.clone(), &path, &as_user(ALICE), Body::empty())).await;
        assert_eq!(answer.status, StatusCode::OK);
        for (name, expected) in [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", "13"),
            ("etag", ETAG),
            ("content-disposition", "inline; filename=\"Custom+Name.txt\""),
            ("cache-control", "max-age=3600"),
            ("surrogate-control", "max-age=3600"),
            ("surrogate-key", path.rsplit('/').next().unwrap()),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", ""),
        ] {
            assert_eq!(answer.header(name), expected, "{method} {name}");
        }
        assert!(answer.header("last-modified").ends_with(" GMT"));
        assert_eq!(answer.body.len(), if method == Method::GET { 13 } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_sent_when_a_part_is_wanted() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", HELLO).await;
    for (range, part, content_range) in [
        ("bytes=0-4", "Hello", "bytes 0-4/13"),
        ("bytes=7-", "World!", "bytes 7-12/13"),
        ("bytes=-1", "!", "bytes 12-12/13"),
    ] {
        let answer = world.get(&path, &[("x-role", "viewer"), ("range", range)]).await;
        assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!((answer.text().as_str(), answer.header("content-range")), (part, content_range));
        assert_eq!(answer.header("content-length"), part.len().to_string());
    }
    let outside = world.get(&path, &[("x-role", "viewer"), ("range", "bytes=13-")]).await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.header("content-range"), "bytes */13");
    let changed = [("x-role", "viewer"), ("range", "bytes=0-4"), ("if-range", "\"another\"")];
    assert_eq!(world.get(&path, &changed).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_who_has_it() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", HELLO).await;
    for (name, value, expected) in [
        ("if-none-match", ETAG, StatusCode::NOT_MODIFIED),
        ("if-match", "\"nope\"", StatusCode::PRECONDITION_FAILED),
        ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT", StatusCode::NOT_MODIFIED),
        ("if-unmodified-since", "Thu, 01 Jan 2015 00:00:00 GMT", StatusCode::PRECONDITION_FAILED),
        ("if-modified-since", "Thu, 01 Jan 2015 00:00:00 GMT", StatusCode::OK),
        ("if-match", ETAG, StatusCode::OK),
    ] {
        let answer = world.get(&path, &[("x-role", "viewer"), (name, value)]).await;
        assert_eq!(answer.status, expected, "{name}: {value}");
        assert_eq!(answer.header("etag"), ETAG);
        assert_eq!(answer.header("cache-control"), "max-age=3600");
        assert_eq!(answer.body.is_empty(), expected != StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_could_run_scripts_are_sandboxed() {
    let world = World::new().await;
    for (name, claimed, content) in [
        ("page.html", "", &b"<!DOCTYPE html><script>alert(1)</script>"[..]),
        ("claimed.html", "Text/HTML; charset=utf-8", b"<p>"),
        ("picture.svg", "image/svg+xml", b"<svg/>"),
        ("parts", "multipart/x-mixed-replace; boundary=b", b"--b"),
    ] {
        let form = Form::new().file("file[]", name, claimed, content);
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        let id = answer.json()["processedFiles"][0]["id"].as_str().unwrap().to_owned();
        let answer = world.get(&format!("/v1/files/{id}"), &as_user(ALICE)).await;
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; sandbox", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_says_of_itself_is_public() {
    let world = World::new().await;
    assert!(world.get("/v1/version", &[]).await.json()["buildVersion"].is_string());
    assert_eq!(world.get("/healthz", &[]).await.status, StatusCode::OK);
    assert!(world.get("/v1/openapi.yaml", &[]).await.text().starts_with("openapi: 3"));
    let missing = world.get("/v1/nothing", &[]).await;
    assert_eq!((missing.status, missing.json()["error"].is_string()), (StatusCode::NOT_FOUND, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_noticed_when_asked_for() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", HELLO).await;
    let headers = [("x-role", "viewer"), ("x-verify-checksum", "true")];
    assert_eq!(world.get(&path, &headers).await.text(), "Hello, World!");
    let id = path.rsplit('/').next().unwrap();
    std::fs::write(world.folder.path().join(id), b"Hello, Wor1d!").unwrap();
    let request = request(Method::GET, &path, &headers, Body::empty());
    let response = tower::ServiceExt::oneshot(world.handle.router(), request).await.unwrap();
    assert!(http_body_util::BodyExt::collect(response.into_body()).await.is_err());
    let file = world.handle.files().get(&storage::Caller::admin(), id.parse().unwrap()).await.unwrap();
    assert_eq!(world.handle.files().verify(&file).await, Ok(storage::files::Checked::Damaged));
}
