//! Migrations that cannot be one transaction, killed between any two steps: the same command goes on, and does nothing twice.

use std::{os::unix::process::ExitStatusExt, process::Command, time::Duration};

use database::{
    Options,
    migrate::{Back, Event, Runner, Sources, State, Target},
};
use testkit::TestDatabase;

use crate::support::{Folder, allowed, down, has, states, status, text, up};

const ROOT: &str = "NSELF_TEST_ROOT";
const WORK: &str = "NSELF_TEST_WORK";
const CONNECTION: &str = "NSELF_TEST_CONNECTION";

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the other tests of this file"]
async fn child() {
    let (Ok(root), Ok(url)) = (std::env::var(ROOT), std::env::var(CONNECTION)) else { return };
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let sources = Sources::new(&root, "nself/migrations");
    let mut events = |_: &Event<'_>| {};
    let mut runner = Runner { sources: &sources, options: Options::default(), backup: None, events: &mut events };
    match std::env::var(WORK).unwrap().as_str() {
        "up" => drop(runner.up(&mut client, &Target::Everything).await.unwrap()),
        "down" => drop(runner.rollback(&mut client, &Back::Steps(1), &allowed()).await.unwrap()),
        "redo" => drop(runner.redo(&mut client, 2, &allowed()).await.unwrap()),
        "fresh" => drop(runner.fresh(&mut client, &allowed()).await.unwrap()),
        "baseline" => {
            drop(database::migrate::baseline(&mut client, &sources, None, &Options::default()).await.unwrap());
        }
        "squash" => {
            let attic = std::path::Path::new(&root).join("attic");
            let now = "2026-02-03T04:05:06Z".parse().unwrap();
            drop(database::migrate::squash(&sources, &Default::default(), "all", &attic, now).unwrap());
        }
        other => panic!("no work {other}"),
    }
}

/// Whether the process died at the point; false when it never came there and ended well.
fn dies_at(point: &str, work: &str, folder: &Folder, database: &TestDatabase) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "journal::child"])
        .env("NSELF_FAULT", point)
        .env(WORK, work)
        .env(ROOT, folder.root())
        .env(CONNECTION, database.url())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success() || status.signal() == Some(6), "{work} at {point}: {status}");
    !status.success()
}

const MIXED: &str = "-- UP
SET search_path = shop, public;
INSERT INTO log VALUES ('first');
CREATE INDEX CONCURRENTLY orders_at ON orders (at);
CREATE INDEX CONCURRENTLY ON orders (total);
BEGIN;
INSERT INTO log VALUES ('block');
ALTER TABLE orders ADD COLUMN note text;
COMMIT;
VACUUM orders;
REINDEX TABLE CONCURRENTLY orders;
ALTER TABLE parts DETACH PARTITION part CONCURRENTLY;
DROP INDEX CONCURRENTLY orders_at;
INSERT INTO log VALUES ('last');

-- DOWN
SET search_path = shop, public;
INSERT INTO log VALUES ('down');
CREATE INDEX CONCURRENTLY orders_at ON orders (at);
VACUUM orders;
DELETE FROM log WHERE word = 'down';
";

const SETUP: &str = "CREATE SCHEMA shop;
CREATE TABLE shop.orders (at timestamptz, total int);
INSERT INTO shop.orders SELECT now(), n FROM generate_series(1, 1000) n;
CREATE TABLE shop.log (word text);
CREATE TABLE shop.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE shop.part PARTITION OF shop.parts FOR VALUES FROM (0) TO (10);";

