use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use nix::sys::signal::Signal;
use postgres::{Error, Origin, Postmaster};
use project::Diagnostic;

use crate::harness::{LIMIT, Server, cluster, connect, folder, value};

#[tokio::test]
async fn a_new_cluster_is_made_as_promised() {
    let folder = folder();
    let cluster = cluster(folder.path());
    assert_eq!(cluster.prepare().unwrap().origin, Origin::Template);
    let _server = Server::start(&cluster).await;
    let client = connect(&cluster, "postgres").await;
    assert_eq!(value(&client, "SHOW data_checksums").await, "on");
    assert_eq!(value(&client, "SHOW server_encoding").await, "UTF8");
    assert_eq!(value(&client, "SHOW password_encryption").await, "scram-sha-256");
    assert_eq!(value(&client, "SHOW listen_addresses").await, "127.0.0.1");
    assert_eq!(value(&client, "SHOW jit").await, "off");
    assert_eq!(value(&client, "SHOW max_connections").await, "100");
    if cluster.installation.version.major >= 15 {
        let provider = "SELECT datlocprovider::text FROM pg_database WHERE datname = 'postgres'";
        assert_eq!(value(&client, provider).await, "i");
    }
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("data"), mode("run"), mode("data/nself.conf")), (0o700, 0o700, 0o600));
}

#[tokio::test]
async fn data_outlives_stop_kill_and_restart() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    for (round, signal, code) in [(1, Signal::SIGINT, Some(0)), (2, Signal::SIGQUIT, None), (3, Signal::SIGKILL, None)]
    {
        let mut server = Server::start(&cluster).await;
        let client = connect(&cluster, "postgres").await;
        client.batch_execute("CREATE TABLE IF NOT EXISTS kept (round int)").await.unwrap();
        client.batch_execute(&format!("INSERT INTO kept VALUES ({round})")).await.unwrap();
        let ended = server.end(signal);
        assert!(code.is_none() || ended == code, "{signal}: {ended:?}");
        assert_eq!(cluster.prepare().unwrap().origin, Origin::Existing);
    }
    let _server = Server::start(&cluster).await;
    let client = connect(&cluster, "postgres").await;
    assert_eq!(value(&client, "SELECT string_agg(round::text, ',' ORDER BY round) FROM kept").await, "1,2,3");
}

#[tokio::test]
async fn changed_options_are_there_after_a_restart() {
    let folder = folder();
    let mut cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    fs::write(
        folder.path().join("data/postgresql.conf"),
        fs::read_to_string(folder.path().join("data/postgresql.conf")).unwrap() + "log_min_duration_statement = '7s'\n",
    )
    .unwrap();
    cluster.tuning.max_connections = 37;
    cluster.parameters = vec![("cluster_name".to_owned(), "it's \\ a 'name'".to_owned())];
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    let client = connect(&cluster, "postgres").await;
    assert_eq!(value(&client, "SHOW max_connections").await, "37");
    assert_eq!(value(&client, "SHOW cluster_name").await, "it's \\ a 'name'");
    assert_eq!(value(&client, "SHOW log_min_duration_statement").await, "7s", "the user's own line is kept");
}

#[test]
fn a_template_is_made_once_and_shared() {
    let folder = folder();
    let mut first = cluster(folder.path());
    first.templates = Some(folder.path().join("templates"));
    first.prepare().unwrap();
    let template = fs::read_dir(folder.path().join("templates")).unwrap().flatten().find(|e| e.path().is_dir());
    let made = template.unwrap().metadata().unwrap().created().ok();
    let second = folder.path().join("second");
    first.data_dir = second.clone();
    assert_eq!(first.prepare().unwrap().origin, Origin::Template);
    let folders: Vec<_> = fs::read_dir(folder.path().join("templates")).unwrap().flatten().collect();
    let template = folders.iter().find(|entry| entry.path().is_dir()).unwrap();
    assert_eq!(template.metadata().unwrap().created().ok(), made);
    assert_eq!(fs::read(second.join("PG_VERSION")).unwrap(), fs::read(template.path().join("PG_VERSION")).unwrap());
}

#[tokio::test]
async fn copies_of_a_template_are_different_clusters() {
    let mut identifiers = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let folder = folder();
        let cluster = cluster(folder.path());
        assert_eq!(cluster.prepare().unwrap().origin, Origin::Template);
        let _server = Server::start(&cluster).await;
        let client = connect(&cluster, "postgres").await;
        identifiers.insert(value(&client, "SELECT system_identifier FROM pg_control_system()").await);
    }
    assert_eq!(identifiers.len(), 2, "two clusters of one identifier would be taken for one: {identifiers:?}");
}

