//! Anonymised copies on a real server: nothing of a person arrives, what joined still joins, and what cannot be done safely
//! is not done at all.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use database::clone::{self, Options};
use database::mask::{Action, Checked, Course, Done, Key, MaskError, Plan, Recipe, Rules, Subset};
use database::place::{Place, parse};
use database::{Error, copy};
use postgres::catalog::Catalog;
use project::{Diagnostic, EnvName, Secret, Tier};
use testkit::TestDatabase;
use tokio_postgres::Client;

use crate::support::text as value;

const FROM: &str = "NSELF_TEST_MASK_FROM";
const TO: &str = "NSELF_TEST_MASK_TO";

fn place(url: &str) -> Place {
    let (config, tls) = parse(url).unwrap();
    Place::new(EnvName::parse("test").unwrap(), Tier::Dev, config, tls)
}

fn recipe(rules: &str) -> Recipe {
    let key = Key::new(&Secret::new("a key for tests, a key for tests".to_owned())).unwrap();
    Recipe { rules: Rules::parse(rules, Path::new("nself/anonymize.yaml")).unwrap(), key, password: None }
}

async fn plan(client: &Client, recipe: &Recipe) -> Result<Arc<Plan>, Error> {
    copy::settle(client).await?;
    let catalog = Catalog::read(client, &[]).await?;
    Ok(Arc::new(Plan::prepare(client, &catalog, recipe).await?))
}

async fn sync(from: &str, to: &str, recipe: &Recipe, subset: Option<&str>) -> Result<(clone::Report, Done), Error> {
    let plan = plan(&place(from).connect().await?, recipe).await?;
    let subset = subset.map(Subset::parse).transpose()?;
    let course = Course::new(Some(Arc::clone(&plan)), subset, |_| {});
    let options = Options { jobs: 2, in_place: from == to, rewrite: Some(plan), ..Options::default() };
    let report = clone::run(&place(from), &place(to), &options, &course).await?;
    Ok((report, course.done()))
}

async fn filled(sql: &str) -> TestDatabase {
    let database = testkit::db().await;
    database.client().await.batch_execute(sql).await.unwrap();
    database
}

fn refused(error: Error) -> MaskError {
    match error {
        Error::Mask(error) => error,
        other => panic!("another error: {other} {:?}", other.why()),
    }
}

/// People in every corner: keys, arrays, documents, views, partitions, triggers, generated columns.
const SHOP: &str = r#"
    CREATE EXTENSION citext;
    CREATE TYPE plan AS ENUM ('free', 'paid');
    CREATE TABLE roles (name text PRIMARY KEY);
    INSERT INTO roles VALUES ('admin'), ('customer');
    -- The key is the address itself.
    CREATE TABLE users (
        email varchar(60) PRIMARY KEY, name text NOT NULL, phone varchar(20) UNIQUE, ssn char(11), born date,
        login citext UNIQUE, role text NOT NULL REFERENCES roles, tier plan DEFAULT 'free', salary numeric(10,2),
        contacts text[], profile jsonb, ip inet, photo bytea, bio text, code varchar(6) UNIQUE, boss varchar(60) REFERENCES users,
        shout text GENERATED ALWAYS AS (upper(name)) STORED, search tsvector, created_at timestamptz DEFAULT now());
    CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'must not fire'; END $$;
    CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, day date NOT NULL,
        customer varchar(60) NOT NULL REFERENCES users ON UPDATE CASCADE, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
    CREATE TABLE lines (id serial PRIMARY KEY, order_id bigint NOT NULL, order_day date NOT NULL, sku text,
        FOREIGN KEY (order_id, order_day) REFERENCES orders);
    CREATE TABLE audit (id serial PRIMARY KEY, entry text);
    CREATE VIEW addresses AS SELECT email FROM users;
    CREATE MATERIALIZED VIEW directory AS SELECT email, name, phone FROM users;
    INSERT INTO users (email, name, phone, ssn, born, login, role, salary, contacts, profile, ip, photo, bio, code, search)
        SELECT 'Person' || g || '@corp.example', 'Alice Johnson' || CASE WHEN g > 1 THEN ' ' || g ELSE '' END,
            '+49 30 55500' || lpad(g::text, 4, '0'), '123-45-' || lpad(g::text, 4, '0'), '1980-01-01'::date + g,
            'alice_j' || g, 'customer', 1000 + g, ARRAY['person' || g || '@corp.example', NULL, 'x'],
            jsonb_build_object('email', 'person' || g || '@corp.example', 'theme', 'dark', 'n', 1.50, 'tags', ARRAY['vip']),
            ('10.1.2.' || (g % 250))::inet, '\x89504e47', 'Alice lives at 12 High Street', lpad(g::text, 6, '0'),
            to_tsvector('Alice Johnson')
        FROM generate_series(1, 300) g;
    UPDATE users SET boss = 'Person1@corp.example' WHERE email <> 'Person1@corp.example';
    INSERT INTO orders (day, customer, note) SELECT '2025-06-01'::date + g, 'Person' || (g % 300 + 1) || '@corp.example', 'blue'
        FROM generate_series(1, 600) g;
    INSERT INTO lines (order_id, order_day, sku) SELECT id, day, 'sku' FROM orders;
    INSERT INTO audit (entry) SELECT 'login' FROM generate_series(1, 10);
    CREATE TRIGGER t BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION no();
    REFRESH MATERIALIZED VIEW directory;
