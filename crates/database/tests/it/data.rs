use std::{path::Path, sync::Arc};

use database::{
    Error,
    data::{
        DataError, Format,
        export::{self, Export, Output},
        import::{self, Import},
        reset,
    },
    place::{Place, Tls},
};
use project::{Diagnostic, EnvName, Tier};
use testkit::TestDatabase;
use tokio_postgres::Client;

use crate::support::{Folder, allowed, text};

pub fn place(database: &TestDatabase) -> Place {
    Place::new(EnvName::dev(), Tier::Dev, database.config(), Tls::disabled())
}

pub fn export(format: Format, output: &Path) -> Export {
    Export { format, tables: Vec::new(), schemas: Vec::new(), output: Output::of(output), jobs: 3, force: false }
}

pub async fn run_export(database: &TestDatabase, export: &Export) -> Result<export::Report, Error> {
    export::run(&place(database), export, &Arc::default(), &mut std::io::sink()).await
}

pub async fn run_import(client: &mut Client, import: &Import) -> Result<import::Report, Error> {
    import::run(client, import, &mut |_| {}).await
}

pub fn from(path: &Path) -> Import {
    Import { paths: vec![path.to_owned()], ..Import::default() }
}

const SHOP: &str = "
    CREATE SCHEMA shop;
    CREATE TABLE shop.users (id serial PRIMARY KEY, name text NOT NULL, boss int REFERENCES shop.users, born date);
    CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author int NOT NULL REFERENCES shop.users,
        words int CHECK (words > 0), double int GENERATED ALWAYS AS (words * 2) STORED);
    CREATE TABLE \"Ärger.mit/Namen\" (\"die Spalte\" text, \"b\"\"c\" int);
    CREATE TABLE parts (at date, what text) PARTITION BY RANGE (at);
    CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
    CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
    CREATE TABLE first (id int PRIMARY KEY, second int NOT NULL);
    CREATE TABLE second (id int PRIMARY KEY, first int NOT NULL REFERENCES first);
    ALTER TABLE first ADD FOREIGN KEY (second) REFERENCES second;
    CREATE TABLE single (one text);";

const ROWS: &str = "
    INSERT INTO shop.users (name, boss) SELECT 'user ' || i, NULLIF(i % 7, 0) + 1 FROM generate_series(1, 50) i;
    INSERT INTO posts (author, words) SELECT i % 50 + 1, i FROM generate_series(1, 500) i;
    INSERT INTO \"Ärger.mit/Namen\" VALUES ('tab\there', 1), (NULL, NULL), ('', 2), (E'line\r\nend \\\\ \\\\. \\\\N', 3), ('\"', 4), (' ', 5);
    INSERT INTO parts SELECT '2019-12-25'::date + i, 'p' || i FROM generate_series(1, 20) i;
    SET session_replication_role = replica;
    INSERT INTO first VALUES (1, 1), (2, 2); INSERT INTO second VALUES (1, 2), (2, 1);
    RESET session_replication_role;
    INSERT INTO single VALUES (NULL), (''), ('x'), (NULL);";

