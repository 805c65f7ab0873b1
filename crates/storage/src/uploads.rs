//! Uploads that come in pieces, and may go on after a broken connection or a crash: of tus, and S3's multipart uploads.
//!
//! A piece is an object of its own below [`PARTS`], whose row in `storage.parts` is written before the object and removed
//! after it, so that nothing is left that nobody knows of. A piece counts when it is durable and its row has a number.
//! When the upload is complete the pieces are written into one object, which becomes a file as every other upload does.

mod lock;
mod part;

use futures::TryStreamExt;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::store::PRIVATE;
use crate::{Caller, Failure, Files, Staged};
pub(crate) use lock::{Lock, Locks};
pub(crate) use part::{PartWriter, Written};

/// How long an upload is kept after its last piece.
pub(crate) const LIFE_HOURS: i32 = 24;

/// Under which keys pieces are.
fn key(upload: Uuid) -> String {
    format!("{PRIVATE}uploads/{upload}/{}", Uuid::new_v4())
}

/// An upload to begin.
#[derive(Debug)]
pub(crate) struct Begin<'a> {
    pub id: Uuid,
    pub protocol: &'static str,
    pub bucket: &'a str,
    pub name: &'a str,
    pub mime_type: Option<&'a str>,
    pub metadata: Option<&'a Map<String, Value>>,
    pub length: Option<u64>,
    pub caller: &'a Caller,
}

/// An upload that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub id: Uuid,
    pub bucket: String,
    pub name: String,
    pub mime_type: Option<String>,
    pub metadata: Option<Map<String, Value>>,
    pub length: Option<u64>,
    pub owner_role: String,
    pub owner_id: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub finished: bool,
}

/// A piece that counts.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub key: String,
    pub number: i32,
    pub size: u64,
    /// In hexadecimal digits.
    pub md5: String,
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, bucket_id, name, mime_type, metadata, length, owner_role, owner_id, created_at, expires_at,
    finished_at IS NOT NULL";

impl Upload {
    fn from_row(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            bucket: row.try_get(1)?,
            name: row.try_get(2)?,
            mime_type: row.try_get(3)?,
            metadata: row.try_get::<_, Option<Json<Map<String, Value>>>>(4)?.map(|metadata| metadata.0),
            length: row.try_get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
            owner_role: row.try_get(6)?,
            owner_id: row.try_get(7)?,
            created_at: row.try_get(8)?,
            expires_at: row.try_get(9)?,
            finished: row.try_get(10)?,
        })
    }

    /// Whether somebody may go on with it: who has begun it, or the administrator.
    pub fn is_of(&self, caller: &Caller) -> bool {
        caller.is_admin() || self.owner_role == *caller.role && self.owner_id.as_deref() == user(caller)
    }
}

fn user(caller: &Caller) -> Option<&str> {
    caller.variables.get("x-hasura-user-id").map(String::as_str)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// # Errors
/// The database cannot be reached.
pub(crate) async fn begin(files: &Files, begin: &Begin<'_>) -> Result<Upload, Failure> {
    let statement = format!(
        "INSERT INTO storage.uploads
           (id, protocol, bucket_id, name, mime_type, metadata, length, owner_role, owner_id, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(hours => $10)) RETURNING {COLUMNS}"
    );
    let (metadata, length) = (begin.metadata.map(Json), begin.length.map(signed));
    let client = files.client().await?;
    let row = client
        .query_one(
            &statement,
            &[
                &begin.id,
                &begin.protocol,
                &begin.bucket,
                &begin.name,
                &begin.mime_type,
                &metadata,
                &length,
                &&*begin.caller.role,
                &user(begin.caller),
                &LIFE_HOURS,
            ],
        )
        .await?;
    Ok(Upload::from_row(&row)?)
}

/// # Errors
/// The database cannot be reached.
pub(crate) async fn find(files: &Files, protocol: &str, id: Uuid) -> Result<Option<Upload>, Failure> {
    let statement =
        format!("SELECT {COLUMNS} FROM storage.uploads WHERE id = $1 AND protocol = $2 AND expires_at > now()");
    let row = files.client().await?.query_opt(&statement, &[&id, &protocol]).await?;
    Ok(row.as_ref().map(Upload::from_row).transpose()?)
}

/// Whether there is an upload of this id, of whatever protocol, and expired or not.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn exists(files: &Files, id: Uuid) -> Result<bool, Failure> {
    let statement = "SELECT EXISTS (SELECT FROM storage.uploads WHERE id = $1)";
    Ok(files.client().await?.query_one(statement, &[&id]).await?.try_get(0)?)
}

