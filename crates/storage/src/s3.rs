//! An S3-compatible endpoint: buckets are `storage.buckets`, objects are files by their names, the keys of the settings
//! are the administrator's.
//!
//! The protocol (signatures, XML, errors) is the crate s3s; here is what the operations do. Requests are in path style
//! (`/<bucket>/<key>`) and signed (Signature Version 4, header or presigned URL). There are no versions, no access lists
//! and no policies: those operations say NotImplemented.

mod checks;
mod failure;
mod list;
mod multipart;
mod object;

use async_trait::async_trait;
use axum::Router;
use axum::error_handling::HandleError;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use project::Secret;
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::service::S3ServiceBuilder;
use s3s::validation::NameValidation;
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::{Failure, File, Files};
use failure::{failed, refuse};

/// Who may use the S3 endpoint.
#[derive(Debug, Clone)]
pub struct S3Keys {
    pub access_key: String,
    pub secret_key: Secret,
    /// What buckets say their region is; requests may be signed for any.
    pub region: String,
}

/// The endpoint as a service of its own, for a host of its own: signatures cover paths, which nobody may rewrite.
pub(crate) fn router(files: &Files, keys: &S3Keys) -> Router {
    let mut builder = S3ServiceBuilder::new(Endpoint { files: files.clone(), region: keys.region.clone() });
    builder.set_auth(Keyring(keys.clone()));
    builder.set_validation(Names);
    let service = HandleError::new(builder.build(), |error: s3s::HttpError| async move {
        tracing::error!(?error, "the S3 endpoint failed");
        StatusCode::INTERNAL_SERVER_ERROR
    });
    Router::new().fallback_service(service).layer(axum::middleware::from_fn(signed_only))
}

/// Nobody learns which operations exist without a signature; s3s looks at the operation first. Whether the signature is
/// right is its business.
async fn signed_only(request: Request, next: Next) -> Response {
    const DENIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
        <Error><Code>AccessDenied</Code><Message>The request is not signed.</Message></Error>";
    let header = request.headers().get(http::header::AUTHORIZATION);
    let header = header.is_some_and(|value| value.as_bytes().starts_with(b"AWS"));
    let presigned = request.uri().query().is_some_and(|query| query.contains("X-Amz-Signature="));
    if header || presigned {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, [(http::header::CONTENT_TYPE, "application/xml")], DENIED).into_response()
}

/// The one key of the settings.
struct Keyring(S3Keys);

#[async_trait]
impl S3Auth for Keyring {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let same: bool = subtle::ConstantTimeEq::ct_eq(access_key.as_bytes(), self.0.access_key.as_bytes()).into();
        if !same {
            return Err(refuse(S3ErrorCode::InvalidAccessKeyId, "the access key is not known"));
        }
        Ok(SecretKey::from(self.0.secret_key.expose()))
    }
}

/// Buckets that were made through GraphQL may have names that Amazon would not take.
struct Names;

impl NameValidation for Names {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty() && name.len() <= 255
    }
}

#[derive(Debug, Clone)]
struct Endpoint {
    files: Files,
    region: String,
}

type Answer<T> = S3Result<S3Response<T>>;

fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// The digits between the quotes.
fn etag(file: &File) -> ETag {
    ETag::Strong(file.etag.trim_matches('"').to_owned())
}

fn time(time: Timestamp) -> s3s::dto::Timestamp {
    std::time::SystemTime::from(time).into()
}

/// Lengths are signed numbers in this protocol.
fn signed(length: u64) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

impl Endpoint {
    async fn bucket(&self, name: &str) -> S3Result<crate::files::Bucket> {
        self.files.bucket(name).await.map_err(|failure| match failure.status {
            StatusCode::NOT_FOUND => refuse(S3ErrorCode::NoSuchBucket, "the bucket does not exist"),
            _ => failed(failure),
        })
    }

