//! What a process that dies, a disk that is full or a client that goes away leaves behind: nothing.

use std::io;
use std::path::Path;

use axum::body::Body;
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::process::Command;

use crate::support::{ALICE, Form, World, as_user, request, start};

/// The variables that tell [`a_process_to_kill`] where its database and folder are, and what to do.
const DATABASE: &str = "NSELF_TEST_VICTIM";
const FOLDER: &str = "NSELF_TEST_VICTIM_FOLDER";
const DEED: &str = "NSELF_TEST_VICTIM_DEED";

/// Not a test: what the tests below start and lose.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_to_kill() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let (folder, deed) = (std::env::var(FOLDER).unwrap(), std::env::var(DEED).unwrap());
    let pool = postgres::Pool::new(url.parse().unwrap(), 4);
    let handle = crate::support::start_on(pool, Path::new(&folder), |_| {}).await;
    let (method, path) = deed.split_once(' ').unwrap();
    let form = match method {
        "POST" => Form::new().file("file[]", "new.txt", "", b"new content"),
        "PUT" => Form::new().file("file", "new.txt", "", b"new content"),
        _ => Form::new(),
    };
    let request = form.request(method.parse().unwrap(), path, &as_user(ALICE));
    let response = tower::ServiceExt::oneshot(handle.router(), request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
}

impl World {
    /// Another process that does something to this world and is killed at a point.
    async fn lose(&self, deed: &str, point: &str) {
        let output = self.victim(deed, &[]).env("NSELF_FAULT", point).output().await.unwrap();
        let aborted = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(6);
        assert!(aborted, "{point} was not reached: {}", String::from_utf8_lossy(&output.stdout));
    }

    fn victim(&self, deed: &str, before: &[&str]) -> Command {
        let program = std::env::current_exe().unwrap();
        let words: Vec<&str> = before.iter().copied().chain([program.to_str().unwrap()]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["--exact", "faults::a_process_to_kill"]);
        command.env(DATABASE, self.database.url()).env(FOLDER, self.folder.path()).env(DEED, deed);
        command
    }

