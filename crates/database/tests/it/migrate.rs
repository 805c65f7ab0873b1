use std::time::Duration;

use database::{
    Error, Options,
    migrate::{Repair, State, Target, migrate, plan, repair},
};
use project::Diagnostic;

use crate::support::{Folder, down, has, states, status, text, up};

#[tokio::test]
async fn every_layout_is_read_and_applied_in_order() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("hasura/migrations/default/1700000000000_init/up.sql", "CREATE TABLE a (id int);"),
        ("hasura/migrations/default/1700000000000_init/down.sql", "DROP TABLE a;"),
        ("nself/migrations/20250101000000_b.sql", "CREATE TABLE b (id int);"),
        ("nself/migrations/20250101000000_b_down.sql", "DROP TABLE b;"),
        ("nself/migrations/20250102000000_c.up.sql", "CREATE TABLE c (id int);"),
        ("nself/migrations/20250102000000_c.down.sql", "DROP TABLE c;"),
        ("nself/migrations/001_20260115_first_of_all.sql", "-- UP\nCREATE TABLE z ();\n-- DOWN\nDROP TABLE z;"),
        ("nself/migrations/002_scale_down.sql", "CREATE TABLE y ();"),
    ]);
    let sources = folder.sources();
    let ids = ["001_first_of_all", "002_scale_down", "1700000000000_init", "20250101000000_b", "20250102000000_c"];
    assert_eq!(up(&mut client, &sources).await.unwrap(), ids);
    assert!(up(&mut client, &sources).await.unwrap().is_empty());
    assert_eq!(down(&mut client, &sources, 3).await.unwrap(), [ids[4], ids[3], ids[2]]);
    assert!(
        !has(&client, "a").await && !has(&client, "b").await && !has(&client, "c").await && has(&client, "y").await
    );
    let error = down(&mut client, &sources, 2).await.unwrap_err();
    assert!(matches!(error, Error::NoDown { .. }), "{error}");
    assert!(has(&client, "z").await, "none is undone when one cannot be");
    assert_eq!(up(&mut client, &sources).await.unwrap(), ids[2..]);
}

#[tokio::test]
async fn a_failing_statement_is_told_with_its_place_and_leaves_nothing() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a (name text);"),
        ("nself/migrations/002_b.sql", "CREATE TABLE b (id int);\n\n-- é\nINSERT INTO a (naem)\nVALUES ('x');"),
    ]);
    let sources = folder.sources();
    let Error::Statement(failure) = up(&mut client, &sources).await.unwrap_err() else { panic!("a statement failed") };
    assert_eq!((failure.position.line, failure.position.column), (4, 16));
    assert_eq!(failure.source_line, "INSERT INTO a (naem)");
    assert_eq!(failure.statement, "INSERT INTO a (naem)\nVALUES ('x')");
    assert_eq!(failure.sqlstate.as_deref(), Some("42703"));
    assert_eq!(
        failure.to_string(),
        "nself/migrations/002_b.sql:4:16: column \"naem\" of relation \"a\" does not exist"
    );
    assert!(!has(&client, "b").await);
    assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: pending"]);

    // The lock is free again, the session as it was.
    folder.write(
        "nself/migrations/002_b.sql",
        "SET search_path = ''; SET ROLE pg_monitor; CREATE TABLE public.b (id int);",
    );
    client.batch_execute("RESET ALL").await.unwrap();
    let error = up(&mut client, &sources).await.unwrap_err();
    assert!(error.to_string().contains("permission denied"), "{error}");
    folder.write("nself/migrations/002_b.sql", "SET search_path = ''; CREATE TABLE public.b (id int);");
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_b"]);
    assert_eq!(text(&client, "current_setting('search_path')").await, "\"$user\", public");
    assert_eq!(text(&client, "current_setting('lock_timeout')").await, "0");
    assert_eq!(
        text(&client, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()").await,
        "0"
    );
}