#[tokio::test]
async fn killed_between_any_two_steps_it_goes_on() {
    let mut died = 0;
    let points =
        ["begun", "ran", "done"].iter().flat_map(|what| (1..=12).map(move |step| format!("step-{what}.{step}")));
    for point in ["started", "steps-done"].map(str::to_owned).into_iter().chain(points) {
        let point = format!("migrate.{point}");
        let database = testkit::db().await;
        let folder = Folder::new(&[("nself/migrations/001_a.sql", SETUP), ("nself/migrations/002_b.sql", MIXED)]);
        let died_here = dies_at(&point, "up", &folder, &database);
        died += usize::from(died_here);
        let mut client = database.client().await;
        let sources = folder.sources();
        if died_here {
            let entry = &status(&client, &sources).await.migrations[1];
            assert_eq!(entry.state, State::HalfWay, "{point}");
            assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_b"], "{point}");
        }
        assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: applied"], "{point}");
        assert_eq!(text(&client, "SELECT string_agg(word, ' ') FROM shop.log").await, "first block last", "{point}");
        let indexes = "SELECT string_agg(c.relname || i.indisvalid, ' ' ORDER BY 1) FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'shop.orders'::regclass";
        assert_eq!(text(&client, indexes).await, "orders_total_idxtrue", "{point}");
        assert_eq!(
            text(&client, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'shop.parts'::regclass").await,
            "0"
        );
        assert_eq!(text(&client, "SELECT count(*) FROM nself.migration_steps").await, "0", "{point}");
    }
    assert!(died > 20, "it died {died} times only");
}

#[tokio::test]
async fn killed_on_the_way_down_it_goes_on_downwards() {
    let mut died = 0;
    let points =
        ["begun", "ran", "done"].iter().flat_map(|what| (1..=5).map(move |step| format!("step-{what}.{step}")));
    for point in points.chain(["started".to_owned(), "steps-done".to_owned()]) {
        let point = format!("migrate.{point}");
        let database = testkit::db().await;
        let folder = Folder::new(&[("nself/migrations/001_a.sql", SETUP), ("nself/migrations/002_b.sql", MIXED)]);
        let mut client = database.client().await;
        let sources = folder.sources();
        up(&mut client, &sources).await.unwrap();
        if dies_at(&point, "down", &folder, &database) {
            died += 1;
            let entry = status(&client, &sources).await.migrations.remove(1);
            assert_eq!(entry.fix.as_deref(), Some("nself db migrate:rollback"), "{point}");
            let error = up(&mut client, &sources).await.unwrap_err();
            assert_eq!(project::Diagnostic::code(&error), "NS-DB-032", "{point}");
            assert_eq!(down(&mut client, &sources, 1).await.unwrap(), ["002_b"], "{point}");
        }
        assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: pending"], "{point}");
        assert!(has(&client, "shop.orders_at").await, "{point}");
        assert_eq!(text(&client, "SELECT count(*) FROM shop.log WHERE word = 'down'").await, "0", "{point}");
    }
    assert!(died > 8, "it died {died} times only");
}

#[tokio::test]
async fn an_index_that_could_not_be_built_is_built_anew() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1);"),
        ("nself/migrations/002_b.sql", "CREATE UNIQUE INDEX CONCURRENTLY ON a (id);"),
    ]);
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap_err();
    assert_eq!(text(&client, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, "1");
    client.batch_execute("DELETE FROM a WHERE ctid = '(0,1)'").await.unwrap();
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_b"]);
    assert_eq!(
        text(&client, "SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ',') FROM pg_index WHERE indrelid = 'a'::regclass")
            .await,
        "a_id_idx true"
    );
}

#[tokio::test]
async fn code_that_was_interrupted_is_for_a_person_to_judge() {
    use database::migrate::{Repair, repair};
    for (how, times) in [(Repair::StepDone, "1"), (Repair::StepAgain, "2")] {
        let database = testkit::db().await;
        let folder = Folder::new(&[
            (
                "nself/migrations/001_a.sql",
                "CREATE TABLE a (id int);
                 CREATE PROCEDURE add() LANGUAGE plpgsql AS 'BEGIN INSERT INTO a VALUES (1); COMMIT; END';",
            ),
            ("nself/migrations/002_b.sql", "-- nself: no-transaction\nCALL add();\nCREATE TABLE b ();"),
        ]);
        assert!(dies_at("migrate.step-ran.1", "up", &folder, &database));
        let mut client = database.client().await;
        let sources = folder.sources();
        let error = up(&mut client, &sources).await.unwrap_err();
        assert_eq!(project::Diagnostic::code(&error), "NS-DB-030");
        assert!(error.to_string().contains("002_b.sql:2"), "{error}");
        repair(&mut client, &sources, "002", how, &Options::default()).await.unwrap();
        up(&mut client, &sources).await.unwrap();
        assert_eq!(text(&client, "SELECT count(*) FROM a").await, times);
        assert!(has(&client, "b").await);
    }
}