"#;

const RULES: &str = "
tables:
  users:
    email: fake
    name: fake
    phone: mask
    ssn: hash
    born: {rule: shift, days: 30}
    login: fake
    salary: {rule: noise, percent: 5}
    contacts: fake
    profile: {rule: json, paths: {theme: keep}, rest: fake}
    ip: fake
    photo: redact
    bio: {rule: fake, kind: text}
    code: {rule: fake, kind: username}
    search: redact
skip: [roles]
";

#[tokio::test]
async fn nothing_of_a_person_arrives_and_everything_still_joins() {
    let (source, target) = (filled(SHOP).await, testkit::db().await);
    let (report, done) = sync(&source.url(), &target.url(), &recipe(RULES), None).await.unwrap();
    assert_eq!(report.rows, 300 + 600 + 600 + 10 + 2);
    let Some(Checked { originals, values, .. }) = done.checked else { panic!("no leak check") };
    assert!(originals > 1000 && values > 1000, "{originals} {values}");
    let (old, new) = (source.client().await, target.client().await);
    let all = "SELECT coalesce(string_agg(t::text, ' '), '') FROM (SELECT u.*, o.note, d.name AS n2, d.phone AS p2, d.email AS e2
               FROM users u LEFT JOIN orders o ON o.customer = u.email LEFT JOIN directory d ON d.email = u.email) t";
    let (before, after) = (value(&old, all).await, value(&new, all).await);
    for original in
        ["corp.example", "Alice", "alice", "ALICE", "55500", "123-45-", "High Street", "89504e47", "johnson"]
    {
        assert!(before.contains(original), "the test itself: {original}");
        assert!(!after.contains(original), "{original} arrived");
    }
    for (sql, expected) in [
        ("SELECT count(*) FROM orders o JOIN users u ON o.customer = u.email", "600"),
        ("SELECT count(*) FROM users u JOIN users b ON u.boss = b.email", "299"),
        (
            "SELECT count(DISTINCT email) || ' ' || count(DISTINCT phone) || ' ' || count(DISTINCT code) FROM users",
            "300 300 300",
        ),
        ("SELECT bool_and(shout = upper(name)) FROM users", "true"),
        ("SELECT bool_and(profile->>'theme' = 'dark' AND profile->>'n' = '1.50') FROM users", "true"),
        ("SELECT count(*) FROM users WHERE contacts[1] = lower(email) OR profile->>'email' = contacts[1]", "300"),
        ("SELECT count(*) FROM directory", "300"),
        ("SELECT bool_and(role = 'customer' AND salary BETWEEN 900 AND 1400) FROM users", "true"),
        ("SELECT count(*) FROM pg_trigger WHERE tgname = 't' AND tgenabled = 'O'", "1"),
        ("SELECT nextval(pg_get_serial_sequence('orders', 'id'))", "601"),
    ] {
        assert_eq!(value(&new, sql).await, expected, "{sql}");
    }
    // The same key gives the same replacements, in another copy as well.
    let again = testkit::db().await;
    sync(&source.url(), &again.url(), &recipe(RULES), None).await.unwrap();
    let emails =
        "SELECT md5(string_agg(email || name || phone || coalesce(born::text, ''), ',' ORDER BY email)) FROM users";
    assert_eq!(value(&new, emails).await, value(&again.client().await, emails).await);
    let mut other = recipe(RULES);
    other.key = Key::new(&Secret::new("another key, and as long as that".to_owned())).unwrap();
    sync(&source.url(), &again.url(), &other, None).await.unwrap();
    assert_ne!(value(&new, emails).await, value(&again.client().await, emails).await);
}

