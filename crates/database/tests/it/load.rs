//! Dumps and loading them, on a real server.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use database::{
    Error, dump,
    load::{self, Dump, Way},
    programs::Programs,
};
use project::Diagnostic;
use testkit::TestDatabase;

use crate::{clone::place, support::text};

const FILE: &str = "NSELF_TEST_FILE";
const TO: &str = "NSELF_TEST_TO";

fn programs() -> Programs {
    Programs::find(&postgres::Wanted::default(), 0).unwrap()
}

async fn shop() -> TestDatabase {
    let database = testkit::db().await;
    let sql = "CREATE TABLE parents (id serial PRIMARY KEY, name text);
               CREATE TABLE \"Child ren\" (id int PRIMARY KEY, parent int REFERENCES parents);
               INSERT INTO parents (name) SELECT E'n\\t' || g FROM generate_series(1, 50) g;
               INSERT INTO \"Child ren\" SELECT g, g FROM generate_series(1, 50) g;";
    database.client().await.batch_execute(sql).await.unwrap();
    database
}

const STATE: &str = "SELECT (SELECT count(*) || min(name) FROM parents) || (SELECT count(*) FROM \"Child ren\")";

async fn write(database: &TestDatabase, file: &Path, part: dump::Part) -> dump::Dumped {
    let wanted = dump::Wanted { part, tables: Vec::new(), format: dump::Format::of(file) };
    dump::write(&place(database), &programs(), &wanted, file, |_| {}).await.unwrap()
}

async fn read(database: &TestDatabase, file: &Path, way: Way) -> Result<load::Loaded, Error> {
    let dump = Dump::open(file)?;
    let (place, programs) = (place(database), programs());
    let plan = load::plan(&place, &programs, &dump, way).await?;
    load::load(&place, &programs, &dump, &plan, 2).await
}

#[tokio::test]
async fn every_kind_of_dump_brings_the_database_back() {
    let folder = tempfile::tempdir().unwrap();
    let from = shop().await;
    for name in ["deep/er/a.dump", "a.sql", "a.sql.gz"] {
        let file = folder.path().join(name);
        let dumped = write(&from, &file, dump::Part::Everything).await;
        assert_eq!(dumped.bytes, file.metadata().unwrap().len());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        let to = testkit::db().await;
        // Empty, then with rows that are not the dump's.
        for _ in 0..2 {
            let loaded = read(&to, &file, Way::Fitting).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(loaded.replaced && loaded.tables == 2, "{name}: {loaded:?}");
            let client = to.client().await;
            assert_eq!(text(&client, STATE).await, "50n\t150", "{name}");
            assert_eq!(text(&client, "SELECT nextval('parents_id_seq')").await, "51", "{name}");
            client.batch_execute("DELETE FROM \"Child ren\"; UPDATE parents SET name = 'x'").await.unwrap();
        }
    }
    let zstd = folder.path().join("a.sql.zst");
    std::fs::write(&zstd, zstd::encode_all(&*std::fs::read(folder.path().join("a.sql")).unwrap(), 1).unwrap()).unwrap();
    assert!(read(&from, &zstd, Way::Fitting).await.unwrap().replaced);
    let left: Vec<PathBuf> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.to_string_lossy().contains("unfinished")), "{left:?}");
}

