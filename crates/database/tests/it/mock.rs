//! Mock data in a real database.

use database::{
    Error, Options,
    mock::{
        self, Generated, MockError, Request,
        config::{Config, Preset},
    },
};
use testkit::TestDatabase;
use tokio_postgres::Client;

use crate::support::text;

const SHOP: &str = "
CREATE TYPE status AS ENUM ('new', 'paid', 'sent');
CREATE TABLE users (
    id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, invited_by int REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users, bio text);
CREATE TABLE products (sku text PRIMARY KEY, price numeric(10,2) NOT NULL, label text GENERATED ALWAYS AS (upper(sku)) STORED);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL REFERENCES users, state status NOT NULL);
CREATE TABLE lines (
    order_id bigint REFERENCES orders, number int, product text NOT NULL REFERENCES products (sku), PRIMARY KEY (order_id, number));
CREATE TABLE likes (user_id int REFERENCES users, product text REFERENCES products, PRIMARY KEY (user_id, product));
CREATE TABLE log (what text, at timestamptz);
";

fn config(text: &str) -> Config {
    Config::parse("mock.config.yaml".as_ref(), text).unwrap()
}

async fn generate(
    client: &mut Client,
    config: &Config,
    preset: Option<Preset>,
    only: &[String],
) -> Result<Generated, Error> {
    let request = Request { config, seed: 42, preset, only, dry_run: false };
    mock::generate(client, &request, &Options::default(), &mut |_| {}).await
}

async fn shop() -> (TestDatabase, Client) {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute(SHOP).await.unwrap();
    (database, client)
}

/// Every row of a table in its key's order, hashed.
async fn hash(client: &Client, table: &str) -> String {
    text(client, &format!("SELECT coalesce(md5(string_agg(row::text, '|' ORDER BY row::text)), '') FROM {table} row"))
        .await
}

const TABLES: [&str; 7] = ["users", "profiles", "products", "orders", "lines", "likes", "log"];

async fn hashes(client: &Client) -> Vec<String> {
    let mut hashes = Vec::new();
    for table in TABLES {
        hashes.push(hash(client, table).await);
    }
    hashes
}

#[tokio::test]
async fn two_databases_get_the_same_rows_and_again_the_same() {
    let (_first, mut one) = shop().await;
    let (_second, mut two) = shop().await;
    let config = config("tables: { users: { count: 30 }, lines: { count: 90 }, likes: { count: 200 } }");
    let generated = generate(&mut one, &config, None, &[]).await.unwrap();
    assert_eq!(generated.rows, 30 + 30 + 100 + 100 + 90 + 200 + 100, "{generated:?}");
    generate(&mut two, &config, None, &[]).await.unwrap();
    let before = hashes(&one).await;
    assert_eq!(before, hashes(&two).await);
    let again = generate(&mut one, &config, None, &[]).await.unwrap();
    assert_eq!(again.removed, generated.rows);
    assert_eq!(before, hashes(&one).await);
    // The next row of one's own gets a free number.
    one.batch_execute("INSERT INTO users (email, name) VALUES ('me@example.com', 'me')").await.unwrap();
    assert_eq!(text(&one, "SELECT max(id) FROM users").await, "31");
}

#[tokio::test]
async fn a_small_preset_is_the_beginning_of_a_large_one() {
    let (_a, mut small) = shop().await;
    let (_b, mut large) = shop().await;
    let config = Config::default();
    generate(&mut small, &config, Some(Preset::Minimal), &[]).await.unwrap();
    generate(&mut large, &config, Some(Preset::Medium), &[]).await.unwrap();
    for table in ["users", "products", "orders", "lines", "likes", "profiles"] {
        let few: Vec<String> = column(&small, &format!("SELECT row::text FROM {table} row")).await;
        let many: Vec<String> = column(&large, &format!("SELECT row::text FROM {table} row")).await;
        assert_eq!((few.len(), many.len()), (10, 1000), "{table}");
        assert!(few.iter().all(|row| many.contains(row)), "{table}");
    }
}