#[tokio::test]
async fn a_deferred_constraint_fails_inside_the_migration() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let sql = "CREATE TABLE a (id int PRIMARY KEY, other int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\n\
               INSERT INTO a VALUES (1, 2);";
    let folder = Folder::new(&[("nself/migrations/001_a.sql", sql)]);
    let Error::Statement(failure) = up(&mut client, &folder.sources()).await.unwrap_err() else { panic!("refused") };
    assert_eq!(failure.sqlstate.as_deref(), Some("23503"));
    assert!(failure.detail.is_some());
    assert!(!has(&client, "a").await);
}

#[tokio::test]
async fn an_edited_migration_stops_everything_until_a_person_decides() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "-- UP\nCREATE TABLE a ();\n-- DOWN\nDROP TABLE a;\n")]);
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap();
    // Line ends, a byte order mark and the down part make no difference.
    folder.write(
        "nself/migrations/001_a.sql",
        "\u{feff}-- UP\r\nCREATE TABLE a ();\r\n-- DOWN\r\nDROP TABLE a CASCADE;\r\n",
    );
    folder.write("nself/migrations/002_b.sql", "CREATE TABLE b ();");
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_b"]);

    folder.write("nself/migrations/001_a.sql", "CREATE TABLE a (id int);");
    folder.write("nself/migrations/003_c.sql", "CREATE TABLE c ();");
    let error = up(&mut client, &sources).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), ("NS-DB-003", "migration 001_a was edited after it ran"));
    assert!(!has(&client, "c").await);
    assert_eq!(states(&client, &sources).await, ["001_a: edited", "002_b: applied", "003_c: pending"]);
    repair(&mut client, &sources, "001_a", Repair::Accept, &Options::default()).await.unwrap();
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["003_c"]);
    let again = repair(&mut client, &sources, "1", Repair::Accept, &Options::default()).await.unwrap_err();
    assert!(matches!(again, Error::NoRepair { state: "applied", .. }));
}

#[tokio::test]
async fn a_lost_file_is_shown_and_a_late_one_is_applied() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a ();"),
        ("nself/migrations/003_c.sql", "CREATE TABLE c ();"),
    ]);
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap();
    folder.remove("nself/migrations/003_c.sql");
    folder.write("nself/migrations/002_b.sql", "CREATE TABLE b ();");
    let status = status(&client, &sources).await;
    assert_eq!(states(&client, &sources).await, ["001_a: applied", "002_b: pending", "003_c: file missing"]);
    assert!(status.migrations[1].out_of_order);
    assert!(matches!(down(&mut client, &sources, 1).await.unwrap_err(), Error::FileMissing { .. }));
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_b"]);
}

#[tokio::test]
async fn to_a_version_and_no_further() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a ();"),
        ("nself/migrations/002_b.sql", "CREATE TABLE b ();"),
        ("nself/migrations/003_c.sql", "CREATE TABLE c ();"),
    ]);
    let sources = folder.sources();
    let target = Target::Version("2".to_owned());
    let planned = plan(&client, &sources, &target).await.unwrap();
    assert_eq!((planned.migrations.len(), planned.left), (2, 1));
    assert!(!has(&client, "nself.migrations").await, "a plan changes nothing");
    migrate(&mut client, &sources, &target, &Options::default(), &mut |_| {}).await.unwrap();
    assert!(has(&client, "b").await && !has(&client, "c").await);
    let error = plan(&client, &sources, &Target::Version("009".to_owned())).await.unwrap_err();
    assert!(matches!(error, Error::UnknownMigration { .. }));
}

