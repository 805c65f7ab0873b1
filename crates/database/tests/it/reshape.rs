//! Redo, fresh, squash, baseline, the copy before data is taken away, and two databases side by side.

use std::os::unix::fs::PermissionsExt;

use database::{
    Options,
    migrate::{
        Applied, Back, Backup, Comparison, Event, Range, Runner, Target, baseline, baseline_from_schema, plan_fresh,
        squash,
    },
    place::{Place, Tls},
};
use project::{Diagnostic, EnvName, Tier};
use testkit::TestDatabase;

use crate::support::{Folder, allowed, has, states, status, text, up};

fn ids(applied: &[Applied]) -> Vec<String> {
    applied.iter().map(|done| format!("{}_{}", done.version, done.name)).collect()
}

fn backup(database: &TestDatabase, folder: &Folder) -> Backup {
    Backup {
        wanted: postgres::Wanted::default(),
        place: Place::new(EnvName::dev(), Tier::Dev, database.config(), Tls::disabled()),
        folder: folder.root().join(".nself/backups/migrations"),
        keep: 2,
    }
}

fn copies(folder: &Folder) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder.root().join(".nself/backups/migrations")) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn redo_takes_the_file_as_it_is_now() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "-- UP\nCREATE TABLE a (id int);\n-- DOWN\nDROP TABLE a;"),
        ("nself/migrations/002_b.sql", "-- UP\nCREATE TABLE b (id int);\n-- DOWN\nDROP TABLE b;"),
    ]);
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap();
    folder.write("nself/migrations/002_b.sql", "-- UP\nCREATE TABLE b (id text);\n-- DOWN\nDROP TABLE b;");
    let mut events = |_: &Event<'_>| {};
    let mut runner = Runner { sources: &sources, options: Options::default(), backup: None, events: &mut events };
    let redone = runner.redo(&mut client, 1, &allowed()).await.unwrap();
    assert_eq!((ids(&redone.undone), ids(&redone.applied)), (vec!["002_b".to_owned()], vec!["002_b".to_owned()]));
    assert_eq!(
        text(
            &client,
            "SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'b'::regclass AND attnum = 1"
        )
        .await,
        "text"
    );
    assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: applied"]);

    // What fails on the way up again leaves everything as it was.
    folder.write("nself/migrations/002_b.sql", "-- UP\nCREATE TABLE b (id nonsense);\n-- DOWN\nDROP TABLE b;");
    runner.redo(&mut client, 2, &allowed()).await.unwrap_err();
    assert!(has(&client, "a").await && has(&client, "b").await);
    let to = runner.rollback(&mut client, &Back::To("001".to_owned()), &allowed()).await.unwrap();
    assert_eq!(ids(&to), ["002_b"]);
}

const RICH: &str = r#"
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('ok');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE "Ämter" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, m mood, p positive, c citext);
CREATE TABLE b (a int REFERENCES "Ämter", up int);
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE VIEW v AS SELECT * FROM "Ämter";
CREATE MATERIALIZED VIEW mv AS SELECT * FROM v;
CREATE SEQUENCE alone;
CREATE FUNCTION f(x int DEFAULT 1, OUT y int) LANGUAGE sql AS 'SELECT $1';
CREATE PROCEDURE pr() LANGUAGE sql AS '';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER t BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION t();
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE COLLATION german FROM "C";
CREATE TEXT SEARCH CONFIGURATION tsc (COPY = simple);
CREATE STATISTICS st ON a, up FROM b;
CREATE SCHEMA "My Shop";
CREATE TABLE "My Shop".orders (id int);
ALTER TABLE b ADD CONSTRAINT far FOREIGN KEY (up) REFERENCES "Ämter";
"#;

#[tokio::test]
async fn fresh_drops_what_the_project_made_and_nothing_else() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE SCHEMA auth; CREATE TABLE auth.users (id int PRIMARY KEY); INSERT INTO auth.users VALUES (1)",
        )
        .await
        .unwrap();
    let migration = format!("{RICH}\nCREATE TABLE mine (id int REFERENCES auth.users);");
    let rest = migration.replace("CREATE EXTENSION", "CREATE EXTENSION IF NOT EXISTS");
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", &rest),
        ("nself/migrations/002_b.sql", "ALTER TYPE mood ADD VALUE 'glad';"),
        ("nself/migrations/003_c.sql", "INSERT INTO \"Ämter\" (m) VALUES ('glad');"),
        ("nself/migrations/004_d.sql", "CREATE INDEX CONCURRENTLY ON b (a);"),
    ]);
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap();
    client.batch_execute("CREATE TABLE by_hand (id int); INSERT INTO \"Ämter\" (m) VALUES ('ok')").await.unwrap();
    let mut events = |_: &Event<'_>| {};
    let backup = Some(backup(&database, &folder));
    let mut runner = Runner { sources: &sources, options: Options::default(), backup, events: &mut events };
    let fresh = runner.fresh(&mut client, &allowed()).await.unwrap();
    assert_eq!(ids(&fresh.applied), ["001_a", "002_b", "003_c", "004_d"]);
    assert!(!has(&client, "by_hand").await && has(&client, "\"My Shop\".orders").await);
    assert_eq!(text(&client, "SELECT count(*) FROM \"Ämter\"").await, "1");
    assert_eq!(text(&client, "SELECT count(*) FROM auth.users").await, "1");
    assert_eq!(text(&client, "SELECT count(*) FROM pg_extension WHERE extname IN ('citext', 'hstore')").await, "2");
    assert_eq!(copies(&folder).len(), 1);

    // A migration that fails leaves the database as it was.
    folder.write("nself/migrations/001_a.sql", "SELECT nonsense;");
    runner.fresh(&mut client, &allowed()).await.unwrap_err();
    assert_eq!(text(&client, "SELECT count(*) FROM \"Ämter\"").await, "1");
    folder.write("nself/migrations/001_a.sql", "SELECT 1;");
    for number in ["002_b", "003_c", "004_d"] {
        folder.remove(&format!("nself/migrations/{number}.sql"));
    }
    runner.fresh(&mut client, &allowed()).await.unwrap();
    assert!(plan_fresh(&client).await.unwrap().is_empty(), "nothing is left to drop");
}

