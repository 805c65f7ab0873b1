//! Uploads in parts, which clients choose for files of some megabytes and more.

use futures::StreamExt;
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Request, S3Result};
use uuid::Uuid;

use super::checks::Checks;
use super::object::{self, Object};
use super::{Endpoint, etag, failed, refuse, signed, time};
use crate::uploads::{self, PartWriter, Upload, Written};
use crate::{Caller, Failure};

const PROTOCOL: &str = "s3";
/// Numbers that a part may have.
const NUMBERS: std::ops::RangeInclusive<i32> = 1..=10_000;

pub(super) async fn create(
    endpoint: &Endpoint,
    input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    endpoint.bucket(&input.bucket).await?;
    let metadata = object::to_metadata(input.metadata);
    let begin = uploads::Begin {
        id: Uuid::new_v4(),
        protocol: PROTOCOL,
        bucket: &input.bucket,
        name: &input.key,
        mime_type: input.content_type.as_deref(),
        metadata: metadata.as_ref(),
        length: None,
        caller: &Caller::admin(),
    };
    let upload = uploads::begin(&endpoint.files, &begin).await.map_err(failed)?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.id.to_string()),
        ..Default::default()
    })
}

/// An upload by what a request says of it.
async fn find(endpoint: &Endpoint, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
    let missing = || refuse(S3ErrorCode::NoSuchUpload, "the upload does not exist");
    let id = Uuid::parse_str(id).map_err(|_| missing())?;
    let upload = uploads::find(&endpoint.files, PROTOCOL, id).await.map_err(failed)?;
    upload.filter(|upload| upload.bucket == bucket && upload.name == key).ok_or_else(missing)
}

fn check_number(number: i32) -> S3Result<()> {
    if NUMBERS.contains(&number) {
        return Ok(());
    }
    Err(refuse(S3ErrorCode::InvalidArgument, "part numbers are from 1 to 10000"))
}

/// Takes a part's bytes in.
async fn receive(
    endpoint: &Endpoint,
    upload: &Upload,
    mut bytes: StreamingBlob,
    mut checks: Option<&mut Checks>,
) -> S3Result<Written> {
    let limit = endpoint.bucket(&upload.bucket).await?.max_upload_file_size;
    let mut part = PartWriter::new(&endpoint.files, upload.id).await.map_err(failed)?;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| object::broken(&*error))?;
        if let Some(checks) = &mut checks {
            checks.update(&chunk);
        }
        part.write(chunk).await.map_err(failed)?;
        if part.size() > limit {
            return Err(failed(Failure::too_big(&upload.name, part.size(), limit)));
        }
    }
    part.finish().await.map_err(failed)
}

pub(super) async fn upload_part(
    endpoint: &Endpoint,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let S3Request { input, headers, trailing_headers, .. } = request;
    check_number(input.part_number)?;
    let upload = find(endpoint, &input.upload_id, &input.bucket, &input.key).await?;
    let mut checks = Checks::new(&headers, trailing_headers);
    let body = input.body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    let written = receive(endpoint, &upload, body, Some(&mut checks)).await?;
    checks.verify(&written.md5)?;
    let tag = ETag::Strong(written.md5.clone());
    uploads::put(&endpoint.files, upload.id, input.part_number, written).await.map_err(failed)?;
    Ok(UploadPartOutput { e_tag: Some(tag), ..Default::default() })
}

pub(super) async fn copy_part(endpoint: &Endpoint, input: UploadPartCopyInput) -> S3Result<UploadPartCopyOutput> {
    check_number(input.part_number)?;
    let upload = find(endpoint, &input.upload_id, &input.bucket, &input.key).await?;
    let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
        return Err(refuse(S3ErrorCode::NotImplemented, "there are no access points"));
    };
    let source = endpoint.file(bucket, key).await?;
    let wrong = || refuse(S3ErrorCode::InvalidRange, "the range is outside of the object");
    let range = match &input.copy_source_range {
        Some(range) => Range::parse(range).ok().and_then(|range| range.check(source.size).ok()).ok_or_else(wrong)?,
        None => 0..source.size,
    };
    let bytes = object::open(&endpoint.files, &source, range).await?;
    let written = receive(endpoint, &upload, bytes, None).await?;
    let tag = ETag::Strong(written.md5.clone());
    uploads::put(&endpoint.files, upload.id, input.part_number, written).await.map_err(failed)?;
    let result =
        CopyPartResult { e_tag: Some(tag), last_modified: Some(time(jiff::Timestamp::now())), ..Default::default() };
    Ok(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() })
}

