//! kill -9 between any two steps of export, import, reset and fresh seeds: old or new, and the same command goes on.

use std::{os::unix::process::ExitStatusExt, path::Path, process::Command, sync::Arc};

use database::{
    Options,
    data::{Format, export, import, reset},
    place::{Place, Tls},
    seed::{self, Seeds, Selection},
};
use project::{EnvName, Tier};
use testkit::TestDatabase;
use tokio_postgres::Client;

use crate::{
    data::{export as wanted, fingerprint, from},
    support::{Folder, allowed, text},
};

const ROOT: &str = "NSELF_TEST_ROOT";
const WORK: &str = "NSELF_TEST_WORK";
const CONNECTION: &str = "NSELF_TEST_CONNECTION";

/// Not a test of its own: the process that gets killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests of this file"]
async fn child() {
    let variable = |name| std::env::var(name).ok();
    let (Some(root), Some(work), Some(url)) = (variable(ROOT), variable(WORK), variable(CONNECTION)) else { return };
    work_at(&work, Path::new(&root), &url).await;
}

/// The same command, whether it is killed or not; what it did in a word.
async fn work_at(work: &str, root: &Path, url: &str) -> String {
    let config: tokio_postgres::Config = url.parse().unwrap();
    let place = Place::new(EnvName::dev(), Tier::Dev, config, Tls::disabled());
    let mut client: Client = place.connect().await.unwrap();
    let rows = root.join("rows");
    match work {
        "export" => {
            let export = wanted(Format::Ndjson, &rows);
            let report = export::run(&place, &export, &Arc::default(), &mut std::io::sink()).await.unwrap();
            format!("{} rows, {} kept", report.rows, report.kept)
        }
        "archive" => {
            let export = export::Export { force: true, ..wanted(Format::Parquet, &root.join("rows.tar.gz")) };
            let report = export::run(&place, &export, &Arc::default(), &mut std::io::sink()).await.unwrap();
            format!("{} rows, {} kept", report.rows, report.kept)
        }
        "import" => {
            let report = import::run(&mut client, &from(&rows), &mut |_| {}).await.unwrap();
            format!("{} tables, taken up: {}", report.tables.len(), report.taken_up)
        }
        "reset" => {
            reset::reset(&mut client, &[], &Options::default(), &allowed()).await.unwrap();
            String::new()
        }
        _ => {
            let seeds = Seeds::new(root, "nself/seeds", EnvName::dev(), Tier::Dev);
            let (options, all) = (Options::default(), Selection::All);
            seed::fresh(&mut client, &seeds, &all, &options, &allowed(), &mut |_| {}).await.unwrap();
            String::new()
        }
    }
}

fn die_at(point: &str, work: &str, folder: &Folder, database: &TestDatabase) {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "data_crash::child"])
        .env("NSELF_FAULT", point)
        .env(ROOT, folder.root())
        .env(WORK, work)
        .env(CONNECTION, database.url())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(6), "it aborts at {point}");
}

async fn filled(database: &TestDatabase) -> Client {
    let client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE users (id serial PRIMARY KEY, name text);
             CREATE TABLE posts (id serial PRIMARY KEY, author int REFERENCES users);
             INSERT INTO users (name) SELECT 'n' || i FROM generate_series(1, 100) i;
             INSERT INTO posts (author) SELECT i FROM generate_series(1, 100) i;",
        )
        .await
        .unwrap();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_on_where_it_was_killed() {
    let database = testkit::db().await;
    let _client = filled(&database).await;
    for point in ["export.begun", "export.before-rename", "export.table"] {
        let folder = Folder::new(&[]);
        die_at(point, "export", &folder, &database);
        let rows = folder.root().join("rows");
        for entry in std::fs::read_dir(&rows).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".ndjson") {
                let lines = std::fs::read_to_string(rows.join(&name)).unwrap().lines().count();
                assert_eq!(lines, 100, "{point}: a file that is there is whole");
            }
        }
        let said = work_at("export", folder.root(), &database.url()).await;
        assert!(said.starts_with("200 rows"), "{point}: {said}");
        let mut left: Vec<_> =
            std::fs::read_dir(&rows).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(
            left,
            ["manifest.json", "public.posts.ndjson", "public.users.ndjson"],
            "{point}: nothing else is left"
        );
    }
    let folder = Folder::new(&[("rows.tar.gz", "old")]);
    die_at("export.before-rename", "archive", &folder, &database);
    assert_eq!(std::fs::read_to_string(folder.root().join("rows.tar.gz")).unwrap(), "old");
    assert!(work_at("archive", folder.root(), &database.url()).await.starts_with("200 rows"));
    assert_eq!(std::fs::read_dir(folder.root()).unwrap().count(), 1, "no rows are left lying about");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_all_there_or_not_at_all() {
    let database = testkit::db().await;
    let client = filled(&database).await;
    let folder = Folder::new(&[]);
    work_at("export", folder.root(), &database.url()).await;
    let new = fingerprint(&client).await;
    client.batch_execute("TRUNCATE users, posts").await.unwrap();
    let old = fingerprint(&client).await;
    for point in ["import.batch", "import.table", "import.before-commit", "import.after-commit"] {
        client.batch_execute("TRUNCATE users, posts").await.unwrap();
        die_at(point, "import", &folder, &database);
        let committed = point == "import.after-commit";
        assert_eq!(fingerprint(&client).await, if committed { &new } else { &old }.as_str(), "{point}");
        let said = work_at("import", folder.root(), &database.url()).await;
        assert_eq!(said, format!("2 tables, taken up: {committed}"), "{point}");
        assert_eq!(fingerprint(&client).await, new, "{point}");
    }
    assert_eq!(text(&client, "SELECT count(*) FROM nself.imports").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_and_fresh_seeds_happen_or_do_not() {
    let database = testkit::db().await;
    let client = filled(&database).await;
    let folder = Folder::new(&[("nself/seeds/001_users.sql", "INSERT INTO users (name) VALUES ('seed');")]);
    let old = fingerprint(&client).await;
    for (point, work) in [
        ("seed.fresh.cleared", "fresh"),
        ("seed.inside", "fresh"),
        ("seed.fresh.before-commit", "fresh"),
        ("reset.before-commit", "reset"),
    ] {
        die_at(point, work, &folder, &database);
        assert_eq!(fingerprint(&client).await, old, "{point}");
    }
    work_at("fresh", folder.root(), &database.url()).await;
    assert_eq!(text(&client, "SELECT string_agg(id || name, ' ') FROM users").await, "1seed");
    work_at("reset", folder.root(), &database.url()).await;
    assert_eq!(text(&client, "SELECT count(*) FROM users").await, "0");
    assert_eq!(text(&client, "SELECT count(*) FROM nself.seeds").await, "0", "seeds count as new");
}