/// Every row of every table, in order.
pub async fn fingerprint(client: &Client) -> String {
    let tables = client
        .query(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('public', 'shop') AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let mut rows = Vec::new();
    for table in &tables {
        let table: &str = table.get(0);
        let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t");
        rows.push(format!("{table}\n{}", text(client, &sql).await));
    }
    rows.join("\n")
}

const FORMATS: [Format; 4] = [Format::Json, Format::Ndjson, Format::Csv, Format::Parquet];

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_database_goes_out_and_comes_in() {
    let source = testkit::db().await;
    let client = source.client().await;
    client.batch_execute(&format!("{SHOP}{ROWS}")).await.unwrap();
    let expected = fingerprint(&client).await;
    let folder = Folder::new(&[]);
    for (number, format) in FORMATS.into_iter().enumerate() {
        let suffix = ["", ".tar", ".tar.gz", ".tar.zst"][number];
        let output = folder.root().join(format!("{}{suffix}", format.as_str()));
        let report = run_export(&source, &export(format, &output)).await.unwrap();
        assert_eq!((report.tables.len(), report.rows), (7, 50 + 500 + 6 + 20 + 2 + 2 + 4), "{format:?}");
        let target = testkit::db().await;
        let mut other = target.client().await;
        other.batch_execute(SHOP).await.unwrap();
        let report = run_import(&mut other, &from(&output))
            .await
            .unwrap_or_else(|error| panic!("{format:?} {error} {:?}", error.why()));
        assert_eq!(report.tables.iter().map(|table| table.rows).sum::<u64>(), 584);
        assert_eq!(fingerprint(&other).await, expected, "{format:?}");
        // The next rows get the next numbers.
        other
            .batch_execute("INSERT INTO shop.users (name) VALUES ('next'); INSERT INTO posts (author) VALUES (51)")
            .await
            .unwrap();
        assert_eq!(text(&other, "SELECT max(id) FROM posts").await, "501");
        // Again: every row is there, and with --upsert that is no fault.
        let error = run_import(&mut other, &from(&output)).await.unwrap_err();
        assert_eq!(error.code(), "NS-DB-063");
    }
    let mode = |path: &str| {
        std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(folder.root().join(path)).unwrap()) & 0o777
    };
    assert_eq!(
        (mode("json"), mode("json/manifest.json"), mode("json/shop.users.json"), mode("ndjson.tar")),
        (0o700, 0o600, 0o600, 0o600)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_of_one_table_or_of_all() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute(&format!("{SHOP}{ROWS}")).await.unwrap();
    let expected = fingerprint(&client).await;
    let folder = Folder::new(&[]);
    let all = folder.root().join("all.json");
    run_export(&database, &export(Format::Json, &all)).await.unwrap();
    assert_eq!(run_export(&database, &export(Format::Json, &all)).await.unwrap_err().code(), "NS-DB-067");
    let users = folder.root().join("people.csv");
    let mut wanted = export(Format::Csv, &users);
    assert_eq!(run_export(&database, &wanted).await.unwrap_err().code(), "NS-DB-066");
    wanted.tables = vec!["shop.users".to_owned()];
    run_export(&database, &wanted).await.unwrap();
    let mut out = Vec::new();
    wanted.output = Output::Stdout;
    export::run(&place(&database), &wanted, &Arc::default(), &mut out).await.unwrap();
    assert_eq!(out, std::fs::read(&users).unwrap());
    wanted.tables = vec!["user".to_owned()];
    assert_eq!(run_export(&database, &wanted).await.unwrap_err().code(), "NS-DB-060");

    let reset = reset::reset(&mut client, &[], &database::Options::default(), &allowed()).await.unwrap();
    assert_eq!(reset.tables.len(), 7);
    assert_eq!(text(&client, "SELECT count(*) FROM shop.users").await, "0");
    run_import(&mut client, &from(&all)).await.unwrap();
    assert_eq!(fingerprint(&client).await, expected);

    let mut wanted = from(&users);
    assert_eq!(run_import(&mut client, &wanted).await.unwrap_err().code(), "NS-DB-066");
    wanted.table = Some("users".to_owned());
    wanted.options.upsert = true;
    client.batch_execute("UPDATE shop.users SET name = 'changed', boss = NULL; DELETE FROM posts; DELETE FROM shop.users WHERE id > 30").await.unwrap();
    let report = run_import(&mut client, &wanted).await.unwrap();
    assert_eq!(report.tables[0].rows, 50);
    assert_eq!(
        text(&client, "SELECT count(*) || ' ' || count(boss) FROM shop.users WHERE name LIKE 'user %'").await,
        "50 43"
    );
}

#[tokio::test]
async fn rows_that_do_not_fit_are_named() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE towns (id int PRIMARY KEY, name text NOT NULL);
             CREATE TABLE people (id int PRIMARY KEY, age int CHECK (age > 0), town int REFERENCES towns, boss int REFERENCES people);
             INSERT INTO towns VALUES (1, 'one')",
        )
        .await
        .unwrap();
    let folder = Folder::new(&[(
        "people.csv",
        "id,age,town,boss\n1,5,1,2\n2,x,1,\n3,-1,1,\n4,1,9,\n1,1,1,\n6,1,1\n7,1,1,77\n8,1,1,8\n",
    )]);
    let mut wanted = from(&folder.root().join("people.csv"));
    let Error::Data(DataError::Rows { failures, more: false }) = run_import(&mut client, &wanted).await.unwrap_err()
    else {
        panic!("refused");
    };
    let told: Vec<(u64, Option<&str>, Option<&str>)> =
        failures.iter().map(|failure| (failure.line, failure.column.as_deref(), failure.sqlstate.as_deref())).collect();
    assert_eq!(text(&client, "SELECT count(*) FROM people").await, "0");
    assert!(told.contains(&(3, Some("age"), Some("22P02"))), "{told:?}");
    assert!(told.contains(&(4, None, Some("23514"))), "{told:?}");
    assert!(told.contains(&(5, None, Some("23503"))), "{told:?}");
    assert!(told.contains(&(6, None, Some("23505"))), "{told:?}");
    assert!(told.contains(&(7, None, None)), "{told:?}");
    wanted.options.limit = 2;
    let error = run_import(&mut client, &wanted).await.unwrap_err();
    assert!(matches!(error, Error::Data(DataError::Rows { ref failures, more: true }) if failures.len() == 2));

    wanted.options.limit = 100;
    wanted.options.keep_going = true;
    wanted.options.dry_run = true;
    run_import(&mut client, &wanted).await.unwrap();
    assert_eq!(text(&client, "SELECT count(*) FROM people").await, "0");
    wanted.options.dry_run = false;
    let report = run_import(&mut client, &wanted).await.unwrap();
    // 1 points to 2, which was refused; 7 to nobody.
    assert_eq!(text(&client, "SELECT string_agg(id::text, ' ') FROM people").await, "8");
    assert_eq!(report.refused.len(), 7);
}

