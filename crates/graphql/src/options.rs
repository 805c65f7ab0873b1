//! What the engine is started with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::Pool;
use project::Secret;

use crate::http::Apis;
use crate::model::Convention;
use crate::{access, events, live, outbound};

/// What the service is started with.
#[derive(Debug, Clone)]
pub struct Options {
    pub pool: Pool,
    /// Whose tables and views are served.
    pub schemas: Vec<String>,
    /// Without one, everybody is admin: for development only.
    pub admin_secret: Option<Secret>,
    /// Further secrets that count as much as the first.
    pub more_admin_secrets: Vec<Secret>,
    /// Accepted tokens; they only count where there is an admin secret.
    pub tokens: Vec<access::Jwt>,
    /// Asked about every request without the admin secret, instead of tokens.
    pub auth_hook: Option<access::Hook>,
    /// The role of requests without credentials; without it they are refused.
    pub unauthorized_role: Option<String>,
    /// Tokens that are refused before they expire; `None`: every one counts until then.
    pub revocations: Option<Arc<access::Revocations>>,
    /// Which groups of endpoints there are.
    pub apis: Apis,
    /// Roles other than admin may only send what is on the allow list.
    pub allowlist: bool,
    /// Opens `/v1/metrics`, as the admin secret does.
    pub metrics_secret: Option<Secret>,
    /// Hasura's `HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES`.
    pub stringify_numeric: bool,
    /// Hasura's `HASURA_GRAPHQL_DEV_MODE`: errors show statements and PostgreSQL's own words.
    pub dev_mode: bool,
    /// A statement that runs longer is cancelled.
    pub statement_timeout: Option<Duration>,
    /// Bytes of a request's body.
    pub body_limit: usize,
    /// Subscriptions.
    pub live: live::Options,
    /// Serve the tables of `schemas` that the metadata does not mention, too: what a new database starts with. What is
    /// kept in the database counts from then on.
    pub auto_track: bool,
    /// Hasura's `HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS`.
    pub infer_function_permissions: bool,
    /// Hasura's `HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS`.
    pub remote_schema_permissions: bool,
    /// Of sources that say none: Hasura's `HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION`.
    pub naming_convention: Convention,
    /// Where `{{NAME}}` and `value_from_env` of the metadata find their values.
    pub environment: Arc<outbound::Environment>,
    /// Hasura's `HASURA_GRAPHQL_ASYNC_ACTIONS_FETCH_INTERVAL`; zero: this server calls no asynchronous actions.
    pub async_actions_poll: Duration,
    /// Pause before a remote schema that is down is asked again. It doubles each time, to sixty times this.
    pub remote_retry: Duration,
    /// PostgreSQL's `pg_dump`, for `/v1alpha1/pg_dump`.
    pub pg_dump: Option<PathBuf>,
    /// How events are delivered; `None`: by another server.
    pub events: Option<events::Options>,
}

impl Options {
    /// The `public` schema, no secret, production's silence about internals, 60 s a statement, 8 MiB a body.
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            schemas: vec!["public".to_owned()],
            admin_secret: None,
            more_admin_secrets: Vec::new(),
            tokens: Vec::new(),
            auth_hook: None,
            unauthorized_role: None,
            revocations: None,
            apis: Apis::default(),
            allowlist: false,
            metrics_secret: None,
            stringify_numeric: false,
            dev_mode: false,
            statement_timeout: Some(Duration::from_secs(60)),
            body_limit: 8 << 20,
            live: live::Options::default(),
            auto_track: true,
            infer_function_permissions: true,
            remote_schema_permissions: false,
            naming_convention: Convention::default(),
            environment: Arc::default(),
            async_actions_poll: Duration::from_secs(1),
            remote_retry: Duration::from_secs(5),
            pg_dump: None,
            events: Some(events::Options::default()),
        }
    }
}
