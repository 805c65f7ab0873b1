use std::io::Cursor;

use http::{Method, StatusCode};
use image::{ImageFormat, Rgb, RgbImage};

use crate::support::{ALICE, BOB, Form, World, as_user};

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, 128]));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_made_smaller_and_into_other_formats() {
    let world = World::new().await;
    let file = world.upload("photo.png", &png(80, 40)).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let plain = world.get(&path, &as_user(ALICE)).await;
    assert_eq!(plain.header("content-type"), "image/png");

    let small = world.get(&format!("{path}?w=20"), &as_user(ALICE)).await;
    assert_eq!(small.status, StatusCode::OK, "{}", small.text());
    assert_eq!(small.header("content-type"), "image/png");
    assert_eq!(small.header("content-disposition"), "inline; filename=\"photo.png\"");
    assert_eq!(small.header("content-length"), small.body.len().to_string());
    assert_eq!(small.header("etag"), file["etag"].as_str().unwrap());
    assert_eq!(image::load_from_memory(&small.body).unwrap().width(), 20);

    let webp = world.get(&format!("{path}?w=20&f=webp&q=60"), &as_user(ALICE)).await;
    assert_eq!(webp.header("content-type"), "image/webp");
    assert_eq!(webp.header("content-disposition"), "inline; filename=\"photo.png.webp\"");
    assert_eq!(image::guess_format(&webp.body).unwrap(), ImageFormat::WebP);
    assert!(webp.headers.get("vary").is_none());

    let head = world.send(crate::support::request(
        Method::HEAD,
        &format!("{path}?w=20&f=webp&q=60"),
        &as_user(ALICE),
        axum::body::Body::empty(),
    ));
    let head = head.await;
    assert_eq!(head.header("content-length"), webp.body.len().to_string());
    assert!(head.body.is_empty());

    let [role, user] = as_user(ALICE);
    let part = world.get(&format!("{path}?w=20&f=webp&q=60"), &[role, user, ("range", "bytes=0-3")]).await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &b"RIFF"[..]));
    let etag = file["etag"].as_str().unwrap();
    let same = world.get(&format!("{path}?w=20"), &[role, user, ("if-none-match", etag)]).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);

    let auto = world.get(&format!("{path}?f=auto"), &[role, user, ("accept", "image/webp,*/*")]).await;
    assert_eq!((auto.header("content-type"), auto.header("vary")), ("image/webp", "accept"));
    let auto = world.get(&format!("{path}?f=auto"), &[role, user, ("accept", "*/*")]).await;
    assert_eq!((auto.header("content-type"), auto.header("vary")), ("image/png", "accept"));
    assert_eq!(auto.body, plain.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_content_makes_new_pictures() {
    let world = World::new().await;
    let file = world.upload("photo.png", &png(80, 40)).await;
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    let height = |body: &[u8]| image::load_from_memory(body).unwrap().height();
    assert_eq!(height(&world.get(&format!("{path}?w=20"), &as_user(ALICE)).await.body), 10);
    let form = Form::new().file("file", "photo.png", "image/png", &png(40, 40));
    assert_eq!(world.send(form.request(Method::PUT, &path, &as_user(ALICE))).await.status, StatusCode::OK);
    assert_eq!(height(&world.get(&format!("{path}?w=20"), &as_user(ALICE)).await.body), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_refused() {
    let world = World::new().await;
    let text = world.upload("notes.txt", b"some text").await;
    let answer = world.get(&format!("/files/{}?w=20", text["id"].as_str().unwrap()), &as_user(ALICE)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.error(), "image manipulation features are not supported for 'text/plain; charset=utf-8'");

    let form = Form::new().file("file[]", "fake.png", "image/png", b"no picture");
    let fake = world.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await.json();
    let path = format!("/v1/files/{}", fake["processedFiles"][0]["id"].as_str().unwrap());
    let answer = world.get(&format!("{path}?w=20"), &as_user(ALICE)).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "the file is not a valid image"));

    let photo = world.upload("photo.png", &png(8, 8)).await;
    let path = format!("/v1/files/{}", photo["id"].as_str().unwrap());
    let answer = world.get(&format!("{path}?w=99999"), &as_user(ALICE)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    // A picture that was made for Alice is not Bob's.
    assert_eq!(world.get(&format!("{path}?w=4"), &as_user(ALICE)).await.status, StatusCode::OK);
    assert_eq!(world.get(&format!("{path}?w=4"), &as_user(BOB)).await.status, StatusCode::NOT_FOUND);
}
