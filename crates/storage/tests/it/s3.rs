//! The S3 endpoint, as boto3 uses it.

use std::process::Command;

use project::Secret;
use storage::S3Keys;

use crate::clouds::install;
use crate::support::{World, start};

/// Serves a router on a port of its own.
pub async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Runs a script of a client and waits for it.
pub async fn run(mut command: Command) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}", said.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_finds_an_s3() {
    let world = World::new().await;
    let handle = start(&world.database, world.folder.path(), |options| {
        let secret_key = Secret::new("a-secret-key".to_owned());
        let (access_key, region) = ("an-access-key".to_owned(), "us-east-1".to_owned());
        options.s3 = Some(S3Keys { access_key, secret_key, region });
        options.instance = "s3".to_owned();
    })
    .await;
    let url = serve(handle.s3_router().unwrap()).await;
    let mut python = install::python_script(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/s3.py"));
    python.args([&url, "an-access-key", "a-secret-key"]);
    run(python).await;
    // Everything was deleted; that the bytes of what failed go is not waited for by anybody.
    for _ in 0..100 {
        if world.objects().is_empty() && world.count("parts").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!((world.objects().len(), world.count("files").await, world.count("objects").await), (0, 0, 0));
    assert_eq!(world.count("parts").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_there_is_no_endpoint() {
    assert!(World::new().await.handle.s3_router().is_none());
}
