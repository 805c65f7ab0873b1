//! What happens, counted: requests, errors, plans found and made, SQL's time, subscriptions. Others call the hooks;
//! `/v1/metrics` writes it all in Prometheus' text format, under Hasura's names where Hasura has one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use apollo_compiler::ast::OperationType;

use crate::failure::Code;

/// Upper ends of the histograms' buckets, in microseconds.
const BUCKETS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// What a request turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
    /// It could not be read.
    Unknown,
}

impl From<OperationType> for Kind {
    fn from(found: OperationType) -> Self {
        match found {
            OperationType::Query => Self::Query,
            OperationType::Mutation => Self::Mutation,
            OperationType::Subscription => Self::Subscription,
        }
    }
}

const KINDS: [&str; 4] = ["query", "mutation", "subscription", "unknown"];

/// The counters; shared, updated without locks but for errors, which are rare.
#[derive(Debug, Default)]
pub struct Metrics {
    succeeded: [AtomicU64; 4],
    failed: [AtomicU64; 4],
    errors: Mutex<BTreeMap<&'static str, u64>>,
    requests: Histogram,
    sql: Histogram,
    plan_hits: AtomicU64,
    plan_misses: AtomicU64,
    subscriptions: AtomicI64,
    sockets: AtomicI64,
}

/// Times, counted by size.
#[derive(Debug, Default)]
struct Histogram {
    /// Not cumulative; the last one is for everything larger.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let place = BUCKETS.partition_point(|end| *end < micros);
        self.buckets[place].fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut sum = 0;
        for (count, end) in self.buckets.iter().zip(BUCKETS) {
            sum += count.load(Relaxed);
            let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {sum}", seconds(end));
        }
        sum += self.buckets[BUCKETS.len()].load(Relaxed);
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {sum}");
        let _ = writeln!(out, "{name}_sum {}\n{name}_count {sum}", seconds(self.micros.load(Relaxed)));
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// How many connections to PostgreSQL there are and how many are in use.
#[derive(Debug, Clone, Copy)]
pub struct PoolUse {
    pub size: usize,
    pub in_use: usize,
}

impl Metrics {
    /// A request has been answered.
    pub fn request(&self, kind: Kind, time: Duration, outcome: Result<(), Code>) {
        self.began(kind, outcome);
        self.requests.record(time);
    }

    /// A subscription has begun, or a request of a socket was refused: counted, but there is no answer to measure.
    pub fn began(&self, kind: Kind, outcome: Result<(), Code>) {
        let counters = if outcome.is_ok() { &self.succeeded } else { &self.failed };
        counters[kind as usize].fetch_add(1, Relaxed);
        if let Err(code) = outcome {
            self.error(code);
        }
    }

    /// Something failed outside of a request: within a subscription, say.
    pub fn error(&self, code: Code) {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(code.as_str()).or_default() += 1;
    }

    /// A statement has run.
    pub fn sql(&self, time: Duration) {
        self.sql.record(time);
    }

    /// A request's plan was kept, or had to be made.
    pub fn plan(&self, kept: bool) {
        if kept { &self.plan_hits } else { &self.plan_misses }.fetch_add(1, Relaxed);
    }

    /// Subscriptions begun, less those ended.
    pub fn subscriptions(&self, change: i64) {
        self.subscriptions.fetch_add(change, Relaxed);
    }

    /// Sockets opened, less those closed.
    pub fn sockets(&self, change: i64) {
        self.sockets.fetch_add(change, Relaxed);
    }

    /// Everything in Prometheus' text format.
    pub fn to_prometheus(&self, pool: PoolUse) -> String {
        let mut out = String::with_capacity(4096);
        let name = "hasura_graphql_requests_total";
        let _ = writeln!(out, "# HELP {name} GraphQL requests answered\n# TYPE {name} counter");
        for (index, kind) in KINDS.iter().enumerate() {
            for (status, counters) in [("success", &self.succeeded), ("failed", &self.failed)] {
                let count = counters[index].load(Relaxed);
                let _ = writeln!(out, "{name}{{operation_type=\"{kind}\",response_status=\"{status}\"}} {count}");
            }
        }
        let name = "nself_graphql_errors_total";
        let _ = writeln!(out, "# HELP {name} Errors told to clients, by code\n# TYPE {name} counter");
        for (code, count) in &*self.errors.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = writeln!(out, "{name}{{code=\"{code}\"}} {count}");
        }
        self.requests.write(&mut out, "hasura_graphql_execution_time_seconds", "Time from request to answer");
        self.sql.write(&mut out, "nself_graphql_sql_time_seconds", "Time of statements");
        let (hits, misses) = (self.plan_hits.load(Relaxed) as i64, self.plan_misses.load(Relaxed) as i64);
        let plans = "nself_graphql_plan_cache";
        for (name, kind, help, value) in [
            (&*format!("{plans}_hits_total"), "counter", "Requests whose plan was kept", hits),
            (&*format!("{plans}_misses_total"), "counter", "Requests whose plan had to be made", misses),
            ("hasura_active_subscriptions", "gauge", "Running subscriptions", self.subscriptions.load(Relaxed)),
            ("hasura_websocket_connections", "gauge", "Open WebSocket connections", self.sockets.load(Relaxed)),
            ("hasura_postgres_connections", "gauge", "Connections to PostgreSQL", count(pool.size)),
            ("nself_postgres_connections_in_use", "gauge", "Connections that run something", count(pool.in_use)),
        ] {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
        out
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_written() {
        let metrics = Metrics::default();
        metrics.request(Kind::Query, Duration::from_millis(3), Ok(()));
        metrics.request(Kind::Mutation, Duration::from_secs(60), Err(Code::AccessDenied));
        metrics.error(Code::AccessDenied);
        metrics.sql(Duration::from_micros(500));
        metrics.plan(true);
        metrics.plan(false);
        metrics.subscriptions(2);
        metrics.subscriptions(-1);
        let text = metrics.to_prometheus(PoolUse { size: 4, in_use: 1 });
        for line in [
            r#"hasura_graphql_requests_total{operation_type="query",response_status="success"} 1"#,
            r#"hasura_graphql_requests_total{operation_type="mutation",response_status="failed"} 1"#,
            r#"nself_graphql_errors_total{code="access-denied"} 2"#,
            r#"hasura_graphql_execution_time_seconds_bucket{le="0.0025"} 0"#,
            r#"hasura_graphql_execution_time_seconds_bucket{le="0.005"} 1"#,
            r#"hasura_graphql_execution_time_seconds_bucket{le="10"} 1"#,
            r#"hasura_graphql_execution_time_seconds_bucket{le="+Inf"} 2"#,
            "hasura_graphql_execution_time_seconds_sum 60.003",
            r#"nself_graphql_sql_time_seconds_bucket{le="0.0005"} 1"#,
            "nself_graphql_plan_cache_hits_total 1",
            "hasura_active_subscriptions 1",
            "hasura_postgres_connections 4",
            "nself_postgres_connections_in_use 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
