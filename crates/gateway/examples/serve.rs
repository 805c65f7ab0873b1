//! A gateway in front of one upstream, for benchmarks: `serve <listen port> <upstream port> [log file]`. One worker
//! thread, one route, one rate zone that never says no, the access log on.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use gateway::{AccessLog, Backend, Limits, Options, Service, StatusSource};
use jiff::Timestamp;
use stack::status::{ServerStatus, StackStatus};

struct LogFile(Mutex<File>);

impl AccessLog for LogFile {
    fn write(&self, lines: &[u8]) {
        if let Ok(mut file) = self.0.lock() {
            // A benchmark whose disk is full still measures the gateway.
            let _ = file.write_all(lines);
        }
    }
}

struct Alone;

impl StatusSource for Alone {
    fn status(&self) -> StackStatus {
        let now = Timestamp::now();
        let server = ServerStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            url: String::new(),
            https_url: None,
        };
        let (project, environment) = ("bench".to_owned(), "dev".to_owned());
        StackStatus { timestamp: now, project, environment, server, services: Vec::new() }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut port = || -> Result<u16, Box<dyn std::error::Error>> {
        Ok(arguments.next().ok_or("usage: serve <listen port> <upstream port> [log file]")?.parse()?)
    };
    let (listen, upstream) = (port()?, port()?);
    let log = File::create(arguments.next().unwrap_or_else(|| "/dev/null".to_owned()))?;
    let rate = stack::Rate { requests: 1_000_000, per_seconds: 1, burst: 1_000_000 };
    let options = Options {
        plan: stack::Gateway {
            bind: [127, 0, 0, 1].into(),
            http_port: listen,
            https_port: None,
            tls: stack::Tls::Off,
            max_body_bytes: 100 << 20,
            max_header_bytes: 16 << 10,
            compression: true,
            zones: BTreeMap::from([("general".to_owned(), rate)]),
            cors_origins: vec!["http://localhost:*".to_owned()],
        },
        tier: project::Tier::Dev,
        routes: vec![stack::Route {
            host: None,
            path: "/".to_owned(),
            service: "upstream".to_owned(),
            rewrite: None,
            zone: "general".to_owned(),
            max_body_bytes: None,
        }],
        backends: HashMap::from([("upstream".to_owned(), Backend::Upstream(vec![([127, 0, 0, 1], upstream).into()]))]),
        certificates: None,
        status: Arc::new(Alone),
        access_log: Arc::new(LogFile(Mutex::new(log))),
        limits: Limits::default(),
        trusted_proxies: Vec::new(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let (service, _handle) = Service::bind(options).await?;
        tokio::spawn(service.run()).await?;
        Ok(())
    })
}
