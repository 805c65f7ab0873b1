//! What Hasura's own server can be told, by the names of its reference, and what comes of each here. A setting that does
//! nothing is never passed over in silence where somebody could miss it.

use std::fmt::Write;

/// What becomes of a setting of Hasura's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It does what it does in Hasura; the catalogue says what.
    Works,
    /// There is nothing here for it to do, and nothing is lost: why.
    Idle(&'static str),
    /// It would change something in Hasura and changes nothing here: what to do instead. Setting it is a warning.
    Missing(&'static str),
}

use Effect::{Idle, Missing, Works};

const ONE_DATABASE: &str = "the project's own database is served; it has no replicas here";
const NO_REDIS: &str = "nothing is kept in Redis: limits are counted in the engine's memory";
const CACHE: &str = "answers are not cached; compiled requests are, without a setting";
const POOL: &str = "the pool opens and replaces connections by itself; HASURA_GRAPHQL_PG_CONNECTIONS bounds it";
const OTHER_KINDS: &str = "only PostgreSQL is served";
const CONSOLE: &str = "Hasura's console is not served: nself hasura console opens nself's";
const REMOTE: &str = "answers of remote schemas are passed on as by Hasura's default";

/// In order of name.
pub const HASURA: &[(&str, Effect)] = &[
    ("HASURA_GRAPHQL_ACTIONS_HANDLER_WEBHOOK_BASEURL", Works),
    (
        "HASURA_GRAPHQL_ADMIN_INTERNAL_ERRORS",
        Missing(
            "GraphQL errors show internals where HASURA_GRAPHQL_DEV_MODE is on; metadata errors to the administrator",
        ),
    ),
    ("HASURA_GRAPHQL_ADMIN_SECRET", Works),
    ("HASURA_GRAPHQL_ADMIN_SECRETS", Works),
    ("HASURA_GRAPHQL_ASYNC_ACTIONS_FETCH_BATCH_SIZE", Idle("calls are taken as there is room for them")),
    ("HASURA_GRAPHQL_ASYNC_ACTIONS_FETCH_INTERVAL", Works),
    ("HASURA_GRAPHQL_AUTH_HOOK", Works),
    ("HASURA_GRAPHQL_AUTH_HOOK_MODE", Works),
    ("HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY", Works),
    (
        "HASURA_GRAPHQL_BACKWARDS_COMPAT_NULL_IN_NONNULLABLE_VARIABLES",
        Missing("null for a variable that must not be null is refused"),
    ),
    ("HASURA_GRAPHQL_BIGQUERY_STRING_NUMERIC_INPUT", Idle(OTHER_KINDS)),
    ("HASURA_GRAPHQL_CACHE_MAX_ENTRY_TTL", Idle(CACHE)),
    (
        "HASURA_GRAPHQL_CLOSE_WEBSOCKETS_ON_METADATA_CHANGE",
        Idle("sockets stay open, and their subscriptions follow the new schema"),
    ),
    ("HASURA_GRAPHQL_CONFIGURED_HEADER_PRECEDENCE", Idle("headers of the metadata always count before the client's")),
    ("HASURA_GRAPHQL_CONNECTIONS_PER_READ_REPLICA", Idle(ONE_DATABASE)),
    ("HASURA_GRAPHQL_CONNECTION_COMPRESSION", Idle("messages of sockets are sent as they are")),
    ("HASURA_GRAPHQL_CONSOLE_ASSETS_DIR", Idle(CONSOLE)),
    ("HASURA_GRAPHQL_CORS_DOMAIN", Works),
    ("HASURA_GRAPHQL_DATABASE_URL", Missing("the project's own database is served: move the data there")),
    ("HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION", Works),
    ("HASURA_GRAPHQL_DEV_MODE", Works),
    ("HASURA_GRAPHQL_DISABLE_CORS", Missing("list the origins in HASURA_GRAPHQL_CORS_DOMAIN")),
    ("HASURA_GRAPHQL_DISABLE_NATIVE_QUERY_VALIDATION", Idle("native queries are not served")),
    (
        "HASURA_GRAPHQL_DYNAMIC_SECRETS_ALLOWED_PATH_PREFIX",
        Missing("connections are not read from files: one database is served, and the project knows its password"),
    ),
    ("HASURA_GRAPHQL_ENABLED_APIS", Works),
    (
        "HASURA_GRAPHQL_ENABLED_LOG_TYPES",
        Missing("the log is nself's: HASURA_GRAPHQL_LOG_LEVEL says how much it holds"),
    ),
    ("HASURA_GRAPHQL_ENABLE_ALLOWLIST", Works),
    ("HASURA_GRAPHQL_ENABLE_APOLLO_FEDERATION", Missing("the API is no subgraph of Apollo's")),
    ("HASURA_GRAPHQL_ENABLE_CONSOLE", Works),
    ("HASURA_GRAPHQL_ENABLE_LOG_COMPRESSION", Idle("no log is sent anywhere")),
    ("HASURA_GRAPHQL_ENABLE_MAINTENANCE_MODE", Missing("leave `metadata` out of HASURA_GRAPHQL_ENABLED_APIS")),
    ("HASURA_GRAPHQL_ENABLE_METADATA_QUERY_LOGGING", Idle("what a request holds is never logged")),
    ("HASURA_GRAPHQL_ENABLE_PERSISTED_QUERIES", Idle("they are always on")),
    ("HASURA_GRAPHQL_ENABLE_QUERY_TRACING", Idle("no traces are sent")),
    ("HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS", Works),
    ("HASURA_GRAPHQL_ENABLE_TELEMETRY", Idle("there is none")),
    (
        "HASURA_GRAPHQL_ENABLE_TRIGGERS_ERROR_LOG_LEVEL",
        Idle("what came of an event stands in hdb_catalog, not in the log"),
    ),
    ("HASURA_GRAPHQL_EVENTS_FETCH_BATCH_SIZE", Works),
    ("HASURA_GRAPHQL_EVENTS_FETCH_INTERVAL", Idle("events wake the deliverer; nothing asks again and again")),
    ("HASURA_GRAPHQL_EVENTS_HTTP_POOL_SIZE", Works),
    ("HASURA_GRAPHQL_EXPERIMENTAL_FEATURES", Works),
    ("HASURA_GRAPHQL_GRACEFUL_SHUTDOWN_TIMEOUT", Works),
    ("HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS", Works),
    ("HASURA_GRAPHQL_JWT_SECRET", Works),
    ("HASURA_GRAPHQL_JWT_SECRETS", Works),
    ("HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_BATCH_SIZE", Works),
    ("HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_REFETCH_INTERVAL", Works),
    ("HASURA_GRAPHQL_LOG_LEVEL", Works),
    ("HASURA_GRAPHQL_MAX_CACHE_SIZE", Idle(CACHE)),
    ("HASURA_GRAPHQL_MAX_TOTAL_HEADER_LENGTH", Idle("the gateway bounds headers")),
    ("HASURA_GRAPHQL_METADATA_DATABASE_EXTENSIONS_SCHEMA", Idle("the engine's own tables need no extension")),
    ("HASURA_GRAPHQL_METADATA_DATABASE_URL", Missing("metadata is kept in the project's database, in hdb_catalog")),
    ("HASURA_GRAPHQL_METRICS_ENABLE_HIGH_CARDINALITY_LABELS", Idle("metrics have no such labels")),
    ("HASURA_GRAPHQL_METRICS_SECRET", Works),
    ("HASURA_GRAPHQL_NO_OF_RETRIES", Idle(POOL)),
    ("HASURA_GRAPHQL_PERSISTED_QUERIES_TTL", Idle("as many are kept as fit, without a time")),
    ("HASURA_GRAPHQL_PG_CONNECTIONS", Works),
    ("HASURA_GRAPHQL_PG_CONN_LIFETIME", Idle(POOL)),
    ("HASURA_GRAPHQL_PG_SSL_CERTIFICATE_PATH", Idle("the database is on this machine")),
    ("HASURA_GRAPHQL_PG_STRIPES", Idle(POOL)),
    ("HASURA_GRAPHQL_PG_TIMEOUT", Idle(POOL)),
    ("HASURA_GRAPHQL_POOL_TIMEOUT", Idle(POOL)),
    ("HASURA_GRAPHQL_QUERY_PLAN_CACHE_SIZE", Idle(CACHE)),
    ("HASURA_GRAPHQL_RATE_LIMIT_REDIS_TLS_HOSTNAME", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_RATE_LIMIT_REDIS_URL", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_RATE_LIMIT_REDIS_USE_TLS", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_READ_REPLICA_URL", Missing(ONE_DATABASE)),
    ("HASURA_GRAPHQL_REDIS_TIMEOUT", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_REDIS_TLS_HOSTNAME", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_REDIS_TLS_SHARED_CA_STORE_PATH", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_REDIS_URL", Idle(NO_REDIS)),
    ("HASURA_GRAPHQL_REMOTE_SCHEMAS", Missing("add them to the metadata: add_remote_schema")),
    ("HASURA_GRAPHQL_REMOTE_SCHEMA_PRIORITIZE_DATA", Missing(REMOTE)),
    ("HASURA_GRAPHQL_REMOTE_SCHEMA_SKIP_NULLS", Missing(REMOTE)),
    ("HASURA_GRAPHQL_SCHEMA_SYNC_POLL_INTERVAL", Idle("PostgreSQL tells of changes; nothing asks again and again")),
    ("HASURA_GRAPHQL_SERVER_HOST", Missing("the gateway listens, on the addresses that the environment allows")),
    ("HASURA_GRAPHQL_SERVER_PORT", Missing("the gateway listens: GATEWAY_PORT")),
    ("HASURA_GRAPHQL_SSO_PROVIDERS", Missing(CONSOLE)),
    ("HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_BATCH_SIZE", Works),
    ("HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_REFETCH_INTERVAL", Works),
    ("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES", Works),
    ("HASURA_GRAPHQL_STRIPES_PER_READ_REPLICA", Idle(ONE_DATABASE)),
    ("HASURA_GRAPHQL_TX_ISOLATION", Missing("mutations run as read committed")),
    ("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", Works),
    ("HASURA_GRAPHQL_USE_PREPARED_STATEMENTS", Idle("statements are always prepared")),
    ("HASURA_GRAPHQL_V1_BOOLEAN_NULL_COLLAPSE", Missing("null in a condition is an error, as by Hasura's default")),
    ("HASURA_GRAPHQL_WEBSOCKET_CONNECTION_INIT_TIMEOUT", Works),
    ("HASURA_GRAPHQL_WEBSOCKET_KEEPALIVE", Works),
    ("HASURA_GRAPHQL_WS_READ_COOKIE", Missing("cookies of a socket's handshake count where CORS lets its origin in")),
];

/// Names in `HASURA_GRAPHQL_EXPERIMENTAL_FEATURES` that are always on or about nothing that is served here.
const FEATURES: [&str; 5] = [
    "inherited_roles",
    "naming_convention",
    "streaming_subscriptions",
    "optimize_permission_filters",
    "bigquery_string_numeric_input",
];

/// What becomes of a setting; none for names that are not Hasura's.
pub fn effect(name: &str) -> Option<Effect> {
    HASURA.binary_search_by_key(&name, |(known, _)| known).ok().and_then(|at| HASURA.get(at)).map(|(_, effect)| *effect)
}

/// What somebody who sets this should know; none when all is well.
pub fn complaint(name: &str, value: &str) -> Option<String> {
    if name == "HASURA_GRAPHQL_EXPERIMENTAL_FEATURES" {
        let wanted = value.split(',').map(str::trim).filter(|feature| !feature.is_empty());
        let missing: Vec<&str> = wanted.filter(|feature| !FEATURES.contains(feature)).collect();
        return (!missing.is_empty()).then(|| format!("{name}: {} has no effect here", missing.join(", ")));
    }
    match effect(name) {
        Some(Missing(instead)) => Some(format!("{name} has no effect here: {instead}")),
        _ => None,
    }
}

/// The page docs/reference/hasura-settings.md.
pub fn page() -> String {
    let mut page = include_str!("../../../../assets/starters/basic/hasura-settings-head.md").to_owned();
    for (name, effect) in HASURA {
        let (what, why) = match effect {
            Works => ("works", super::find(name).map(|setting| setting.description).unwrap_or_default()),
            Idle(why) => ("nothing to do", *why),
            Missing(instead) => ("**no effect**", *instead),
        };
        let _ = writeln!(page, "| `{name}` | {what} | {} |", why.replace('|', "\\|"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_catalogue_agree() {
        assert!(HASURA.is_sorted_by(|a, b| a.0 < b.0), "in order of name, each once");
        for (name, effect) in HASURA {
            let known = super::super::find(name).is_some();
            assert!(known || *effect != Works, "{name} is said to work and not in the catalogue");
        }
        // Of ours, not of Hasura's server.
        let own = ["HASURA_GRAPHQL_ENDPOINT", "HASURA_GRAPHQL_GRAPHQL_URL"];
        for setting in super::super::all().iter().filter(|setting| setting.name.starts_with("HASURA_GRAPHQL_")) {
            assert!(
                own.contains(&setting.name) || effect(setting.name).is_some(),
                "{} is not in the table",
                setting.name
            );
        }
    }

    #[test]
    fn what_does_nothing_is_said() {
        assert_eq!(complaint("HASURA_GRAPHQL_DEV_MODE", "true"), None);
        assert_eq!(complaint("HASURA_GRAPHQL_PG_STRIPES", "2"), None);
        assert_eq!(complaint("HASURA_GRAPHQL_EXPERIMENTAL_FEATURES", "naming_convention, inherited_roles"), None);
        let found = complaint("HASURA_GRAPHQL_EXPERIMENTAL_FEATURES", "naming_convention,hide_stream_fields")
            .unwrap_or_default();
        assert_eq!(found, "HASURA_GRAPHQL_EXPERIMENTAL_FEATURES: hide_stream_fields has no effect here");
        let found = complaint("HASURA_GRAPHQL_SERVER_PORT", "8080").unwrap_or_default();
        assert_eq!(found, "HASURA_GRAPHQL_SERVER_PORT has no effect here: the gateway listens: GATEWAY_PORT");
    }
}
