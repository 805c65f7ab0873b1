//! Streams from a real server.

use std::time::Duration;

use postgres::replication::decoding::{self, Kind};
use postgres::replication::{Connection, Error, Event, Mode, Stream};
use testkit::{TestDatabase, db};
use tokio_postgres::Config;

async fn watch(config: &Config) -> Result<Stream, Error> {
    let mut connection = Connection::open(config, Mode::Logical).await?;
    let slot = format!("test_{}_{}", std::process::id(), config.get_dbname().unwrap());
    let from = connection.create_temporary_slot(&slot, decoding::PLUGIN).await?;
    connection.start_logical(&slot, from, decoding::OPTIONS).await
}

/// The changes of the next transaction: kinds and tables.
async fn transaction(stream: &mut Stream) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let data = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap().unwrap();
        match decoding::parse(&data.body).unwrap() {
            Event::Begin { .. } => {}
            Event::Change { relation, kind, .. } => {
                found.push(format!("{kind:?} {}.{}", relation.schema, relation.name));
            }
            Event::Truncate { relations } => found.push(format!("Truncate {}", relations.len())),
            Event::Commit { .. } => {
                stream.confirm(data.end);
                return found;
            }
        }
    }
}

#[tokio::test]
async fn what_commits_is_told_and_nothing_else() {
    let database = db().await;
    let client = database.client().await;
    client
        .batch_execute("CREATE TABLE \"A \"\"b\" (id int, t text); CREATE TABLE c (id int PRIMARY KEY)")
        .await
        .unwrap();
    let mut stream = watch(&database.config()).await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO c VALUES (0); ROLLBACK").await.unwrap();
    client
        .batch_execute("BEGIN; INSERT INTO \"A \"\"b\" VALUES (1, 'x: y'); INSERT INTO c VALUES (1); COMMIT")
        .await
        .unwrap();
    assert_eq!(transaction(&mut stream).await, ["Insert public.A \"b", "Insert public.c"]);
    // A table without a primary key can still be changed.
    client.batch_execute("UPDATE \"A \"\"b\" SET id = 2").await.unwrap();
    assert_eq!(transaction(&mut stream).await, ["Update public.A \"b"]);
    client.batch_execute("TRUNCATE c, \"A \"\"b\"").await.unwrap();
    assert_eq!(transaction(&mut stream).await, ["Truncate 2"]);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let database = db().await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE c (id int PRIMARY KEY, t text)").await.unwrap();
    let mut stream = watch(&database.config()).await.unwrap();
    let insert = "INSERT INTO c SELECT g, repeat('x', 5000) FROM generate_series(1, 200) g";
    client.batch_execute(insert).await.unwrap();
    let mut rows = 0;
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        assert!(std::time::Instant::now() < limit, "{rows}");
        let Ok(data) = tokio::time::timeout(Duration::from_micros(20), stream.next()).await else { continue };
        match decoding::parse(&data.unwrap().body).unwrap() {
            Event::Change { kind: Kind::Insert, .. } => rows += 1,
            Event::Commit { .. } => break,
            _ => {}
        }
    }
    assert_eq!(rows, 200);
}

/// A role's connection over loopback, where passwords are asked for.
async fn role(database: &TestDatabase, attributes: &str) -> Config {
    let name = format!("role_{}", database.name());
    let client = database.client().await;
    client.batch_execute(&format!("CREATE ROLE {name} LOGIN {attributes} PASSWORD 'sécret'")).await.unwrap();
    let mut config = Config::new();
    config.host("127.0.0.1").port(database.server().cluster().port).user(&name).password("sécret");
    config.dbname(database.name());
    config
}

#[tokio::test]
async fn passwords_are_proven_and_rights_are_needed() {
    let database = db().await;
    let mut config = role(&database, "REPLICATION").await;
    let mut connection = Connection::open(&config, Mode::Logical).await.unwrap();
    assert_eq!(connection.command("SHOW wal_level").await.unwrap(), vec![vec![Some("logical".to_owned())]]);
    // A mistake leaves the connection usable.
    assert!(matches!(connection.command("NONSENSE").await, Err(Error::Refused { .. })));
    assert_eq!(connection.command("IDENTIFY_SYSTEM").await.unwrap().len(), 1);
    config.password("another");
    assert!(Connection::open(&config, Mode::Logical).await.unwrap_err().is_permanent());
    let client = database.client().await;
    client.batch_execute(&format!("ALTER ROLE role_{} NOREPLICATION", database.name())).await.unwrap();
    config.password("sécret");
    assert!(Connection::open(&config, Mode::Logical).await.unwrap_err().is_permanent());
    client.batch_execute(&format!("DROP ROLE role_{}", database.name())).await.unwrap();
}

#[tokio::test]
async fn wal_itself_is_streamed() {
    let database = db().await;
    let mut connection = Connection::open(&database.config(), Mode::Physical).await.unwrap();
    let rows = connection.command("IDENTIFY_SYSTEM").await.unwrap();
    let text = |column: usize| rows[0][column].clone().unwrap();
    let (timeline, from) = (text(1).parse().unwrap(), text(2).parse().unwrap());
    let mut stream = connection.start_physical(None, from, timeline).await.unwrap();
    database.client().await.batch_execute("CREATE TABLE t (id int)").await.unwrap();
    let data = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap().unwrap();
    assert!(data.start >= from && !data.body.is_empty());
}
