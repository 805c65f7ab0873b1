//! PostgreSQL, its pooler, Redis and the GraphQL engine.

use super::identity::LEVELS;
use super::{Group, Kind, Required, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[
    Group { title: "PostgreSQL", settings: POSTGRES },
    Group { title: "PgBouncer", settings: PGBOUNCER },
    Group { title: "Redis", settings: REDIS },
    Group { title: "GraphQL", settings: GRAPHQL },
];

const COUNT: Kind = Kind::Integer { min: 1, max: 1_000_000 };

const POSTGRES: &[Setting] = &[
    Setting::new("POSTGRES_ENABLED", Kind::Flag, "Run PostgreSQL").default("true"),
    Setting::new("POSTGRES_VERSION", Kind::Text, "Major version wanted, or an image tag: `16`, `16-alpine`")
        .default("16-alpine"),
    Setting::new("POSTGRES_BIN", Kind::Path, "Folder of the PostgreSQL programs to use instead of the newest found")
        .since("0.1"),
    Setting::new("POSTGRES_HOST", Kind::Text, "Host name of PostgreSQL inside a container network").default("postgres"),
    Setting::new("POSTGRES_PORT", Kind::Port, "Port on this machine")
        .default("5432")
        .aliases(&["POSTGRES_EXTERNAL_PORT"]),
    Setting::new("POSTGRES_DB", Kind::Text, "Name of the database").default("nhost"),
    Setting::new("POSTGRES_USER", Kind::Text, "Superuser").default("postgres"),
    Setting::new("POSTGRES_PASSWORD", Kind::Secret(Strength::Password), "Password of the superuser")
        .required(Required::Always),
    Setting::new("POSTGRES_EXTENSIONS", Kind::List, "Extensions created in the database").default("uuid-ossp"),
    Setting::new(
        "POSTGRES_EXPOSE_PORT",
        Kind::Choice(&["auto", "true", "false"]),
        "Open the port on this machine; `auto`: in dev only",
    )
    .default("auto"),
    Setting::new(
        "POSTGRES_SSL_MODE",
        Kind::Choice(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
        "TLS of connections to it",
    )
    .default("disable"),
    Setting::new("POSTGRES_MAX_CONNECTIONS", COUNT, "Connections allowed; computed when not set"),
    Setting::new("POSTGRES_SHARED_BUFFERS", Kind::Bytes, "Tuning; computed from the machine when not set"),
    Setting::new("POSTGRES_EFFECTIVE_CACHE_SIZE", Kind::Bytes, "Tuning; computed from the machine when not set"),
    Setting::new("POSTGRES_WORK_MEM", Kind::Bytes, "Tuning; computed from the machine when not set"),
    Setting::new("POSTGRES_MAINTENANCE_WORK_MEM", Kind::Bytes, "Tuning; computed from the machine when not set"),
    Setting::new(
        "DATABASE_URL",
        Kind::Secret(Strength::External),
        "Connection URL that services see; computed when not set",
    )
    .aliases(&["POSTGRES_URL"]),
    Setting::new(
        "AUTH_DATABASE_URL",
        Kind::Secret(Strength::External),
        "Connection URL for auth; computed when not set",
    ),
    Setting::new(
        "STORAGE_DATABASE_URL",
        Kind::Secret(Strength::External),
        "Connection URL for storage; computed when not set",
    ),
];

const PGBOUNCER: &[Setting] = &[
    Setting::new("PGBOUNCER_ENABLED", Kind::Flag, "Run a connection pooler in front of PostgreSQL").default("false"),
    Setting::new("PGBOUNCER_VERSION", Kind::Text, "Image tag").default("1.21.0"),
    Setting::new("PGBOUNCER_PORT", Kind::Port, "Port on this machine").default("6432"),
    Setting::new(
        "PGBOUNCER_POOL_MODE",
        Kind::Choice(&["transaction", "session", "statement"]),
        "When a server connection is given back",
    )
    .default("transaction"),
    Setting::new("PGBOUNCER_DEFAULT_POOL_SIZE", COUNT, "Server connections a pool").default("25"),
    Setting::new("PGBOUNCER_MAX_CLIENT_CONN", COUNT, "Client connections").default("200"),
    Setting::new("PGBOUNCER_ADMIN_USER", Kind::Text, "User of its console").default("pgbouncer"),
    Setting::new("PGBOUNCER_ADMIN_PASSWORD", Kind::Secret(Strength::Password), "Password of its console")
        .required(Required::With(&["PGBOUNCER_ENABLED"])),
];

const REDIS: &[Setting] = &[
    Setting::new("REDIS_ENABLED", Kind::Flag, "Run Redis").default("false"),
    Setting::new("REDIS_VERSION", Kind::Text, "Image tag").default("7-alpine"),
    Setting::new("REDIS_HOST", Kind::Text, "Host name inside a container network").default("redis"),
    Setting::new("REDIS_PORT", Kind::Port, "Port on this machine").default("6379"),
    Setting::new("REDIS_PASSWORD", Kind::Secret(Strength::Password), "Password")
        .required(Required::With(&["REDIS_ENABLED"])),
    Setting::new("REDIS_URL", Kind::Secret(Strength::External), "URL that services see; computed when not set"),
    Setting::new("REDIS_MAXMEMORY", Kind::Bytes, "Memory for data").default("256mb"),
    Setting::new(
        "REDIS_MAXMEMORY_POLICY",
        Kind::Choice(&[
            "noeviction",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
        ]),
        "What goes when memory is full",
    )
    .default("allkeys-lru"),
    Setting::new("REDIS_MAXCLIENTS", COUNT, "Connections allowed").default("10000"),
    Setting::new("BULLMQ_ENABLED", Kind::Flag, "Older switch for job queues").default("false"),
    Setting::new("BULLMQ_UI_ENABLED", Kind::Flag, "Run a page that shows the job queues").default("false"),
    Setting::new("BULLMQ_UI_PORT", Kind::Port, "Port of that page").default("3010").aliases(&["BULLMQ_DASHBOARD_PORT"]),
    Setting::new("BULLMQ_UI_ROUTE", Kind::Route, "Route of that page")
        .default("bullmq.${BASE_DOMAIN}")
        .aliases(&["BULLMQ_DASHBOARD_ROUTE"]),
];

const GRAPHQL: &[Setting] = &[
    Setting::new("HASURA_ENABLED", Kind::Flag, "Run the GraphQL API").default("true"),
    Setting::new("HASURA_VERSION", Kind::Text, "Image tag, where Hasura itself runs").default("v2.44.0"),
    Setting::new("HASURA_PORT", Kind::Port, "Port of Hasura where it runs as a container").default("8080"),
    Setting::new("HASURA_CONSOLE_PORT", Kind::Port, "Port of Hasura's own console").default("9695"),
    Setting::new("HASURA_ROUTE", Kind::Route, "Sub-domain of the API").default("api"),
    Setting::new("HASURA_GRAPHQL_ADMIN_SECRET", Kind::Secret(Strength::Key), "Lets a request do everything")
        .aliases(&["HASURA_ADMIN_SECRET"])
        .required(Required::With(&["HASURA_ENABLED"])),
    Setting::new("HASURA_JWT_KEY", Kind::Secret(Strength::Key), "Signs the tokens of users; auth and GraphQL share it")
        .aliases(&["JWT_KEY"])
        .required(Required::With(&["HASURA_ENABLED", "AUTH_ENABLED"]))
        .instead(&["HASURA_GRAPHQL_JWT_SECRET"]),
    Setting::new("HASURA_JWT_TYPE", JWT_TYPES, "Algorithm of the tokens").default("HS256"),
    Setting::new(
        "HASURA_GRAPHQL_JWT_SECRET",
        Kind::Secret(Strength::External),
        "The same as JSON, `{\"type\":…,\"key\":…}`; made from HASURA_JWT_KEY and HASURA_JWT_TYPE when not set",
    ),
    Setting::new("HASURA_GRAPHQL_ENABLE_CONSOLE", Kind::Flag, "Serve the console").defaults("true", "true", "false"),
    Setting::new("HASURA_GRAPHQL_DEV_MODE", Kind::Flag, "Put internals into error answers")
        .defaults("true", "true", "false")
        .aliases(&["HASURA_DEV_MODE"]),
    Setting::new("HASURA_GRAPHQL_ENABLE_TELEMETRY", Kind::Flag, "Hasura's telemetry; nself itself has none")
        .default("false"),
    Setting::new("HASURA_GRAPHQL_CORS_DOMAIN", Kind::List, "Origins a browser may call from; `*` for any").defaults(
        "*",
        "https://*.${BASE_DOMAIN},https://${BASE_DOMAIN}",
        "https://*.${BASE_DOMAIN},https://${BASE_DOMAIN}",
    ),
    Setting::new(
        "HASURA_GRAPHQL_DATABASE_URL",
        Kind::Secret(Strength::External),
        "Database of the API; computed when not set",
    ),
    Setting::new(
        "HASURA_METADATA_DATABASE_URL",
        Kind::Secret(Strength::External),
        "Database of the metadata; computed when not set",
    ),
    Setting::new("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", Kind::Text, "Role of a request without a token").default("public"),
    Setting::new(
        "HASURA_GRAPHQL_ADMIN_SECRETS",
        Kind::Secret(Strength::External),
        "Further admin secrets as a JSON list, for changing them without a pause",
    ),
    Setting::new(
        "HASURA_GRAPHQL_JWT_SECRETS",
        Kind::Secret(Strength::External),
        "Several token configurations as a JSON list, each with an issuer of its own; instead of the single one",
    ),
    Setting::new(
        "HASURA_GRAPHQL_AUTH_HOOK",
        Kind::Secret(Strength::External),
        "URL of a service that is asked who sends each request without the admin secret; instead of tokens",
    ),
    Setting::new("HASURA_GRAPHQL_AUTH_HOOK_MODE", Kind::Choice(&["GET", "POST"]), "How that service is asked")
        .default("GET"),
    Setting::new(
        "HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY",
        Kind::Flag,
        "Show it the GraphQL request as well, when it is asked with POST",
    )
    .default("true"),
    Setting::new(
        "HASURA_GRAPHQL_ENABLED_APIS",
        Kind::List,
        "Endpoints to serve, of metadata, graphql, config, metrics and pgdump; all when not set",
    ),
    Setting::new(
        "HASURA_GRAPHQL_METRICS_SECRET",
        Kind::Secret(Strength::External),
        "Opens /v1/metrics as a bearer token, as the admin secret does",
    ),
    Setting::new("HASURA_GRAPHQL_ENABLED_LOG_TYPES", Kind::List, "Kinds of log lines Hasura writes"),
    Setting::new("HASURA_LOG_LEVEL", LEVELS, "Log level").default("info").aliases(&["HASURA_GRAPHQL_LOG_LEVEL"]),
    Setting::new("HASURA_GRAPHQL_PG_CONNECTIONS", COUNT, "Connections in the API's pool"),
    Setting::new("HASURA_GRAPHQL_ENABLE_ALLOWLIST", Kind::Flag, "Only answer queries on the allow list")
        .default("false"),
    Setting::new(
        "HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES",
        Kind::Flag,
        "Answer bigint, numeric and float8 as strings, which a JSON reader cannot round",
    )
    .default("false"),
    Setting::new(
        "HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS",
        Kind::Flag,
        "A role that may read a function's table may call the function",
    )
    .default("true"),
    Setting::new(
        "HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS",
        Kind::Flag,
        "Roles see of a remote schema what their permissions name, not all of it",
    )
    .default("false"),
    Setting::new(
        "HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION",
        Kind::Choice(&["hasura-default", "graphql-default"]),
        "How GraphQL names are made from the database's: as they are, or in camel case",
    ),
    Setting::new("HASURA_GRAPHQL_EXPERIMENTAL_FEATURES", Kind::List, "Hasura's experimental features to switch on"),
    Setting::new(
        "NSELF_GRAPHQL_AUTO_TRACK",
        Kind::Flag,
        "Offer every table of the schema `public` to the administrator until metadata is applied",
    )
    .default("true"),
    Setting::new(
        "NSELF_GRAPHQL_LIVE_QUERIES",
        Kind::Choice(&["auto", "logical", "polling"]),
        "How live queries notice changes: by the write-ahead log, by asking again, or as the database allows",
    )
    .default("auto"),
    Setting::new(
        "HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_REFETCH_INTERVAL",
        Kind::Integer { min: 10, max: 3_600_000 },
        "Milliseconds between two polls of live queries that poll",
    )
    .default("1000"),
    Setting::new(
        "HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_BATCH_SIZE",
        COUNT,
        "Live queries of one shape in one statement",
    )
    .default("100"),
    Setting::new(
        "HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_REFETCH_INTERVAL",
        Kind::Integer { min: 10, max: 3_600_000 },
        "Milliseconds between two polls of streams that poll",
    )
    .default("1000"),
    Setting::new(
        "HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_BATCH_SIZE",
        COUNT,
        "Streams of one shape in one statement",
    )
    .default("100"),
    Setting::new(
        "HASURA_GRAPHQL_WEBSOCKET_KEEPALIVE",
        Kind::Integer { min: 0, max: 86_400 },
        "Seconds between two signs of life on a WebSocket; 0 for none",
    )
    .default("5"),
    Setting::new(
        "HASURA_GRAPHQL_WEBSOCKET_CONNECTION_INIT_TIMEOUT",
        Kind::Integer { min: 1, max: 3_600 },
        "Seconds a WebSocket client may take to say who it is",
    )
    .default("3"),
    Setting::new(
        "HASURA_GRAPHQL_EVENTS_HTTP_POOL_SIZE",
        COUNT,
        "Webhooks of event and scheduled triggers that are called at a time",
    )
    .default("100"),
    Setting::new("HASURA_GRAPHQL_EVENTS_FETCH_BATCH_SIZE", COUNT, "Events taken with one statement").default("100"),
    Setting::new(
        "HASURA_GRAPHQL_ASYNC_ACTIONS_FETCH_INTERVAL",
        Kind::Integer { min: 0, max: 3_600_000 },
        "Milliseconds between two looks for asynchronous actions that another server has left; 0 for none",
    )
    .default("1000")
    .since("0.1"),
    Setting::new(
        "HASURA_GRAPHQL_GRACEFUL_SHUTDOWN_TIMEOUT",
        Kind::Integer { min: 0, max: 3_600 },
        "Seconds that webhooks under way may take when the stack stops; then their events are put back",
    )
    .default("10"),
    Setting::new("HASURA_GRAPHQL_REMOTE_SCHEMAS", Kind::Text, "URLs of remote schemas"),
    Setting::new(
        "HASURA_GRAPHQL_ACTIONS_HANDLER_WEBHOOK_BASEURL",
        Kind::Url,
        "Base URL of action handlers, for metadata that names it in `{{…}}`",
    ),
    Setting::new("HASURA_GRAPHQL_GRAPHQL_URL", Kind::Url, "The API as services inside a container network see it")
        .default("http://hasura:8080/v1/graphql"),
    Setting::new("HASURA_GRAPHQL_ENDPOINT", Kind::Url, "The API as custom services see it")
        .default("http://hasura:8080/v1/graphql"),
];

pub(super) const JWT_TYPES: Kind =
    Kind::Choice(&["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"]);
