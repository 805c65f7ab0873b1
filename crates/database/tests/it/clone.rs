//! Databases copied whole, on a real server: everything arrives, others are not disturbed, and a process that dies in the
//! middle leaves the old or the new.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;

use database::{
    Error,
    clone::{self, Course, Options, Selection, Whole},
    copy::{Rewrite, RewriteRow},
    place::{Place, parse},
    text,
};
use futures::future::BoxFuture;
use postgres::catalog::{Catalog, Name};
use project::{EnvName, Tier};
use testkit::TestDatabase;
use tokio_postgres::Client;

use crate::support::text as value;

const FROM: &str = "NSELF_TEST_FROM";
const TO: &str = "NSELF_TEST_TO";
const TABLES: &str = "NSELF_TEST_TABLES";

pub fn place(database: &TestDatabase) -> Place {
    at(&database.url())
}

pub fn at(url: &str) -> Place {
    let (config, tls) = parse(url).unwrap();
    Place::new(EnvName::parse("test").unwrap(), Tier::Dev, config, tls)
}

fn options() -> Options {
    Options { wanted: postgres::Wanted::default(), jobs: 3, ..Options::default() }
}

/// Everything a person would miss.
const SHOP: &str = r#"
    CREATE EXTENSION pgcrypto;
    CREATE TYPE mood AS ENUM ('fine', 'low');
    CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
    CREATE FUNCTION twice(i bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
    CREATE TABLE customers (
        id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
        name text NOT NULL UNIQUE, mood mood DEFAULT 'fine', born date, paid cents DEFAULT 0,
        double bigint GENERATED ALWAYS AS (id * 2) STORED, boss bigint REFERENCES customers);
    CREATE TABLE "Order ""x""" (id serial PRIMARY KEY, customer bigint REFERENCES customers, "when" timestamptz, raw bytea,
        tags text[], span int4range, doc jsonb) PARTITION BY RANGE (id);
    CREATE TABLE o1 PARTITION OF "Order ""x""" FOR VALUES FROM (0) TO (1000);
    CREATE TABLE o2 PARTITION OF "Order ""x""" DEFAULT;
    CREATE UNLOGGED TABLE nothing ();
    CREATE VIEW names AS SELECT name FROM customers;
    CREATE MATERIALIZED VIEW b_names AS SELECT * FROM names;
    CREATE MATERIALIZED VIEW a_names AS SELECT count(*) AS n FROM b_names;
    CREATE MATERIALIZED VIEW empty AS SELECT 1 AS one WITH NO DATA;
    CREATE INDEX ON customers (twice(id));
    CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'must not fire'; END $$;
    CREATE TRIGGER t BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION touched();
    ALTER TABLE customers DISABLE TRIGGER t;
    CREATE TRIGGER u BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touched();
    INSERT INTO customers (name, born) SELECT E'n\t\\' || g, '2001-02-03' FROM generate_series(1, 500) g;
    INSERT INTO "Order ""x""" (customer, "when", raw, tags, span, doc)
        SELECT 10, '2026-01-01 12:00+02', '\x00ff', ARRAY['a', NULL, 'b"c'], '[1,5)', '{"a": [1.50]}'
        FROM generate_series(1, 2000);
    INSERT INTO nothing SELECT FROM generate_series(1, 3);
    ALTER TABLE customers ENABLE TRIGGER t;
    REFRESH MATERIALIZED VIEW b_names; REFRESH MATERIALIZED VIEW a_names;
    ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON customers USING (name = current_user);
    CREATE PUBLICATION everything FOR ALL TABLES;
"#;

async fn shop() -> TestDatabase {
    let database = testkit::db().await;
    database.client().await.batch_execute(SHOP).await.unwrap();
    database
}

/// The catalog without what a copy has no part in, and a hash of every table.
async fn contents(client: &Client) -> Contents {
    let mut catalog = serde_json::to_value(Catalog::read(client, &[]).await.unwrap()).unwrap();
    catalog["publications"] = serde_json::json!([]);
    for table in catalog["tables"].as_array_mut().unwrap() {
        table.as_object_mut().unwrap().remove("estimated_rows");
    }
    let catalog: Catalog = serde_json::from_value(catalog).unwrap();
    let mut hashes = Vec::new();
    for table in &catalog.tables {
        let populated = table.view.as_ref().is_none_or(|view| view.populated || view.insertable);
        if !populated && table.kind == postgres::catalog::TableKind::MaterialisedView {
            continue;
        }
        let name = postgres::Ident::new(table.schema.as_str()).dot(table.name.as_str());
        let sql =
            format!("SELECT count(*) || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t");
        hashes.push(format!("{name} {}", value(client, &sql).await));
    }
    for sequence in &catalog.sequences {
        let name = postgres::Ident::new(sequence.schema.as_str()).dot(sequence.name.as_str());
        hashes.push(format!(
            "{name} {}",
            value(client, &format!("SELECT last_value || ' ' || is_called FROM {name}")).await
        ));
    }
    // How many dimensions an array was declared with means nothing to the server, and a dump does not keep it.
    let schema = serde_json::to_string_pretty(&catalog).unwrap();
    let schema = schema.lines().filter(|line| !line.contains("\"dimensions\"")).map(str::to_owned).collect();
    Contents { schema, hashes }
}

struct Contents {
    schema: Vec<String>,
    hashes: Vec<String>,
}

/// Shows where they differ, not the whole of both.
#[track_caller]
fn same(have: &Contents, wanted: &Contents, what: &str) {
    for (have, wanted) in [(&have.hashes, &wanted.hashes), (&have.schema, &wanted.schema)] {
        let at = have.iter().zip(wanted).position(|(have, wanted)| have != wanted);
        let at = at.or((have.len() != wanted.len()).then(|| have.len().min(wanted.len())));
        if let Some(at) = at {
            let around = |lines: &[String]| lines[at.saturating_sub(12)..(at + 4).min(lines.len())].join("\n");
            panic!("{what}:\n{}\ninstead of\n{}", around(have), around(wanted));
        }
    }
}

/// Databases of replacements that nobody finished.
async fn leftovers(client: &Client, target: &TestDatabase) -> i64 {
    let sql = "SELECT count(*) FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1";
    client.query_one(sql, &[&format!("nself: stands aside for {}", target.name())]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_clone_is_the_same_and_takes_the_place_of_what_was_there() {
    let (from, to) = (shop().await, testkit::db().await);
    let old = to.client().await;
    old.batch_execute(&format!(
        "CREATE TABLE stale (id int); ALTER DATABASE {0} SET app.name = 'it''s'; ALTER DATABASE {0} SET search_path = a, \"B\";
         COMMENT ON DATABASE {0} IS 'mine'; REVOKE CONNECT ON DATABASE {0} FROM PUBLIC; ALTER DATABASE {0} CONNECTION LIMIT 77",
        to.name()
    ))
    .await
    .unwrap();
    let source = from.client().await;
    let before = contents(&source).await;
    let report = clone::run(&place(&from), &place(&to), &options(), &Whole).await.unwrap();
    assert_eq!((report.rows, report.tables, report.large_objects), (2503, 4, 0));
    assert!(report.bytes > 10_000);
    assert!(old.simple_query("SELECT 1").await.is_err(), "sessions of the old database have ended");
    let client = to.client().await;
    same(&contents(&client).await, &before, "the clone");
    assert_eq!(
        value(&client, "SELECT current_setting('app.name') || current_setting('search_path')").await,
        "it'sa, \"B\""
    );
    let own = "SELECT shobj_description(oid, 'pg_database') || datconnlimit || has_database_privilege('public', oid, 'CONNECT')
               FROM pg_database WHERE datname = current_database()";
    assert_eq!(value(&client, own).await, "mine77false");
    assert_eq!(leftovers(&client, &to).await, 0);
    // The identity goes on where it was.
    client.batch_execute("ALTER TABLE public.customers DISABLE TRIGGER ALL").await.unwrap();
    let next = client.query_one("INSERT INTO public.customers (name) VALUES ('new') RETURNING id", &[]).await.unwrap();
    assert_eq!(next.get::<_, i64>(0), 10 + 500 * 5);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_made_and_one_is_never_copied_over_itself() {
    let from = shop().await;
    let name = format!("{}_made", from.name());
    let to = place(&from).sibling(&name);
    clone::run(&place(&from), &to, &options(), &Whole).await.unwrap();
    let client = to.connect().await.unwrap();
    same(&contents(&client).await, &contents(&from.client().await).await, "the clone");
    drop(client);
    let same = at(&from.url().replace("127.0.0.1", "localhost"));
    let error = clone::run(&place(&from), &same, &options(), &Whole).await.unwrap_err();
    assert_eq!(project::Diagnostic::code(&error), "NS-DB-047", "{error}");
    from.client().await.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

struct Loud;

impl Rewrite for Loud {
    fn table<'a>(
        &'a self,
        _schema: &str,
        table: &str,
        columns: &[String],
    ) -> Result<Option<Box<dyn RewriteRow + Send + 'a>>, Error> {
        let at = columns.iter().position(|column| column == "name");
        Ok(at.filter(|_| table == "customers").map(|at| Box::new(Louder(at)) as Box<dyn RewriteRow + Send>))
    }

    fn copies(&self, _schema: &str, table: &str) -> bool {
        table != "nothing"
    }
}

struct Louder(usize);

impl RewriteRow for Louder {
    fn row(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut row = text::Row::new(out);
        for (at, field) in text::fields(line).enumerate() {
            match field.text() {
                Some(text) if at == self.0 => row.value(&text.to_ascii_uppercase()),
                _ => row.raw(field.raw()),
            }
        }
        Ok(())
    }
}

struct Few {
    refuses: bool,
}

impl Course for Few {
    fn choose<'a>(&'a self, snapshot: &'a Client, _: &'a Catalog) -> BoxFuture<'a, Result<Selection, Error>> {
        Box::pin(async move {
            snapshot.query("SELECT count(*) FROM public.customers", &[]).await?;
            let name = |name: &str| Name { schema: "public".to_owned(), name: name.to_owned() };
            let customers = vec!["id = 10".to_owned(), "id IN (15, 20)".to_owned()];
            Ok([(name("customers"), customers), (name("o2"), Vec::new())].into())
        })
    }

    fn check<'a>(&'a self, scratch: &'a Client) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let row = scratch.query_one("SELECT count(*) FROM public.b_names", &[]).await?;
            assert_eq!(row.get::<_, i64>(0), 3, "views hold the chosen rows");
            if self.refuses { Err(Error::Nothing) } else { Ok(()) }
        })
    }
}

