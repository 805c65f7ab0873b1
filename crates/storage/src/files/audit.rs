//! What the store and the table do not agree on, when one of them was changed by others: rows removed through GraphQL,
//! buckets removed with their files, objects removed in the cloud's console.

use futures::{StreamExt, TryStreamExt};
use uuid::Uuid;

use super::{FILE, File, Files, journal};
use crate::Failure;

/// Keys or rows that are looked at with one statement.
const BATCH: usize = 1000;
/// Objects that are asked for at once.
const ASKED: usize = 16;

impl Files {
    /// The keys of objects that are no file's bytes, and that nobody is working on.
    ///
    /// # Errors
    /// The database or the store cannot be reached.
    pub async fn orphans(&self) -> Result<Vec<String>, Failure> {
        // Of a file: noted in the journal, or under the file's id and not noted.
        let statement = "SELECT key FROM unnest($1::text[]) AS key WHERE NOT EXISTS (
              SELECT FROM storage.objects AS object WHERE object.key = key.key AND (object.state <> 'kept'
                OR EXISTS (SELECT FROM storage.files AS file WHERE file.id = object.file_id))
            ) AND NOT (
              NOT EXISTS (SELECT FROM storage.objects AS object WHERE object.key = key.key)
              AND EXISTS (SELECT FROM storage.files AS file WHERE file.id::text = key.key)
            ) ORDER BY key";
        let mut orphans = Vec::new();
        let mut batches = Box::pin(self.store().keys().await?.chunks(BATCH));
        while let Some(batch) = batches.next().await {
            let keys = batch.into_iter().collect::<opendal::Result<Vec<String>>>()?;
            for row in self.client().await?.query(statement, &[&keys]).await? {
                orphans.push(row.try_get(0)?);
            }
        }
        Ok(orphans)
    }

    /// Removes an object that [`Files::orphans`] has named.
    pub(crate) async fn remove_orphan(&self, key: &str) -> Result<(), Failure> {
        self.store().delete(key).await?;
        Ok(journal::forget(&self.client().await?, key).await?)
    }

    /// Files that should have bytes and have none.
    ///
    /// # Errors
    /// The database or the store cannot be reached.
    pub async fn broken(&self) -> Result<Vec<File>, Failure> {
        let statement = format!(
            "SELECT {FILE} FROM storage.files WHERE is_uploaded AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2"
        );
        let mut broken = Vec::new();
        let mut after: Option<Uuid> = None;
        loop {
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let rows = self.client().await?.query(&statement, &[&after, &limit]).await?;
            let files = rows.iter().map(File::from_row).collect::<Result<Vec<_>, _>>()?;
            let Some(last) = files.last() else { return Ok(broken) };
            after = Some(last.id);
            let asked =
                futures::stream::iter(files).map(|file| async { self.has_bytes(&file).await.map(|has| (file, has)) });
            let asked: Vec<(File, bool)> = asked.buffered(ASKED).try_collect().await?;
            broken.extend(asked.into_iter().filter(|(_, has)| !has).map(|(file, _)| file));
        }
    }

    async fn has_bytes(&self, file: &File) -> Result<bool, Failure> {
        match self.locate(file).await {
            Ok(key) => Ok(self.store().size(&key).await?.is_some()),
            Err(failure) if failure == Failure::file_not_found() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Removes the row of a file that [`Files::broken`] has named.
    pub(crate) async fn remove_broken(&self, id: Uuid) -> Result<(), Failure> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.execute("DELETE FROM storage.virus WHERE file_id = $1", &[&id]).await?;
        transaction.execute("DELETE FROM storage.files WHERE id = $1", &[&id]).await?;
        transaction.execute("DELETE FROM storage.objects WHERE file_id = $1", &[&id]).await?;
        Ok(transaction.commit().await?)
    }

    /// Files whose bytes have not come.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn not_uploaded(&self) -> Result<Vec<File>, Failure> {
        let statement = format!("SELECT {FILE} FROM storage.files WHERE is_uploaded IS NOT TRUE ORDER BY id");
        let rows = self.client().await?.query(&statement, &[]).await?;
        rows.iter().map(File::from_row).collect()
    }
}
