use database::{
    Error, Options,
    seed::{self, Report, Seeds, Selection, State},
};
use project::{Diagnostic, EnvName, Tier};
use tokio_postgres::Client;

use crate::support::{Folder, text};

fn seeds(folder: &Folder, environment: &str, tier: Tier) -> Seeds {
    Seeds::new(folder.root(), "nself/seeds", EnvName::parse(environment).unwrap(), tier)
}

async fn run(client: &mut Client, seeds: &Seeds, force: bool) -> Result<Report, Error> {
    seed::run(client, seeds, &Selection::All, force, &Options::default(), &mut |_| {}).await
}

fn paths(report: &Report) -> Vec<&str> {
    report.ran.iter().map(|ran| ran.path.as_str()).collect()
}

#[tokio::test]
async fn common_ones_run_before_those_of_the_environment() {
    let folder = Folder::new(&[
        ("nself/seeds/common/002_b.sql", "INSERT INTO log VALUES ('b')"),
        ("nself/seeds/001_a.sql", "INSERT INTO log VALUES ('a')"),
        ("nself/seeds/10_c.sql", "INSERT INTO log VALUES ('c')"),
        ("nself/seeds/local/001_a.sql", "INSERT INTO log VALUES ('local')"),
        ("nself/seeds/staging/001_s.sql", "INSERT INTO log VALUES ('staging')"),
        ("nself/seeds/production/001_p.sql", "INSERT INTO log VALUES ('production')"),
        ("hasura/seeds/default/001_h.sql", "INSERT INTO log VALUES ('h1')"),
        ("hasura/seeds/default/005_h.sql", "INSERT INTO log VALUES ('h5')"),
    ]);
    for (environment, tier, expected) in [
        ("dev", Tier::Dev, "h1 h5 a b c local"),
        ("staging", Tier::Staging, "h1 a b c staging"),
        ("prod", Tier::Prod, "h1 a b c production"),
    ] {
        let database = testkit::db().await;
        let mut client = database.client().await;
        client.batch_execute("CREATE TABLE log (what text, id serial)").await.unwrap();
        run(&mut client, &seeds(&folder, environment, tier), false).await.unwrap();
        assert_eq!(text(&client, "SELECT string_agg(what, ' ' ORDER BY id) FROM log").await, expected);
    }
}

#[tokio::test]
async fn a_seed_runs_again_only_when_it_changed_or_by_force() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute("CREATE TABLE log (what text)").await.unwrap();
    let folder = Folder::new(&[
        ("nself/seeds/common/001_a.sql", "INSERT INTO log VALUES ('a')"),
        ("nself/seeds/common/002_b.sql", "INSERT INTO log VALUES ('b')"),
        ("nself/seeds/common/003_empty.sql", "-- nothing yet"),
    ]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    assert_eq!(run(&mut client, &seeds, false).await.unwrap().ran.len(), 2);
    folder.write("nself/seeds/common/002_b.sql", "INSERT INTO log VALUES ('b2')");
    let status = seed::status(&client, &seeds).await.unwrap();
    let states: Vec<State> = status.seeds.iter().map(|seed| seed.state).collect();
    assert_eq!(states, [State::Applied, State::Changed, State::Empty]);
    assert_eq!(paths(&run(&mut client, &seeds, false).await.unwrap()), ["nself/seeds/common/002_b.sql"]);
    assert_eq!(run(&mut client, &seeds, true).await.unwrap().ran.len(), 2);

    let named = |name: &str| Selection::Named(name.to_owned());
    for name in ["a", "001_a", "001_a.sql", "nself/seeds/common/001_a.sql"] {
        let report =
            seed::run(&mut client, &seeds, &named(name), true, &Options::default(), &mut |_| {}).await.unwrap();
        assert_eq!(paths(&report), ["nself/seeds/common/001_a.sql"], "{name}");
    }
    let error = seed::run(&mut client, &seeds, &named("z"), true, &Options::default(), &mut |_| {}).await.unwrap_err();
    assert_eq!(error.code(), "NS-DB-016");
    assert!(error.why().unwrap().contains("a, b, empty"));
}

