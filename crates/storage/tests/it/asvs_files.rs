//! OWASP ASVS 5, chapters V5 (files) and V8 (authorization), as far as no other test shows it: `docs/reference/asvs.md` is
//! the table.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;
use storage::{Policy, ROUTES};

use crate::support::{ADMIN, ALICE, BOB, Form, World, as_user, request};

/// A text with the type of a page, of a list of types, of none.
const KINDS: &[&str] = &[
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "text/plain, text/html",
    "image/png,text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "text/xsl",
    "multipart/x-mixed-replace; boundary=x",
    "multipart/related",
    "message/rfc822",
    "application/x-mimearchive",
    "text/javascript",
    "text/css",
    "x",
    "*/*",
    "image/",
    "unknown/unknown",
];

/// 5.3.1, 3.2.1: nothing that is served runs in the service's origin, whatever type its uploader claimed.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_served_runs() {
    let world = World::new().await;
    for kind in KINDS {
        let form = Form::new().file("file[]", "x.bin", kind, b"<script>alert(1)</script>");
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{kind}: {}", answer.text());
        let file = answer.json()["processedFiles"][0].clone();
        let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
        let answer = world.get(&path, &as_user(ALICE)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{kind}");
        let served = answer.header("content-type");
        assert!(!served.contains(','), "{kind}: of a list every browser takes another: {served}");
        assert!(!served.is_empty() && served.split(';').next().unwrap().contains('/'), "{kind}: {served}");
        let sandboxed = answer.header("content-security-policy").contains("sandbox");
        assert!(sandboxed || served.starts_with("text/plain"), "{kind}: {served}: {:?}", answer.headers);
    }
    // What pages show is shown.
    for kind in ["image/png", "video/mp4", "application/pdf", "text/plain; charset=utf-8"] {
        let form = Form::new().file("file[]", "x.bin", kind, b"something");
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        let path = format!("/v1/files/{}", answer.json()["processedFiles"][0]["id"].as_str().unwrap());
        let answer = world.get(&path, &as_user(ALICE)).await;
        assert_eq!((answer.header("content-type"), answer.header("content-security-policy")), (kind, ""));
    }
}

/// 5.3.2, 5.4.1, 5.4.2: names are words. They are no paths, and no headers.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_no_paths_and_no_headers() {
    let world = World::new().await;
    for name in [
        "../../../../tmp/evil",
        "/etc/passwd",
        "..\\..\\evil.txt",
        "file:///etc/passwd",
        "a\"; filename=\"b.html",
        "a\r\nSet-Cookie: a=b",
        "%2e%2e%2fevil",
        ".nself/uploads/x",
        "nul\0byte",
        "\u{202e}gnp.exe",
    ] {
        let form =
            Form::new().json("metadata[]", &json!({"name": name})).file("file[]", "x.txt", "text/plain", b"something");
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        if name.contains('\0') {
            assert!(!answer.status.is_success(), "PostgreSQL cannot keep it");
            continue;
        }
        assert_eq!(answer.status, StatusCode::CREATED, "{name:?}: {}", answer.text());
        let file = answer.json()["processedFiles"][0].clone();
        assert_eq!(file["name"], name, "kept as it is");
        let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
        let answer = world.get(&path, &as_user(ALICE)).await;
        let disposition = answer.header("content-disposition");
        assert_eq!(disposition.matches('"').count(), 2, "{name:?}: {disposition}");
        assert!(
            disposition.is_ascii() && !disposition.contains(['/', '\\', ';']) || disposition.matches(';').count() == 1
        );
        assert!(answer.headers.get("set-cookie").is_none());
    }
    // Every object's name in the store is one of ours.
    for name in world.objects().keys() {
        assert!(name.parse::<uuid::Uuid>().is_ok(), "{name}");
    }
    for id in ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "default", "00000000-0000-0000-0000-00000000000g"] {
        let answer = world.get(&format!("/v1/files/{id}"), &ADMIN).await;
        assert!(answer.status.is_client_error(), "{id}: {}", answer.text());
    }
    for bucket in ["../default", "default/..", "nothing", "default'--"] {
        let form = Form::new().field("bucket-id", bucket).file("file[]", "x", "", b"x");
        let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{bucket}");
    }
}

/// 5.2.1: what is kept in memory until a form ends is bounded, and nothing is of who may not upload.
#[tokio::test(flavor = "multi_thread")]
async fn forms_are_bounded() {
    let world = World::new().await;
    let long = json!({"name": "x", "metadata": {"a": "a".repeat(900 << 10)}});
    let many = (0..6).fold(Form::new(), |form, _| form.json("metadata[]", &long)).file("file[]", "x", "", b"x");
    // In pieces, as a network brings them.
    let (head, body) = many.request(Method::POST, "/v1/files", &as_user(ALICE)).into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let pieces: Vec<std::io::Result<_>> = bytes.chunks(64 << 10).map(|piece| Ok(piece.to_vec())).collect();
    let body = Body::from_stream(futures::stream::iter(pieces));
    let answer = world.send(http::Request::from_parts(head, body)).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::BAD_REQUEST, "the form's metadata are too long"));

    let small = json!({});
    let many = (0..2001).fold(Form::new(), |form, _| form.json("metadata[]", &small)).file("file[]", "x", "", b"x");
    let answer = world.send(many.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::BAD_REQUEST, "the form has too many parts"));

    let nobody = Form::new().json("metadata[]", &long).file("file[]", "x", "", b"x");
    let answer = world.send(nobody.request(Method::POST, "/v1/files", &[])).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    assert_eq!(world.settled().await, 0);
}

