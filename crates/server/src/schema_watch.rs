//! Follows the database's schema and metadata: whoever changes them, with whatever program, GraphQL reads them again at once. PostgreSQL
//! tells (event triggers and `NOTIFY`), so that a schema which does not change costs nothing.

use std::sync::Arc;
use std::time::Duration;

use postgres::Cluster;
use tokio::sync::{mpsc, watch};
use tokio_postgres::{AsyncMessage, NoTls};

const SET_UP: &str = include_str!("../../../assets/sql/schema_watch.sql");

/// Changes that come together are read together.
const TOGETHER: Duration = Duration::from_millis(30);
/// Pause before the next try when PostgreSQL is away.
const AWAY: Duration = Duration::from_secs(1);

/// Watches until the task is dropped. `graphql` holds the service to tell, while there is one.
pub async fn watch(cluster: Arc<Cluster>, database: String, graphql: watch::Receiver<Option<graphql::Handle>>) {
    let mut first = true;
    loop {
        if let Err(error) = session(&cluster, &database, &graphql, first).await {
            tracing::debug!("not watching the schema: {error}");
        }
        first = false;
        tokio::time::sleep(AWAY).await;
    }
}

/// One connection, from its beginning to its end.
async fn session(
    cluster: &Cluster,
    database: &str,
    graphql: &watch::Receiver<Option<graphql::Handle>>,
    first: bool,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = cluster.config(database).connect(NoTls).await?;
    let (changed, mut changes) = mpsc::channel(1);
    let engine = graphql.clone();
    let driver = tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(told) = message
                && !is_own(told.payload(), &engine)
            {
                // A full channel holds a change that has not been read yet, and that covers this one.
                let _ = changed.try_send(());
            }
        }
    });
    let _driver = AbortOnDrop(driver);
    client.batch_execute(SET_UP).await?;
    if !first {
        // What changed while nobody listened.
        reload(graphql).await;
    }
    while changes.recv().await.is_some() {
        tokio::time::sleep(TOGETHER).await;
        let _ = changes.try_recv();
        reload(graphql).await;
    }
    Ok(())
}

/// Whether this server's own engine has changed its metadata: it knows.
fn is_own(payload: &str, graphql: &watch::Receiver<Option<graphql::Handle>>) -> bool {
    let instance = payload.strip_prefix("metadata ");
    instance.is_some_and(|instance| graphql.borrow().as_ref().is_some_and(|handle| handle.instance() == instance))
}

async fn reload(graphql: &watch::Receiver<Option<graphql::Handle>>) {
    let handle = graphql.borrow().clone();
    if let Some(handle) = handle
        && let Err(error) = handle.reload().await
    {
        tracing::warn!("GraphQL keeps its schema because the new one cannot be read: {error}");
    }
}

/// Ends the connection's task, and with it the connection, when the watch ends.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
