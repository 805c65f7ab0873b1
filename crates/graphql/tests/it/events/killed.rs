//! Servers that are killed: what they had taken is delivered by the others, and nothing stays taken.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use graphql::events::{Events, Options};
use graphql::outbound::Client;
use serde_json::json;

use super::{Answer, Stage, TABLE, stage};

/// The test that is a server when it is started with these variables.
const SERVER: &str = "events::killed::a_server_to_be_killed";
const DATABASE: &str = "NSELF_TEST_KILLED_DATABASE";
const METADATA: &str = "NSELF_TEST_KILLED_METADATA";
const RECEIVER: &str = "NSELF_TEST_KILLED_RECEIVER";

#[tokio::test]
#[ignore = "the other tests start it as a process of its own"]
async fn a_server_to_be_killed() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let Ok(config) = variable(DATABASE).parse::<tokio_postgres::Config>() else { return };
    if config.get_dbname().is_none() {
        return;
    }
    let metadata = serde_json::from_str(&variable(METADATA)).unwrap();
    let environment = [("RECEIVER".to_owned(), variable(RECEIVER))].into();
    let client = Client::new().unwrap();
    let _events = Events::start(Options::default(), config, std::sync::Arc::new(environment), client, &metadata);
    std::future::pending::<()>().await;
}

/// The server as a process; with `fault`, it ends itself there as a power cut would.
struct Server(Child);

impl Server {
    fn start(stage: &Stage, fault: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", SERVER, "--ignored", "--nocapture"])
            .env(DATABASE, stage.database.url())
            .env(METADATA, serde_json::to_string(&stage.metadata).unwrap())
            .env(RECEIVER, &stage.receiver.url)
            .env("NSELF_FAULT", fault)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Until it has ended itself.
    async fn ended(&mut self) {
        let limit = std::time::Instant::now() + Duration::from_secs(30);
        while self.0.try_wait().unwrap().is_none() {
            assert!(std::time::Instant::now() < limit, "the server goes on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Three changes, and a one-off event that is due.
async fn something_to_do(stage: &Stage) {
    stage.sql("INSERT INTO t SELECT n FROM generate_series(1, 3) AS n").await;
    let event = json!({"webhook": "{{RECEIVER}}/once", "schedule_at": "2020-01-01T00:00:00Z", "payload": {"id": 4},
        "retry_conf": {"tolerance_seconds": 2_000_000_000u32}});
    graphql::events::api::create_scheduled_event(&stage.client, &event).await.unwrap();
}

/// Everything has been delivered, and nothing is left taken.
async fn all_done(stage: &Stage) {
    stage.until("FROM hdb_catalog.event_log WHERE delivered AND NOT error AND locked IS NULL", 3).await;
    stage.until("FROM hdb_catalog.hdb_scheduled_events WHERE status = 'delivered'", 1).await;
    let logged = "FROM hdb_catalog.event_invocation_logs WHERE status = 200";
    assert_eq!(stage.count(logged).await, 3, "each is written down once");
}

#[tokio::test]
async fn nothing_is_lost_wherever_a_process_is_killed() {
    for fault in ["events.taken", "events.sent", ""] {
        let mut stage = stage(TABLE).await;
        stage.trigger("t", json!({"insert": {"columns": "*"}})).await;
        something_to_do(&stage).await;
        if fault.is_empty() {
            stage.receiver.answer(std::iter::repeat_n(Answer::Hang, 4));
        }
        let mut server = Server::start(&stage, fault);
        if fault.is_empty() {
            for _ in 0..4 {
                stage.receiver.next().await;
            }
            assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE locked IS NOT NULL").await, 3);
        } else {
            server.ended().await;
        }
        // With SIGKILL, where it has not ended itself.
        drop(server);
        let client = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'nself events'";
        stage.until(client, 0).await;
        assert_eq!(stage.count("FROM hdb_catalog.event_log WHERE delivered").await, 0, "{fault}");
        let next = stage.start();
        all_done(&stage).await;
        next.stop().await;
    }
}

#[tokio::test]
async fn events_of_a_killed_server_are_delivered_while_others_live() {
    let mut stage = stage(TABLE).await;
    stage.trigger("t", json!({"insert": {"columns": "*"}})).await;
    something_to_do(&stage).await;
    stage.receiver.answer(std::iter::repeat_n(Answer::Hang, 4));
    let killed = Server::start(&stage, "");
    for _ in 0..4 {
        stage.receiver.next().await;
    }
    let quick = || Options { poll: Duration::from_millis(100), ..Options::default() };
    let (first, second) = (stage.start_with(quick()), stage.start_with(quick()));
    // Both look around several times, and leave alone what is being delivered.
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.receiver.nothing();
    drop(killed);
    for _ in 0..4 {
        stage.receiver.next().await;
    }
    all_done(&stage).await;
    first.stop().await;
    second.stop().await;
    stage.receiver.nothing();
}