#[tokio::test]
async fn columns_are_matched_by_name() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE users (id serial PRIMARY KEY, email text, note text DEFAULT 'none', tags text[], data jsonb)",
        )
        .await
        .unwrap();
    let folder = Folder::new(&[
        ("people.csv", "mail;Note;age\r\na@x;;5\r\n"),
        (
            "users.ndjson",
            "{\"email\": \"b@x\", \"tags\": [\"a,b\", null], \"data\": {\"a\": [1, null]}}\n{\"note\": null, \"email\": \"c@x\", \"id\": 40}\n",
        ),
        ("users.json", "[{\"email\": 5, \"data\": null}, {\"email\": \"d@x\", \"data\": \"text\", \"tags\": \"{x}\"}]"),
    ]);
    let mut wanted = from(&folder.root().join("people.csv"));
    wanted.table = Some("users".to_owned());
    let error = run_import(&mut client, &wanted).await.unwrap_err();
    assert_eq!(error.code(), "NS-DB-065");
    wanted.options.map = [("mail".to_owned(), Some("email".to_owned())), ("age".to_owned(), None)].into();
    run_import(&mut client, &wanted).await.unwrap();
    wanted.options.map.clear();
    wanted.paths = vec![folder.root().join("users.ndjson"), folder.root().join("users.json")];
    run_import(&mut client, &wanted).await.unwrap();
    let rows =
        "SELECT string_agg(concat_ws('|', id, email, coalesce(note, 'NULL'), tags, data), ' ' ORDER BY id) FROM users";
    assert_eq!(
        text(&client, rows).await,
        "1|a@x|NULL 2|b@x|none|{\"a,b\",NULL}|{\"a\": [1, null]} 40|c@x|NULL 41|5|none 42|d@x|none|{x}|\"text\""
    );
    client.batch_execute("INSERT INTO users DEFAULT VALUES").await.unwrap();
    assert_eq!(text(&client, "SELECT max(id) FROM users").await, "43");
    wanted.paths = vec![folder.root().join("users.json")];
    wanted.options.upsert = true;
    assert_eq!(run_import(&mut client, &wanted).await.unwrap_err().code(), "NS-DB-069");
}

