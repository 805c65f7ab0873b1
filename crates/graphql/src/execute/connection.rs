//! A connection while it works for a request.

use postgres::{Pool, PooledClient};
use tokio_postgres::{CancelToken, NoTls};

use crate::failure::Failure;

/// Holds a connection while statements run on it. When the request is given up (the client went away, time ran out)
/// the statement is cancelled and the transaction undone, and the connection goes back only once it is idle: a late
/// cancellation must not hit the next request's statement.
pub(super) struct Running {
    client: Option<PooledClient>,
    token: CancelToken,
    in_transaction: bool,
}

impl Running {
    /// # Errors
    /// There is no connection.
    pub(super) async fn new(pool: &Pool) -> Result<Self, Failure> {
        let client = pool.get().await.map_err(|error| {
            tracing::warn!(error = %error, "no database connection for a GraphQL request");
            super::disconnected(&error)
        })?;
        Ok(Self { token: client.cancel_token(), client: Some(client), in_transaction: false })
    }

    /// For work that begins a transaction.
    ///
    /// # Errors
    /// There is no connection.
    pub(super) async fn with_transaction(pool: &Pool) -> Result<Self, Failure> {
        let mut running = Self::new(pool).await?;
        running.in_transaction = true;
        Ok(running)
    }

    pub(super) fn client(&self) -> &PooledClient {
        self.client.as_ref().expect("taken only at the end")
    }

    /// Gives the connection back: it is idle and in no transaction.
    pub(super) fn finished(mut self) {
        self.client = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let token = self.token.clone();
        let last = if self.in_transaction { "ROLLBACK" } else { "" };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = token.cancel_query(NoTls).await {
                    tracing::debug!(%error, "an abandoned statement could not be cancelled");
                }
                // Answered when the statement has ended.
                let _ = client.batch_execute(last).await;
            });
        }
    }
}
