//! The endpoints: GraphQL and its neighbours, as Hasura has them.
//!
//! Every answer carries `x-request-id`. What a request asks, with which variables and secrets, is never logged.

mod administration;
mod answer;
mod dump;
mod explain;
mod front;
mod graphql;
mod observe;
mod persisted;
mod rest;
mod small;

use axum::Router;
use axum::routing::{any, get, post};

use crate::Handle;
pub(crate) use front::{Front, Surface};
pub(crate) use graphql::session;

/// The Hasura version whose behaviour is offered; tools read it.
const HASURA_VERSION: &str = "v2.48.1";

/// Groups of endpoints that can be switched off: Hasura's `HASURA_GRAPHQL_ENABLED_APIS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apis {
    pub graphql: bool,
    pub metadata: bool,
    pub config: bool,
    pub metrics: bool,
    pub pgdump: bool,
}

impl Default for Apis {
    fn default() -> Self {
        Self { graphql: true, metadata: true, config: true, metrics: true, pgdump: true }
    }
}

/// Hasura's names; `developer` switches on what looks into Hasura's own process, of which there is nothing here.
const NAMES: [&str; 6] = ["graphql", "metadata", "config", "metrics", "pgdump", "developer"];

impl Apis {
    /// Of Hasura's names. Metrics are not behind a name of their own in Hasura's default, so that an empty list means
    /// everything.
    ///
    /// # Errors
    /// The first name that is none: what was meant by it would be switched off.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let names: Vec<String> = names.into_iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(format!("{unknown:?} is none of {}", NAMES.join(", ")));
        }
        let has = |name: &str| names.is_empty() || names.iter().any(|own| own == name);
        Ok(Self {
            graphql: has("graphql"),
            metadata: has("metadata"),
            config: has("config"),
            metrics: has("metrics"),
            pgdump: has("pgdump"),
        })
    }
}

impl Handle {
    /// All endpoints.
    pub fn router(&self) -> Router {
        let apis = self.options().apis;
        let mut router = Router::new()
            .route("/v1/version", get(small::version))
            .route("/healthz", get(small::health))
            .route("/hasura/healthz", get(small::health))
            .route("/api/swagger/json", get(rest::openapi))
            .route("/api/rest/{*path}", any(rest::call));
        if apis.graphql {
            router = router
                .route("/v1/graphql", get(graphql::get).post(graphql::post))
                .route("/v1beta1/relay", get(graphql::relay_socket).post(graphql::relay))
                .route("/v1alpha1/graphql", get(graphql::alpha_socket).post(graphql::alpha));
        }
        if apis.metadata {
            router = router
                .route("/v1/graphql/explain", post(explain::explain))
                .route("/v1alpha1/graphql/explain", post(explain::explain))
                .route("/v1/metadata", post(administration::metadata))
                .route("/v1/query", post(administration::query_v1))
                .route("/v2/query", post(administration::query_v2));
        }
        if apis.config {
            router = router.route("/v1alpha1/config", get(small::config)).route("/v1/config", get(small::config));
        }
        if apis.pgdump {
            router = router.route("/v1alpha1/pg_dump", post(dump::pg_dump));
        }
        if apis.metrics {
            router = router.route("/v1/metrics", get(small::metrics));
        }
        let observe = axum::middleware::from_fn_with_state(self.clone(), observe::observe);
        router.fallback(small::nowhere).with_state(self.clone()).layer(observe)
    }
}
