//! The schema `auth`: upstream's tables as upstream's migrations leave them, and tables of our own beside them.
//!
//! A database that upstream's service has migrated is taken over: the first migration makes only what is missing.

use postgres::Pool;

use crate::Error;

/// In this order; each once, in a transaction of its own. A migration that has been released is never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_nhost", include_str!("../../../../assets/sql/auth/0001_nhost.sql")),
    ("0002_sessions", include_str!("../../../../assets/sql/auth/0002_sessions.sql")),
    ("0010_methods", include_str!("../../../../assets/sql/auth/0010_methods.sql")),
    ("0020_oauth", include_str!("../../../../assets/sql/auth/0020_oauth.sql")),
    ("0030_revocations", include_str!("../../../../assets/sql/auth/0030_revocations.sql")),
];

/// Two services that start at once must not migrate at once. Any number that nobody else uses.
const LOCK: i64 = 0x6e73_656c_6661_7574;

const RECORD: &str = "CREATE SCHEMA IF NOT EXISTS auth;
CREATE TABLE IF NOT EXISTS auth.nself_migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// # Errors
/// PostgreSQL cannot be reached or refuses a migration.
pub async fn run(pool: &Pool) -> Result<(), Error> {
    let mut client = pool.get().await.map_err(Error::Connect)?;
    for (name, sql) in MIGRATIONS {
        let applied = async {
            let transaction = client.transaction().await?;
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
            transaction.batch_execute(RECORD).await?;
            let added = "INSERT INTO auth.nself_migrations (name) VALUES ($1) ON CONFLICT DO NOTHING";
            if transaction.execute(added, &[name]).await? == 1 {
                transaction.batch_execute(sql).await?;
            }
            transaction.commit().await
        };
        applied.await.map_err(|source| Error::Migrate { migration: name, source })?;
    }
    Ok(())
}
