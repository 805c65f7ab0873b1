//! The table `storage.objects`: which object holds which file's bytes, and what was being done with it.
//!
//! Every step of an operation is written here before or after it is done, so that whatever a crash leaves behind can be
//! told from what is in use. Rows of an operation under way carry the name of their process and the time until which it
//! counts as alive; a process that runs moves that time on.

use std::time::Duration;

use postgres::PooledClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::File;

/// How long a process counts as alive after it was heard of, and how often it is heard of.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

type Result<T> = std::result::Result<T, tokio_postgres::Error>;

/// Runs a statement that the connection prepares once.
pub(crate) async fn execute(client: &PooledClient, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64> {
    let statement = client.prepare_cached(statement).await?;
    client.execute(&statement, parameters).await
}

/// The same, of a statement with one row or none.
pub(crate) async fn query_opt(
    client: &PooledClient,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>> {
    let statement = client.prepare_cached(statement).await?;
    client.query_opt(&statement, parameters).await
}

/// An object that somebody was working on.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub key: String,
    pub file_id: Option<Uuid>,
    pub etag: Option<String>,
    pub state: String,
}

/// Bytes are about to come in under a new key: the id of a new file, unless something else is said later.
pub(crate) async fn begin(client: &PooledClient, key: &str, file: Uuid, instance: &str) -> Result<()> {
    let statement = "INSERT INTO storage.objects (key, file_id, state, instance, alive_until)
        VALUES ($1, $2, 'writing', $3, now() + $4 * interval '1 second')";
    execute(client, statement, &[&key, &file, &instance, &LEASE.as_secs_f64()]).await?;
    Ok(())
}

/// The object will be a new file's with an id that the client has chosen, whose row is about to be made. False: it was
/// taken for left behind, and is gone.
pub(crate) async fn aim(client: &PooledClient, key: &str, file: Uuid, instance: &str) -> Result<bool> {
    let statement = "UPDATE storage.objects SET file_id = $3, alive_until = now() + $4 * interval '1 second'
        WHERE key = $1 AND instance = $2 AND state = 'writing'";
    let aimed = execute(client, statement, &[&key, &instance, &file, &LEASE.as_secs_f64()]).await?;
    Ok(aimed == 1)
}

/// The object will be an existing file's when the file's row has this etag. False: as [`aim`].
pub(crate) async fn prepare(client: &PooledClient, key: &str, file: Uuid, etag: &str, instance: &str) -> Result<bool> {
    let statement = "UPDATE storage.objects SET file_id = $3, etag = $4, state = 'prepared',
        alive_until = now() + $5 * interval '1 second' WHERE key = $1 AND instance = $2 AND state = 'writing'";
    let prepared = execute(client, statement, &[&key, &instance, &file, &etag, &LEASE.as_secs_f64()]).await?;
    Ok(prepared == 1)
}

/// Removes the row of a file whose bytes have not come; one in which something was found stays, and so does one that
/// has bytes.
pub(crate) async fn remove_row(client: &PooledClient, file: Uuid) -> Result<()> {
    let statement = "DELETE FROM storage.files WHERE id = $1 AND is_uploaded IS NOT TRUE
        AND NOT EXISTS (SELECT FROM storage.virus WHERE file_id = $1)
        AND NOT EXISTS (SELECT FROM storage.objects WHERE file_id = $1 AND state <> 'writing')";
    execute(client, statement, &[&file]).await?;
    Ok(())
}

/// The object is nobody's any more, and gone.
pub(crate) async fn forget(client: &PooledClient, key: &str) -> Result<()> {
    execute(client, "DELETE FROM storage.objects WHERE key = $1", &[&key]).await?;
    Ok(())
}

/// Where a file's bytes are. Of two objects, the one with the row's etag: while a file's content is replaced, the row
/// decides which one counts. `None`: nothing is known, and the key is another file's.
pub(crate) async fn locate(client: &PooledClient, file: Uuid, etag: &str) -> Result<Option<String>> {
    let statement = "SELECT key FROM storage.objects WHERE file_id = $1 AND etag IS NOT NULL AND state <> 'writing'
        ORDER BY etag = $2 DESC, state = 'kept' DESC, created_at DESC LIMIT 1";
    if let Some(row) = query_opt(client, statement, &[&file, &etag]).await? {
        return row.try_get(0).map(Some);
    }
    // Nhost's own: under the file's id.
    let own = file.to_string();
    let taken = query_opt(client, "SELECT FROM storage.objects WHERE key = $1", &[&own]).await?;
    Ok(taken.is_none().then_some(own))
}

/// Notes where the bytes of a file are that Nhost's own service has stored, before they are replaced or removed.
pub(crate) async fn adopt(client: &PooledClient, file: &File, instance: &str) -> Result<()> {
    let statement = "INSERT INTO storage.objects (key, file_id, etag, state, instance, alive_until)
        SELECT $1::uuid::text, $1, $2, 'kept', $3, now()
        WHERE NOT EXISTS (SELECT FROM storage.objects WHERE file_id = $1) ON CONFLICT DO NOTHING";
    execute(client, statement, &[&file.id, &file.etag, &instance]).await?;
    Ok(())
}

/// All objects of a file are going to be removed, if its row is.
pub(crate) async fn release(client: &PooledClient, file: Uuid, instance: &str) -> Result<()> {
    let statement = "UPDATE storage.objects SET state = 'removing', instance = $2,
        alive_until = now() + $3 * interval '1 second' WHERE file_id = $1 AND state = 'kept'";
    execute(client, statement, &[&file, &instance, &LEASE.as_secs_f64()]).await?;
    Ok(())
}

/// The row was not removed after all.
pub(crate) async fn retain(client: &PooledClient, file: Uuid) -> Result<()> {
    let statement = "UPDATE storage.objects SET state = 'kept' WHERE file_id = $1 AND state = 'removing'";
    execute(client, statement, &[&file]).await?;
    Ok(())
}

/// The keys of a file's objects, of those that nobody is writing.
pub(crate) async fn objects(client: &PooledClient, file: Uuid) -> Result<Vec<String>> {
    let statement = "SELECT key FROM storage.objects WHERE file_id = $1 AND state IN ('kept', 'removing')";
    client.query(statement, &[&file]).await?.iter().map(|row| row.try_get(0)).collect()
}

/// The work on these objects goes on.
pub(crate) async fn beat(client: &PooledClient, keys: &[String]) -> Result<()> {
    let statement = "UPDATE storage.objects SET alive_until = now() + $2 * interval '1 second'
        WHERE key = ANY($1) AND state <> 'kept'";
    execute(client, statement, &[&keys, &LEASE.as_secs_f64()]).await?;
    Ok(())
}

/// Takes over what nobody works on any more: of processes that are gone and, when `restarted`, of this one's predecessor
/// under the same name.
pub(crate) async fn take_over(client: &PooledClient, instance: &str, restarted: bool) -> Result<Vec<Unfinished>> {
    let statement = "UPDATE storage.objects SET instance = $1, alive_until = now() + $3 * interval '1 second'
        WHERE key IN (SELECT key FROM storage.objects
            WHERE state <> 'kept' AND (alive_until < now() OR $2 AND instance = $1)
            ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING key, file_id, etag, state";
    let rows = client.query(statement, &[&instance, &restarted, &LEASE.as_secs_f64()]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Unfinished { key: row.try_get(0)?, file_id: row.try_get(1)?, etag: row.try_get(2)?, state: row.try_get(3)? })
    };
    rows.iter().map(read).collect()
}

/// Decides over a prepared object: it is the file's bytes if the file's row has its etag. The answer is the keys of
/// objects that are nobody's bytes now, itself perhaps among them.
pub(crate) async fn settle(
    client: &mut PooledClient,
    key: &str,
    file: Uuid,
    etag: &str,
    instance: &str,
) -> Result<Vec<String>> {
    let transaction = client.transaction().await?;
    // Of two replacements at once, the one whose update came last has won, whichever settles first.
    let statement = "SELECT etag IS NOT DISTINCT FROM $2 FROM storage.files WHERE id = $1 FOR UPDATE";
    let row = transaction.query_opt(statement, &[&file, &etag]).await?;
    let is_current: bool = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false);
    if is_current {
        let statement = "UPDATE storage.objects SET file_id = $2, etag = $3, state = 'kept' WHERE key = $1";
        transaction.execute(statement, &[&key, &file, &etag]).await?;
    }
    let statement = "UPDATE storage.objects SET file_id = NULL, etag = NULL, state = 'removing', instance = $4,
        alive_until = now() + $5 * interval '1 second'
        WHERE CASE WHEN $3 THEN file_id = $1 AND key <> $2 AND state IN ('kept', 'removing') ELSE key = $2 END
        RETURNING key";
    let rows = transaction.query(statement, &[&file, &key, &is_current, &instance, &LEASE.as_secs_f64()]).await?;
    transaction.commit().await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