#[tokio::test]
async fn an_upsert_takes_the_last_of_several_rows() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute("CREATE TABLE prices (shop int, item int, price int, PRIMARY KEY (shop, item)); INSERT INTO prices VALUES (1, 1, 5), (1, 2, 5)").await.unwrap();
    let folder = Folder::new(&[("prices.csv", "price,item,shop\n1,1,1\n2,1,1\n7,9,1\n,2,1\n")]);
    let mut wanted = from(&folder.root().join("prices.csv"));
    wanted.options.upsert = true;
    run_import(&mut client, &wanted).await.unwrap();
    assert_eq!(
        text(&client, "SELECT string_agg(item || '=' || coalesce(price::text, '-'), ' ' ORDER BY item) FROM prices")
            .await,
        "1=2 2=- 9=7"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_taken_up_and_what_has_changed_is_written_again() {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE a AS SELECT 1 AS id; CREATE TABLE b AS SELECT 2 AS id").await.unwrap();
    let folder = Folder::new(&[("x/other.txt", "")]);
    assert_eq!(
        run_export(&database, &export(Format::Csv, &folder.root().join("x"))).await.unwrap_err().code(),
        "NS-DB-067"
    );
    let output = folder.root().join("out");
    let wanted = export(Format::Csv, &output);
    run_export(&database, &wanted).await.unwrap();
    assert_eq!(run_export(&database, &wanted).await.unwrap_err().code(), "NS-DB-067");
    // As if it had been killed behind its first table.
    let manifest = output.join("manifest.json");
    let unfinished = || {
        let text = std::fs::read_to_string(&manifest).unwrap().replace("\"complete\": true", "\"complete\": false");
        std::fs::write(&manifest, text).unwrap();
    };
    unfinished();
    assert_eq!(run_import(&mut database.client().await, &from(&output)).await.unwrap_err().code(), "NS-DB-064");
    let first = run_export(&database, &wanted).await.unwrap();
    assert_eq!((first.kept, first.rows), (2, 2));
    for change in ["INSERT INTO a VALUES (3)", "UPDATE a SET id = 9 WHERE id = 3", "DELETE FROM a WHERE id = 9"] {
        unfinished();
        client.batch_execute(change).await.unwrap();
        let report = run_export(&database, &wanted).await.unwrap();
        assert_eq!(report.kept, 1, "b alone is what it was: {change}");
        assert_eq!(report.rows.to_string(), text(&client, "SELECT (SELECT count(*) FROM a) + 1").await);
    }
    unfinished();
    client.batch_execute("ALTER TABLE b ADD COLUMN more int").await.unwrap();
    assert_eq!(run_export(&database, &wanted).await.unwrap().kept, 1);
    let report = run_export(&database, &Export { force: true, ..wanted }).await.unwrap();
    assert_eq!((report.kept, report.rows), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rows_than_one_batch_or_one_flush() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE many (id int PRIMARY KEY, note text, next int REFERENCES many DEFERRABLE);
             INSERT INTO many SELECT i, repeat('x', i % 50), NULLIF(i % 45000 + 1, 1) FROM generate_series(1, 45000) i",
        )
        .await
        .unwrap();
    let expected = fingerprint(&client).await;
    let folder = Folder::new(&[]);
    for format in FORMATS {
        let output = folder.root().join(format!("many.{}", format.as_str()));
        let progress = Arc::new(export::Progress::default());
        let report =
            export::run(&place(&database), &export(format, &output), &progress, &mut std::io::sink()).await.unwrap();
        assert_eq!((report.rows, progress.now().0), (45_000, 45_000), "{format:?}");
        assert_eq!(report.bytes, std::fs::metadata(&output).unwrap().len());
        client.batch_execute("TRUNCATE many").await.unwrap();
        let mut wanted = from(&output);
        run_import(&mut client, &wanted).await.unwrap();
        wanted.options.upsert = true;
        run_import(&mut client, &wanted).await.unwrap();
        assert!(fingerprint(&client).await == expected, "{format:?}");
    }
}
