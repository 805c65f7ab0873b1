//! The ground that tests stand on.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Postgres, TempProject, db};

#[tokio::test]
async fn a_database_is_there_and_gone_with_its_value() {
    let (one, two) = (db().await, db().await);
    assert_ne!(one.name(), two.name());
    one.bootstrap().await;
    let client = one.client().await;
    client.batch_execute("CREATE TABLE auth.t (email citext)").await.unwrap();
    let name = one.name().to_owned();
    drop(one);
    let rows = two.client().await.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap();
    assert!(rows.is_empty(), "dropped, although a client was connected");
}

#[tokio::test]
async fn a_url_reaches_the_same_database() {
    let database = db().await;
    let (client, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let name: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    assert_eq!(name, database.name());
    assert!(std::ptr::eq(database.server(), Postgres::shared()));
}

/// The script that ends a server does so when the process it was given is gone.
#[test]
fn nothing_outlives_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let (server_folder, data) = (folder.path().join("server"), folder.path().join("server/data"));
    std::fs::create_dir_all(&data).unwrap();
    let mut runner = Command::new("sleep").arg("600").spawn().unwrap();
    let mut server = Command::new("sleep").arg("600").spawn().unwrap();
    std::fs::write(data.join("postmaster.pid"), format!("{}\n", server.id())).unwrap();
    let mut watch = Command::new("sh")
        .args(["-c", include_str!("../../assets/watch.sh"), "watch", &runner.id().to_string()])
        .args([&data, &server_folder])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    assert!(watch.try_wait().unwrap().is_none() && server.try_wait().unwrap().is_none());
    runner.kill().unwrap();
    runner.wait().unwrap();
    let begin = Instant::now();
    while server.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the server lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(watch.wait().unwrap().success());
    assert!(!server_folder.exists());
}

#[test]
fn a_project_has_ports_and_secrets_of_its_own() {
    let (one, two) = (TempProject::new(), TempProject::new());
    assert_ne!(one.postgres_port(), two.postgres_port());
    assert_ne!(one.name(), two.name());
    let settings = project::Project::at(one.root()).settings(None).unwrap();
    assert_eq!(settings.port("POSTGRES_PORT"), Some(one.postgres_port()));
    project::secrets::check(&settings).unwrap();
}