#[tokio::test]
async fn rows_are_chosen_and_changed_on_their_way_and_a_refused_copy_leaves_nothing() {
    let (from, to) = (shop().await, testkit::db().await);
    to.client().await.batch_execute("CREATE TABLE old (id int)").await.unwrap();
    let options = Options { rewrite: Some(Arc::new(Loud)), ..options() };
    let error = clone::run(&place(&from), &place(&to), &options, &Few { refuses: true }).await.unwrap_err();
    assert!(matches!(error, Error::Nothing), "{error:?}");
    let client = to.client().await;
    assert_eq!(value(&client, "SELECT count(*) FROM old").await, "0");
    assert_eq!(leftovers(&client, &to).await, 0);
    clone::run(&place(&from), &place(&to), &options, &Few { refuses: false }).await.unwrap();
    let client = to.client().await;
    assert_eq!(value(&client, "SELECT string_agg(name, ',' ORDER BY id) FROM customers").await, "N\t\\1,N\t\\2,N\t\\3");
    assert_eq!(value(&client, "SELECT count(*) FROM nothing").await, "0");
    assert_eq!(value(&client, "SELECT count(*) FROM \"Order \"\"x\"\"\"").await, "999");
}

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the tests of this file"]
async fn child() {
    let (Ok(from), Ok(to)) = (std::env::var(FROM), std::env::var(TO)) else { return };
    let (from, to) = (at(&from), at(&to));
    if let Ok(tables) = std::env::var(TABLES) {
        let tables: Vec<String> = tables.split(',').map(str::to_owned).collect();
        clone::tables(&from, &to, &tables, &options()).await.unwrap();
    } else {
        clone::run(&from, &to, &options(), &Whole).await.unwrap();
    }
}

