//! The portable PostgreSQL, where it is installed (`./test` installs it and runs this crate's tests on it as well).

use std::process::Command;

use postgres::{Bootstrap, Source, portable};

use crate::harness::{Server, cluster, connect, folder, value};

#[test]
#[ignore = "fetches 48 MB; ./test runs it, and then everything on what it installed"]
fn is_fetched_and_installed() {
    let installed = portable::install(None, &|_| {}).unwrap();
    assert_eq!(installed.version.to_string(), portable::VERSION);
    // There already: nothing is fetched, so nothing is said.
    let again = portable::install(None, &|step| panic!("{step}")).unwrap();
    assert_eq!(again, installed);
    assert!(postgres::list().contains(&installed), "{:?}", postgres::list());
    let psql = Command::new(installed.client_bin.join("psql")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(psql.stdout).unwrap().trim(), format!("psql (PostgreSQL) {}", portable::VERSION));
}

#[tokio::test]
async fn has_contrib_pgvector_and_clients() {
    let folder = folder();
    let cluster = cluster(folder.path());
    if cluster.installation.source != Source::Portable {
        return;
    }
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    let extensions = ["vector", "pg_trgm", "uuid-ossp", "hstore", "pg_stat_statements"].map(str::to_owned);
    cluster.bootstrap(&Bootstrap::new("app", extensions)).await.unwrap();
    let client = connect(&cluster, "app").await;
    client.batch_execute("CREATE TABLE items (id int PRIMARY KEY, at vector(3)); INSERT INTO items VALUES (1, '[1,2,3]'), (2, '[4,5,6]'); CREATE INDEX ON items USING hnsw (at vector_l2_ops)").await.unwrap();
    assert_eq!(value(&client, "SELECT id FROM items ORDER BY at <-> '[4,5,5]' LIMIT 1").await, "2");
    let dump = Command::new(cluster.installation.client_bin.join("pg_dump"))
        .args(["--host=127.0.0.1", "--username=postgres", "--table=items"])
        .arg(format!("--port={}", cluster.port))
        .arg("app")
        .env("PGPASSWORD", cluster.password.expose())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&dump.stdout);
    assert!(said.contains("CREATE TABLE public.items"), "{said}{}", String::from_utf8_lossy(&dump.stderr));
}