async fn column(client: &Client, sql: &str) -> Vec<String> {
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn clear_removes_the_mock_rows_and_no_others() {
    let (_database, mut client) = shop().await;
    client
        .batch_execute(
            "INSERT INTO users (email, name) VALUES ('me@example.com', 'me'); INSERT INTO products VALUES ('mine', 1);
             INSERT INTO log VALUES ('word1', NULL), ('word1', NULL)",
        )
        .await
        .unwrap();
    let before = hashes(&client).await;
    let config = config("tables: { users: { count: 5 }, products: { count: 5 }, log: { count: 50 } }");
    generate(&mut client, &config, None, &[]).await.unwrap();
    assert_eq!(text(&client, "SELECT count(*) FROM users").await, "6");
    assert_eq!(text(&client, "SELECT min(id) FROM users WHERE name <> 'me'").await, "1001", "a round number");
    let cleared = mock::clear(&mut client, &[], false, &Options::default()).await.unwrap();
    assert_eq!(cleared.rows, 5 + 5 + 5 + 100 + 25 + 50 + 100, "{cleared:?}");
    assert_eq!(hashes(&client).await, before);
    assert_eq!(text(&client, "SELECT count(*) FROM nself.mock_keys").await, "0");
}

#[tokio::test]
async fn rows_that_refer_to_mock_rows_keep_them() {
    let (_database, mut client) = shop().await;
    let config = Config::default();
    generate(&mut client, &config, Some(Preset::Minimal), &[]).await.unwrap();
    client.batch_execute("INSERT INTO orders (user_id, state) VALUES (3, 'new')").await.unwrap();
    let before = hashes(&client).await;
    let error = mock::clear(&mut client, &[], false, &Options::default()).await.unwrap_err();
    assert!(matches!(&error, Error::Mock(MockError::Referenced { keys }) if keys.len() == 1), "{error:?}");
    assert_eq!(hashes(&client).await, before);
    // The same seed makes the row again.
    generate(&mut client, &config, Some(Preset::Minimal), &["users".to_owned()]).await.unwrap();
    assert_eq!(hashes(&client).await, before);
}

#[tokio::test]
async fn one_table_gets_the_rows_it_would_get_among_all() {
    let (_a, mut one) = shop().await;
    let (_b, mut all) = shop().await;
    let config = Config::default();
    generate(&mut all, &config, None, &[]).await.unwrap();
    // Parents without rows come along.
    let lines = generate(&mut one, &config, None, &["lines".to_owned()]).await.unwrap();
    let names: Vec<&str> = lines.tables.iter().map(|table| table.table.as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    generate(&mut one, &config, None, &["likes".to_owned()]).await.unwrap();
    for table in ["users", "products", "orders", "lines", "likes"] {
        assert_eq!(hash(&one, table).await, hash(&all, table).await, "{table}");
    }
}

#[tokio::test]
async fn cycles_need_no_order() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);
             CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
             ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
             CREATE TABLE tree (id int PRIMARY KEY, parent int NOT NULL REFERENCES tree)",
        )
        .await
        .unwrap();
    let generated = generate(&mut client, &Config::default(), None, &[]).await.unwrap();
    assert_eq!(generated.rows, 300);
}

#[tokio::test]
async fn nothing_is_written_on_trial() {
    let (_database, mut client) = shop().await;
    let request = Request { config: &Config::default(), seed: 1, preset: None, only: &[], dry_run: true };
    let generated = mock::generate(&mut client, &request, &Options::default(), &mut |_| {}).await.unwrap();
    assert_eq!((generated.tables.len(), generated.rows), (7, 700));
    assert_eq!(text(&client, "SELECT count(*) FROM users").await, "0");
}

