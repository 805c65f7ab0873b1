//! The service's tables: versioned scripts, each run once, in a transaction of its own.

use tokio_postgres::Client;

/// Two services that start at once must not make the tables at once. Any number that nobody else uses.
const LOCK: i64 = 0x6e73_656c_6673_746f;

/// In the order of their versions, which begin with 1. A script that has run anywhere is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../assets/sql/storage/0001_nhost.sql"),
    include_str!("../../../assets/sql/storage/0002_objects.sql"),
    include_str!("../../../assets/sql/storage/0003_uploads.sql"),
];

/// Runs the scripts that have not run in this database.
///
/// # Errors
/// PostgreSQL refused a statement; that script has changed nothing then.
pub(crate) async fn migrate(client: &mut Client) -> Result<(), tokio_postgres::Error> {
    for (version, script) in (1_i32..).zip(MIGRATIONS) {
        let transaction = client.transaction().await?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        transaction
            .batch_execute(
                "CREATE SCHEMA IF NOT EXISTS storage;
                 CREATE TABLE IF NOT EXISTS storage.nself_migrations
                   (version integer PRIMARY KEY, applied_at timestamp with time zone DEFAULT now() NOT NULL)",
            )
            .await?;
        let done = "INSERT INTO storage.nself_migrations (version) VALUES ($1) ON CONFLICT DO NOTHING";
        if transaction.execute(done, &[&version]).await? == 1 {
            transaction.batch_execute(script).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}
