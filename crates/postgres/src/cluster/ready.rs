use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::Cluster;
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
        loop {
            let last = match config.connect(NoTls).await {
                Ok(_) => return Ok(()),
                Err(error) => match error.code() {
                    Some(&SqlState::CANNOT_CONNECT_NOW) | None => error,
                    Some(&SqlState::INVALID_CATALOG_NAME | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                        return Ok(());
                    }
                    Some(_) => return Err(Error::Connect { database: "postgres".to_owned(), source: error }),
                },
            };
            if begin.elapsed() + pause > limit {
                return Err(Error::NotReady { waited: begin.elapsed(), last: Some(database_reason(&last)) });
            }
            // A refused connection to a socket costs some 30 microseconds, so a short pause costs nothing.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}
