//! Objects: files by their names.

use std::ops::Range;

use axum::body::Body;
use futures::StreamExt;
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result};
use serde_json::Map;

use super::checks::Checks;
use super::{Endpoint, etag, failed, refuse, signed, time};
use crate::files::{Change, New};
use crate::{Caller, Failure, File, Files, Staged};

/// Bytes of a file for a response.
pub(super) async fn open(files: &Files, file: &File, range: Range<u64>) -> S3Result<StreamingBlob> {
    let body = if range.is_empty() {
        Body::empty()
    } else {
        Body::from_stream(files.open(file, range).await.map_err(failed)?)
    };
    Ok(StreamingBlob::from(s3s::Body::http_body_unsync(body)))
}

/// What a file's metadata say in S3's headers: texts, as far as a header can hold them.
fn user_metadata(file: &File) -> Option<Metadata> {
    let metadata = file.metadata.as_ref()?;
    let pairs = metadata.iter().filter_map(|(name, value)| {
        let value = value.as_str()?;
        let fits = http::HeaderName::try_from(format!("x-amz-meta-{name}")).is_ok()
            && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        fits.then(|| (name.clone(), value.to_owned()))
    });
    Some(pairs.collect()).filter(|metadata: &Metadata| !metadata.is_empty())
}

pub(super) fn to_metadata(metadata: Option<Metadata>) -> Option<Map<String, serde_json::Value>> {
    let metadata = metadata.filter(|metadata| !metadata.is_empty())?;
    Some(metadata.into_iter().map(|(name, value)| (name, value.into())).collect())
}

/// The conditions of a request for an object (RFC 9110, section 13).
#[derive(Debug, Default)]
struct Conditions {
    matches: Option<ETagCondition>,
    none: Option<ETagCondition>,
    since: Option<Timestamp>,
    unless_since: Option<Timestamp>,
}

impl Conditions {
    fn check(&self, file: &File) -> S3Result<()> {
        let tag = etag(file);
        let same = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(other) => other.weak_cmp(&tag),
        };
        let modified = jiff::Timestamp::from_second(file.updated_at.as_second()).unwrap_or(file.updated_at);
        let modified = time(modified);
        let failed = || refuse(S3ErrorCode::PreconditionFailed, "a condition of the request does not hold");
        match (&self.matches, &self.unless_since) {
            (Some(matches), _) if !same(matches) => return Err(failed()),
            (None, Some(since)) if modified > *since => return Err(failed()),
            _ => {}
        }
        let unchanged = match (&self.none, &self.since) {
            (Some(none), _) => same(none),
            (None, Some(since)) => modified <= *since,
            _ => false,
        };
        if unchanged {
            return Err(refuse(S3ErrorCode::NotModified, "not modified"));
        }
        Ok(())
    }
}

pub(super) async fn head(endpoint: &Endpoint, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let file = endpoint.file(&input.bucket, &input.key).await?;
    let conditions = Conditions {
        matches: input.if_match,
        none: input.if_none_match,
        since: input.if_modified_since,
        unless_since: input.if_unmodified_since,
    };
    conditions.check(&file)?;
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(signed(file.size)),
        content_type: Some(file.mime_type.clone()),
        e_tag: Some(etag(&file)),
        last_modified: Some(time(file.updated_at)),
        metadata: user_metadata(&file),
        ..Default::default()
    })
}

pub(super) async fn get(endpoint: &Endpoint, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    let file = endpoint.file(&input.bucket, &input.key).await?;
    let conditions = Conditions {
        matches: input.if_match,
        none: input.if_none_match,
        since: input.if_modified_since,
        unless_since: input.if_unmodified_since,
    };
    conditions.check(&file)?;
    let outside = |_| refuse(S3ErrorCode::InvalidRange, "the range is outside of the object");
    let part = input.range.map(|range| range.check(file.size).map_err(outside)).transpose()?;
    let range = part.clone().unwrap_or(0..file.size);
    let content_range = part.map(|part| format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), file.size));
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(signed(range.end - range.start)),
        body: Some(open(&endpoint.files, &file, range).await?),
        content_range,
        content_type: Some(file.mime_type.clone()),
        e_tag: Some(etag(&file)),
        last_modified: Some(time(file.updated_at)),
        metadata: user_metadata(&file),
        ..Default::default()
    })
}

pub(super) async fn put(endpoint: &Endpoint, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
    let S3Request { input, headers, trailing_headers, .. } = request;
    let bucket = endpoint.bucket(&input.bucket).await?;
    let there = endpoint.files.find_by_name(&input.bucket, &input.key).await.map_err(failed)?;
    allow(there.as_ref(), input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let limit = bucket.max_upload_file_size;
    let length = input.content_length.map(i64::unsigned_abs);
    if let Some(length) = length.filter(|length| *length > limit) {
        return Err(failed(Failure::too_big(&input.key, length, limit)));
    }
    let mut checks = Checks::new(&headers, trailing_headers);
    let mut staging = endpoint.files.stage().await.map_err(failed)?;
    if let Some(mut body) = input.body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| broken(&*error))?;
            checks.update(&chunk);
            staging.write(chunk).await.map_err(failed)?;
            if staging.size() > limit {
                return Err(failed(Failure::too_big(&input.key, staging.size(), limit)));
            }
        }
    }
    let staged = staging.finish().await.map_err(failed)?;
    checks.verify(staged.etag().trim_matches('"'))?;
    let object =
        Object { bucket: input.bucket, key: input.key, mime_type: input.content_type, metadata: input.metadata };
    let file = store(&endpoint.files, object, there, staged).await.map_err(failed)?;
    Ok(PutObjectOutput { e_tag: Some(etag(&file)), ..Default::default() })
}

