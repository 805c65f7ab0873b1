use postgres::{Bootstrap, Error};
use project::{Diagnostic, Secret};

use crate::harness::{Server, cluster, connect, folder, log_in, value};

#[tokio::test]
async fn database_schemas_and_extensions_are_made_once() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    let wanted = Bootstrap::new("My \"Shop\"", ["uuid-ossp".to_owned(), "citext".to_owned()]);
    cluster.bootstrap(&wanted).await.unwrap();
    let client = connect(&cluster, "My \"Shop\"").await;
    let extensions = "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension";
    assert_eq!(value(&client, extensions).await, "citext pgcrypto plpgsql uuid-ossp");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('auth', 'storage', 'nself')";
    assert_eq!(value(&client, schemas).await, "3");
    let fingerprint = "SELECT string_agg(xmin::text, ',') FROM (SELECT xmin, oid FROM pg_namespace ORDER BY oid) n";
    let (before, password) = (value(&client, fingerprint).await, verifier(&client).await);
    cluster.bootstrap(&wanted).await.unwrap();
    assert_eq!((value(&client, fingerprint).await, verifier(&client).await), (before, password), "nothing changed");
}

async fn verifier(client: &tokio_postgres::Client) -> String {
    value(client, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'").await
}

#[tokio::test]
async fn a_first_start_logs_no_error() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let server = Server::start(&cluster).await;
    for database in ["app", "app", "postgres"] {
        cluster.bootstrap(&Bootstrap::new(database, [])).await.unwrap();
    }
    let log = server.log.lock().unwrap().join("\n");
    assert!(!log.contains("FATAL") && !log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn the_password_is_the_settings_and_follows_them() {
    let folder = folder();
    let mut cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let server = Server::start(&cluster).await;
    assert!(log_in(&cluster, "postgres", "").await.is_err(), "nobody comes in before there is a password");
    assert!(log_in(&cluster, "postgres", "first-password").await.is_err());
    let wanted = Bootstrap::new("app", []);
    cluster.bootstrap(&wanted).await.unwrap();
    log_in(&cluster, "postgres", "first-password").await.unwrap();
    cluster.password = Secret::new("secönd 'password'".to_owned());
    cluster.prepare().unwrap_err();
    cluster.bootstrap(&wanted).await.unwrap();
    log_in(&cluster, "postgres", "secönd 'password'").await.unwrap();
    assert!(log_in(&cluster, "postgres", "first-password").await.is_err());
    let log = server.log.lock().unwrap().join("\n");
    assert!(!log.contains("secönd") && !log.contains("first-password"), "{log}");
}

#[tokio::test]
async fn another_superuser_can_be_asked_for_later() {
    let folder = folder();
    let mut cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    {
        let _server = Server::start(&cluster).await;
        cluster.bootstrap(&Bootstrap::new("app", [])).await.unwrap();
    }
    cluster.superuser = "Ada L".to_owned();
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    cluster.bootstrap(&Bootstrap::new("app", [])).await.unwrap();
    log_in(&cluster, "Ada L", "first-password").await.unwrap();
    let client = connect(&cluster, "app").await;
    assert_eq!(
        value(&client, "SELECT current_user || (SELECT usesuper FROM pg_user WHERE usename = current_user)").await,
        "Ada Ltrue"
    );
}

#[tokio::test]
async fn a_missing_extension_names_its_package() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    let wanted = ["no_such_thing", "hstore", "nor_this"].map(str::to_owned);
    let error = cluster.bootstrap(&Bootstrap::new("app", wanted)).await.unwrap_err();
    let Error::MissingExtension { names, packages, .. } = &error else { panic!("{error}") };
    assert_eq!(names, &["no_such_thing", "nor_this"]);
    if std::path::Path::new("/etc/debian_version").exists() {
        let major = cluster.installation.version.major;
        assert_eq!(packages[0], format!("postgresql-{major}-no-such-thing"));
    }
    assert!(error.fix().unwrap().contains("POSTGRES_EXTENSIONS"));
    // What came before it is there, so that a retry after the installation has less to do.
    let client = connect(&cluster, "app").await;
    assert_eq!(value(&client, "SELECT count(*) FROM pg_extension WHERE extname = 'pgcrypto'").await, "1");
}

#[tokio::test]
async fn an_extension_that_wants_to_be_loaded_at_start_is() {
    let folder = folder();
    let mut cluster = cluster(folder.path());
    // The second is installed nowhere: loading it would keep the server from starting.
    let wanted = Bootstrap::new("app", ["pg_stat_statements".to_owned(), "timescaledb".to_owned()]);
    cluster.load_for(&wanted);
    cluster.load_for(&wanted);
    assert_eq!(cluster.preload, ["pg_stat_statements"]);
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    cluster.bootstrap(&Bootstrap::new("app", ["pg_stat_statements".to_owned()])).await.unwrap();
    let client = connect(&cluster, "app").await;
    assert_ne!(value(&client, "SELECT count(*) FROM pg_stat_statements").await, "");
}