#[tokio::test]
async fn what_cannot_be_a_migration_is_refused_before_anything_runs() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let good = ("nself/migrations/001_a.sql", "CREATE TABLE a ();");
    for (file, sql, code) in [
        ("nself/migrations/notes.sql", "SELECT 1;", "NS-DB-005"),
        ("nself/migrations/1_again.sql", "SELECT 1;", "NS-DB-004"),
        ("nself/migrations/002_empty.sql", "-- UP\n-- DOWN\n", "NS-DB-007"),
        ("nself/migrations/002_commit.sql", "SELECT 1; COMMIT; SELECT 2;", "NS-DB-013"),
        ("nself/migrations/002_twice.sql", "-- UP\n-- UP\nSELECT 1;", "NS-DB-006"),
    ] {
        let folder = Folder::new(&[good, (file, sql)]);
        let error = up(&mut client, &folder.sources()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!has(&client, "a").await, "{file}");
    }
    // A transaction around the whole file is what happens anyway.
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "BEGIN;\nCREATE TABLE a ();\nCOMMIT;")]);
    up(&mut client, &folder.sources()).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_a_transaction_runs_outside_one() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a (id int); CREATE TYPE mood AS ENUM ('ok');"),
        (
            "nself/migrations/002_index.sql",
            "-- UP\nCREATE INDEX CONCURRENTLY a_id ON a (id);\n-- DOWN\nDROP INDEX CONCURRENTLY a_id;",
        ),
        // The directive is for what only its author knows.
        ("nself/migrations/003_said.sql", "-- nself: no-transaction\nBEGIN; CREATE TABLE b (); COMMIT; VACUUM a;"),
        (
            "nself/migrations/004_mood.sql",
            "ALTER TYPE mood ADD VALUE 'glad'; CREATE TABLE felt (m mood DEFAULT 'glad'); INSERT INTO felt VALUES ('glad');",
        ),
    ]);
    let sources = folder.sources();
    let transactional: Vec<bool> = sources.load().unwrap().iter().map(|migration| migration.transactional()).collect();
    assert_eq!(transactional, [true, false, false, false]);
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["001_a", "002_index", "003_said", "004_mood"]);
    assert_eq!(text(&client, "SELECT count(*) FROM nself.migration_steps").await, "0");
    assert_eq!(text(&client, "SELECT m FROM felt").await, "glad");
    client.batch_execute("DELETE FROM nself.migrations WHERE version > '002'").await.unwrap();
    assert_eq!(down(&mut client, &sources, 1).await.unwrap(), ["002_index"]);
    assert!(!has(&client, "a_id").await);
}

#[tokio::test]
async fn the_server_has_the_last_word_about_transactions() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[
        (
            "nself/migrations/001_a.sql",
            "CREATE TABLE a (id int) PARTITION BY RANGE (id); CREATE INDEX a_id ON a (id);
             CREATE PROCEDURE twice() LANGUAGE plpgsql AS 'BEGIN CREATE TABLE one (); COMMIT; CREATE TABLE two (); END';",
        ),
        // Allowed on a plain table, refused on a partitioned one: no grammar can know.
        ("nself/migrations/002_b.sql", "CREATE TABLE b (); REINDEX TABLE a;"),
        ("nself/migrations/003_c.sql", "CALL twice();"),
        ("nself/migrations/004_d.sql", "SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;"),
    ]);
    let sources = folder.sources();
    assert!(sources.load().unwrap().iter().all(|migration| migration.transactional()));
    let error = up(&mut client, &sources).await.unwrap_err();
    assert!(matches!(&error, Error::Statement(failure) if failure.sqlstate.as_deref() == Some("25001")), "{error}");
    assert_eq!(states(&client, &sources).await[2..], ["003_c: applied", "004_d: pending"]);
    assert!(has(&client, "b").await && has(&client, "two").await);
}