#[tokio::test]
async fn a_squashed_migration_is_taken_as_applied_or_run() {
    let (old, new, half) = (testkit::db().await, testkit::db().await, testkit::db().await);
    let (mut old, mut new, mut half) = (old.client().await, new.client().await, half.client().await);
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "-- UP\nCREATE TABLE a (id int);\n-- DOWN\nDROP TABLE a;"),
        ("nself/migrations/002_b.sql", "-- UP\nCREATE TABLE b (id int);\n-- DOWN\nDROP TABLE b;"),
        ("nself/migrations/003_c.sql", "CREATE TABLE c (id int);"),
    ]);
    let sources = folder.sources();
    up(&mut old, &sources).await.unwrap();
    let options = Options::default();
    database::migrate::migrate(&mut half, &sources, &Target::Steps(1), &options, &mut |_| {}).await.unwrap();
    let range = Range { from: None, to: Some("002".to_owned()) };
    squash(&sources, &range, "base", &folder.root().join("attic"), jiff::Timestamp::now()).unwrap();

    assert_eq!(states(&old, &sources).await, ["002_base: applied, as what it replaces", "003_c: applied"]);
    assert!(up(&mut old, &sources).await.unwrap().is_empty());
    assert_eq!(states(&old, &sources).await, ["002_base: applied", "003_c: applied"]);
    assert_eq!(up(&mut new, &sources).await.unwrap(), ["002_base", "003_c"]);
    assert_eq!(states(&new, &sources).await, states(&old, &sources).await);
    assert_eq!(up(&mut half, &sources).await.unwrap_err().code(), "NS-DB-036");

    // Squashed once more, it stands for all that it ever replaced.
    squash(&sources, &Range::default(), "all", &folder.root().join("attic"), jiff::Timestamp::now()).unwrap();
    assert!(up(&mut new, &sources).await.unwrap().is_empty());
    assert_eq!(states(&new, &sources).await, ["003_all: applied"]);
}

#[tokio::test]
async fn a_baseline_is_recorded_and_not_run() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute("CREATE TABLE a (id int)").await.unwrap();
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a (id int);"),
        ("nself/migrations/002_b.sql", "CREATE TABLE b (id int);"),
    ]);
    let sources = folder.sources();
    let done = baseline(&mut client, &sources, Some("001"), &Options::default()).await.unwrap();
    assert_eq!(done.recorded, ["001_a"]);
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_b"]);
}

#[tokio::test]
async fn a_schema_becomes_the_first_migration() {
    let (database, copy) = (testkit::db().await, testkit::db().await);
    let (mut client, mut other) = (database.client().await, copy.client().await);
    client.batch_execute(&format!("{RICH}; CREATE SCHEMA auth; CREATE TABLE auth.users ()")).await.unwrap();
    let folder = Folder::new(&[]);
    let sources = folder.sources();
    let now = "2026-02-03T04:05:06Z".parse().unwrap();
    let tools = backup(&database, &folder);
    let written =
        baseline_from_schema(&mut client, &sources, "as it was", &tools, &Options::default(), now).await.unwrap();
    assert!(written.file.ends_with("001_20260203_as_it_was.sql"));
    assert_eq!(states(&client, &sources).await, ["001_as_it_was: applied"]);
    // On another database it makes the same tables.
    up(&mut other, &sources).await.unwrap();
    let tables =
        "SELECT string_agg(oid::regclass::text, ',' ORDER BY 1) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
        AND relnamespace IN ('public'::regnamespace, '\"My Shop\"'::regnamespace)";
    assert_eq!(text(&client, tables).await, text(&other, tables).await);
    assert!(!has(&other, "auth.users").await);
    let again = baseline_from_schema(&mut client, &sources, "again", &tools, &Options::default(), now).await;
    assert_eq!(again.unwrap_err().code(), "NS-DB-037");
}

