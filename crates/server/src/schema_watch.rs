//! Follows the database's schema and metadata: whoever changes them, with whatever program, GraphQL reads them again at
//! once. PostgreSQL tells (event triggers and `NOTIFY`), so that a schema which does not change costs nothing. Over the same
//! connection it tells which access tokens do not count any more ([`crate::revocations`]).

use std::sync::Arc;
use std::time::Duration;

use graphql::access::Revocations;
use postgres::Cluster;
use tokio::sync::{mpsc, watch};
use tokio_postgres::{AsyncMessage, NoTls};

use crate::revocations;

const SET_UP: &str = include_str!("../../../assets/sql/schema_watch.sql");

/// Changes that come together are read together.
const TOGETHER: Duration = Duration::from_millis(30);
/// Pause before the next try when PostgreSQL is away.
const AWAY: Duration = Duration::from_secs(1);

/// What is watched, and who is told.
pub struct Watch {
    pub cluster: Arc<Cluster>,
    pub database: String,
    /// Holds the service to tell, while there is one.
    pub graphql: watch::Receiver<Option<graphql::Handle>>,
    pub revocations: Option<Arc<Revocations>>,
}

/// Watches until the task is dropped.
pub async fn watch(watch: Watch) {
    let mut first = true;
    loop {
        if let Err(error) = session(&watch, first).await {
            tracing::debug!("not watching the schema: {error}");
        }
        first = false;
        tokio::time::sleep(AWAY).await;
    }
}

/// One connection, from its beginning to its end.
async fn session(watch: &Watch, first: bool) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = watch.cluster.config(&watch.database).connect(NoTls).await?;
    let (changed, mut changes) = mpsc::channel(1);
    let (revoked, told_revoked) = mpsc::unbounded_channel();
    let engine = watch.graphql.clone();
    let driver = tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            match message {
                AsyncMessage::Notification(told) if told.channel() == revocations::CHANNEL => {
                    let _ = revoked.send(told.payload().to_owned());
                }
                AsyncMessage::Notification(told) if !is_own(told.payload(), &engine) => {
                    // A full channel holds a change that has not been read yet, and that covers this one.
                    let _ = changed.try_send(());
                }
                _ => {}
            }
        }
    });
    let _driver = AbortOnDrop(driver);
    client.batch_execute(SET_UP).await?;
    let following = match &watch.revocations {
        None => None,
        Some(known) => {
            client.batch_execute(&format!("LISTEN {}", revocations::CHANNEL)).await?;
            // What is told meanwhile waits in the channel, and counts after what is read.
            revocations::load(&client, known).await?;
            Some(AbortOnDrop(tokio::spawn(follow(told_revoked, known.clone()))))
        }
    };
    if !first {
        // What changed while nobody listened.
        reload(&watch.graphql).await;
    }
    while changes.recv().await.is_some() {
        tokio::time::sleep(TOGETHER).await;
        let _ = changes.try_recv();
        reload(&watch.graphql).await;
    }
    drop(following);
    Ok(())
}

/// In a task of its own: reading a large schema anew takes longer than a signed-out session may count.
async fn follow(mut told: mpsc::UnboundedReceiver<String>, known: Arc<Revocations>) {
    while let Some(payload) = told.recv().await {
        revocations::told(&payload, &known);
    }
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