#[tokio::test]
async fn a_file_that_stops_half_way_goes_on_there_once_it_is_corrected() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let first = "-- nself: no-transaction\nSET search_path = s;\nCREATE TABLE a (id int);\n";
    let folder = Folder::new(&[
        ("nself/migrations/001_s.sql", "CREATE SCHEMA s;"),
        ("nself/migrations/002_a.sql", &format!("{first}SELECT 1/0;\nCREATE TABLE b (id int);")),
    ]);
    let sources = folder.sources();
    let Error::Statement(failure) = up(&mut client, &sources).await.unwrap_err() else { panic!("refused") };
    assert_eq!(failure.position.line, 4);
    let entry = status(&client, &sources).await.migrations.remove(1);
    let progress = entry.progress.unwrap();
    assert_eq!((entry.state, progress.done, progress.of, progress.line), (State::HalfWay, 1, Some(4), Some(4)));
    assert_eq!(entry.fix.as_deref(), Some("nself db migrate"));

    // What took effect cannot change any more, what did not can.
    folder.write("nself/migrations/002_a.sql", &first.replace("id int", "id text"));
    assert_eq!(up(&mut client, &sources).await.unwrap_err().code(), "NS-DB-033");
    folder.write("nself/migrations/002_a.sql", &format!("{first}CREATE TABLE b (id int);"));
    assert_eq!(up(&mut client, &sources).await.unwrap(), ["002_a"]);
    assert!(has(&client, "s.a").await && has(&client, "s.b").await, "the search path is set again");
    assert_eq!(states(&client, &sources).await, ["001_s: applied", "002_a: applied"]);
}

#[tokio::test]
async fn a_person_can_end_or_forget_what_stopped_half_way() {
    for how in [Repair::Pending, Repair::Applied] {
        let database = testkit::db().await;
        let mut client = database.client().await;
        let text = "-- nself: no-transaction\nCREATE TABLE a (id int);\nSELECT 1/0;\n";
        let folder = Folder::new(&[("nself/migrations/001_a.sql", text)]);
        let sources = folder.sources();
        up(&mut client, &sources).await.unwrap_err();
        client.batch_execute("DROP TABLE a").await.unwrap();
        folder.write("nself/migrations/001_a.sql", "CREATE TABLE a (id int);");
        repair(&mut client, &sources, "001", how, &Options::default()).await.unwrap();
        let expected: &[&str] = if how == Repair::Pending { &["001_a"] } else { &[] };
        assert_eq!(up(&mut client, &sources).await.unwrap(), expected);
        assert_eq!(states(&client, &sources).await, ["001_a: applied"]);
    }
}

#[tokio::test]
async fn one_that_another_tool_left_half_way_waits_for_a_person() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "CREATE TABLE a (id int);")]);
    let sources = folder.sources();
    up(&mut client, &sources).await.unwrap();
    client.batch_execute("UPDATE nself.migrations SET state = 'started'").await.unwrap();
    assert!(matches!(up(&mut client, &sources).await.unwrap_err(), Error::HalfWay { .. }));
    repair(&mut client, &sources, "001", Repair::Applied, &Options::default()).await.unwrap();
    assert!(up(&mut client, &sources).await.unwrap().is_empty());
}

#[tokio::test]
async fn blocks_of_a_file_must_be_complete() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    for (sql, code) in [
        ("BEGIN; CREATE TABLE a (); VACUUM;", "NS-DB-031"),
        ("CREATE TABLE a (); COMMIT; VACUUM;", "NS-DB-031"),
        ("BEGIN; BEGIN; COMMIT; VACUUM;", "NS-DB-031"),
        ("CREATE TABLE a (); COMMIT;", "NS-DB-013"),
    ] {
        let folder = Folder::new(&[("nself/migrations/001_a.sql", sql)]);
        assert_eq!(up(&mut client, &folder.sources()).await.unwrap_err().code(), code, "{sql}");
        assert!(!has(&client, "a").await);
    }
}

#[tokio::test]
async fn two_runs_at_once_apply_everything_once() {
    let database = testkit::db().await;
    let folder = Folder::new(&[
        ("nself/migrations/001_a.sql", "CREATE TABLE a (id int); SELECT pg_sleep(0.2);"),
        ("nself/migrations/002_b.sql", "CREATE TABLE b (id int);"),
    ]);
    let (mut one, mut two) = (database.client().await, database.client().await);
    let (first, second) = (folder.sources(), folder.sources());
    let (first, second) = tokio::join!(up(&mut one, &first), up(&mut two, &second));
    assert_eq!(first.unwrap().len() + second.unwrap().len(), 2);
}

