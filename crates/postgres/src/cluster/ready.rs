use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::{Cluster, Postmaster};
use crate::Error;
use crate::error::database_reason;

impl Cluster {
    /// Waits until the server answers a connection. Drop the future to give up earlier, for example when the child
    /// has ended.
    ///
    /// # Errors
    /// [`Error::NotReady`] after `limit`; [`Error::Connect`] when the server answers with anything but "starting up".
    pub async fn ready(&self, limit: Duration) -> Result<(), Error> {
        let begin = Instant::now();
        // Any database would do: a refusal for want of one is an answer too.
        let config = self.config("postgres");
        let mut pause = Duration::from_millis(2);
        let mut last = None;
        loop {
            // Its own lock file says so when it is still starting; a connection would only put a refusal into its log.
            let starting = Postmaster::find(&self.data_dir)
                .is_some_and(|server| !matches!(server.status.as_deref(), Some("ready" | "standby")));
            let answer = if starting { None } else { Some(config.connect(NoTls).await) };
            match answer {
                None => {}
                Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => match error.code() {
                    Some(&SqlState::CANNOT_CONNECT_NOW) | None => last = Some(database_reason(&error)),
                    Some(&SqlState::INVALID_CATALOG_NAME | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                        return Ok(());
                    }
                    Some(_) => return Err(Error::Connect { database: "postgres".to_owned(), source: error }),
                },
            }
            if begin.elapsed() + pause > limit {
                return Err(Error::NotReady { waited: begin.elapsed(), last });
            }
            // A refused connection to a socket costs some 30 microseconds, so a short pause costs nothing.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}
