//! The table `storage.objects`: which object holds which file's bytes, and what was being done with it.
//!
//! Every step of an operation is written here before or after it is done, so that whatever a crash leaves behind can be
//! told from what is in use. Rows of an operation under way carry the name of their process and the time until which it
//! counts as alive; a process that runs moves that time on.

use std::time::Duration;

use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::File;

/// How long a process counts as alive after it was heard of, and how often it is heard of.
pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

type Result<T> = std::result::Result<T, tokio_postgres::Error>;

/// An object that somebody was working on.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub key: String,
    pub file_id: Option<Uuid>,
    pub etag: Option<String>,
    pub state: String,
}

/// Bytes are about to come in under a new key.
pub(crate) async fn begin(client: &Client, key: &str, instance: &str) -> Result<()> {
    let statement = "INSERT INTO storage.objects (key, state, instance, alive_until)
        VALUES ($1, 'writing', $2, now() + $3 * interval '1 second')";
    client.execute(statement, &[&key, &instance, &LEASE.as_secs_f64()]).await?;
    Ok(())
}

/// The object will be a new file's, whose row is about to be made.
pub(crate) async fn aim(client: &Client, key: &str, file: Uuid) -> Result<()> {
    let statement = "UPDATE storage.objects SET file_id = $2 WHERE key = $1";
    client.execute(statement, &[&key, &file]).await?;
    Ok(())
}

/// The object will be an existing file's when the file's row has this etag.
pub(crate) async fn prepare(client: &Client, key: &str, file: Uuid, etag: &str) -> Result<()> {
    let statement = "UPDATE storage.objects SET file_id = $2, etag = $3, state = 'prepared' WHERE key = $1";
    client.execute(statement, &[&key, &file, &etag]).await?;
    Ok(())
}

/// Removes the row of a file whose bytes have not come; one in which something was found stays, and so does one that
/// has bytes.
pub(crate) async fn remove_row(client: &Client, file: Uuid) -> Result<()> {
    let statement = "DELETE FROM storage.files WHERE id = $1 AND is_uploaded IS NOT TRUE
        AND NOT EXISTS (SELECT FROM storage.virus WHERE file_id = $1)
        AND NOT EXISTS (SELECT FROM storage.objects WHERE file_id = $1 AND state <> 'writing')";
    client.execute(statement, &[&file]).await?;
    Ok(())
}

/// The object is the file's.
pub(crate) async fn keep(transaction: &Transaction<'_>, key: &str, file: Uuid, etag: &str) -> Result<()> {
    let statement = "UPDATE storage.objects SET file_id = $2, etag = $3, state = 'kept' WHERE key = $1";
    transaction.execute(statement, &[&key, &file, &etag]).await?;
    Ok(())
}

/// The object is nobody's any more, and gone.
pub(crate) async fn forget(client: &Client, key: &str) -> Result<()> {
    client.execute("DELETE FROM storage.objects WHERE key = $1", &[&key]).await?;
    Ok(())
}

/// Where a file's bytes are. Of two objects, the one with the row's etag: while a file's content is replaced, the row
/// decides which one counts. `None`: nothing is known, and the key is another file's.
pub(crate) async fn locate(client: &Client, file: Uuid, etag: &str) -> Result<Option<String>> {
    let statement = "SELECT key FROM storage.objects WHERE file_id = $1 AND etag IS NOT NULL AND state <> 'writing'
        ORDER BY etag = $2 DESC, state = 'kept' DESC, created_at DESC LIMIT 1";
    if let Some(row) = client.query_opt(statement, &[&file, &etag]).await? {
        return row.try_get(0).map(Some);
    }
    // Nhost's own: under the file's id.
    let own = file.to_string();
    let taken = client.query_opt("SELECT FROM storage.objects WHERE key = $1", &[&own]).await?;
    Ok(taken.is_none().then_some(own))
}

/// Notes where the bytes of a file are that Nhost's own service has stored, before they are replaced or removed.
pub(crate) async fn adopt(client: &Client, file: &File, instance: &str) -> Result<()> {
    let statement = "INSERT INTO storage.objects (key, file_id, etag, state, instance, alive_until)
        SELECT $1::uuid::text, $1, $2, 'kept', $3, now()
        WHERE NOT EXISTS (SELECT FROM storage.objects WHERE file_id = $1) ON CONFLICT DO NOTHING";
    client.execute(statement, &[&file.id, &file.etag, &instance]).await?;
    Ok(())
}

/// All objects of a file are going to be removed, if its row is.
pub(crate) async fn release(client: &Client, file: Uuid, instance: &str) -> Result<()> {
    let statement = "UPDATE storage.objects SET state = 'removing', instance = $2,
        alive_until = now() + $3 * interval '1 second' WHERE file_id = $1 AND state = 'kept'";
    client.execute(statement, &[&file, &instance, &LEASE.as_secs_f64()]).await?;
    Ok(())
}

/// The row was not removed after all.
pub(crate) async fn retain(client: &Client, file: Uuid) -> Result<()> {
    let statement = "UPDATE storage.objects SET state = 'kept' WHERE file_id = $1 AND state = 'removing'";
    client.execute(statement, &[&file]).await?;
    Ok(())
}

/// The keys of a file's objects, of those that nobody is writing.
pub(crate) async fn objects(client: &Client, file: Uuid) -> Result<Vec<String>> {
    let statement = "SELECT key FROM storage.objects WHERE file_id = $1 AND state IN ('kept', 'removing')";
    client.query(statement, &[&file]).await?.iter().map(|row| row.try_get(0)).collect()
}

/// The work on these objects goes on.
pub(crate) async fn beat(client: &Client, keys: &[String]) -> Result<()> {
    let statement = "UPDATE storage.objects SET alive_until = now() + $2 * interval '1 second'
        WHERE key = ANY($1) AND state <> 'kept'";
    client.execute(statement, &[&keys, &LEASE.as_secs_f64()]).await?;
    Ok(())
}

/// Takes over what nobody works on any more: of processes that are gone and, when `restarted`, of this one's predecessor
/// under the same name.
pub(crate) async fn take_over(client: &Client, instance: &str, restarted: bool) -> Result<Vec<Unfinished>> {
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
    client: &mut Client,
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
        keep(&transaction, key, file, etag).await?;
    }
    let statement = "UPDATE storage.objects SET file_id = NULL, etag = NULL, state = 'removing', instance = $4,
        alive_until = now() + $5 * interval '1 second'
        WHERE CASE WHEN $3 THEN file_id = $1 AND key <> $2 AND state IN ('kept', 'removing') ELSE key = $2 END
        RETURNING key";
    let rows = transaction.query(statement, &[&file, &key, &is_current, &instance, &LEASE.as_secs_f64()]).await?;
    transaction.commit().await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