#[tokio::test]
async fn waiting_for_a_turn_ends_with_the_name_of_who_has_it() {
    let database = testkit::db().await;
    let (mut client, other) = (database.client().await, database.client().await);
    other.execute("SELECT pg_advisory_lock($1)", &[&0x6e_7365_6c66_i64]).await.unwrap();
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "CREATE TABLE a (id int);")]);
    let options = Options { turn_timeout: Duration::from_millis(50), ..Options::default() };
    let error = migrate(&mut client, &folder.sources(), &Target::Everything, &options, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Locked { holder: Some(holder) } if holder == pid), "{error:?}");
}

#[tokio::test]
async fn a_table_in_use_is_not_waited_for_for_ever() {
    let database = testkit::db().await;
    let (mut client, other) = (database.client().await, database.client().await);
    other.batch_execute("CREATE TABLE a (id int)").await.unwrap();
    other.batch_execute("BEGIN; LOCK TABLE a").await.unwrap();
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "ALTER TABLE a ADD COLUMN b int;")]);
    let options = Options { lock_timeout: Duration::from_millis(50), ..Options::default() };
    let run = migrate(&mut client, &folder.sources(), &Target::Everything, &options, &mut |_| {}).await;
    let Error::Statement(failure) = run.unwrap_err() else { panic!("a statement failed") };
    assert_eq!(failure.sqlstate.as_deref(), Some("55P03"));
}

#[tokio::test]
async fn what_the_bash_nself_applied_counts() {
    for (kind, version) in [("bigint", "1700000000000"), ("varchar(255)", "'1700000000000'")] {
        let database = testkit::db().await;
        let mut client = database.client().await;
        client
            .batch_execute(&format!(
                "CREATE TABLE schema_migrations (version {kind} PRIMARY KEY, name text, applied_at timestamp DEFAULT now());
                 INSERT INTO schema_migrations (version, name) VALUES ({version}, 'init')"
            ))
            .await
            .unwrap();
        let folder = Folder::new(&[
            ("hasura/migrations/default/1700000000000_init/up.sql", "CREATE TABLE was_there ();"),
            ("hasura/migrations/default/1700000000000_init/down.sql", "SELECT 1;"),
            ("hasura/migrations/default/1700000000001_next/up.sql", "CREATE TABLE next ();"),
        ]);
        let sources = folder.sources();
        assert_eq!(states(&client, &sources).await, ["1700000000000_init: applied", "1700000000001_next: pending"]);
        assert_eq!(up(&mut client, &sources).await.unwrap(), ["1700000000001_next"]);
        assert_eq!(status(&client, &sources).await.migrations[0].state, State::Applied);
        assert_eq!(text(&client, "SELECT count(*) FROM schema_migrations").await, "1");
    }
}

#[tokio::test]
async fn a_foreign_table_of_the_same_name_is_left_alone() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute("CREATE TABLE schema_migrations (version text); INSERT INTO schema_migrations VALUES ('1')")
        .await
        .unwrap();
    let folder = Folder::new(&[("nself/migrations/001_a.sql", "CREATE TABLE a ();")]);
    assert_eq!(up(&mut client, &folder.sources()).await.unwrap(), ["001_a"]);
}

#[tokio::test]
async fn copied_data_is_read() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    let sql = "CREATE TABLE a (id int, name text);\nCOPY a (id, name) FROM stdin;\n1\tit's; me\n2\t\\N\n\\.\nCREATE TABLE b ();";
    let folder = Folder::new(&[("nself/migrations/001_a.sql", sql)]);
    up(&mut client, &folder.sources()).await.unwrap();
    assert_eq!(text(&client, "SELECT string_agg(coalesce(name, '-'), ',') FROM a").await, "it's; me,-");
    assert!(has(&client, "b").await);
}