#[tokio::test]
async fn a_lock_that_comes_late_is_asked_for_again() {
    for sql in ["ALTER TABLE a ADD COLUMN b int;", "-- nself: no-transaction\nALTER TABLE a ADD COLUMN b int;"] {
        let database = testkit::db().await;
        let (mut client, other) = (database.client().await, database.client().await);
        other.batch_execute("CREATE TABLE a (id int)").await.unwrap();
        other.batch_execute("BEGIN; LOCK TABLE a").await.unwrap();
        let folder = Folder::new(&[("nself/migrations/001_a.sql", sql)]);
        let sources = folder.sources();
        // The third try finds the table free: told by the second refusal, nothing waits for a clock.
        let (said, heard) = tokio::sync::oneshot::channel::<()>();
        let mut said = Some(said);
        let mut waits = 0;
        let mut events = |event: &Event<'_>| {
            if matches!(event, Event::Waiting { .. }) {
                waits += 1;
                if waits == 2 {
                    let _ = said.take().unwrap().send(());
                }
            }
        };
        let options = Options { lock_timeout: Duration::from_millis(100), lock_retries: 50, ..Options::default() };
        let mut runner = Runner { sources: &sources, options, backup: None, events: &mut events };
        let free = async {
            heard.await.unwrap();
            other.batch_execute("COMMIT").await.unwrap();
        };
        let (applied, ()) = tokio::join!(runner.up(&mut client, &Target::Everything), free);
        assert_eq!(applied.unwrap().len(), 1);
        assert!(waits >= 2);
    }
}

#[tokio::test]
async fn waiting_for_the_next_try_can_be_cancelled() {
    let database = testkit::db().await;
    let (mut client, other) = (database.client().await, database.client().await);
    other.batch_execute("CREATE TABLE a (id int)").await.unwrap();
    other.batch_execute("BEGIN; LOCK TABLE a").await.unwrap();
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "ALTER TABLE a ADD COLUMN b int;")]);
    let sources = folder.sources();
    let (said, heard) = tokio::sync::oneshot::channel::<()>();
    let mut said = Some(said);
    let mut events = |_: &Event<'_>| {
        if let Some(said) = said.take() {
            said.send(()).unwrap();
        }
    };
    let options = Options { lock_timeout: Duration::from_millis(50), lock_retries: 1000, ..Options::default() };
    let mut runner = Runner { sources: &sources, options, backup: None, events: &mut events };
    let token = client.cancel_token();
    let cancel = async {
        heard.await.unwrap();
        // One that comes between two statements goes nowhere.
        loop {
            token.cancel_query(tokio_postgres::NoTls).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let result = tokio::select! {
        result = runner.up(&mut client, &Target::Everything) => result,
        never = cancel => never,
    };
    let code = match result.unwrap_err() {
        database::Error::Statement(failure) => failure.sqlstate,
        database::Error::Database(error) => error.code().map(|code| code.code().to_owned()),
        other => panic!("{other}"),
    };
    assert_eq!(code.as_deref(), Some("57014"));
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_ended() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "CREATE TABLE a (); SELECT pg_sleep(60);")]);
    let sources = folder.sources();
    let options = Options { statement_timeout: Duration::from_millis(50), ..Options::default() };
    let run = database::migrate::migrate(&mut client, &sources, &Target::Everything, &options, &mut |_| {}).await;
    assert!(
        matches!(run.unwrap_err(), database::Error::Statement(failure) if failure.sqlstate.as_deref() == Some("57014"))
    );
    assert!(!has(&client, "a").await);
    assert_eq!(text(&client, "current_setting('statement_timeout')").await, "0");
}

/// Tables and records of two migrations that are one step down and up.
const PAIR: &[(&str, &str)] = &[
    ("nself/migrations/001_a.sql", "-- UP\nCREATE TABLE a (id int);\n-- DOWN\nDROP TABLE a;"),
    ("nself/migrations/002_b.sql", "-- UP\nCREATE TABLE b (id int);\n-- DOWN\nDROP TABLE b;"),
];