#[tokio::test]
async fn nothing_is_lost_that_nobody_gave_up() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, schema, rows) =
        (folder.path().join("w.dump"), folder.path().join("s.sql"), folder.path().join("r.dump"));
    let from = shop().await;
    write(&from, &whole, dump::Part::Everything).await;
    write(&from, &schema, dump::Part::Schema).await;
    write(&from, &rows, dump::Part::Data).await;
    let to = shop().await;
    let client = to.client().await;
    client.batch_execute("CREATE TABLE mine (id int); UPDATE parents SET name = 'x'").await.unwrap();
    // It has a table that the dump does not have; and rows that a dump without rows would take away.
    for (file, word) in [(&whole, "mine"), (&schema, "mine")] {
        let error = read(&to, file, Way::Fitting).await.unwrap_err();
        assert_eq!(error.code(), "NS-DB-047");
        assert!(error.why().unwrap().contains(word), "{:?}", error.why());
    }
    client.batch_execute("DROP TABLE mine").await.unwrap();
    let error = read(&to, &schema, Way::Fitting).await.unwrap_err();
    assert!(error.why().unwrap().contains("no rows"), "{:?}", error.why());
    // Added to what is there: the tables are there already, so nothing happens.
    let error = read(&to, &whole, Way::Add).await.unwrap_err();
    assert_eq!(error.code(), "NS-DB-045", "{error:?}");
    assert_eq!(text(&client, STATE).await, "50x50");
    client.batch_execute("TRUNCATE parents, \"Child ren\"").await.unwrap();
    let loaded = read(&to, &rows, Way::Fitting).await.unwrap();
    assert!(!loaded.replaced);
    assert_eq!(text(&client, STATE).await, "50n\t150");
    // A second time the keys are there: none of it.
    assert_eq!(read(&to, &rows, Way::Fitting).await.unwrap_err().code(), "NS-DB-045");
    assert_eq!(text(&client, STATE).await, "50n\t150");
    // Beside other tables, where nothing has the same name.
    let other = testkit::db().await;
    other.client().await.batch_execute("CREATE TABLE mine (id int)").await.unwrap();
    assert!(!read(&other, &schema, Way::Fitting).await.unwrap().replaced);
    assert_eq!(text(&other.client().await, "SELECT to_regclass('mine') IS NOT NULL").await, "true");
    assert!(read(&to, &schema, Way::Replace).await.unwrap().replaced);
    assert_eq!(text(&to.client().await, "SELECT count(*) FROM parents").await, "0");
}

#[tokio::test]
async fn what_is_no_dump_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let to = shop().await;
    let file = folder.path().join("x");
    for text in [
        "PGDMPnonsense",
        "CREATE TABLE parents (id int);\nINSERT INTO parents VALUES (1); SELECT nonsense;",
        "CREATE DATABASE other;\n\\connect other\nCREATE TABLE parents (id int);",
    ] {
        std::fs::write(&file, text).unwrap();
        let error = read(&to, &file, Way::Replace).await.unwrap_err();
        assert!(["NS-DB-045", "NS-DB-047"].contains(&error.code()), "{text}: {error:?}");
    }
    assert_eq!(text(&to.client().await, STATE).await, "50n\t150");
    // A dump that was cut off.
    let whole = folder.path().join("w.dump");
    write(&to, &whole, dump::Part::Everything).await;
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&whole, &bytes[..bytes.len() - 200]).unwrap();
    read(&to, &whole, Way::Fitting).await.unwrap_err();
    assert_eq!(text(&to.client().await, STATE).await, "50n\t150");
}

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the tests of this file"]
async fn child() {
    let (Ok(file), Ok(to)) = (std::env::var(FILE), std::env::var(TO)) else { return };
    let place = crate::clone::at(&to);
    let dump = Dump::open(Path::new(&file)).unwrap();
    let plan = load::plan(&place, &programs(), &dump, Way::Replace).await.unwrap();
    load::load(&place, &programs(), &dump, &plan, 2).await.unwrap();
}

#[tokio::test]
async fn a_killed_load_leaves_the_old_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.dump");
    write(&shop().await, &file, dump::Part::Everything).await;
    for (point, new) in [
        ("scratch.made", false),
        ("load.restored", false),
        ("scratch.before-swap", false),
        ("scratch.after-swap", true),
    ] {
        let to = testkit::db().await;
        to.client().await.batch_execute("CREATE TABLE old (id int)").await.unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "load::child"])
            .env("NSELF_FAULT", point)
            .env(FILE, &file)
            .env(TO, to.url());
        let output = command.output().unwrap();
        assert_eq!(output.status.signal(), Some(6), "{point}: {}", String::from_utf8_lossy(&output.stderr));
        let client = to.client().await;
        let state = "SELECT (to_regclass('old') IS NULL) || ' ' || (to_regclass('parents') IS NOT NULL)";
        assert_eq!(text(&client, state).await, format!("{new} {new}"), "{point}");
    }
}
