//! A file's size is not the service's memory.

use std::path::Path;

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::process::Command;
use tower::ServiceExt;

use crate::support::{ALICE, World, as_user, request, start_on};

const DATABASE: &str = "NSELF_TEST_LARGE";
const FOLDER: &str = "NSELF_TEST_LARGE_FOLDER";
const SIZE: usize = 384 << 20;
const CHUNK: usize = 256 << 10;

/// Not a test: a process of its own, whose memory nothing else uses. Uploads and downloads a large file.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_to_measure() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let pool = postgres::Pool::new(url.parse().unwrap(), 4);
    let handle = start_on(pool.clone(), Path::new(&std::env::var(FOLDER).unwrap()), |_| {}).await;
    let limit = "UPDATE storage.buckets SET max_upload_file_size = 1 << 30";
    pool.get().await.unwrap().batch_execute(limit).await.unwrap();
    let before = peak();
    let head = "--b\r\nContent-Disposition: form-data; name=\"file[]\"; filename=\"a.bin\"\r\n\r\n";
    let middle = stream::repeat_with(|| Bytes::from(vec![7; CHUNK])).take(SIZE / CHUNK);
    let parts = stream::iter([Bytes::from(head)]).chain(middle).chain(stream::iter([Bytes::from("\r\n--b--\r\n")]));
    let mut headers = as_user(ALICE).to_vec();
    headers.push(("content-type", "multipart/form-data; boundary=b"));
    let body = Body::from_stream(parts.map(Ok::<_, std::io::Error>));
    let answer = handle.router().oneshot(request(Method::POST, "/v1/files", &headers, body)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer = answer.into_body().collect().await.unwrap().to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let path = format!("/v1/files/{}", answer["processedFiles"][0]["id"].as_str().unwrap());
    let answer = handle.router().oneshot(request(Method::GET, &path, &headers, Body::empty())).await.unwrap();
    let count = |count, bytes: Bytes| std::future::ready(Ok(count + bytes.len()));
    assert_eq!(answer.into_body().into_data_stream().try_fold(0, count).await.unwrap(), SIZE);
    let used = peak() - before;
    assert!(used < 48 << 20, "{} MiB for a file of {} MiB", used >> 20, SIZE >> 20);
}

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_takes_little_memory() {
    let world = World::new().await;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "memory::a_process_to_measure"]);
    let output = command.env(DATABASE, world.database.url()).env(FOLDER, world.folder.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