#[test]
fn many_at_once_make_one_whole_cluster() {
    let folder = folder();
    let mut cluster = cluster(folder.path());
    cluster.templates = Some(folder.path().join("templates"));
    let made = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| cluster.prepare().unwrap().origin)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).filter(|origin| *origin != Origin::Existing).count()
    });
    assert_eq!(made, 1);
    assert!(!folder.path().join("data.partial").exists());
}

#[test]
fn another_major_is_refused_with_the_way_out() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    fs::write(cluster.data_dir.join("PG_VERSION"), "13\n").unwrap();
    let error = cluster.prepare().unwrap_err();
    assert!(matches!(error, Error::OtherMajor { found: 13, .. }), "{error}");
    assert!(error.fix().unwrap().contains("pg_upgrade"), "{:?}", error.fix());
}

#[test]
fn files_that_are_no_cluster_are_left_alone() {
    let folder = folder();
    let cluster = cluster(folder.path());
    fs::create_dir(&cluster.data_dir).unwrap();
    fs::write(cluster.data_dir.join("thesis.txt"), "ten years of work").unwrap();
    assert!(matches!(cluster.prepare(), Err(Error::NotADataDirectory { .. })));
    assert_eq!(fs::read_to_string(cluster.data_dir.join("thesis.txt")).unwrap(), "ten years of work");
    fs::remove_file(cluster.data_dir.join("thesis.txt")).unwrap();
    assert_eq!(cluster.prepare().unwrap().origin, Origin::Template, "an empty folder is fine");
}

#[tokio::test]
async fn a_running_server_is_not_disturbed() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let server = Server::start(&cluster).await;
    let error = cluster.prepare().unwrap_err();
    assert!(matches!(error, Error::AlreadyRunning { pid, .. } if pid == server.pid()), "{error}");
    let found = Postmaster::find(&cluster.data_dir).unwrap();
    assert_eq!((found.pid, found.port), (server.pid(), Some(cluster.port)));
    assert_eq!(found.socket_dir, Some(cluster.socket_dir.clone()));
}

#[tokio::test]
async fn a_lock_file_whose_number_another_program_has_is_no_obstacle() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let mut server = Server::start(&cluster).await;
    server.end(Signal::SIGKILL);
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let data_lock = cluster.data_dir.join("postmaster.pid");
    let socket_lock = cluster.socket_dir.join(format!(".s.PGSQL.{}.lock", cluster.port));
    for lock in [&data_lock, &socket_lock] {
        let text = fs::read_to_string(lock).unwrap();
        let (_, rest) = text.split_once('\n').unwrap();
        fs::write(lock, format!("{}\n{rest}", stranger.id())).unwrap();
    }
    assert_eq!(Postmaster::find(&cluster.data_dir), None);
    cluster.prepare().unwrap();
    let _server = Server::start(&cluster).await;
    assert_eq!(stranger.try_wait().unwrap(), None, "the stranger lives on");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn an_empty_lock_file_of_a_power_cut_is_no_obstacle() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    fs::write(cluster.data_dir.join("postmaster.pid"), "").unwrap();
    cluster.prepare().unwrap();
    Server::start(&cluster).await;
}

#[tokio::test]
async fn waiting_for_a_server_that_is_not_there_ends() {
    let folder = folder();
    let cluster = cluster(folder.path());
    let error = cluster.ready(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::NotReady { .. }), "{error}");
    assert!(error.why().is_some());
}

#[tokio::test]
async fn the_log_can_be_read() {
    let folder = folder();
    let cluster = cluster(folder.path());
    cluster.prepare().unwrap();
    let server = Server::start(&cluster).await;
    let client = connect(&cluster, "postgres").await;
    client.batch_execute("SELECT * FROM nothing_here").await.unwrap_err();
    let begin = std::time::Instant::now();
    loop {
        let lines = server.log.lock().unwrap().clone();
        let parsed: Vec<_> = lines.iter().filter_map(|line| postgres::log::parse(line)).collect();
        if let Some(error) = parsed.iter().find(|line| line.level == postgres::log::Level::Error) {
            assert_eq!(error.session, Some("postgres@postgres"));
            assert_eq!(error.message, "relation \"nothing_here\" does not exist at character 15");
            assert!(parsed.iter().any(|line| line.message.ends_with("ready to accept connections")));
            return;
        }
        assert!(begin.elapsed() < LIMIT, "{lines:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