#[tokio::test]
async fn what_looks_personal_and_has_no_rule_stops_the_run() {
    let source = filled(SHOP).await;
    let client = source.client().await;
    let MaskError::Unclassified { found, .. } = refused(plan(&client, &recipe("skip: [roles]")).await.err().unwrap())
    else {
        panic!("another error")
    };
    let names: Vec<String> = found.iter().map(|finding| finding.column.to_string()).collect();
    for expected in [
        "users.email",
        "users.name",
        "users.phone",
        "users.ssn",
        "users.born",
        "users.login",
        "users.salary",
        "users.contacts",
        "users.profile",
        "users.ip",
        "users.photo",
        "users.bio",
        "users.search",
    ] {
        assert!(names.contains(&expected.to_owned()), "{expected} was not found: {names:?}");
    }
    for harmless in
        ["orders.customer", "users.boss", "users.shout", "users.tier", "users.role", "lines.sku", "orders.day"]
    {
        assert!(!names.contains(&harmless.to_owned()), "{harmless}");
    }
    // With the suggested rules it runs.
    let folder = tempfile::tempdir().unwrap();
    let mut suggested = recipe("");
    suggested.rules.file = folder.path().join("anonymize.yaml");
    let text = suggested.rules.extended(&found).unwrap();
    plan(&client, &recipe(&text)).await.unwrap();
}