/// The uploads of a bucket that are under way, in the order of their names.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn list(files: &Files, protocol: &str, bucket: &str, prefix: &str) -> Result<Vec<Upload>, Failure> {
    let statement = format!(
        r#"SELECT {COLUMNS} FROM storage.uploads WHERE protocol = $1 AND bucket_id = $2 AND starts_with(name, $3)
             AND finished_at IS NULL AND expires_at > now() ORDER BY name COLLATE "C", created_at LIMIT 1000"#
    );
    let rows = files.client().await?.query(&statement, &[&protocol, &bucket, &prefix]).await?;
    Ok(rows.iter().map(Upload::from_row).collect::<Result<_, _>>()?)
}

/// The pieces that count, in their order.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn parts(files: &Files, upload: Uuid) -> Result<Vec<Part>, Failure> {
    let statement = "SELECT key, number, size, md5, created_at FROM storage.parts
        WHERE upload_id = $1 AND number IS NOT NULL ORDER BY number";
    let read = |row: &tokio_postgres::Row| -> Result<Part, tokio_postgres::Error> {
        Ok(Part {
            key: row.try_get(0)?,
            number: row.try_get(1)?,
            size: row.try_get::<_, i64>(2)?.unsigned_abs(),
            md5: row.try_get(3)?,
            created_at: row.try_get(4)?,
        })
    };
    let rows = files.client().await?.query(statement, &[&upload]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// How long an upload is whose length was not known at its beginning. One that is known already stays.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn set_length(files: &Files, upload: Uuid, length: u64) -> Result<(), Failure> {
    let statement = "UPDATE storage.uploads SET length = $2 WHERE id = $1 AND length IS NULL";
    files.client().await?.execute(statement, &[&upload, &signed(length)]).await?;
    Ok(())
}

/// Bytes that have come in.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn offset(files: &Files, upload: Uuid) -> Result<u64, Failure> {
    let statement = "SELECT coalesce(sum(size), 0)::bigint FROM storage.parts WHERE upload_id = $1";
    let row = files.client().await?.query_one(statement, &[&upload]).await?;
    Ok(row.try_get::<_, i64>(0)?.unsigned_abs())
}

/// Puts pieces at the end of an upload that has `offset` bytes, all of them or none.
///
/// # Errors
/// 409: it has another number of bytes by now; 404: it is gone.
pub(crate) async fn append(files: &Files, upload: Uuid, offset: u64, pieces: Vec<Written>) -> Result<(), Failure> {
    let mut client = files.client().await?;
    let transaction = client.transaction().await?;
    lock(&transaction, upload).await?;
    let statement = "SELECT coalesce(sum(size), 0)::bigint, coalesce(max(number), 0) FROM storage.parts
        WHERE upload_id = $1 AND number IS NOT NULL";
    let row = transaction.query_one(statement, &[&upload]).await?;
    let (there, last): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
    if there != signed(offset) {
        return Err(conflict());
    }
    for (number, piece) in (last + 1..).zip(&pieces) {
        piece.number(&transaction, number).await?;
    }
    transaction.commit().await?;
    pieces.into_iter().for_each(Written::keep);
    Ok(())
}