/// The schemas of the corpus: what is generated is accepted, twice the same, and gone without a trace.
#[tokio::test]
async fn the_corpus_is_filled_and_cleared() {
    let corpus = [
        ("films", include_str!("../schemas/films.sql")),
        ("music", include_str!("../schemas/music.sql")),
        ("types", include_str!("../schemas/types.sql")),
        ("cycles", include_str!("../schemas/cycles.sql")),
        ("partitions", include_str!("../schemas/partitions.sql")),
        ("policies", include_str!("../schemas/policies.sql")),
        ("names", include_str!("../schemas/names.sql")),
        ("constraints", include_str!("../schemas/constraints.sql")),
        ("many", include_str!("../schemas/many.sql")),
    ];
    let mut wrong = Vec::new();
    for (name, schema) in corpus {
        let database = testkit::db().await;
        let mut client = database.client().await;
        client.batch_execute(schema).await.unwrap();
        if let Err(error) = filled_and_cleared(&mut client).await {
            wrong.push(format!("{name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn filled_and_cleared(client: &mut Client) -> Result<(), String> {
    let shown = |error: Error| format!("{error}\n{}", project::Diagnostic::why(&error).unwrap_or_default());
    let config = Config { count: Some(40), ..Config::default() };
    let generated = generate(client, &config, None, &[]).await.map_err(shown)?;
    if generated.rows == 0 {
        return Err("no rows".to_owned());
    }
    let before = fingerprint(client).await;
    generate(client, &config, None, &[]).await.map_err(shown)?;
    if fingerprint(client).await != before {
        return Err("the second run made other rows".to_owned());
    }
    let cleared = mock::clear(client, &[], false, &Options::default()).await.map_err(shown)?;
    if cleared.rows != generated.rows {
        return Err(format!("{} of {} rows were removed", cleared.rows, generated.rows));
    }
    Ok(())
}

/// Every table's rows, hashed.
async fn fingerprint(client: &Client) -> Vec<String> {
    let tables = column(
        client,
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
         AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'nself') ORDER BY 1",
    )
    .await;
    let mut hashes = Vec::new();
    for table in tables {
        hashes.push(format!("{table} {}", hash(client, &table).await));
    }
    hashes
}

/// These hashes are a promise: whoever changes them changes everybody's mock data, and raises a version.
#[tokio::test]
async fn rows_never_change() {
    let (_database, mut client) = shop().await;
    let generated = generate(&mut client, &Config::default(), None, &[]).await.unwrap();
    let mut golden = vec![generated.generator];
    for table in TABLES {
        golden.push(format!("{table} {}", hash(&client, table).await));
    }
    assert_eq!(golden, GOLDEN);
}

const GOLDEN: [&str; 8] = [
    "1.2",
    "users ad9e5bf3d62747cfc7fa03da56e3051b",
    "profiles 942a00034e6ea52f5c05f99f0168bb40",
    "products 219d3a2145be895008070a4abb8dc997",
    "orders a0ab521f68df5ef024d3f23341f071cc",
    "lines 21611dfa755ea8d195052b655a4754a7",
    "likes b90e138a740594aafa6c7fd3adf4b833",
    "log 491ea1031d88c06b330106bf412bde95",
];

const CONNECTION: &str = "NSELF_TEST_MOCK";

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the test below"]
async fn child() {
    let Ok(url) = std::env::var(CONNECTION) else { return };
    let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    if std::env::var("NSELF_FAULT").is_ok_and(|point| point == "mock.before-clear") {
        mock::clear(&mut client, &[], false, &Options::default()).await.unwrap();
    } else {
        generate(&mut client, &Config::default(), Some(Preset::Minimal), &[]).await.unwrap();
    }
}

/// kill -9 at any step: the rows of before or the rows of after, and the same command goes on from there.
#[tokio::test]
async fn a_killed_run_leaves_the_old_rows_or_the_new_ones() {
    use std::os::unix::process::ExitStatusExt;
    for point in
        ["mock.inside-copy", "mock.after-table", "mock.before-commit", "mock.after-commit", "mock.before-clear"]
    {
        let (database, mut client) = shop().await;
        generate(&mut client, &Config::default(), None, &["users".to_owned()]).await.unwrap();
        let before = hashes(&client).await;
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "mock::child"])
            .env("NSELF_FAULT", point)
            .env(CONNECTION, database.url())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(6), "it aborts at {point}");
        // Waits for the dead session's locks too.
        let done = point == "mock.after-commit";
        let dry = Request { config: &Config::default(), seed: 42, preset: None, only: &[], dry_run: true };
        mock::generate(&mut client, &dry, &Options::default(), &mut |_| {}).await.unwrap();
        assert_eq!(hashes(&client).await == before, !done, "{point}");
        generate(&mut client, &Config::default(), Some(Preset::Minimal), &[]).await.unwrap();
        assert_eq!(text(&client, "SELECT count(*) FROM lines").await, "10", "{point}");
        mock::clear(&mut client, &[], false, &Options::default()).await.unwrap();
        assert_eq!(text(&client, "SELECT count(*) FROM users").await, "0", "{point}");
    }
}

#[tokio::test]
async fn parents_of_one_row_belong_to_the_same_tenant() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE tenants (id int PRIMARY KEY);
             CREATE TABLE users (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
             CREATE TABLE projects (tenant int REFERENCES tenants, id int, boss int, PRIMARY KEY (tenant, id),
                 FOREIGN KEY (tenant, boss) REFERENCES users);
             CREATE TABLE tasks (id int PRIMARY KEY, tenant int NOT NULL REFERENCES tenants, owner int NOT NULL, project int NOT NULL,
                 FOREIGN KEY (tenant, owner) REFERENCES users, FOREIGN KEY (tenant, project) REFERENCES projects)",
        )
        .await
        .unwrap();
    for counts in
        ["{ tenants: { count: 7 }, projects: { count: 30 } }", "{ tenants: { count: 50 }, projects: { count: 11 } }"]
    {
        let config = config(&format!("tables: {counts}"));
        let generated = generate(&mut client, &config, None, &[]).await.unwrap();
        assert!(generated.tables.iter().any(|table| table.table == "tasks" && table.rows == 100), "{generated:?}");
        assert_eq!(text(&client, "SELECT count(DISTINCT (tenant, project)) > 5 FROM tasks").await, "true");
    }
}
