//! A stack whose state and logs a test sets by hand.

use std::sync::Mutex;

use jiff::Timestamp;
use stack::log::{Level, Line};
use stack::status::{ServerStatus, ServiceStatus, StackStatus, State};
use stack::{Group, Kind};
use tokio::sync::{broadcast, watch};

pub struct FakeStack {
    status: Mutex<StackStatus>,
    changes: watch::Sender<u64>,
    log: Mutex<Vec<Line>>,
    follow: broadcast::Sender<Line>,
}

impl FakeStack {
    pub fn new() -> Self {
        let now = Timestamp::now();
        let started_at = now - jiff::SignedDuration::from_mins(190);
        let service = |name: &str, kind, group, state, port| ServiceStatus {
            name: name.to_owned(),
            kind,
            group,
            state,
            detail: None,
            pid: None,
            since: started_at,
            restarts: 0,
            memory_bytes: None,
            ports: vec![port],
            url: None,
        };
        let mut services = vec![
            service("postgres", Kind::Postgres, Group::Required, State::Ready, 5432),
            service("hasura", Kind::Graphql, Group::Required, State::Ready, 8080),
            service("worker", Kind::Custom, Group::Custom, State::Ready, 8001),
            service("shop", Kind::Frontend, Group::Frontend, State::External, 3000),
        ];
        services[0].pid = Some(48_213);
        services[0].memory_bytes = Some(48_600_000);
        services[2].pid = Some(48_240);
        services[2].memory_bytes = Some(61_900_000);
        let server = ServerStatus {
            pid: 48_200,
            version: "0.1.0".to_owned(),
            started_at,
            url: "http://localhost:8080".to_owned(),
            https_url: None,
        };
        let status = StackStatus {
            timestamp: now,
            project: "nself-demo".to_owned(),
            environment: "dev".to_owned(),
            server,
            services,
        };
        Self {
            status: Mutex::new(status),
            changes: watch::Sender::new(0),
            log: Mutex::default(),
            follow: broadcast::channel(1024).0,
        }
    }

    pub fn set(&self, name: &str, state: State, detail: Option<&str>) {
        let mut status = self.status.lock().unwrap();
        status.timestamp = Timestamp::now();
        let service = status.services.iter_mut().find(|service| service.name == name).unwrap();
        service.state = state;
        service.detail = detail.map(str::to_owned);
        service.since = Timestamp::now();
        drop(status);
        self.changes.send_modify(|version| *version += 1);
    }

    pub fn say(&self, service: &str, level: Level, message: &str) {
        let line = Line {
            ts: Timestamp::now(),
            service: service.to_owned(),
            level,
            message: message.to_owned(),
            fields: serde_json::Map::new(),
        };
        self.write(line);
    }

    pub fn say_with(&self, service: &str, message: &str, fields: &serde_json::Value) {
        let fields = fields.as_object().unwrap().clone();
        let (ts, level) = (Timestamp::now(), Level::Info);
        self.write(Line { ts, service: service.to_owned(), level, message: message.to_owned(), fields });
    }

    fn write(&self, line: Line) {
        self.log.lock().unwrap().push(line.clone());
        // Fails when nobody follows.
        let _ = self.follow.send(line);
    }
}

impl console::Stack for FakeStack {
    fn status(&self) -> StackStatus {
        self.status.lock().unwrap().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn urls(&self) -> Vec<(String, String)> {
        [
            ("GraphQL", "http://localhost:8080/v1/graphql"),
            ("Console", "http://localhost:8080/console"),
            ("Shop", "http://shop.localhost:8080"),
            ("PostgreSQL", "postgres://postgres@localhost:5432/nhost"),
        ]
        .map(|(label, url)| (label.to_owned(), url.to_owned()))
        .into()
    }

    fn tail(&self, service: Option<&str>, lines: usize) -> Vec<Line> {
        let log = self.log.lock().unwrap();
        let all: Vec<_> = log.iter().filter(|line| service.is_none_or(|name| line.service == name)).cloned().collect();
        all[all.len().saturating_sub(lines)..].to_vec()
    }

    fn follow(&self) -> broadcast::Receiver<Line> {
        self.follow.subscribe()
    }

    fn graphql(&self) -> Option<console::GraphqlApi> {
        let echo = |headers: axum::http::HeaderMap| async move {
            let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            axum::Json(serde_json::json!({"data": {
                "secret": value("x-hasura-admin-secret"),
                "role": value("x-hasura-role"),
                "cookie": value("cookie"),
                "authorization": value("authorization"),
            }}))
        };
        Some(console::GraphqlApi {
            router: axum::Router::new().route("/v1/graphql", axum::routing::any(echo)),
            admin_secret: Some(project::Secret::new("the-admin-secret".to_owned())),
            roles: vec!["user".to_owned()],
        })
    }
}
