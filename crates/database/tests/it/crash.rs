//! kill -9 between any two steps: this test binary starts itself, aborts at a fault point, and then looks at what is left.

use std::{os::unix::process::ExitStatusExt, process::Command};

use database::migrate::Sources;
use testkit::TestDatabase;

use crate::support::{Folder, down, has, states, up};

const ROOT: &str = "NSELF_TEST_ROOT";
const UNDO: &str = "NSELF_TEST_UNDO";
const CONNECTION: &str = "NSELF_TEST_CONNECTION";

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the other tests of this file"]
async fn child() {
    let (Ok(root), Ok(url)) = (std::env::var(ROOT), std::env::var(CONNECTION)) else { return };
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let sources = Sources::new(root, "nself/migrations");
    if std::env::var_os(UNDO).is_some() {
        down(&mut client, &sources, 1).await.unwrap();
    } else {
        up(&mut client, &sources).await.unwrap();
    }
}

fn die_at(point: &str, folder: &Folder, database: &TestDatabase) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if point.starts_with("rollback") {
        command.env(UNDO, "1");
    }
    let status = command
        .args(["--ignored", "--exact", "crash::child"])
        .env("NSELF_FAULT", point)
        .env(ROOT, folder.root())
        .env(CONNECTION, database.url())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(6), "it aborts at {point}");
}

#[tokio::test]
async fn a_migration_is_there_with_its_record_or_not_at_all() {
    for point in
        ["migrate.before-table", "migrate.inside", "migrate.before-commit", "migrate.after-commit", "migrate.between"]
    {
        let database = testkit::db().await;
        let folder = Folder::new(&[
            ("nself/migrations/001_a.sql", "CREATE TABLE a (id int);\nCREATE TABLE a2 (id int);"),
            ("nself/migrations/002_b.sql", "CREATE TABLE b (id int);"),
        ]);
        die_at(point, &folder, &database);
        let mut client = database.client().await;
        let sources = folder.sources();
        // The killed session's locks go when the server notices; `up` waits for its turn.
        let before = states(&client, &sources).await;
        assert_eq!(before[0] == "001_a: applied", has(&client, "a2").await, "{point}");
        assert_eq!(before[1], "002_b: pending", "{point}");
        up(&mut client, &sources).await.unwrap();
        assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: applied"], "{point}");
        assert!(has(&client, "a2").await && has(&client, "b").await, "{point}");
    }
}

#[tokio::test]
async fn a_crash_outside_a_transaction_shows_as_half_way() {
    for point in ["migrate.started", "migrate.inside"] {
        let database = testkit::db().await;
        let folder =
            Folder::new(&[("nself/migrations/001_a.sql", "-- nself: no-transaction\nCREATE TABLE a (id int);")]);
        die_at(point, &folder, &database);
        let client = database.client().await;
        assert_eq!(states(&client, &folder.sources()).await, ["001_a: half-way"], "{point}");
    }
}

#[tokio::test]
async fn a_rollback_is_done_with_its_record_or_not_at_all() {
    let database = testkit::db().await;
    let folder =
        Folder::new(&[("nself/migrations/001_a.sql", "-- UP\nCREATE TABLE a (id int);\n-- DOWN\nDROP TABLE a;")]);
    let mut client = database.client().await;
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap();
    die_at("rollback.before-commit", &folder, &database);
    assert!(has(&client, "a").await);
    assert_eq!(states(&client, &sources).await, ["001_a: applied"]);
    down(&mut client, &sources, 1).await.unwrap();
    assert!(!has(&client, "a").await);
}
