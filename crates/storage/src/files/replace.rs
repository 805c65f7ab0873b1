//! Staged bytes become an existing file's content; or only its description changes.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::insert::{lost, too_large};
use super::{File, Files, Staged, found, journal, with_fragment};
use crate::{Caller, Failure};

/// What changes about a file; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub name: Option<String>,
    pub metadata: Option<Map<String, Value>>,
    /// What the client says the new bytes are.
    pub mime_type: Option<String>,
}

const UPDATE: &str = "mutation storageUpdateFile($id: uuid!, $_set: files_set_input!) {
  updateFile(pk_columns: {id: $id}, _set: $_set) { ...file }
}";

impl Files {
    /// Looks whether the caller's role may update files at all, before any bytes are taken. Whether it may update this
    /// one, [`Files::replace`] finds out.
    ///
    /// # Errors
    /// 403
    pub async fn may_replace(&self, caller: &Caller, id: Uuid) -> Result<(), Failure> {
        self.ask(caller, &with_fragment(UPDATE), json!({"id": id, "_set": {}})).await.map(drop)
    }

    /// Gives a file new bytes. Until its row has changed, whoever opens it reads the old ones; from then on the new.
    ///
    /// # Errors
    /// As [`Files::insert`]; the file stays as it was then.
    pub async fn replace(
        &self,
        caller: &Caller,
        id: Uuid,
        change: Change,
        mut staged: Staged,
    ) -> Result<File, Failure> {
        let file = self.get(caller, id).await?;
        let name = change.name.unwrap_or_else(|| file.name.clone());
        self.bucket(&file.bucket_id).await?.check_size(&name, staged.size())?;
        let size = i32::try_from(staged.size()).map_err(|_| too_large(&name, &staged))?;
        let mime_type = staged.mime_type(change.mime_type.as_deref());
        self.check_type(&name, &mime_type)?;
        self.scan(caller, id, &name, &staged).await?;
        let client = self.client().await?;
        journal::adopt(&client, &file, self.instance()).await?;
        if !journal::prepare(&client, &staged.key, id, staged.etag(), self.instance()).await? {
            return Err(lost());
        }
        drop(client);
        project::fault::hit("storage.before-replaced");
        let mut set = json!({
            "bucketId": file.bucket_id, "etag": staged.etag(), "isUploaded": true, "name": name, "size": size,
            "mimeType": mime_type,
        });
        if let Some(metadata) = change.metadata {
            set["metadata"] = metadata.into();
        }
        let answer = self.ask(caller, &with_fragment(UPDATE), json!({"id": id, "_set": set})).await;
        let replaced = answer.and_then(|answer| found(answer, "updateFile"));
        project::fault::hit("storage.after-replaced");
        // Even an update that seems to have failed may be done; the row tells, now or at the sweep.
        staged.settle();
        let settled = self.settle(id, &staged.key, staged.etag()).await;
        let replaced = replaced?;
        settled.map(|()| replaced)
    }

    /// Changes a file's name or metadata only.
    ///
    /// # Errors
    /// 403, 404
    pub async fn describe(&self, caller: &Caller, id: Uuid, change: Change) -> Result<File, Failure> {
        let mut set = Map::new();
        if let Some(name) = change.name {
            set.insert("name".to_owned(), name.into());
        }
        if let Some(metadata) = change.metadata {
            set.insert("metadata".to_owned(), metadata.into());
        }
        if set.is_empty() {
            return self.get(caller, id).await;
        }
        let answer = self.ask(caller, &with_fragment(UPDATE), json!({"id": id, "_set": set})).await?;
        found(answer, "updateFile")
    }

    /// The journal learns what the row says already, and the bytes that nobody needs any more go.
    pub(super) async fn settle(&self, id: Uuid, key: &str, etag: &str) -> Result<(), Failure> {
        let mut client = self.client().await?;
        let superseded = journal::settle(&mut client, key, id, etag, self.instance()).await?;
        drop(client);
        for key in superseded {
            self.discard(&key).await;
        }
        Ok(())
    }
}
