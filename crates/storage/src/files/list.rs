//! Files by bucket and name, in order, whoever asks: for clients with the keys of the S3 endpoint, and for `nself storage
//! list`.

use super::{FILE, File, Files};
use crate::Failure;

/// Which files.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub bucket: &'a str,
    /// Names that begin so.
    pub prefix: &'a str,
    /// Names after this one, in the order of their bytes.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: u32,
}

/// Some files, in the order of their names' bytes.
#[derive(Debug, Clone)]
pub struct Page {
    pub files: Vec<File>,
    /// There are more.
    pub more: bool,
}

impl Files {
    /// The uploaded files of a bucket. Where names are not unique, the newest file of each name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn list(&self, wanted: &Wanted<'_>) -> Result<Page, Failure> {
        let statement = format!(
            r#"SELECT {FILE} FROM (
                 SELECT DISTINCT ON (name COLLATE "C") * FROM storage.files
                 WHERE bucket_id = $1 AND is_uploaded AND starts_with(name, $2)
                   AND ($3::text IS NULL OR name COLLATE "C" > $3)
                 ORDER BY name COLLATE "C", created_at DESC, id LIMIT $4
               ) AS newest ORDER BY name COLLATE "C""#
        );
        let limit = i64::from(wanted.limit);
        let client = self.client().await?;
        let rows = client.query(&statement, &[&wanted.bucket, &wanted.prefix, &wanted.after, &(limit + 1)]).await?;
        let more = rows.len() as u64 > u64::from(wanted.limit);
        let files = rows.iter().take(wanted.limit as usize).map(File::from_row).collect::<Result<_, _>>()?;
        Ok(Page { files, more })
    }

    /// The newest uploaded file of a name.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn find_by_name(&self, bucket: &str, name: &str) -> Result<Option<File>, Failure> {
        let statement = format!(
            "SELECT {FILE} FROM storage.files WHERE bucket_id = $1 AND name = $2 AND is_uploaded
             ORDER BY created_at DESC, id LIMIT 1"
        );
        let row = self.client().await?.query_opt(&statement, &[&bucket, &name]).await?;
        row.as_ref().map(File::from_row).transpose()
    }

    /// Every bucket, in the order of their ids.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn buckets(&self) -> Result<Vec<super::Bucket>, Failure> {
        let statement = format!(r#"SELECT {} FROM storage.buckets ORDER BY id COLLATE "C""#, super::Bucket::COLUMNS);
        let rows = self.client().await?.query(&statement, &[]).await?;
        Ok(rows.iter().map(super::Bucket::from_row).collect::<Result<_, _>>()?)
    }
}
