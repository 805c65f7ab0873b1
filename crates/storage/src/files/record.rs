//! A file and a bucket as the tables describe them.

use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Failure;

/// Nhost's `FileMetadata`: a row of `storage.files`, in GraphQL's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    pub id: Uuid,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Bytes.
    #[serde(deserialize_with = "or_default")]
    pub size: u64,
    pub bucket_id: String,
    /// With its double quotes; empty until the bytes are there.
    #[serde(deserialize_with = "or_default")]
    pub etag: String,
    pub created_at: Timestamp,
    /// Changes with the row; it is the file's `Last-Modified`.
    pub updated_at: Timestamp,
    #[serde(deserialize_with = "or_default")]
    pub is_uploaded: bool,
    #[serde(deserialize_with = "or_default")]
    pub mime_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_by_user_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

/// A column list whose one column is the JSON of a [`File`].
pub(crate) const FILE: &str = "json_build_object('id', id, 'name', name, 'size', size, 'bucketId', bucket_id,
    'etag', etag, 'createdAt', created_at, 'updatedAt', updated_at, 'isUploaded', is_uploaded, 'mimeType', mime_type,
    'uploadedByUserId', uploaded_by_user_id, 'metadata', metadata)";

impl File {
    /// From GraphQL's answer or [`FILE`].
    pub(crate) fn from_json(value: Value) -> Result<Self, Failure> {
        serde_json::from_value(value).map_err(|error| {
            tracing::error!(%error, "a row of storage.files cannot be read");
            Failure::internal()
        })
    }

    pub(crate) fn from_row(row: &tokio_postgres::Row) -> Result<Self, Failure> {
        Self::from_json(row.try_get(0)?)
    }

    /// # Errors
    /// 403: its bytes have not come in yet.
    pub fn uploaded(self) -> Result<Self, Failure> {
        if self.is_uploaded {
            return Ok(self);
        }
        Err(Failure::new(StatusCode::FORBIDDEN, "file is not uploaded"))
    }
}

/// A row of `storage.buckets`: the rules of the files in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub id: String,
    /// Seconds for which presigned URLs count.
    pub download_expiration: u32,
    /// Bytes.
    pub min_upload_file_size: u64,
    /// Bytes.
    pub max_upload_file_size: u64,
    pub cache_control: String,
    pub presigned_urls_enabled: bool,
}

impl Bucket {
    pub(crate) const COLUMNS: &str = "id, download_expiration, min_upload_file_size, max_upload_file_size,
        coalesce(cache_control, ''), presigned_urls_enabled";

    pub(crate) fn from_row(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
        let bytes = |index| row.try_get::<_, i32>(index).map(|bytes| u64::try_from(bytes).unwrap_or(0));
        Ok(Self {
            id: row.try_get(0)?,
            download_expiration: u32::try_from(row.try_get::<_, i32>(1)?).unwrap_or(0),
            min_upload_file_size: bytes(2)?,
            max_upload_file_size: bytes(3)?,
            cache_control: row.try_get(4)?,
            presigned_urls_enabled: row.try_get(5)?,
        })
    }

    /// # Errors
    /// 400: the bucket takes no files of this size.
    pub fn check_size(&self, filename: &str, size: u64) -> Result<(), Failure> {
        if size < self.min_upload_file_size {
            return Err(Failure::too_small(filename, size, self.min_upload_file_size));
        }
        if size > self.max_upload_file_size {
            return Err(Failure::too_big(filename, size, self.max_upload_file_size));
        }
        Ok(())
    }
}
