//! What the grammar says of statements, held against what the server does.

use std::collections::BTreeMap;

use database::grammar;

const SCHEMA: &str = "
    CREATE TABLE a (id int PRIMARY KEY, b text DEFAULT 'x', c varchar(10), up int);
    CREATE TABLE other (id int PRIMARY KEY, a int);
    ALTER TABLE other ADD CONSTRAINT unchecked FOREIGN KEY (a) REFERENCES a NOT VALID;
    ALTER TABLE a ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
    CREATE INDEX a_b ON a (b);
    CREATE TABLE parts (id int) PARTITION BY RANGE (id);
    CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE loose (id int);
    CREATE SEQUENCE counter;
    CREATE VIEW seen AS SELECT id FROM a;
    CREATE MATERIALIZED VIEW kept AS SELECT id FROM a;
    CREATE UNIQUE INDEX kept_id ON kept (id);
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER touched BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE POLICY mine ON a USING (true);
";

/// Each runs in a transaction of its own that is rolled back; behind it, the relations to compare.
const STATEMENTS: &[&str] = &[
    "ALTER TABLE a ADD COLUMN d int",
    "ALTER TABLE a ADD COLUMN d int REFERENCES other",
    "ALTER TABLE a ALTER b SET DEFAULT 'y'",
    "ALTER TABLE a ALTER b SET STATISTICS 7",
    "ALTER TABLE a ALTER b SET (n_distinct = 5)",
    "ALTER TABLE a ALTER b SET STORAGE EXTERNAL",
    "ALTER TABLE a ALTER c TYPE varchar(20)",
    "ALTER TABLE a ALTER b SET NOT NULL",
    "ALTER TABLE a DROP COLUMN up",
    "ALTER TABLE a ADD CHECK (id < 100)",
    "ALTER TABLE a VALIDATE CONSTRAINT positive",
    "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (up) REFERENCES other",
    "ALTER TABLE other ALTER CONSTRAINT unchecked DEFERRABLE",
    "ALTER TABLE a ADD UNIQUE (b)",
    "ALTER TABLE a DROP CONSTRAINT positive",
    "ALTER TABLE a DISABLE TRIGGER touched",
    "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE a CLUSTER ON a_b",
    "ALTER TABLE a SET (fillfactor = 80)",
    "ALTER TABLE a REPLICA IDENTITY FULL",
    "ALTER TABLE a RENAME TO z",
    "ALTER TABLE a RENAME COLUMN b TO z",
    "ALTER TABLE loose SET UNLOGGED",
    "ALTER TABLE parts ATTACH PARTITION loose FOR VALUES FROM (10) TO (20)",
    "ALTER TABLE parts DETACH PARTITION part",
    "CREATE TABLE part2 PARTITION OF parts FOR VALUES FROM (20) TO (30)",
    "CREATE TABLE child () INHERITS (loose)",
    "CREATE TABLE twin (LIKE a)",
    "CREATE TABLE d (a int REFERENCES a)",
    "CREATE TABLE d AS SELECT * FROM other",
    "CREATE INDEX ON other (a)",
    "ALTER INDEX a_b RENAME TO a_bb",
    "ALTER INDEX a_b SET (fillfactor = 80)",
    "REINDEX TABLE other",
    "REINDEX INDEX a_b",
    "CREATE TRIGGER t AFTER UPDATE ON other FOR EACH ROW EXECUTE FUNCTION touch()",
    "ALTER TRIGGER touched ON a RENAME TO t",
    "DROP TRIGGER touched ON a",
    "CREATE POLICY p ON other USING (true)",
    "ALTER POLICY mine ON a RENAME TO p",
    "DROP POLICY mine ON a",
    "CREATE RULE r AS ON INSERT TO other DO ALSO NOTHING",
    "CREATE STATISTICS st ON id, a FROM other",
    "COMMENT ON TABLE a IS 'x'",
    "COMMENT ON COLUMN public.a.b IS 'x'",
    "COMMENT ON TRIGGER touched ON a IS 'x'",
    "COMMENT ON POLICY mine ON a IS 'x'",
    "COMMENT ON CONSTRAINT positive ON a IS 'x'",
    "COMMENT ON INDEX a_b IS 'x'",
    "ANALYZE other (id)",
    "CLUSTER a USING a_b",
    "REFRESH MATERIALIZED VIEW kept",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY kept",
    "CREATE OR REPLACE VIEW seen AS SELECT id FROM other",
    "ALTER VIEW seen RENAME TO s",
    "ALTER SEQUENCE counter INCREMENT 5",
    "DROP VIEW seen",
    "DROP SEQUENCE counter",
    "DROP TABLE loose",
    "TRUNCATE loose",
    "INSERT INTO loose SELECT id FROM other",
    "UPDATE loose SET id = 1 FROM other WHERE false",
    "DELETE FROM ONLY loose USING other",
    "MERGE INTO loose USING other ON false WHEN MATCHED THEN DELETE",
    "WITH x AS (SELECT 1) SELECT * FROM x, other",
    "SELECT * FROM loose FOR UPDATE",
    "LOCK loose IN SHARE MODE",
    "LOCK loose",
];