#[tokio::test]
async fn a_failing_seed_leaves_nothing_and_those_before_it_stay() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute("CREATE TABLE log (what text PRIMARY KEY)").await.unwrap();
    let folder = Folder::new(&[
        ("nself/seeds/common/001_a.sql", "INSERT INTO log VALUES ('a')"),
        ("nself/seeds/common/002_b.sql", "INSERT INTO log VALUES ('b');\nINSERT INTO log VALUES ('a');"),
    ]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    let Error::Statement(failure) = run(&mut client, &seeds, false).await.unwrap_err() else { panic!("refused") };
    assert_eq!(failure.position.line, 2);
    assert_eq!(failure.sqlstate.as_deref(), Some("23505"));
    assert_eq!(text(&client, "SELECT string_agg(what, ' ') FROM log").await, "a");
    let status = seed::status(&client, &seeds).await.unwrap();
    assert_eq!((status.seeds[0].state, status.seeds[1].state), (State::Applied, State::New));
}

#[tokio::test]
async fn what_the_bash_nself_seeded_is_not_seeded_again() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE log (what text);
             CREATE TABLE nself_seeds (filename text PRIMARY KEY, applied_at timestamp DEFAULT now(), environment text);
             INSERT INTO nself_seeds (filename) VALUES ('001_a.sql'), ('002_b.sql')",
        )
        .await
        .unwrap();
    let folder = Folder::new(&[
        ("nself/seeds/common/001_a.sql", "INSERT INTO log VALUES ('a')"),
        ("nself/seeds/common/002_b.sql", "INSERT INTO log VALUES ('b')"),
        ("nself/seeds/local/002_b.sql", "INSERT INTO log VALUES ('local')"),
    ]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    // Two files are called 002_b.sql: the record says nothing about either.
    assert_eq!(seed::status(&client, &seeds).await.unwrap().due, 2);
    run(&mut client, &seeds, false).await.unwrap();
    assert_eq!(text(&client, "SELECT string_agg(what, ' ') FROM log").await, "b local");
    assert_eq!(seed::status(&client, &seeds).await.unwrap().due, 0);
}

#[test]
fn folders_and_files_are_made() {
    let folder = Folder::new(&[("nself/seeds/dev/004_x.sql", "SELECT 1")]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    assert_eq!(seed::init(&seeds).unwrap().created.len(), 4);
    assert!(seed::init(&seeds).unwrap().created.is_empty());
    let common = seed::create(&seeds, "Tax rates", true).unwrap().file;
    assert!(common.ends_with("nself/seeds/common/001_tax_rates.sql"));
    std::fs::remove_dir_all(folder.root().join("nself/seeds/local")).unwrap();
    assert!(seed::create(&seeds, "y", false).unwrap().file.ends_with("nself/seeds/dev/005_y.sql"));
}

#[tokio::test]
async fn seeds_without_a_number_follow_their_keys() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE users (id int PRIMARY KEY, name text);
             CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users);",
        )
        .await
        .unwrap();
    let folder = Folder::new(&[
        ("nself/seeds/common/posts.sql", "INSERT INTO posts VALUES (1, 1)"),
        ("nself/seeds/common/users.sql", "-- nself: after b_first\nINSERT INTO public.users VALUES (1, 'a')"),
        ("nself/seeds/common/b_first.sql", "SELECT 1"),
        ("nself/seeds/common/002_users.csv", "id,name\n7,\"x, y\"\n8,\n"),
    ]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    let status = seed::status(&client, &seeds).await.unwrap();
    let names: Vec<&str> = status.seeds.iter().map(|seed| seed.name.as_str()).collect();
    assert_eq!(names, ["users", "b_first", "users", "posts"]);
    run(&mut client, &seeds, false).await.unwrap();
    let rows = "SELECT string_agg(id || coalesce(name, '-'), ' ' ORDER BY id) FROM users";
    assert_eq!(text(&client, rows).await, "1a 7x, y 8-");
    // A file of rows brings those that are there up to date.
    folder.write("nself/seeds/common/002_users.csv", "name,id\nnew,7\n");
    run(&mut client, &seeds, false).await.unwrap();
    assert_eq!(text(&client, rows).await, "1a 7new 8-");
}

