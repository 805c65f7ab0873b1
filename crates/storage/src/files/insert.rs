//! Staged bytes become a new file.

use serde_json::{Map, Value, json};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{FILE, File, Files, Staged, journal};
use crate::{Caller, Failure};

/// A file to make.
#[derive(Debug, Clone)]
pub struct New {
    /// `None`: one is chosen.
    pub id: Option<Uuid>,
    pub bucket: String,
    pub name: String,
    /// What the client says it is.
    pub mime_type: Option<String>,
    pub metadata: Option<Map<String, Value>>,
}

const INSERT: &str = "mutation storageInsertFile($objects: [files_insert_input!]!) {
  insertFiles(objects: $objects) { affected_rows }
}";

impl Files {
    /// Looks whether the caller's role may insert files at all, before any bytes are taken. Whether it may insert this
    /// one, [`Files::insert`] finds out.
    ///
    /// # Errors
    /// 403
    pub async fn may_insert(&self, caller: &Caller) -> Result<(), Failure> {
        self.ask(caller, INSERT, json!({"objects": []})).await.map(drop)
    }

    /// Makes a file of staged bytes: its row as the caller, which is the permission; the rest as the administrator.
    ///
    /// # Errors
    /// 400: the bucket's rules, or the id is taken; 403: the caller may not, or the scanner has found something; 404: no
    /// such bucket. The bytes are removed then.
    pub async fn insert(&self, caller: &Caller, new: New, mut staged: Staged) -> Result<File, Failure> {
        let bucket = self.bucket(&new.bucket).await?;
        bucket.check_size(&new.name, staged.size())?;
        let size = i32::try_from(staged.size()).map_err(|_| too_large(&new.name, &staged))?;
        let mime_type = staged.mime_type(new.mime_type.as_deref());
        self.check_type(&new.name, &mime_type)?;
        let id = match new.id {
            Some(id) if self.find(id).await?.is_some() => return Err(taken()),
            Some(id) => {
                if !journal::aim(&self.client().await?, &staged.key, id, self.instance()).await? {
                    return Err(lost());
                }
                id
            }
            None => staged.id,
        };
        let row = json!({"id": id, "bucketId": bucket.id, "mimeType": mime_type, "name": new.name, "size": size});
        let inserted = match self.ask(caller, INSERT, json!({"objects": [row]})).await {
            Ok(answer) if answer["insertFiles"]["affected_rows"] != 1 => {
                return Err(Failure::forbidden("file was not inserted"));
            }
            Ok(_) => self.scan(caller, id, &new.name, &staged).await,
            Err(failure) => Err(failure),
        };
        project::fault::hit("storage.after-row");
        let filled = match inserted {
            Ok(()) => self.fill(id, &new, &mime_type, size, &mut staged).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = &filled
            && failure.status.is_server_error()
            && !self.take_back(id).await
        {
            // The journal knows both the row and the bytes; the sweep removes them.
            staged.settle();
        }
        filled
    }

    /// The row says that the bytes are there, and the journal whose they are, at once.
    async fn fill(
        &self,
        id: Uuid,
        new: &New,
        mime_type: &str,
        size: i32,
        staged: &mut Staged,
    ) -> Result<File, Failure> {
        let statement = format!(
            "WITH mine AS (
               SELECT key FROM storage.objects WHERE key = $8 AND instance = $9 AND state = 'writing' FOR UPDATE
             ), filled AS (
               UPDATE storage.files SET bucket_id = $2, name = $3, mime_type = $4, size = $5, etag = $6,
                 metadata = coalesce($7, metadata), is_uploaded = true
               WHERE id = $1 AND EXISTS (SELECT FROM mine) RETURNING {FILE} AS file
             ), kept AS (
               UPDATE storage.objects SET file_id = $1, etag = $6, state = 'kept'
               WHERE key IN (SELECT key FROM mine) AND EXISTS (SELECT FROM filled)
             ) SELECT file FROM filled"
        );
        let metadata = new.metadata.as_ref().map(Json);
        let (key, etag, instance) = (staged.key.clone(), staged.etag().to_owned(), self.instance());
        let client = self.client().await?;
        // Whether a statement whose answer does not come was done is not known here; the journal knows.
        staged.settle();
        let parameters: [&(dyn ToSql + Sync); 9] =
            [&id, &new.bucket, &new.name, &mime_type, &size, &etag, &metadata, &key, &instance];
        let row = journal::query_opt(&client, &statement, &parameters).await?;
        let file = File::from_row(&row.ok_or_else(lost)?)?;
        project::fault::hit("storage.after-upload");
        Ok(file)
    }

    /// Removes a row whose bytes are not there after all. False: that could not be done.
    async fn take_back(&self, id: Uuid) -> bool {
        let Ok(client) = self.client().await else { return false };
        journal::remove_row(&client, id).await.is_ok()
    }

    /// A file in which something is found stays as a row without bytes, beside the record of what was found.
    pub(super) async fn scan(&self, caller: &Caller, id: Uuid, name: &str, staged: &Staged) -> Result<(), Failure> {
        let Some(scanner) = self.scanner() else { return Ok(()) };
        let bytes = self.store().read(&staged.key, 0..staged.size()).await?;
        let Some(virus) = scanner.scan(bytes).await? else { return Ok(()) };
        let statement = "INSERT INTO storage.virus (file_id, filename, virus, user_session) VALUES ($1, $2, $3, $4)";
        self.client().await?.execute(statement, &[&id, &name, &virus, &Json(caller.to_json())]).await?;
        let data = json!({"file": name, "virus": virus});
        Err(Failure { data, ..Failure::forbidden(format!("virus found: {virus}")) })
    }
}

fn taken() -> Failure {
    Failure::bad(r#"Uniqueness violation. duplicate key value violates unique constraint "files_pkey""#)
}

/// The database was away for so long that another process has taken the upload for left behind, and removed it.
pub(super) fn lost() -> Failure {
    Failure::unavailable("the upload was given up while the database could not be reached")
}

/// More than the column `size` holds.
pub(super) fn too_large(name: &str, staged: &Staged) -> Failure {
    Failure::too_big(name, staged.size(), i32::MAX.unsigned_abs().into())
}