fn die_at(point: &str, from: &TestDatabase, to: &TestDatabase, tables: Option<&str>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if let Some(tables) = tables {
        command.env(TABLES, tables);
    }
    let output = command
        .args(["--ignored", "--exact", "clone::child"])
        .env("NSELF_FAULT", point)
        .env(FROM, from.url())
        .env(TO, to.url())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.signal(), Some(6), "it aborts at {point}: {said}");
}

#[tokio::test]
async fn a_killed_clone_leaves_the_old_or_the_new_and_the_next_one_clears_away() {
    let from = shop().await;
    let wanted = contents(&from.client().await).await;
    for (point, new) in [
        ("scratch.made", false),
        ("clone.schema", false),
        ("clone.table", false),
        ("clone.rows", false),
        ("scratch.before-swap", false),
        ("scratch.after-swap", true),
    ] {
        let to = testkit::db().await;
        to.client().await.batch_execute("CREATE TABLE old (id int); INSERT INTO old VALUES (1)").await.unwrap();
        die_at(point, &from, &to, None);
        let client = to.client().await;
        if new {
            same(&contents(&client).await, &wanted, point);
        } else {
            assert_eq!(value(&client, "SELECT count(*) FROM old").await, "1", "{point}");
            assert_eq!(
                value(&client, "SELECT count(*) FROM pg_class WHERE relname = 'customers'").await,
                "0",
                "{point}"
            );
        }
        assert_eq!(leftovers(&client, &to).await, 1, "{point}");
        // The dead process's sessions go when the server notices.
        let mut tries = 0;
        while let Err(error) = clone::run(&place(&from), &place(&to), &options(), &Whole).await {
            tries += 1;
            assert!(tries < 100 && project::Diagnostic::code(&error) == "NS-DB-049", "{point}: {error}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let client = to.client().await;
        same(&contents(&client).await, &wanted, point);
        assert_eq!(leftovers(&client, &to).await, 0, "{point}");
    }
}

/// Two tables of a small shop whose rows differ on both sides.
async fn pair() -> (TestDatabase, TestDatabase) {
    let schema = "
        CREATE TABLE parents (id serial PRIMARY KEY, name text);
        CREATE TABLE children (id int PRIMARY KEY, parent int CONSTRAINT mine REFERENCES parents ON DELETE CASCADE,
            twice int GENERATED ALWAYS AS (id * 2) STORED);
        CREATE TABLE others (parent int REFERENCES parents);
        COMMENT ON CONSTRAINT mine ON children IS 'kept';
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'must not fire'; END $$;";
    let (from, to) = (testkit::db().await, testkit::db().await);
    for database in [&from, &to] {
        database.client().await.batch_execute(schema).await.unwrap();
    }
    let rows = "INSERT INTO parents (name) SELECT 'p' || g FROM generate_series(1, 5) g;
                INSERT INTO children SELECT g, g FROM generate_series(1, 5) g;";
    from.client().await.batch_execute(rows).await.unwrap();
    let rows = "INSERT INTO parents (name) VALUES ('old'), ('old'); INSERT INTO children VALUES (1, 2);
                INSERT INTO others VALUES (1);
                CREATE TRIGGER t BEFORE INSERT ON parents FOR EACH ROW EXECUTE FUNCTION no();
                CREATE TRIGGER always AFTER TRUNCATE ON parents EXECUTE FUNCTION no();
                ALTER TABLE parents ENABLE ALWAYS TRIGGER always;
                CREATE TRIGGER off BEFORE INSERT ON children FOR EACH ROW EXECUTE FUNCTION no();
                ALTER TABLE children DISABLE TRIGGER off;";
    to.client().await.batch_execute(rows).await.unwrap();
    (from, to)
}

#[tokio::test]
async fn some_tables_are_replaced_in_one_transaction() {
    let (from, to) = pair().await;
    let client = to.client().await;
    let before = Catalog::read(&client, &[]).await.unwrap();
    let state = "SELECT (SELECT string_agg(name, ',' ORDER BY id) FROM parents) || (SELECT count(*) FROM children)";
    // Children without their parents: a key leads nowhere, and nothing happens.
    let error = clone::tables(&place(&from), &place(&to), &["children".to_owned()], &options()).await.unwrap_err();
    assert_eq!(project::Diagnostic::code(&error), "NS-DB-048", "{error}");
    assert_eq!(value(&client, state).await, "old,old1");
    assert_eq!(Catalog::read(&client, &[]).await.unwrap(), before);
    let missing = clone::tables(&place(&from), &place(&to), &["nobody".to_owned()], &options()).await.unwrap_err();
    assert_eq!(project::Diagnostic::code(&missing), "NS-DB-047");
    let names = ["public.children".to_owned(), "parents".to_owned()];
    let report = clone::tables(&place(&from), &place(&to), &names, &options()).await.unwrap();
    assert_eq!((report.rows, report.tables), (10, 2));
    assert_eq!(value(&client, state).await, "p1,p2,p3,p4,p55");
    assert_eq!(Catalog::read(&client, &[]).await.unwrap(), before, "keys, comments and triggers are as before");
    assert_eq!(value(&client, "SELECT nextval('parents_id_seq')").await, "6");
}

#[tokio::test]
async fn a_killed_copy_of_tables_leaves_the_old_rows() {
    for point in ["clone.tables.table", "clone.tables.before-commit"] {
        let (from, to) = pair().await;
        die_at(point, &from, &to, Some("parents,children"));
        let client = to.client().await;
        assert_eq!(value(&client, "SELECT string_agg(name, ',') FROM parents").await, "old,old", "{point}");
        assert_eq!(value(&client, "SELECT nextval('parents_id_seq')").await, "3", "{point}");
    }
}

#[tokio::test]
async fn a_partitioned_table_is_copied_into_other_partitions() {
    let (from, to) = (testkit::db().await, testkit::db().await);
    let table = "CREATE TABLE t (id int, name text) PARTITION BY RANGE (id); CREATE TABLE a PARTITION OF t DEFAULT;";
    from.client()
        .await
        .batch_execute(&format!("{table} INSERT INTO t SELECT g FROM generate_series(1, 20) g"))
        .await
        .unwrap();
    let table = "CREATE TABLE t (name text, id int) PARTITION BY HASH (id);
                 CREATE TABLE x PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                 CREATE TABLE y PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)";
    to.client().await.batch_execute(table).await.unwrap();
    let report = clone::tables(&place(&from), &place(&to), &["t".to_owned()], &options()).await.unwrap();
    assert_eq!(report.rows, 20);
    let client = to.client().await;
    assert_eq!(value(&client, "SELECT sum(id) FROM t").await, "210");
}

/// Schemas that nobody here designed.
#[tokio::test]
async fn every_schema_of_the_corpus_is_cloned_as_it_is() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    for name in ["constraints", "cycles", "films", "music", "names", "partitions", "policies", "types"] {
        let (from, to) = (testkit::db().await, testkit::db().await);
        let client = from.client().await;
        for file in [format!("{name}.sql"), format!("{name}.rows.sql")] {
            if let Ok(sql) = std::fs::read_to_string(folder.join(file)) {
                client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
        }
        clone::run(&place(&from), &place(&to), &options(), &Whole)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        same(&contents(&to.client().await).await, &contents(&client).await, name);
    }
}