#[tokio::test]
async fn a_wrong_row_is_named_by_its_line() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client.batch_execute("CREATE TABLE a (id int, b int)").await.unwrap();
    let folder = Folder::new(&[(
        "nself/seeds/001_a.sql",
        "-- rows\n\nCOPY a (id, b) FROM stdin;\n1\t2\n3\tx\n\\.\nSELECT 1;\n",
    )]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    let Error::Statement(failure) = run(&mut client, &seeds, false).await.unwrap_err() else { panic!("refused") };
    assert_eq!((failure.position.line, failure.sqlstate.as_deref()), (5, Some("22P02")));
    folder.write("nself/seeds/001_a.sql", "COPY a FROM stdin;\n1\t2\n\\.\n\nSELECT\n  wrong;\n");
    let Error::Statement(failure) = run(&mut client, &seeds, false).await.unwrap_err() else { panic!("refused") };
    assert_eq!((failure.position.line, failure.position.column), (6, 3));
    assert_eq!(text(&client, "SELECT count(*) FROM a").await, "0");
    folder.write("nself/seeds/001_a.sql", "BEGIN;\nCOPY a FROM stdin;\n1\t2\n\\.\nCOMMIT;\n");
    let report = run(&mut client, &seeds, false).await.unwrap();
    assert_eq!((report.ran[0].rows, report.ran[0].statements), (1, 1));
    folder.write("nself/seeds/001_a.sql", "INSERT INTO a VALUES (1);\nCOMMIT;\n");
    assert_eq!(run(&mut client, &seeds, false).await.unwrap_err().code(), "NS-DB-013");
}

#[tokio::test]
async fn fresh_clears_what_seeds_fill_and_nothing_else() {
    let database = testkit::db().await;
    let mut client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE users (id serial PRIMARY KEY, name text);
             CREATE TABLE posts (user_id int REFERENCES users);
             CREATE TABLE other (id int);
             INSERT INTO users (name) VALUES ('own'), ('own2'); INSERT INTO posts VALUES (1); INSERT INTO other VALUES (1);",
        )
        .await
        .unwrap();
    let folder = Folder::new(&[("nself/seeds/001_users.sql", "INSERT INTO users (name) VALUES ('seed')")]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    let plan = seed::plan_fresh(&client, &seeds, &Selection::All).await.unwrap();
    assert_eq!((plan.cleared, plan.with_them), (vec!["public.users".to_owned()], vec!["public.posts".to_owned()]));
    let fresh = async |client: &mut Client| {
        seed::fresh(client, &seeds, &Selection::All, &Options::default(), &crate::support::allowed(), &mut |_| {}).await
    };
    for _ in 0..2 {
        assert_eq!(fresh(&mut client).await.unwrap().ran.len(), 1);
        let left = "SELECT (SELECT string_agg(id || name, ' ') FROM users) || ' ' || (SELECT count(*) FROM posts) || ' ' || (SELECT count(*) FROM other)";
        assert_eq!(text(&client, left).await, "1seed 0 1");
    }
    folder.write("nself/seeds/001_users.sql", "INSERT INTO users (name) VALUES ('a');\nINSERT INTO nowhere VALUES (1)");
    fresh(&mut client).await.unwrap_err();
    assert_eq!(text(&client, "SELECT string_agg(name, ' ') FROM users").await, "seed", "all or nothing");
}