/// The parts that the client names, which must be there as it names them.
async fn chosen(
    endpoint: &Endpoint,
    upload: &Upload,
    named: Option<CompletedMultipartUpload>,
) -> S3Result<Vec<uploads::Part>> {
    let named = named.and_then(|named| named.parts).unwrap_or_default();
    if named.is_empty() {
        return Err(refuse(S3ErrorCode::InvalidRequest, "no parts are named"));
    }
    let mut there = uploads::parts(&endpoint.files, upload.id).await.map_err(failed)?;
    let mut chosen: Vec<uploads::Part> = Vec::new();
    for part in named {
        let number = part.part_number.unwrap_or_default();
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(refuse(S3ErrorCode::InvalidPartOrder, "the parts are not in ascending order"));
        }
        let matches = |found: &uploads::Part| {
            found.number == number && part.e_tag.as_ref().is_none_or(|tag| tag.value() == found.md5)
        };
        let Some(at) = there.iter().position(matches) else {
            return Err(refuse(S3ErrorCode::InvalidPart, "a part is not there, or is another one"));
        };
        chosen.push(there.remove(at));
    }
    Ok(chosen)
}

pub(super) async fn complete(
    endpoint: &Endpoint,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let upload = find(endpoint, &input.upload_id, &input.bucket, &input.key).await?;
    let file = if upload.finished {
        // The client did not hear that it was done.
        endpoint.file(&input.bucket, &input.key).await?
    } else {
        let there = endpoint.files.find_by_name(&input.bucket, &input.key).await.map_err(failed)?;
        object::allow(there.as_ref(), input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let parts = chosen(endpoint, &upload, input.multipart_upload).await?;
        let size = parts.iter().map(|part| part.size).sum();
        endpoint.bucket(&input.bucket).await?.check_size(&upload.name, size).map_err(failed)?;
        let staged = uploads::join(&endpoint.files, &parts).await.map_err(failed)?;
        let metadata = upload.metadata.iter().flatten();
        let metadata = metadata.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let object = Object {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            mime_type: upload.mime_type.clone(),
            metadata: Some(metadata),
        };
        let file = object::store(&endpoint.files, object, there, staged).await.map_err(failed)?;
        uploads::finish(&endpoint.files, upload.id).await.map_err(failed)?;
        file
    };
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&file)),
        ..Default::default()
    })
}

pub(super) async fn abort(
    endpoint: &Endpoint,
    input: AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    let upload = find(endpoint, &input.upload_id, &input.bucket, &input.key).await?;
    if upload.finished {
        return Err(refuse(S3ErrorCode::NoSuchUpload, "the upload is complete"));
    }
    uploads::remove(&endpoint.files, upload.id).await.map_err(failed)?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn list_parts(endpoint: &Endpoint, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let upload = find(endpoint, &input.upload_id, &input.bucket, &input.key).await?;
    let limit = usize::try_from(input.max_parts.unwrap_or(1000).clamp(1, 1000)).unwrap_or(1000);
    let after = input.part_number_marker.unwrap_or(0);
    let mut parts = uploads::parts(&endpoint.files, upload.id).await.map_err(failed)?;
    parts.retain(|part| part.number > after);
    let more = parts.len() > limit;
    parts.truncate(limit);
    let part = |part: &uploads::Part| Part {
        e_tag: Some(ETag::Strong(part.md5.clone())),
        last_modified: Some(time(part.created_at)),
        part_number: Some(part.number),
        size: Some(signed(part.size)),
        ..Default::default()
    };
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(more),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: parts.last().filter(|_| more).map(|part| part.number),
        part_number_marker: input.part_number_marker,
        parts: Some(parts.iter().map(part).collect()),
        ..Default::default()
    })
}

pub(super) async fn list_uploads(
    endpoint: &Endpoint,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    endpoint.bucket(&input.bucket).await?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let found = uploads::list(&endpoint.files, PROTOCOL, &input.bucket, prefix).await.map_err(failed)?;
    let upload = |upload: &Upload| MultipartUpload {
        initiated: Some(time(upload.created_at)),
        key: Some(upload.name.clone()),
        upload_id: Some(upload.id.to_string()),
        ..Default::default()
    };
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(false),
        prefix: input.prefix,
        uploads: Some(found.iter().map(upload).collect()),
        ..Default::default()
    })
}
