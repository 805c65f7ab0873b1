//! Settings of live queries, their sockets and events, as the GraphQL engine wants them.

use std::time::Duration;

use graphql::live::{Options, Source};
use project::Settings;

pub(crate) fn of(settings: &Settings) -> Options {
    let defaults = Options::default();
    let number = |name: &str| settings.integer(name).and_then(|found| u64::try_from(found).ok());
    let count = |name: &str, default| number(name).and_then(|found| usize::try_from(found).ok()).unwrap_or(default);
    let millis = |name: &str, default| number(name).map_or(default, Duration::from_millis);
    let seconds = |name: &str, default| number(name).map_or(default, Duration::from_secs);
    let source = settings.text("NSELF_GRAPHQL_LIVE_QUERIES").and_then(Source::of_name);
    Options {
        source: source.unwrap_or_default(),
        refetch: millis("HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_REFETCH_INTERVAL", defaults.refetch),
        batch: count("HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_BATCH_SIZE", defaults.batch),
        stream_refetch: millis(
            "HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_REFETCH_INTERVAL",
            defaults.stream_refetch,
        ),
        stream_batch: count("HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_BATCH_SIZE", defaults.stream_batch),
        keep_alive: seconds("HASURA_GRAPHQL_WEBSOCKET_KEEPALIVE", defaults.keep_alive),
        init_timeout: seconds("HASURA_GRAPHQL_WEBSOCKET_CONNECTION_INIT_TIMEOUT", defaults.init_timeout),
        ..defaults
    }
}

/// How often is looked for asynchronous actions; zero: never.
pub(crate) fn async_actions(settings: &Settings) -> Option<Duration> {
    let millis = settings.integer("HASURA_GRAPHQL_ASYNC_ACTIONS_FETCH_INTERVAL");
    millis.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis)
}

pub(crate) fn events(settings: &Settings) -> graphql::events::Options {
    let defaults = graphql::events::Options::default();
    let number = |name: &str| settings.integer(name).and_then(|found| usize::try_from(found).ok());
    let grace = number("HASURA_GRAPHQL_GRACEFUL_SHUTDOWN_TIMEOUT").and_then(|seconds| u64::try_from(seconds).ok());
    graphql::events::Options {
        workers: number("HASURA_GRAPHQL_EVENTS_HTTP_POOL_SIZE").unwrap_or(defaults.workers),
        batch: number("HASURA_GRAPHQL_EVENTS_FETCH_BATCH_SIZE").unwrap_or(defaults.batch),
        grace: grace.map_or(defaults.grace, Duration::from_secs),
        ..defaults
    }
}