/// Makes a piece the one of its number, instead of the one that had it.
///
/// # Errors
/// 404: the upload is gone.
pub(crate) async fn put(files: &Files, upload: Uuid, number: i32, piece: Written) -> Result<(), Failure> {
    let mut client = files.client().await?;
    let transaction = client.transaction().await?;
    lock(&transaction, upload).await?;
    let statement = "UPDATE storage.parts SET number = NULL, size = NULL, md5 = NULL
        WHERE upload_id = $1 AND number = $2 RETURNING key";
    let superseded = transaction.query_opt(statement, &[&upload, &number]).await?;
    piece.number(&transaction, number).await?;
    transaction.commit().await?;
    drop(client);
    piece.keep();
    if let Some(row) = superseded {
        part::discard(files, row.try_get(0)?).await;
    }
    Ok(())
}

/// Other pieces wait until this transaction is done, and the upload is kept from now on for its time again.
async fn lock(transaction: &tokio_postgres::Transaction<'_>, upload: Uuid) -> Result<(), Failure> {
    let statement = "UPDATE storage.uploads SET expires_at = now() + make_interval(hours => $2)
        WHERE id = $1 AND finished_at IS NULL";
    match transaction.execute(statement, &[&upload, &LIFE_HOURS]).await? {
        0 => Err(Failure::new(http::StatusCode::NOT_FOUND, "upload not found")),
        _ => Ok(()),
    }
}

pub(crate) fn conflict() -> Failure {
    Failure::new(http::StatusCode::CONFLICT, "the offset is not where the upload is")
}

/// One object of several pieces.
///
/// # Errors
/// The store or the database cannot be reached.
pub(crate) async fn join(files: &Files, parts: &[Part]) -> Result<Staged, Failure> {
    let mut staging = files.stage().await?;
    for part in parts.iter().filter(|part| part.size > 0) {
        let mut bytes = files.store().read(&part.key, 0..part.size).await?;
        while let Some(chunk) = bytes.try_next().await.map_err(|error| {
            tracing::error!(%error, "a piece of an upload cannot be read");
            Failure::internal()
        })? {
            staging.write(chunk).await?;
        }
    }
    staging.finish().await
}

/// A file was made of it. Its pieces go; that it was done is remembered until it expires.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn finish(files: &Files, upload: Uuid) -> Result<(), Failure> {
    let statement = "UPDATE storage.uploads SET finished_at = now() WHERE id = $1";
    files.client().await?.execute(statement, &[&upload]).await?;
    remove_parts(files, upload).await.map(drop)
}

/// Gives an upload up.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn remove(files: &Files, upload: Uuid) -> Result<(), Failure> {
    // First it cannot be gone on with.
    let statement = "UPDATE storage.uploads SET expires_at = now() WHERE id = $1";
    files.client().await?.execute(statement, &[&upload]).await?;
    remove_expired(files, upload).await
}

async fn remove_parts(files: &Files, upload: Uuid) -> Result<bool, Failure> {
    let statement = "SELECT key FROM storage.parts WHERE upload_id = $1";
    let rows = files.client().await?.query(statement, &[&upload]).await?;
    let mut all = true;
    for row in rows {
        all &= part::discard(files, row.try_get(0)?).await;
    }
    Ok(all)
}

async fn remove_expired(files: &Files, upload: Uuid) -> Result<(), Failure> {
    if remove_parts(files, upload).await? {
        // Not when a piece came meanwhile, which the next sweep removes.
        let statement = "DELETE FROM storage.uploads WHERE id = $1 AND expires_at <= now()
            AND NOT EXISTS (SELECT FROM storage.parts WHERE upload_id = $1)";
        files.client().await?.execute(statement, &[&upload]).await?;
    }
    Ok(())
}

/// Removes uploads that nobody has gone on with, and what is left of finished ones.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn sweep(files: &Files) -> Result<(), Failure> {
    let statement = "SELECT id, expires_at <= now() FROM storage.uploads WHERE expires_at <= now()
        OR finished_at IS NOT NULL AND EXISTS (SELECT FROM storage.parts WHERE upload_id = uploads.id)
        ORDER BY expires_at LIMIT 100";
    let rows = files.client().await?.query(statement, &[]).await?;
    for row in rows {
        let (upload, expired): (Uuid, bool) = (row.try_get(0)?, row.try_get(1)?);
        if expired {
            remove_expired(files, upload).await?;
        } else {
            remove_parts(files, upload).await?;
        }
    }
    Ok(())
}