    async fn file(&self, bucket: &str, key: &str) -> S3Result<File> {
        match self.files.find_by_name(bucket, key).await.map_err(failed)? {
            Some(file) => Ok(file),
            None => {
                self.bucket(bucket).await?;
                Err(refuse(S3ErrorCode::NoSuchKey, "the key does not exist"))
            }
        }
    }

    async fn make_bucket(&self, name: &str) -> Result<bool, Failure> {
        let statement = "INSERT INTO storage.buckets (id) VALUES ($1) ON CONFLICT DO NOTHING";
        Ok(self.files.client().await?.execute(statement, &[&name]).await? == 1)
    }

    /// Whether it was empty, and is gone.
    async fn remove_bucket(&self, name: &str) -> Result<bool, Failure> {
        let statement = "DELETE FROM storage.buckets WHERE id = $1 AND id <> 'default'
            AND NOT EXISTS (SELECT FROM storage.files WHERE bucket_id = $1)";
        Ok(self.files.client().await?.execute(statement, &[&name]).await? == 1)
    }
}

#[async_trait]
impl S3 for Endpoint {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let statement = r#"SELECT id, created_at FROM storage.buckets ORDER BY id COLLATE "C""#;
        let client = self.files.client().await.map_err(failed)?;
        let rows = client.query(statement, &[]).await.map_err(|error| failed(error.into()))?;
        let read = |row: &tokio_postgres::Row| -> Result<Bucket, tokio_postgres::Error> {
            let (name, created): (String, Timestamp) = (row.try_get(0)?, row.try_get(1)?);
            Ok(Bucket { bucket_region: None, creation_date: Some(time(created)), name: Some(name) })
        };
        let buckets = rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| failed(error.into()))?;
        answer(ListBucketsOutput { buckets: Some(buckets), ..Default::default() })
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.bucket(&request.input.bucket).await?;
        answer(HeadBucketOutput { bucket_region: Some(self.region.clone()), ..Default::default() })
    }

    async fn get_bucket_location(&self, request: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        self.bucket(&request.input.bucket).await?;
        let location = Some(BucketLocationConstraint::from(self.region.clone()));
        answer(GetBucketLocationOutput { location_constraint: location })
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        self.bucket(&request.input.bucket).await?;
        answer(GetBucketVersioningOutput::default())
    }

    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let name = request.input.bucket;
        if !self.make_bucket(&name).await.map_err(failed)? {
            return Err(refuse(S3ErrorCode::BucketAlreadyOwnedByYou, "the bucket is there already"));
        }
        answer(CreateBucketOutput { location: Some(format!("/{name}")) })
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        let name = request.input.bucket;
        self.bucket(&name).await?;
        if name == "default" {
            return Err(refuse(S3ErrorCode::AccessDenied, "the default bucket cannot be deleted"));
        }
        if !self.remove_bucket(&name).await.map_err(failed)? {
            return Err(refuse(S3ErrorCode::BucketNotEmpty, "the bucket is not empty"));
        }
        answer(DeleteBucketOutput::default())
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        answer(list::objects(self, request.input).await?)
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        answer(list::objects_v2(self, request.input).await?)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        answer(object::head(self, request.input).await?)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        answer(object::get(self, request.input).await?)
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        answer(object::put(self, request).await?)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        answer(object::copy(self, request.input).await?)
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        self.bucket(&request.input.bucket).await?;
        object::remove(&self.files, &request.input.bucket, &request.input.key).await.map_err(failed)?;
        answer(DeleteObjectOutput::default())
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        answer(object::remove_all(self, request.input).await?)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        answer(multipart::create(self, request.input).await?)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        answer(multipart::upload_part(self, request).await?)
    }

    async fn upload_part_copy(&self, request: S3Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        answer(multipart::copy_part(self, request.input).await?)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        answer(multipart::complete(self, request.input).await?)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        answer(multipart::abort(self, request.input).await?)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        answer(multipart::list_parts(self, request.input).await?)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        answer(multipart::list_uploads(self, request.input).await?)
    }
}
