//! Settings of live queries and their sockets, as the GraphQL engine wants them.

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
