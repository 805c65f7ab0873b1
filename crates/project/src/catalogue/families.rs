//! Settings whose names hold a number or another name: custom services, frontends, remote schemas, limits.

use super::{Group, Kind, Setting};

/// Services whose limits can be set by `<SERVICE>_MEMORY_MB` and its siblings.
pub const SERVICES: &[&str] = &[
    "POSTGRES",
    "HASURA",
    "AUTH",
    "STORAGE",
    "MINIO",
    "REDIS",
    "NGINX",
    "GATEWAY",
    "FUNCTIONS",
    "MAILPIT",
    "MEILISEARCH",
    "TYPESENSE",
    "ELASTICSEARCH",
    "OPENSEARCH",
    "MLFLOW",
    "NSELF_ADMIN",
    "PGBOUNCER",
    "PROMETHEUS",
    "GRAFANA",
    "LOKI",
    "PROMTAIL",
    "TEMPO",
    "ALERTMANAGER",
    "CADVISOR",
    "NODE_EXPORTER",
    "POSTGRES_EXPORTER",
    "REDIS_EXPORTER",
];

/// A name with a hole: `CS_N_PORT`, `<SERVICE>_CPU`, `AUTH_PROVIDER_<NAME>_CLIENT_ID`.
pub(super) struct Pattern {
    before: &'static str,
    hole: Hole,
    after: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hole {
    None,
    Number,
    Service,
    Name,
}

impl Pattern {
    pub(super) fn new(name: &'static str) -> Self {
        for (mark, hole) in [("<SERVICE>", Hole::Service), ("<NAME>", Hole::Name)] {
            if let Some((before, after)) = name.split_once(mark) {
                return Self { before, hole, after };
            }
        }
        let number = name
            .match_indices('N')
            .map(|(at, _)| (&name[..at], &name[at + 1..]))
            .find(|(before, after)| before.ends_with('_') && (after.is_empty() || after.starts_with('_')));
        match number {
            Some((before, after)) => Self { before, hole: Hole::Number, after },
            None => Self { before: name, hole: Hole::None, after: "" },
        }
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        if self.hole == Hole::None {
            return name == self.before;
        }
        let Some(filling) = name.strip_prefix(self.before).and_then(|rest| rest.strip_suffix(self.after)) else {
            return false;
        };
        match self.hole {
            Hole::Number => {
                !filling.is_empty()
                    && !filling.starts_with('0')
                    && filling.len() <= 4
                    && filling.bytes().all(|b| b.is_ascii_digit())
            }
            Hole::Service => SERVICES.contains(&filling),
            Hole::Name | Hole::None => {
                !filling.is_empty()
                    && filling.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            }
        }
    }
}

pub(super) const GROUPS: &[Group] = &[
    Group { title: "Custom services", settings: CUSTOM },
    Group { title: "Frontends", settings: FRONTENDS },
    Group { title: "Remote schemas", settings: REMOTE_SCHEMAS },
    Group { title: "Limits", settings: LIMITS },
];

const CUSTOM: &[Setting] = &[
    Setting::new("CS_N", Kind::Text, "A custom service in one line: `name:template[:port][:route]`"),
    Setting::new("CS_N_NAME", Kind::Name, "Name of the service"),
    Setting::new("CS_N_TEMPLATE", Kind::Text, "Template the service was made from"),
    Setting::new(
        "CS_N_PORT",
        Kind::Integer { min: 0, max: 65535 },
        "Port; `0` gives it no port on this machine. 8000 + N when not set",
    ),
    Setting::new("CS_N_ROUTE", Kind::Route, "Sub-domain or whole domain; none makes the service internal"),
    Setting::new("CS_N_MEMORY", Kind::Bytes, "Memory limit").default("256M"),
    Setting::new("CS_N_CPU", Kind::Cpu, "CPU limit in cores").default("0.25"),
    Setting::new("CS_N_REPLICAS", Kind::Integer { min: 0, max: 100 }, "How many run at once").default("1"),
    Setting::new(
        "CS_N_PUBLIC",
        Kind::Choice(&["auto", "true", "false"]),
        "Whether the gateway routes to it; `auto`: when it has a route",
    )
    .default("auto"),
    Setting::new("CS_N_HEALTHCHECK", Kind::Text, "Path that answers 2xx when the service is healthy")
        .default("/health"),
    Setting::new("CS_N_TABLE_PREFIX", Kind::Text, "Prefix of the tables it owns"),
    Setting::new("CS_N_REDIS_PREFIX", Kind::Text, "Prefix of the Redis keys it owns"),
    Setting::new("CS_N_ENV", Kind::List, "More variables for it: `KEY=value,KEY=value`"),
    Setting::new("CS_N_RATE_LIMIT", Kind::Integer { min: 0, max: i64::MAX }, "Requests a minute"),
    Setting::new("CS_N_DEV_DOMAIN", Kind::Domain, "Its domain in dev"),
    Setting::new("CS_N_PROD_DOMAIN", Kind::Domain, "Its domain in prod"),
    Setting::new("CS_N_QUEUE_NAME", Kind::Text, "Queue a worker takes its jobs from"),
];

const FRONTENDS: &[Setting] = &[
    Setting::new("FRONTEND_APP_COUNT", Kind::Integer { min: 0, max: 9999 }, "How many frontends there are")
        .default("0"),
    Setting::new("FRONTEND_APP_N_NAME", Kind::Name, "Name of the frontend"),
    Setting::new("FRONTEND_APP_N_SYSTEM_NAME", Kind::Name, "Older key for the name"),
    Setting::new("FRONTEND_APP_N_DISPLAY_NAME", Kind::Text, "Label for people"),
    Setting::new("FRONTEND_APP_N_PORT", Kind::Port, "Port of its dev server on this machine. 2999 + N when not set"),
    Setting::new("FRONTEND_APP_N_ROUTE", Kind::Route, "Sub-domain or whole domain; its name when not set"),
    Setting::new("FRONTEND_APP_N_TABLE_PREFIX", Kind::Text, "Prefix of the tables it uses"),
    Setting::new("FRONTEND_APP_N_FRAMEWORK", Kind::Text, "nextjs, react, vue, angular, svelte, …"),
    Setting::new("FRONTEND_APP_N_REMOTE_SCHEMA_NAME", Kind::Text, "Name of the remote schema it brings"),
    Setting::new("FRONTEND_APP_N_REMOTE_SCHEMA_URL", Kind::Text, "URL of the remote schema it brings"),
    Setting::new("FRONTEND_APP_N_API_ROUTE", Kind::Route, "Sub-domain of its own API"),
    Setting::new("FRONTEND_APP_N_API_PORT", Kind::Port, "Port of its own API"),
    Setting::new("FRONTEND_APPS", Kind::List, "All frontends in one line: `name:port:prefix,…`"),
    Setting::new("NEXTJS_APPS", Kind::List, "Older compact list of Next.js frontends"),
    Setting::new("REACT_APPS", Kind::List, "Older compact list of React frontends"),
];

const REMOTE_SCHEMAS: &[Setting] = &[
    Setting::new("REMOTE_SCHEMAS_ENABLED", Kind::Flag, "Join other GraphQL APIs into this one").default("false"),
    Setting::new("REMOTE_SCHEMA_N_NAME", Kind::Text, "Name of the remote schema"),
    Setting::new("REMOTE_SCHEMA_N_URL", Kind::Text, "Its GraphQL endpoint"),
    Setting::new("REMOTE_SCHEMA_N_HEADERS", Kind::List, "Headers sent to it: `Name: value,…`"),
];

const LIMITS: &[Setting] = &[
    Setting::new("<SERVICE>_MEMORY", Kind::Bytes, "Memory limit of a service, for example `POSTGRES_MEMORY=2G`"),
    Setting::new("<SERVICE>_CPU", Kind::Cpu, "CPU limit of a service in cores"),
    Setting::new(
        "<SERVICE>_MEMORY_MB",
        Kind::Integer { min: 16, max: i64::MAX },
        "Replaces the computed memory limit, in MiB",
    ),
    Setting::new(
        "<SERVICE>_CPU_MILLICORES",
        Kind::Integer { min: 1, max: i64::MAX },
        "Replaces the computed CPU limit, in thousandths of a core",
    ),
    Setting::new("<SERVICE>_MEMORY_LIMIT", Kind::Bytes, "Older name of the memory limit of a monitoring service"),
    Setting::new("DOCKER_RESOURCE_LIMITS", Kind::Flag, "Write the computed limits into the compose file")
        .default("false"),
    Setting::new("EXPECTED_CONCURRENT_USERS", Kind::Integer { min: 1, max: i64::MAX }, "Input for computing limits")
        .default("100"),
    Setting::new(
        "WORKLOAD_TYPE",
        Kind::Choice(&["mixed", "read-heavy", "write-heavy", "analytical"]),
        "Input for computing limits",
    )
    .default("mixed"),
];