/// Relations that the server locks beyond what a statement names: a view's and an index's tables, and the referenced ends
/// of foreign keys.
const BEYOND: &[(&str, &str)] = &[
    ("ALTER INDEX", "a"),
    ("REINDEX INDEX", "a"),
    ("REINDEX TABLE", "other_pkey"),
    ("REFRESH", "a"),
    ("ALTER TABLE other ALTER CONSTRAINT", "a"),
    ("ALTER TABLE a", "other"),
    ("ALTER TABLE a", "seen"),
    ("CLUSTER", "a_b"),
    ("DROP VIEW", "a"),
];

#[tokio::test]
async fn predicted_locks_are_the_servers() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute(SCHEMA).await.unwrap();
    let mut wrong = Vec::new();
    for sql in STATEMENTS {
        let statement = grammar::read(sql);
        assert!(statement.read, "{sql}");
        let predicted: BTreeMap<String, String> =
            statement.locks.iter().map(|(name, mode)| (name.name.clone(), mode.to_string())).collect();
        let transaction = client.transaction().await.unwrap();
        // Names as they are before the statement.
        let before: Vec<(u32, String)> = transaction
            .query("SELECT oid, relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace", &[])
            .await
            .unwrap()
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        if let Err(error) = transaction.batch_execute(sql).await {
            wrong.push(format!("{sql}: {error:?}"));
            continue;
        }
        let rows = transaction
            .query("SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'", &[])
            .await
            .unwrap();
        let mut held: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows {
            let oid: u32 = row.get(0);
            let Some((_, name)) = before.iter().find(|(other, _)| *other == oid) else { continue };
            held.entry(name.clone()).or_default().push(spelled(row.get(1)));
        }
        for (name, mode) in &predicted {
            let strongest = held.get(name).map(|modes| strongest(modes));
            if strongest.as_deref() != Some(mode) {
                wrong.push(format!("{sql}: {name} is said {mode}, is {strongest:?}"));
            }
        }
        for (name, modes) in &held {
            let expected = BEYOND.iter().any(|(start, other)| sql.starts_with(start) && other == name);
            let index = name.ends_with("_pkey") || name.ends_with("_id") || name == "a_b";
            if !predicted.contains_key(name) && !expected && !index {
                wrong.push(format!("{sql}: {name} is locked ({}) and not said", strongest(modes)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `AccessShareLock` as `ACCESS SHARE`.
fn spelled(mode: &str) -> String {
    let mut text = String::new();
    for letter in mode.trim_end_matches("Lock").chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

fn strongest(modes: &[String]) -> String {
    const ORDER: &[&str] = &[
        "ACCESS SHARE",
        "ROW SHARE",
        "ROW EXCLUSIVE",
        "SHARE UPDATE EXCLUSIVE",
        "SHARE",
        "SHARE ROW EXCLUSIVE",
        "EXCLUSIVE",
        "ACCESS EXCLUSIVE",
    ];
    let last = modes.iter().filter_map(|mode| ORDER.iter().position(|other| other == mode)).max();
    last.map(|at| ORDER[at].to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn what_is_refused_in_a_transaction_is_predicted() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute(SCHEMA).await.unwrap();
    let refused = [
        "CREATE INDEX CONCURRENTLY ON a (c)",
        "DROP INDEX CONCURRENTLY a_b",
        "REINDEX (CONCURRENTLY) TABLE a",
        "REINDEX SCHEMA public",
        "ALTER TABLE parts DETACH PARTITION part CONCURRENTLY",
        "VACUUM a",
        "ALTER SYSTEM RESET work_mem",
        "CREATE DATABASE never",
        "DROP DATABASE IF EXISTS never",
        "CLUSTER",
        "DISCARD ALL",
        "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p",
    ];
    for sql in refused.iter().chain(STATEMENTS) {
        let transaction = client.transaction().await.unwrap();
        let result = transaction.batch_execute(sql).await;
        let server = result.err().is_some_and(|error| error.code().is_some_and(|code| code.code() == "25001"));
        assert_eq!(grammar::read(sql).in_transaction, !server, "{sql}");
    }
}

#[tokio::test]
async fn a_type_change_that_keeps_every_value_is_no_loss() {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute(SCHEMA).await.unwrap();
    for (sql, expected) in [
        ("ALTER TABLE a ALTER c TYPE varchar(20)", 0),
        ("ALTER TABLE a ALTER c TYPE varchar(5)", 1),
        ("ALTER TABLE a ALTER id TYPE bigint", 0),
        ("ALTER TABLE a ALTER id TYPE bigint USING id * 2", 1),
        ("ALTER TABLE a ALTER b TYPE int USING b::int, DROP COLUMN up", 2),
        ("ALTER TABLE nowhere ALTER b TYPE text", 1),
    ] {
        let found = grammar::look(&client, &grammar::read(sql)).await.unwrap();
        assert_eq!(found.losses.len(), expected, "{sql}");
    }
    let found = grammar::look(&client, &grammar::read("DROP INDEX a_b")).await.unwrap();
    let locks: Vec<String> = found.locks.iter().map(|(name, mode)| format!("{name} {mode}")).collect();
    assert_eq!(locks, ["a_b ACCESS EXCLUSIVE", "a ACCESS EXCLUSIVE"]);
}