    /// Files in the folder that are not finished.
    fn unfinished(&self) -> usize {
        std::fs::read_dir(self.folder.path().join(".nself/unfinished")).map_or(0, Iterator::count)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_leaves_neither_bytes_nor_a_row() {
    let mut world = World::new().await;
    for point in ["storage.after-journal", "storage.before-bytes", "storage.after-bytes", "storage.after-row"] {
        world.lose("POST /v1/files", point).await;
        world.restart().await;
        assert_eq!((world.count("files").await, world.settled().await, world.unfinished()), (0, 0, 0), "{point}");
    }
    world.lose("POST /v1/files", "storage.after-upload").await;
    world.restart().await;
    assert_eq!((world.count("files").await, world.settled().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_replacement_leaves_the_old_file_or_the_new_one() {
    let mut world = World::new().await;
    let path = world.uploaded("old.txt", b"old").await;
    let deed = format!("PUT {path}");
    for (point, expected) in [
        ("storage.before-bytes", "old"),
        ("storage.after-bytes", "old"),
        ("storage.before-replaced", "old"),
        ("storage.after-replaced", "new content"),
    ] {
        world.lose(&deed, point).await;
        // Already before anything is swept.
        let answer = world.get(&path, &as_user(ALICE)).await;
        assert_eq!(
            (answer.text().as_str(), answer.header("content-length")),
            (expected, expected.len().to_string().as_str()),
            "{point}"
        );
        world.restart().await;
        assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), expected, "{point}");
        assert_eq!((world.settled().await, world.unfinished()), (1, 0), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_removal_leaves_the_file_or_nothing() {
    let mut world = World::new().await;
    let path = world.uploaded("old.txt", b"old").await;
    world.lose(&format!("DELETE {path}"), "storage.before-row-removed").await;
    world.restart().await;
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "old");
    assert_eq!(world.settled().await, 1);
    world.lose(&format!("DELETE {path}"), "storage.after-row-removed").await;
    world.restart().await;
    assert_eq!((world.count("files").await, world.settled().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_a_living_process_is_left_alone() {
    let world = World::new().await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    let bytes = futures::stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let files = world.handle.files().clone();
    let staging = tokio::spawn(async move { files.stage_stream("a.txt", 100, Box::pin(bytes)).await });
    sender.send(Ok(Bytes::from_static(b"first "))).await.unwrap();
    let other = start(&world.database, world.folder.path(), |options| options.instance = "another".to_owned()).await;
    sender.send(Ok(Bytes::from_static(b"second"))).await.unwrap();
    drop((sender, other));
    let staged = staging.await.unwrap().unwrap();
    assert_eq!(staged.size(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let world = World::new().await;
    let begin = "--b\r\nContent-Disposition: form-data; name=\"file[]\"; filename=\"a.txt\"\r\n\r\nhalf of it";
    let bytes = futures::stream::iter([Ok(Bytes::from(begin)), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let headers = [("x-role", "user"), ("x-user", ALICE), ("content-type", "multipart/form-data; boundary=b")];
    let answer = world.send(request(Method::POST, "/v1/files", &headers, Body::from_stream(bytes))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!((world.settled().await, world.count("files").await, world.unfinished()), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let mut world = World::new().await;
    let path = world.uploaded("old.txt", b"old").await;
    // Stands in for a disk: the system refuses to let a file grow beyond some bytes.
    let limit = ["env", "--ignore-signal=XFSZ", "prlimit", "--fsize=4"];
    for deed in ["POST /v1/files".to_owned(), format!("PUT {path}")] {
        let output = world.victim(&deed, &limit).env("RUST_BACKTRACE", "0").output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("507 Insufficient Storage"), "{said}");
    }
    // The process may have ended before it had removed what it had written.
    world.restart().await;
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "old");
    assert_eq!((world.settled().await, world.unfinished(), world.count("files").await), (1, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_nothing_half_done() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"old").await;
    let unlucky = [("x-role", "unlucky")];
    let form = Form::new().file("file[]", "a.txt", "", b"text");
    let answer = world.send(form.request(Method::POST, "/v1/files", &unlucky)).await;
    assert_eq!((answer.status, world.count("files").await), (StatusCode::SERVICE_UNAVAILABLE, 1));
    assert_eq!(world.settled().await, 1);
    // The row has changed already: the file is the new one.
    let form = Form::new().file("file", "a.txt", "", b"new content");
    let answer = world.send(form.request(Method::PUT, &path, &unlucky)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "new content");
    assert_eq!(world.settled().await, 1);
    let answer = world.send(request(Method::DELETE, &path, &unlucky, Body::empty())).await;
    assert_eq!((answer.status, world.count("files").await), (StatusCode::SERVICE_UNAVAILABLE, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_another_process_has_given_up_is_refused() {
    let world = World::new().await;
    let path = world.uploaded("old.txt", b"old").await;
    let files = world.handle.files();
    let bytes = || futures::stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"new content"))]);
    let client = world.database.client().await;
    let stolen = "UPDATE storage.objects SET instance = 'another' WHERE state <> 'kept'";
    let admin = storage::Caller::admin();
    let new = storage::files::New {
        id: None,
        bucket: "default".to_owned(),
        name: "new.txt".to_owned(),
        mime_type: None,
        metadata: None,
    };
    let staged = files.stage_stream("new.txt", 100, bytes()).await.unwrap();
    client.batch_execute(stolen).await.unwrap();
    let refused = files.insert(&admin, new, staged).await.unwrap_err();
    assert_eq!((refused.status, world.count("files").await), (StatusCode::SERVICE_UNAVAILABLE, 1));
    let staged = files.stage_stream("new.txt", 100, bytes()).await.unwrap();
    client.batch_execute(stolen).await.unwrap();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let refused = files.replace(&admin, id, storage::files::Change::default(), staged).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "old");
}
