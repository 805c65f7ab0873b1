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