const SHOP: &str = "
    CREATE TYPE mood AS ENUM ('fine', 'so \"so\"');
    CREATE TABLE \"Städte\" (\"Name\" text PRIMARY KEY);
    CREATE TABLE users (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, boss int REFERENCES users, best int, note text, feels mood[],
        born date, pay numeric(10, 2), data bytea, twice int GENERATED ALWAYS AS (id * 2) STORED, town text REFERENCES \"Städte\");
    CREATE TABLE posts (id bigserial PRIMARY KEY, author int NOT NULL REFERENCES users, part int, UNIQUE (author, part));
    CREATE TABLE likes (author int, part int, ok boolean DEFAULT true, FOREIGN KEY (author, part) REFERENCES posts (author, part));
    ALTER TABLE users ADD CONSTRAINT best_post FOREIGN KEY (best) REFERENCES posts;";

#[tokio::test]
async fn what_is_extracted_runs_anywhere() {
    let (from, to) = (testkit::db().await, testkit::db().await);
    let (mut client, mut other) = (from.client().await, to.client().await);
    client
        .batch_execute(&format!(
            "{SHOP} INSERT INTO \"Städte\" VALUES ('Köln'), ('Ulm');
            INSERT INTO users (boss, note, feels, born, pay, data, town) VALUES
                (2, E'it''s\\r\\n\\\\ me', '{{fine,NULL,\"so \\\"so\\\"\"}}', 'infinity', 12.50, '\\x00ff', 'Köln'),
                (NULL, '', '{{}}', '4713-01-01 BC', 'NaN', '', NULL), (1, NULL, NULL, NULL, NULL, NULL, 'Ulm');
            INSERT INTO posts (author, part) VALUES (1, 1), (3, 1);
            UPDATE users SET best = 1 WHERE id = 2;
            INSERT INTO likes VALUES (1, 1, true), (3, 1, false), (NULL, 9, true)"
        ))
        .await
        .unwrap();
    other.batch_execute(SHOP).await.unwrap();
    let mut wanted =
        seed::Extract { table: "likes".to_owned(), filter: Some("ok -- all".to_owned()), parents: true, limit: 100 };
    assert_eq!(seed::extract(&mut client, &wanted).await.unwrap_err().code(), "NS-DB-061");
    wanted.filter = Some("author = 1".to_owned());
    let extracted = seed::extract(&mut client, &wanted).await.unwrap();
    let tables: Vec<String> =
        extracted.tables.iter().map(|table| format!("{} {} {}", table.table, table.rows, table.parent)).collect();
    assert_eq!(
        tables,
        ["public.Städte 1 true", "public.users 2 true", "public.posts 1 true", "public.likes 1 false"],
        "{}",
        extracted.sql
    );
    let folder = Folder::new(&[("nself/seeds/001_likes.sql", &extracted.sql)]);
    let seeds = seeds(&folder, "dev", Tier::Dev);
    for _ in 0..2 {
        run(&mut other, &seeds, true).await.unwrap_or_else(|error| panic!("{error}\n{}", extracted.sql));
    }
    let row = "SELECT u::text FROM users u WHERE id = 1";
    assert_eq!(text(&other, row).await, text(&client, row).await);
    let key = "SELECT condeferrable FROM pg_constraint WHERE conname = 'best_post'";
    assert_eq!(text(&other, key).await, "false", "the circle's key is what it was");
    other.batch_execute("INSERT INTO users (note) VALUES ('next')").await.unwrap();
    assert_eq!(text(&other, "SELECT max(id) FROM users").await, "3");
    wanted.limit = 2;
    assert_eq!(seed::extract(&mut client, &wanted).await.unwrap_err().code(), "NS-DB-062");
    wanted.table = "like".to_owned();
    let error = seed::extract(&mut client, &wanted).await.unwrap_err();
    assert_eq!(error.code(), "NS-DB-060");
    assert!(error.why().unwrap().contains("public.likes"));
}
