//! The process ends between two durable steps, as in a power cut; the next start finds nothing or everything.

use std::path::Path;
use std::process::Command;

use postgres::Origin;

use crate::harness::{Server, cluster, connect, folder, value};

/// Runs [`prepare_here`] in a process that ends itself at `point`.
fn prepare_until(point: &str, folder: &Path) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::prepare_here", "--ignored", "--nocapture"])
        .env("NSELF_FAULT", point)
        .env("NSELF_TEST_FOLDER", folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "it aborted at {point}: {status}");
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn prepare_here() {
    let folder = std::env::var("NSELF_TEST_FOLDER").unwrap();
    let mut cluster = cluster(Path::new(&folder));
    cluster.templates = Some(Path::new(&folder).join("templates"));
    cluster.prepare().unwrap();
}

async fn survives(point: &str, there: bool) {
    let folder = folder();
    prepare_until(point, folder.path());
    let mut cluster = cluster(folder.path());
    cluster.templates = Some(folder.path().join("templates"));
    assert_eq!(cluster.data_dir.exists(), there, "{point}");
    let origin = cluster.prepare().unwrap().origin;
    assert_eq!(origin == Origin::Existing, there, "{point}");
    let _server = Server::start(&cluster).await;
    let client = connect(&cluster, "postgres").await;
    assert_eq!(value(&client, "SHOW data_checksums").await, "on");
    assert!(!folder.path().join("data.partial").exists(), "{point}");
}

#[tokio::test]
async fn while_the_template_is_made() {
    survives("postgres.template-made", false).await;
}

#[tokio::test]
async fn after_the_copy() {
    survives("postgres.copied", false).await;
}

#[tokio::test]
async fn before_the_rename() {
    survives("postgres.synced", false).await;
}

#[tokio::test]
async fn after_the_rename() {
    survives("postgres.renamed", true).await;
}