#[tokio::test]
async fn redo_and_fresh_and_baseline_are_all_or_nothing() {
    for (work, points) in [
        ("redo", &["redo.before-commit", "migrate.inside"][..]),
        ("fresh", &["fresh.before-commit", "migrate.inside"]),
        ("baseline", &["baseline.before-commit"]),
    ] {
        for point in points {
            let database = testkit::db().await;
            let folder = Folder::new(PAIR);
            let mut client = database.client().await;
            let sources = folder.sources();
            up(&mut client, &sources).await.unwrap();
            client.batch_execute("INSERT INTO a VALUES (1)").await.unwrap();
            if work == "baseline" {
                client.batch_execute("DELETE FROM nself.migrations").await.unwrap();
            }
            let before = states(&client, &sources).await;
            assert!(dies_at(point, work, &folder, &database), "{work} at {point}");
            assert_eq!(states(&client, &sources).await, before, "{work} at {point}");
            assert_eq!(text(&client, "SELECT count(*) FROM a").await, "1", "{work} at {point}");
            assert!(!dies_at("none", work, &folder, &database));
            assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: applied"]);
            let left = if work == "baseline" { "1" } else { "0" };
            assert_eq!(text(&client, "SELECT count(*) FROM a").await, left, "{work}");
        }
    }
}

#[tokio::test]
async fn fresh_that_is_killed_behind_its_first_transaction_goes_on() {
    for point in ["fresh.after-commit", "migrate.step-begun.1", "migrate.between"] {
        let database = testkit::db().await;
        let folder = Folder::new(PAIR);
        folder.write("nself/migrations/003_c.sql", "CREATE INDEX CONCURRENTLY ON a (id);");
        let mut client = database.client().await;
        let sources = folder.sources();
        up(&mut client, &sources).await.unwrap();
        client.batch_execute("INSERT INTO a VALUES (1); CREATE TABLE by_hand ()").await.unwrap();
        assert!(dies_at(point, "fresh", &folder, &database), "{point}");
        assert!(!has(&client, "by_hand").await, "{point}");
        up(&mut client, &sources).await.unwrap();
        assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: applied", "003_c: applied"], "{point}");
        assert_eq!(text(&client, "SELECT count(*) FROM a").await, "0");
    }
}

#[tokio::test]
async fn what_belongs_to_the_schema_runs_in_the_last_transaction() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE a (m mood);"),
        ("nself/migrations/002_b.sql", "ALTER TYPE mood ADD VALUE 'glad';"),
        ("nself/migrations/003_c.sql", "INSERT INTO a VALUES ('glad');"),
    ]);
    let sources = folder.sources();
    let mut events = |_: &Event<'_>| {};
    let mut runner = Runner { sources: &sources, options: Options::default(), backup: None, events: &mut events };
    let refuse = async |_: &tokio_postgres::Transaction<'_>| Err(database::Error::Nothing);
    runner.up_with(&mut client, &Target::Everything, refuse).await.unwrap_err();
    // The new value had to be committed before the migration that uses it.
    assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: applied", "003_c: pending"]);
    let along = async |transaction: &tokio_postgres::Transaction<'_>| {
        assert_eq!(transaction.query("SELECT * FROM a", &[]).await?.len(), 1);
        Ok::<(), database::Error>(())
    };
    assert_eq!(runner.up_with(&mut client, &Target::Everything, along).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_squash_that_is_killed_leaves_files_that_count_once() {
    for point in ["create.before-link", "squash.written", "squash.moving", "migrate.adopting"] {
        let database = testkit::db().await;
        let folder = Folder::new(PAIR);
        let mut client = database.client().await;
        let sources = folder.sources();
        up(&mut client, &sources).await.unwrap();
        let squashed = match point {
            "migrate.adopting" => {
                assert!(!dies_at("none", "squash", &folder, &database));
                assert!(dies_at(point, "up", &folder, &database));
                true
            }
            _ => {
                assert!(dies_at(point, "squash", &folder, &database), "{point}");
                point != "create.before-link"
            }
        };
        let expected: &[&str] =
            if squashed { &["002_all: applied, as what it replaces"] } else { &["001_a: applied", "002_b: applied"] };
        assert_eq!(states(&client, &sources).await, expected, "{point}");
        assert!(up(&mut client, &sources).await.unwrap().is_empty(), "{point}");
        let expected: &[&str] = if squashed { &["002_all: applied"] } else { &["001_a: applied", "002_b: applied"] };
        assert_eq!(states(&client, &sources).await, expected, "{point}");
    }
}