/// The connection broke off, or a chunk's signature is wrong.
pub(super) fn broken(error: &(dyn std::error::Error + Send + Sync)) -> s3s::S3Error {
    tracing::debug!(%error, "an upload broke off");
    refuse(S3ErrorCode::IncompleteBody, "the upload broke off")
}

/// Whether the object may be written over.
pub(super) fn allow(
    there: Option<&File>,
    matches: Option<&ETagCondition>,
    none: Option<&ETagCondition>,
) -> S3Result<()> {
    let refused = || refuse(S3ErrorCode::PreconditionFailed, "a condition of the request does not hold");
    let same = |condition: &ETagCondition, file: &File| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.weak_cmp(&etag(file)),
    };
    match (matches, none, there) {
        (Some(_), _, None) => Err(refuse(S3ErrorCode::NoSuchKey, "the key does not exist")),
        (Some(matches), _, Some(file)) if !same(matches, file) => Err(refused()),
        (_, Some(none), Some(file)) if same(none, file) => Err(refused()),
        _ => Ok(()),
    }
}

/// An object to make or to write over.
#[derive(Debug)]
pub(super) struct Object {
    pub bucket: String,
    pub key: String,
    pub mime_type: Option<String>,
    pub metadata: Option<Metadata>,
}

/// Staged bytes become the object's: the file's that has the name, or a new one's.
pub(super) async fn store(files: &Files, object: Object, there: Option<File>, staged: Staged) -> Result<File, Failure> {
    let caller = Caller::admin();
    let metadata = to_metadata(object.metadata);
    let Some(file) = there else {
        let new = New { id: None, bucket: object.bucket, name: object.key, mime_type: object.mime_type, metadata };
        return files.insert(&caller, new, staged).await;
    };
    // The old content's do not describe the new one.
    let metadata = metadata.or_else(|| file.metadata.is_some().then(Map::new));
    files.replace(&caller, file.id, Change { name: None, metadata, mime_type: object.mime_type }, staged).await
}

pub(super) async fn copy(endpoint: &Endpoint, input: CopyObjectInput) -> S3Result<CopyObjectOutput> {
    let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
        return Err(refuse(S3ErrorCode::NotImplemented, "there are no access points"));
    };
    let source = endpoint.file(bucket, key).await?;
    let conditions = Conditions {
        matches: input.copy_source_if_match,
        none: input.copy_source_if_none_match,
        since: input.copy_source_if_modified_since,
        unless_since: input.copy_source_if_unmodified_since,
    };
    // Of a copy there is no 304.
    conditions.check(&source).map_err(|mut error| {
        error.set_code(S3ErrorCode::PreconditionFailed);
        error
    })?;
    let limit = endpoint.bucket(&input.bucket).await?.max_upload_file_size;
    let there = endpoint.files.find_by_name(&input.bucket, &input.key).await.map_err(failed)?;
    let bytes = open(&endpoint.files, &source, 0..source.size).await?;
    let staged = endpoint.files.stage_stream(&input.key, limit, bytes).await.map_err(failed)?;
    let replaced = input.metadata_directive.is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    let (mime_type, metadata) = match replaced {
        true => (input.content_type, input.metadata),
        false => (Some(source.mime_type.clone()), user_metadata(&source)),
    };
    let object = Object { bucket: input.bucket, key: input.key, mime_type, metadata };
    let file = store(&endpoint.files, object, there, staged).await.map_err(failed)?;
    let result =
        CopyObjectResult { e_tag: Some(etag(&file)), last_modified: Some(time(file.updated_at)), ..Default::default() };
    Ok(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() })
}

/// Removes every file of a name: an older one would come to light otherwise.
pub(super) async fn remove(files: &Files, bucket: &str, key: &str) -> Result<(), Failure> {
    while let Some(file) = files.find_by_name(bucket, key).await? {
        match files.remove(&Caller::admin(), file.id).await {
            Err(failure) if failure != Failure::file_not_found() => return Err(failure),
            // Somebody else was faster.
            _ => {}
        }
    }
    Ok(())
}

pub(super) async fn remove_all(endpoint: &Endpoint, input: DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
    endpoint.bucket(&input.bucket).await?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        match remove(&endpoint.files, &input.bucket, &object.key).await {
            Ok(()) => deleted.push(DeletedObject { key: Some(object.key), ..Default::default() }),
            Err(failure) => {
                let error = failed(failure);
                errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: None,
                });
            }
        }
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    Ok(DeleteObjectsOutput { deleted: (!quiet).then_some(deleted), errors: Some(errors), ..Default::default() })
}
