//! The shape of a plan. Everything serialises to the same bytes for the same settings: vectors are sorted, maps are
//! `BTreeMap`s, and secrets are references to settings, never values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything a runtime needs to know about one project in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub project: String,
    pub environment: String,
    pub tier: project::Tier,
    pub base_domain: String,
    pub gateway: Gateway,
    /// In start order: every service comes after those it depends on. Stop order is the reverse.
    pub services: Vec<Service>,
    /// Sorted by host, then by path with the longest first.
    pub routes: Vec<Route>,
    /// Services that the settings ask for and no runtime of this version can run, with the reason.
    pub deferred: Vec<Deferred>,
}

/// The front door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// Address to listen on, `127.0.0.1` in dev, `0.0.0.0` in staging and prod.
    pub bind: std::net::IpAddr,
    pub http_port: u16,
    /// `None` when TLS is off (`SSL_MODE=none` or `SSL_ENABLED=false`).
    pub https_port: Option<u16>,
    pub tls: Tls,
    /// Largest request body, bytes.
    pub max_body_bytes: u64,
    /// Largest request head, bytes.
    pub max_header_bytes: u64,
    pub compression: bool,
    /// By zone name: general, graphql, auth, upload, static, webhook, functions, user, and `service-<name>` for a custom
    /// service with `CS_N_RATE_LIMIT`. A route whose zone is not here has no limit: in dev only zones that the user
    /// set are here.
    pub zones: BTreeMap<String, Rate>,
    /// Origins allowed by CORS; `*` for any, and wildcards like `http://*.localhost`.
    pub cors_origins: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase")]
pub enum Tls {
    /// A certificate from the project's own local authority.
    Local,
    /// Files the user brought.
    Custom {
        certificate: PathBuf,
        key: PathBuf,
    },
    Off,
}

/// A rate limit: `requests` in every `per_seconds`, with `burst` more before 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub requests: u32,
    pub per_seconds: u32,
    pub burst: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Service key, the same as the Bash tool's compose key: `postgres`, `hasura`, `auth`, a `CS_N` name, ...
    pub name: String,
    pub kind: Kind,
    pub group: Group,
    pub version: Option<String>,
    pub run: Run,
    pub ports: Vec<Port>,
    pub environment: BTreeMap<String, EnvValue>,
    pub depends_on: Vec<String>,
    pub probe: Probe,
    pub resources: Resources,
    pub volumes: Vec<Volume>,
    pub log: Log,
    pub metrics: Option<Metrics>,
}

/// What a service is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Postgres,
    Graphql,
    Auth,
    Storage,
    S3,
    Mail,
    Console,
    Custom,
    Frontend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    Required,
    Optional,
    Monitoring,
    Custom,
    Frontend,
}

/// How a service comes to life in the embedded runtime, and which image stands for it elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "lowercase")]
pub enum Run {
    /// A Rust service inside the server's own process.
    Builtin { image: Option<String> },
    /// PostgreSQL as a child of the server.
    Postgres { image: String },
    /// A program started with argv, never through a shell, in `directory` (relative to the project's root).
    Command { argv: Vec<String>, directory: PathBuf },
    /// Somebody else starts it (a frontend's dev server); only routed to.
    External,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// `http`, `postgres`, ...
    pub name: String,
    pub number: u16,
    /// The setting that chose it, for messages about a port that is taken.
    pub setting: String,
    /// False: bound to loopback only.
    pub public: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EnvValue {
    Plain(String),
    /// The name of a setting whose value is filled in by the runtime when it starts the service. `template` holds
    /// `{}` where the value goes; in a URL the value is percent-encoded. A secret inside another setting is named
    /// `CS_1_ENV[API_KEY]` (an entry of a list) or `nself.toml[web.API_KEY]` (of a service's environment).
    Secret {
        secret: String,
        template: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "lowercase")]
pub enum Probe {
    /// Answers a query over the protocol.
    Postgres,
    /// GET on the service's first port answers 2xx or 3xx.
    Http {
        path: String,
    },
    /// The first port accepts a connection.
    Tcp,
    /// Runs in our process and reports for itself.
    Builtin,
    None,
}

/// Sizes of a service relative to its siblings and its hard limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Weight 1 to 10 in the share of memory and cores.
    pub priority: u8,
    pub memory_bytes: Option<u64>,
    pub cpu_millicores: Option<u32>,
    pub replicas: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Volume name of the Bash tool, for example `postgres_data`.
    pub name: String,
    /// Where the service sees it in a container.
    pub mount: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    pub level: String,
    /// Bytes at which a log file is rotated.
    pub max_bytes: u64,
    /// Rotated files older than this many days are removed.
    pub keep_days: u32,
    pub compress: bool,
}

/// A Prometheus scrape job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    pub job: String,
    pub path: String,
}

/// One entry of the gateway's table. A request matches the first route whose host and path both match; among the
/// routes of a host the longest path prefix wins; an exact host beats no host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Exact host name without port; `None` is the base domain, `localhost`, addresses, and any unknown host.
    pub host: Option<String>,
    /// Path prefix on a segment boundary; `/` matches all.
    pub path: String,
    /// Name of the service that answers.
    pub service: String,
    /// Replaces the matched prefix before forwarding; `None` forwards the path unchanged.
    pub rewrite: Option<String>,
    /// Rate zone.
    pub zone: String,
    /// Largest request body, bytes, where it is not the gateway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_body_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    pub name: String,
    pub setting: String,
    pub reason: String,
    /// What to do about it.
    pub fix: String,
}

impl Plan {
    /// The services in the order in which they are stopped: each before those it depends on.
    pub fn stop_order(&self) -> Vec<&Service> {
        self.services.iter().rev().collect()
    }

    /// The plan as JSON, the same bytes for the same settings, ending with a line break.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a plan is plain data with string keys");
        text.push('\n');
        text
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}
