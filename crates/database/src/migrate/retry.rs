//! Trying again when a lock is not to be had: a migration that waits for long holds up everybody behind it, so it waits
//! for a short time, lets the others pass, and asks again.

use std::time::Duration;

use tokio_postgres::Client;

use super::Event;
use crate::{Error, Options};

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs `work`, which leaves nothing behind when it fails, until it has its locks or the tries are used up. The pauses
/// between grow: the lock timeout (at most a second), then twice as long each time. The server sleeps them, so that
/// cancelling what the session does ends them too.
pub(super) async fn with<T>(
    client: &mut Client,
    options: &Options,
    id: &str,
    events: &mut (dyn FnMut(&Event<'_>) + Send),
    mut work: impl AsyncFnMut(&mut Client) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut pause = options.lock_timeout.clamp(Duration::from_millis(1), Duration::from_secs(1));
    for attempt in 1..=options.lock_retries {
        match work(client).await {
            Err(error) if lacks_lock(&error) => {}
            result => return result,
        }
        events(&Event::Waiting { id, attempt, of: options.lock_retries, pause });
        client.batch_execute("SET statement_timeout = 0").await?;
        client.batch_execute(&format!("SELECT pg_sleep({})", pause.as_secs_f64())).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    work(client).await
}

/// A lock timeout, or a deadlock that the server ended at our cost.
fn lacks_lock(error: &Error) -> bool {
    let state = match error {
        Error::Statement(failure) => failure.sqlstate.as_deref(),
        Error::Database(error) => error.code().map(|code| code.code()),
        _ => None,
    };
    matches!(state, Some("55P03" | "40P01"))
}
