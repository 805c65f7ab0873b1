//! kill -9 between any two steps: this test binary starts itself, aborts at a fault point, and then looks at what is left.

use std::{os::unix::process::ExitStatusExt, path::Path, process::Command};

use database::{
    Options,
    migrate::Sources,
    seed::{self, Seeds, Selection},
};
use project::{EnvName, Tier};
use testkit::TestDatabase;

use crate::support::{Folder, down, has, states, text, up};

const ROOT: &str = "NSELF_TEST_ROOT";
const UNDO: &str = "NSELF_TEST_UNDO";
const SEED: &str = "NSELF_TEST_SEED";
const CONNECTION: &str = "NSELF_TEST_CONNECTION";

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the other tests of this file"]
async fn child() {
    let (Ok(root), Ok(url)) = (std::env::var(ROOT), std::env::var(CONNECTION)) else { return };
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    if std::env::var_os(SEED).is_some() {
        fill(&mut client, Path::new(&root)).await;
        return;
    }
    let sources = Sources::new(root, "nself/migrations");
    if std::env::var_os(UNDO).is_some() {
        down(&mut client, &sources, 1).await.unwrap();
    } else {
        up(&mut client, &sources).await.unwrap();
    }
}

/// Runs the seeds of `root`; how many ran.
async fn fill(client: &mut tokio_postgres::Client, root: &Path) -> usize {
    let seeds = Seeds::new(root, "nself/seeds", EnvName::parse("dev").unwrap(), Tier::Dev);
    let ran = seed::run(client, &seeds, &Selection::All, false, &Options::default(), &mut |_| {}).await;
    ran.unwrap().ran.len()
}

fn die_at(point: &str, folder: &Folder, database: &TestDatabase) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if point.starts_with("rollback") {
        command.env(UNDO, "1");
    }
    if point.starts_with("seed") {
        command.env(SEED, "1");
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

#[tokio::test]
async fn a_seed_is_there_with_its_record_or_not_at_all() {
    let database = testkit::db().await;
    let folder = Folder::new(&[("nself/seeds/001_a.sql", "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);")]);
    let mut client = database.client().await;
    client.batch_execute("CREATE TABLE a (id int)").await.unwrap();
    die_at("seed.before-commit", &folder, &database);
    assert_eq!(text(&client, "SELECT count(*) FROM a").await, "0");
    assert_eq!(fill(&mut client, folder.root()).await, 1, "it has not run yet");
    assert_eq!(text(&client, "SELECT count(*) FROM a").await, "2");
    assert_eq!(fill(&mut client, folder.root()).await, 0);
}