/// 8.2.1, 8.3.1: the walk over all routes without credentials, and with credentials that are not good.
#[tokio::test(flavor = "multi_thread")]
async fn all_routes_without_credentials() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", b"Hello, World!").await;
    let id = path.rsplit('/').next().unwrap();
    for route in ROUTES {
        for prefix in ["", "/v1"] {
            for who in [&[][..], &[("x-role", "expired")], &[("x-role", "nobody"), ("x-hasura-admin-secret", "guess")]]
            {
                let target = format!("{prefix}{}", route.path.replace("{id}", id));
                let method: Method = route.method.parse().unwrap();
                let mut form = Form::new().file("file[]", "x", "", b"x").request(method.clone(), &target, who);
                if matches!(method, Method::GET | Method::DELETE) {
                    form = request(method.clone(), &target, who, Body::empty());
                }
                let answer = world.send(form).await;
                let what = format!("{method} {target} as {who:?}: {} {}", answer.status, answer.text());
                match route.policy {
                    Policy::Public => assert!(answer.status.is_success(), "{what}"),
                    Policy::Role => assert!(matches!(answer.status.as_u16(), 401 | 403), "{what}"),
                    Policy::Signature => assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}"),
                    Policy::AdminSecret => {
                        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
                        assert!(answer.text().contains("SecurityRequirementsError"), "{what}");
                    }
                }
                assert!(!answer.text().contains("Hello, World!"), "{what}");
            }
        }
    }
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "Hello, World!", "nothing has changed");
}

/// 8.2.2: a file is nobody else's, by whatever way it is asked for, and pictures made of it are none either.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_file() {
    let world = World::new().await;
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(8, 8).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let form = Form::new().file("file[]", "x.png", "image/png", png.get_ref());
    let answer = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
    let path = format!("/v1/files/{}", answer.json()["processedFiles"][0]["id"].as_str().unwrap());
    // Alice's picture is in the cache now.
    let small = format!("{path}?w=4");
    assert_eq!(world.get(&small, &as_user(ALICE)).await.status, StatusCode::OK);
    let etag = world.get(&path, &as_user(ALICE)).await.header("etag").to_owned();
    for target in [&path, &small, &format!("{path}/presignedurl")] {
        assert_eq!(world.get(target, &as_user(BOB)).await.status, StatusCode::NOT_FOUND, "{target}");
    }
    let known = [as_user(BOB)[0], as_user(BOB)[1], ("if-none-match", etag.as_str())];
    assert_eq!(world.get(&path, &known).await.status, StatusCode::NOT_FOUND, "not even that it is unchanged");
    let head = world.send(request(Method::HEAD, &path, &as_user(BOB), Body::empty())).await;
    assert_eq!((head.status, head.header("etag")), (StatusCode::NOT_FOUND, ""));
    let form = Form::new().file("file", "x.png", "image/png", b"mine now");
    let put = world.send(form.request(Method::PUT, &path, &as_user(BOB))).await;
    assert_eq!(put.status, StatusCode::NOT_FOUND, "{}", put.text());
    let gone = world.send(request(Method::DELETE, &path, &as_user(BOB), Body::empty())).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text());
    // A reader reads, and changes nothing.
    let viewer = [("x-role", "viewer")];
    let gone = world.send(request(Method::DELETE, &path, &viewer, Body::empty())).await;
    assert_eq!(gone.status, StatusCode::FORBIDDEN, "{}", gone.text());
    let form = Form::new().file("file", "x.png", "image/png", b"mine now");
    assert_eq!(world.send(form.request(Method::PUT, &path, &viewer)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(&world.get(&path, &as_user(ALICE)).await.body[..], &png.get_ref()[..], "it is as it was");
    assert_eq!(world.settled().await, 1);
}

/// Presigned URLs: for the one file, for reading, until they expire.
#[tokio::test(flavor = "multi_thread")]
async fn presigned_urls_open_nothing_else() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", b"Hello, World!").await;
    let answer = world.get(&format!("{path}/presignedurl"), &as_user(ALICE)).await;
    let url = answer.json()["url"].as_str().unwrap().strip_prefix("http://storage.test").unwrap().to_owned();
    let (_, query) = url.split_once('?').unwrap();
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let answer = world.send(request(method.clone(), &url, &[], Body::empty())).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    for (from, to) in [
        ("X-Amz-Expires=30", "X-Amz-Expires=604800"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        ("X-Amz-Credential=nself", "X-Amz-Credential=other"),
    ] {
        let changed = url.replace(from, to);
        assert_ne!(changed, url, "{from}");
        assert_eq!(world.get(&changed, &[]).await.status, StatusCode::FORBIDDEN, "{changed}");
    }
    // Twice the same parameter, the second being the attacker's.
    let doubled = world.get(&format!("{url}&X-Amz-Expires=604800"), &[]).await;
    assert!(doubled.status.is_client_error(), "{}", doubled.text());
    // The query is nothing at the other routes.
    assert_eq!(world.get(&format!("{path}?{query}"), &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&url, &[]).await.text(), "Hello, World!");
}