#[tokio::test]
async fn data_is_saved_before_it_is_taken_away() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "CREATE TABLE a (id int, n int, t varchar(5));")]);
    let sources = folder.sources();
    let mut saved = 0;
    let mut events = |event: &Event<'_>| saved += u32::from(matches!(event, Event::Saved { .. }));
    let copy = Some(backup(&database, &folder));
    let mut runner = Runner { sources: &sources, options: Options::default(), backup: copy, events: &mut events };
    runner.up(&mut client, &Target::Everything).await.unwrap();
    client.batch_execute("INSERT INTO a VALUES (7, 7, 'seven')").await.unwrap();
    folder.write("nself/migrations/002_wider.sql", "ALTER TABLE a ALTER n TYPE bigint, ALTER t TYPE text;");
    runner.up(&mut client, &Target::Everything).await.unwrap();
    assert!(copies(&folder).is_empty(), "nothing was taken away");
    folder.write("nself/migrations/003_drop.sql", "ALTER TABLE a DROP COLUMN n;");
    folder.write("nself/migrations/004_truncate.sql", "TRUNCATE a;");
    runner.up(&mut client, &Target::Everything).await.unwrap();
    let [file]: [std::path::PathBuf; 1] = copies(&folder).try_into().unwrap();
    assert!(file.to_str().unwrap().ends_with("_before_003_drop.dump"), "{file:?}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(file.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);

    // What it holds is the database as it was.
    let bin = postgres::find(&postgres::Wanted::default()).unwrap().client_bin;
    let shown = std::process::Command::new(bin.join("pg_restore"))
        .args(["--data-only", "--table=a", "-f", "-"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("7\t7\tseven"), "{shown:?}");

    // Only the newest are kept; half a copy that a killed run left goes.
    let left = file.parent().unwrap().join(".migrate_left.dump.1");
    std::fs::write(&left, "half").unwrap();
    for number in 5..8 {
        folder.write(&format!("nself/migrations/00{number}_d.sql"), "DELETE FROM a;");
        runner.up(&mut client, &Target::Everything).await.unwrap();
    }
    assert_eq!(copies(&folder).len(), 2);
    assert!(!left.exists());
    assert_eq!(saved, 4);

    // When it cannot be saved, nothing is done.
    folder.write("nself/migrations/008_d.sql", "DROP TABLE a;");
    let mut broken = backup(&database, &folder);
    broken.place.config.user("nobody_here");
    let mut events = |_: &Event<'_>| {};
    let mut runner =
        Runner { sources: &sources, options: Options::default(), backup: Some(broken), events: &mut events };
    let error = runner.up(&mut client, &Target::Everything).await.unwrap_err();
    assert_eq!(error.code(), "NS-DB-034", "{error:?}");
    assert!(has(&client, "a").await);
    assert_eq!(copies(&folder).len(), 2);
}

#[tokio::test]
async fn two_databases_side_by_side() {
    let (here, there) = (testkit::db().await, testkit::db().await);
    let (mut here, mut there) = (here.client().await, there.client().await);
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a (id int);"),
        ("nself/migrations/002_b.sql", "CREATE TABLE b (id int);"),
        ("nself/migrations/004_d.sql", "CREATE TABLE d (id int);"),
    ]);
    let sources = folder.sources();
    up(&mut there, &sources).await.unwrap();
    folder.remove("nself/migrations/004_d.sql");
    folder.write("nself/migrations/001_a.sql", "CREATE TABLE a (id text);");
    folder.write("nself/migrations/003_c.sql", "CREATE TABLE c (id int);");
    folder.write("nself/migrations/005_e.sql", "CREATE TABLE e (id int);");
    database::migrate::migrate(
        &mut here,
        &sources,
        &Target::Version("001".to_owned()),
        &Options::default(),
        &mut |_| {},
    )
    .await
    .unwrap();
    up(&mut here, &sources).await.unwrap();
    here.batch_execute("DELETE FROM nself.migrations WHERE version = '003'; DROP TABLE c").await.unwrap();
    let comparison = Comparison::new(status(&here, &sources).await, status(&there, &sources).await, "staging");
    let shown: Vec<String> = comparison
        .migrations
        .iter()
        .map(|pair| {
            let side =
                |side: &Option<database::migrate::Entry>| side.as_ref().map_or("unknown", |entry| entry.state.as_str());
            format!("{} {}/{}", pair.id(), side(&pair.here), side(&pair.there))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "001_a applied/edited",
            "002_b applied/applied",
            "003_c pending/pending",
            "004_d unknown/file missing",
            "005_e applied/pending"
        ]
    );
    assert_eq!(comparison.different, 3);
    let fix = |at: usize| comparison.migrations[at].fix.clone().unwrap_or_default();
    assert!(fix(0).contains("nself --env staging db migrate:repair 001_a --accept"), "{}", fix(0));
    assert!(fix(3).contains("git log --all"));
    assert_eq!(fix(4), "nself --env staging db migrate");
}