#[tokio::test]
async fn free_text_documents_and_arrays_are_looked_into() {
    let source = filled(
        "CREATE TABLE things (id int PRIMARY KEY, a text, b jsonb, c text[], d text, e text, f bytea, g xml, h bigint, i text);
         INSERT INTO things SELECT g, 'fine', '{\"size\": 1}', '{red}', 'wood', 'ok', 'plain text', '<p>x</p>', g, 'w' || g
            FROM generate_series(1, 200) g;
         UPDATE things SET a = 'please write to bob@firm.io' WHERE id = 77;
         UPDATE things SET b = '{\"deep\": [{\"who\": \"call +44 20 7946 0958\"}]}' WHERE id = 78;
         UPDATE things SET c = '{red,\"DE89 3704 0044 0532 0130 00\"}' WHERE id = 79;
         UPDATE things SET d = 'by Maria Garcia' WHERE id % 10 = 0;
         UPDATE things SET e = '12 High Street' WHERE id % 10 = 0;
         UPDATE things SET f = 'me@here.org' WHERE id = 80;
         UPDATE things SET g = '<p>call me@here.org</p>' WHERE id = 81;",
    )
    .await;
    let MaskError::Unclassified { found, .. } = refused(plan(&source.client().await, &recipe("")).await.err().unwrap())
    else {
        panic!("another error")
    };
    let names: Vec<&str> = found.iter().map(|finding| finding.column.column.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g"]);
    assert!(found.iter().all(|finding| !finding.why.contains('@')), "a message never holds a value");
}

#[tokio::test]
async fn a_value_that_the_samples_missed_ends_the_copy_and_the_target_stays() {
    // The sample reads ten thousand of the rows.
    let source = filled(
        "CREATE TABLE notes (id int PRIMARY KEY, note text); INSERT INTO notes SELECT g, 'fine' FROM generate_series(1, 30000) g;
         UPDATE notes SET note = 'ask eve@firm.io' WHERE id = 29999;",
    )
    .await;
    let target = filled("CREATE TABLE mine (id int); INSERT INTO mine VALUES (1)").await;
    let error = sync(&source.url(), &target.url(), &recipe(""), None).await.unwrap_err();
    assert!(matches!(refused(error), MaskError::Personal { .. }));
    assert_eq!(value(&target.client().await, "SELECT count(*) FROM mine").await, "1");
}

#[tokio::test]
async fn a_leak_into_a_kept_column_is_found_and_the_target_stays() {
    let source = filled(
        "CREATE TABLE users (id int PRIMARY KEY, email text, name text);
         CREATE TABLE log (id int PRIMARY KEY, entry text, data jsonb);
         INSERT INTO users SELECT g, 'u' || g || '@corp.io', 'Zorblax Quimby' || g FROM generate_series(1, 50) g;
         INSERT INTO log SELECT g, 'signed in', '{}' FROM generate_series(1, 100) g;
         UPDATE log SET entry = 'signed in: zorblax quimby7' WHERE id = 50;
         UPDATE log SET data = '{\"w\": [\"u9@corp.io\"]}' WHERE id = 60;",
    )
    .await;
    let target = filled("CREATE TABLE mine (id int)").await;
    let rules = "tables: {users: {email: fake, name: fake}, log: {entry: keep, data: keep}}";
    let MaskError::Leaked { found } =
        refused(sync(&source.url(), &target.url(), &recipe(rules), None).await.unwrap_err())
    else {
        panic!("another error")
    };
    let found: Vec<String> = found.iter().map(|leak| format!("{} {}", leak.column, leak.values)).collect();
    assert_eq!(found, ["log.data 1", "log.entry 1"]);
    let client = target.client().await;
    assert_eq!(value(&client, "SELECT to_regclass('mine') IS NOT NULL").await, "true");
    let accepted = format!("{rules}\naccept: [log.entry, log.data]");
    sync(&source.url(), &target.url(), &recipe(&accepted), None).await.unwrap();
}

#[tokio::test]
async fn rules_that_do_not_fit_are_refused() {
    let source = filled(SHOP).await;
    let client = source.client().await;
    for (rule, expected) in [
        ("{users: {emial: fake}}", "NS-DB-072"),
        ("{userz: {email: fake}}", "NS-DB-072"),
        ("{addresses: {email: fake}}", "NS-DB-072"),
        ("{orders_2025: {note: fake}}", "NS-DB-072"),
        ("{users: {email: null}}", "NS-DB-073"),
        ("{users: {email: redact}}", "NS-DB-073"),
        ("{users: {email: fake}, orders: {customer: hash}}", "NS-DB-073"),
        ("{users: {email: fake}, orders: {customer: keep}}", "NS-DB-073"),
        ("{users: {email: fake}, orders: keep}", "NS-DB-073"),
        ("{users: {name: noise}}", "NS-DB-073"),
        ("{users: {shout: fake}}", "NS-DB-073"),
        ("{users: {tier: fake}}", "NS-DB-073"),
        ("{users: {phone: redact}}", "NS-DB-073"),
        ("{users: {born: {rule: shift, by: nobody}}}", "NS-DB-073"),
        ("{orders: {day: shift}}", "NS-DB-073"),
        ("{orders: empty}", "NS-DB-073"),
    ] {
        let mut all = recipe(RULES).rules;
        let own = Rules::parse(&format!("tables: {rule}"), Path::new("x")).unwrap();
        for (table, rules) in own.tables {
            match (all.tables.get_mut(&table), rules) {
                (Some(database::mask::TableRules::Columns(known)), database::mask::TableRules::Columns(new)) => {
                    known.extend(new)
                }
                (_, rules) => drop(all.tables.insert(table, rules)),
            }
        }
        all.skip.extend(own.skip);
        let recipe = Recipe { rules: all, ..recipe("") };
        let error = plan(&client, &recipe).await.err().unwrap_or_else(|| panic!("{rule} was taken"));
        assert_eq!(error.code(), expected, "{rule}: {error} {:?}", error.why());
    }
}

#[tokio::test]
async fn a_subset_stands_on_its_own() {
    let (source, target) = (filled(SHOP).await, testkit::db().await);
    let subset = "orders where id in (5, 305, 6)";
    let (report, done) = sync(&source.url(), &target.url(), &recipe(RULES), Some(subset)).await.unwrap();
    let client = target.client().await;
    for (sql, expected) in [
        ("SELECT count(*) FROM orders", "3"),
        ("SELECT count(*) FROM lines", "3"),
        // Customers 6 and 7, and the boss of both.
        ("SELECT count(*) FROM users", "3"),
        // A kept table is there whole; one that nothing ties to the subset, too.
        ("SELECT count(*) FROM roles", "2"),
        ("SELECT count(*) FROM audit", "10"),
    ] {
        assert_eq!(value(&client, sql).await, expected, "{sql}");
    }
    assert_eq!(report.rows, 3 + 3 + 3 + 2 + 10);
    assert_eq!(done.chosen.unwrap().listed()["users"], 3);
    let (_, done) =
        sync(&source.url(), &target.url(), &recipe(RULES), Some("users where email = 'Person9@corp.example'"))
            .await
            .unwrap();
    let listed = done.chosen.unwrap().listed();
    // Its orders hang on it.
    assert_eq!((listed["users"], listed["orders_2025"] + listed["orders_rest"]), (2, 2));
    let wrong = sync(&source.url(), &target.url(), &recipe(RULES), Some("orders where nonsense")).await.unwrap_err();
    assert!(matches!(refused(wrong), MaskError::Subset { .. }));
}

#[tokio::test]
async fn in_place_the_originals_are_gone() {
    let database = filled(SHOP).await;
    let url = database.url();
    sync(&url, &url, &recipe(RULES), None).await.unwrap();
    let client = database.client().await;
    assert_eq!(value(&client, "SELECT count(*) FROM users WHERE email LIKE '%corp.example'").await, "0");
    assert_eq!(value(&client, "SELECT count(*) FROM orders o JOIN users u ON o.customer = u.email").await, "600");
    // A second time: replacements are replaced.
    sync(&url, &url, &recipe(RULES), None).await.unwrap();
    assert_eq!(
        value(&database.client().await, "SELECT count(*) FROM orders o JOIN users u ON o.customer = u.email").await,
        "600"
    );
}

#[tokio::test]
async fn services_of_our_own_have_rules() {
    let source = testkit::db().await;
    source.bootstrap().await;
    let client = source.client().await;
    for file in [
        "auth/0001_nhost",
        "auth/0002_sessions",
        "auth/0010_methods",
        "auth/0020_oauth",
        "storage/0001_nhost",
        "mail/schema",
    ] {
        let path = format!("{}/../../assets/sql/{file}.sql", env!("CARGO_MANIFEST_DIR"));
        client.batch_execute(&std::fs::read_to_string(path).unwrap()).await.unwrap();
    }
    client
        .batch_execute(
            "INSERT INTO auth.users (id, email, display_name, locale, password_hash, phone_number, metadata)
             VALUES ('00000000-0000-4000-8000-000000000001', 'ann@firm.io', 'Ann Lee', 'en', '$2a$10$abcdefghijklmnopqrstuv', '+4930123456', '{\"a\": \"ann@firm.io\"}');
             INSERT INTO auth.refresh_tokens (user_id, expires_at) SELECT id, now() FROM auth.users;
             INSERT INTO auth.user_providers (user_id, access_token, provider_id, provider_user_id)
             SELECT id, 'secret-token-1', 'github', '12345678' FROM auth.users;
             INSERT INTO auth.user_roles (user_id, role) SELECT id, 'user' FROM auth.users;
             INSERT INTO storage.files (bucket_id, name, uploaded_by_user_id) SELECT 'default', 'ann-lee-passport.pdf', id FROM auth.users",
        )
        .await
        .unwrap();
    let target = testkit::db().await;
    let mut recipe = recipe("");
    recipe.password = Some(recipe.key.password_hash(&Secret::new("let me in".to_owned())).unwrap());
    sync(&source.url(), &target.url(), &recipe, None).await.unwrap();
    let new = target.client().await;
    for (sql, expected) in [
        ("SELECT count(*) FROM auth.users WHERE email LIKE '%@example.%' AND metadata->>'a' = email::text", "1"),
        ("SELECT count(*) FROM auth.users WHERE display_name LIKE '%Ann%' OR phone_number LIKE '%123456'", "0"),
        ("SELECT count(*) FROM auth.refresh_tokens", "0"),
        (
            "SELECT count(*) FROM auth.user_providers WHERE access_token LIKE 'secret%' OR provider_user_id = '12345678'",
            "0",
        ),
        ("SELECT count(*) FROM auth.user_roles r JOIN auth.users u ON u.id = r.user_id", "1"),
        (
            "SELECT count(*) FROM storage.files f JOIN auth.users u ON u.id = uploaded_by_user_id WHERE name !~ 'ann|passport'",
            "1",
        ),
        ("SELECT count(*) > 3 FROM auth.providers", "true"),
    ] {
        assert_eq!(value(&new, sql).await, expected, "{sql}");
    }
    let hash = value(&new, "SELECT password_hash FROM auth.users").await;
    assert!(hash.starts_with("$2b$10$") && hash.len() == 60 && Some(&hash) == recipe.password.as_ref());
    // Without a password nobody has one.
    recipe.password = None;
    sync(&source.url(), &target.url(), &recipe, None).await.unwrap();
    assert_eq!(value(&target.client().await, "SELECT count(*) FROM auth.users WHERE password_hash IS NULL").await, "1");
}

#[tokio::test]
async fn every_schema_of_the_corpus_can_be_planned_with_what_is_suggested() {
    for (name, sql) in [
        ("films", include_str!("../schemas/films.sql")),
        ("music", include_str!("../schemas/music.sql")),
        ("types", include_str!("../schemas/types.sql")),
        ("cycles", include_str!("../schemas/cycles.sql")),
        ("partitions", include_str!("../schemas/partitions.sql")),
        ("policies", include_str!("../schemas/policies.sql")),
        ("names", include_str!("../schemas/names.sql")),
        ("constraints", include_str!("../schemas/constraints.sql")),
    ] {
        let source = filled(sql).await;
        let client = source.client().await;
        copy::settle(&client).await.unwrap();
        let catalog = Catalog::read(&client, &[]).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut rules = Rules { file: folder.path().join("anonymize.yaml"), ..Rules::default() };
        let found = Plan::findings(&client, &catalog, &Recipe { rules: rules.clone(), ..recipe("") }).await.unwrap();
        if !found.is_empty() {
            rules = Rules::parse(&rules.extended(&found).unwrap(), &rules.file).unwrap();
        }
        let plan = Plan::prepare(&client, &catalog, &Recipe { rules, ..recipe("") }).await;
        let plan = plan.unwrap_or_else(|error| panic!("{name}: {error} {:?}", error.why()));
        assert!(plan.summary().tables.iter().all(|table| table.action == Action::Rewrite), "{name}");
    }
}

#[tokio::test]
async fn copies_of_single_tables_are_searched_too() {
    let sql = "CREATE TABLE users (id int PRIMARY KEY, email text); CREATE TABLE log (id int PRIMARY KEY, entry text);
               INSERT INTO users VALUES (1, 'u1@corp.io'); INSERT INTO log VALUES (1, 'u1@corp.io was here');";
    let (source, target) = (filled(sql).await, filled(sql).await);
    target.client().await.batch_execute("DELETE FROM users").await.unwrap();
    let rules = "tables: {users: {email: fake}, log: {entry: keep}}";
    let plan = plan(&source.client().await, &recipe(rules)).await.unwrap();
    let options = Options { rewrite: Some(plan), ..Options::default() };
    let names = ["users".to_owned(), "log".to_owned()];
    let error = clone::tables(&place(&source.url()), &place(&target.url()), &names, &options).await.unwrap_err();
    assert!(matches!(refused(error), MaskError::Leaked { .. }));
    assert_eq!(value(&target.client().await, "SELECT count(*) FROM users").await, "0", "as it was");
    clone::tables(&place(&source.url()), &place(&target.url()), &names[..1], &options).await.unwrap();
    assert_eq!(value(&target.client().await, "SELECT count(*) FROM users WHERE email LIKE '%@example.%'").await, "1");
}

/// Not a test of its own: the process that gets killed.
#[tokio::test]
#[ignore = "run by the next test"]
async fn child() {
    let (Ok(from), Ok(to)) = (std::env::var(FROM), std::env::var(TO)) else { return };
    sync(&from, &to, &recipe(RULES), None).await.unwrap();
}

#[tokio::test]
async fn a_killed_sync_leaves_the_old_or_the_new() {
    let source = filled(SHOP).await;
    for point in ["scratch.made", "clone.schema", "clone.table", "clone.rows", "mask.check"] {
        let target = filled("CREATE TABLE mine (id int)").await;
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "mask::child"])
            .env("NSELF_FAULT", point)
            .env(FROM, source.url())
            .env(TO, target.url())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(6), "it aborts at {point}");
        let client = target.client().await;
        assert_eq!(value(&client, "SELECT to_regclass('mine') IS NOT NULL").await, "true", "{point}");
        drop(client);
        // The same command again ends the work, and leaves nothing beside.
        sync(&source.url(), &target.url(), &recipe(RULES), None).await.unwrap();
        assert_eq!(value(&target.client().await, "SELECT count(*) FROM users").await, "300", "{point}");
    }
}
