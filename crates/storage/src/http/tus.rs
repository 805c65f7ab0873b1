//! Uploads that go on where they broke off: the tus protocol, version 1.0.0 (tus.io/protocols/resumable-upload), with
//! its extensions creation, creation-defer-length, creation-with-upload, expiration, termination and checksum.
//!
//! What a request has brought counts from piece to piece, so that even a crash costs no more than one of them. The role
//! of the request's credentials must be allowed to insert files when the upload begins, and to insert this file when it
//! ends; in between only who has begun it may go on.

mod receive;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::conditional::http_date;
use super::{caller, parse_id};
use crate::files::{Bucket, New};
use crate::service::Shared;
use crate::uploads::{self, Lock, Upload};
use crate::{Caller, Failure};
use receive::Checksum;

const PROTOCOL: &str = "tus";
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: &str = "creation,creation-defer-length,creation-with-upload,expiration,termination,checksum";
const CONTENT_TYPE: &str = "application/offset+octet-stream";
/// What a page of another origin may read.
const EXPOSED: &str = "Location, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, \
                       Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Offset";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

pub(super) async fn options() -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert("tus-version", VERSION);
    headers.insert("tus-extension", HeaderValue::from_static(EXTENSIONS));
    headers.insert("tus-checksum-algorithm", HeaderValue::from_static(receive::ALGORITHMS));
    finished(Ok(response))
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    finished(try_create(&shared, &headers, body).await)
}

pub(super) async fn status(State(shared): State<Arc<Shared>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    finished(try_status(&shared, &id, &headers).await)
}

pub(super) async fn append(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    finished(try_append(&shared, &id, &headers, body).await)
}

pub(super) async fn terminate(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    finished(try_terminate(&shared, &id, &headers).await)
}

/// With what every answer has.
fn finished(response: Result<Response, Failure>) -> Response {
    let mut response = response.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, VERSION);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A number of bytes in a header.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Failure> {
    let Some(text) = text(headers, name) else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).map(Some).ok_or_else(|| Failure::bad(format!("{name} is not a number")))
}

/// Who asks, who may insert files, in our version of the protocol.
async fn admit(shared: &Shared, headers: &HeaderMap) -> Result<Caller, Failure> {
    let caller = caller(shared, headers).await?;
    shared.files.may_insert(&caller).await?;
    if text(headers, TUS_RESUMABLE) != Some("1.0.0") {
        return Err(Failure::new(StatusCode::PRECONDITION_FAILED, "Tus-Resumable: 1.0.0 is needed"));
    }
    Ok(caller)
}

fn gone() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "upload not found")
}

async fn find(shared: &Shared, caller: &Caller, id: &str) -> Result<Upload, Failure> {
    let id = Uuid::parse_str(id).map_err(|_| gone())?;
    // Of somebody else's nobody hears that it is there.
    let upload = uploads::find(&shared.files, PROTOCOL, id).await?.filter(|upload| upload.is_of(caller));
    upload.ok_or_else(gone)
}

fn lock(shared: &Shared, upload: &Upload) -> Result<Lock, Failure> {
    let taken = || Failure::new(StatusCode::LOCKED, "another request is going on with the upload");
    shared.receiving.take(upload.id).ok_or_else(taken)
}

/// What the header Upload-Metadata says of the file.
#[derive(Debug, Default)]
struct Described {
    id: Option<Uuid>,
    bucket: Option<String>,
    name: Option<String>,
    mime_type: Option<String>,
    metadata: Option<Map<String, Value>>,
}

impl Described {
    fn parse(header: Option<&str>) -> Result<Self, Failure> {
        let mut described = Self::default();
        let wrong = || Failure::bad("couldn't decode metadata");
        for pair in header.unwrap_or_default().split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = BASE64_STANDARD.decode(value.trim()).map_err(|_| wrong())?;
            let value = String::from_utf8(value).map_err(|_| wrong())?;
            if value.is_empty() {
                continue;
            }
            // Names that clients of tus use: Uppy's, tusd's, Supabase's, and those of this API.
            match key {
                "id" => described.id = Some(parse_id(&value)?),
                "bucketId" | "bucket-id" | "bucketName" => described.bucket = Some(value),
                "filename" | "name" | "objectName" => described.name = Some(value),
                "filetype" | "type" | "contentType" => described.mime_type = Some(value),
                "metadata" => described.metadata = Some(serde_json::from_str(&value).map_err(|_| wrong())?),
                _ => {}
            }
        }
        Ok(described)
    }
}

async fn try_create(shared: &Arc<Shared>, headers: &HeaderMap, body: Body) -> Result<Response, Failure> {
    let caller = admit(shared, headers).await?;
    let length = match (number(headers, &UPLOAD_LENGTH)?, text(headers, UPLOAD_DEFER_LENGTH)) {
        (Some(length), None) => Some(length),
        (None, Some("1")) => None,
        _ => return Err(Failure::bad("Upload-Length is needed, or Upload-Defer-Length: 1")),
    };
    let described = Described::parse(text(headers, "upload-metadata"))?;
    let bucket = shared.files.bucket(described.bucket.as_deref().unwrap_or("default")).await?;
    let name = described.name.unwrap_or_else(|| "file".to_owned());
    if let Some(length) = length {
        check_size(&bucket, &name, length)?;
    }
    let id = described.id.unwrap_or_else(Uuid::new_v4);
    let taken = described.id.is_some()
        && (shared.files.find(id).await?.is_some() || uploads::exists(&shared.files, id).await?);
    if taken {
        return Err(Failure::new(StatusCode::CONFLICT, "the id is taken"));
    }
    let begin = uploads::Begin {
        id,
        protocol: PROTOCOL,
        bucket: &bucket.id,
        name: &name,
        mime_type: described.mime_type.as_deref(),
        metadata: described.metadata.as_ref(),
        length,
        caller: &caller,
    };
    let upload = uploads::begin(&shared.files, &begin).await?;
    let mut response = StatusCode::CREATED.into_response();
    if text(headers, header::CONTENT_TYPE) == Some(CONTENT_TYPE) || length == Some(0) {
        let offset = go_on(shared, caller, &upload, 0, headers, body).await?;
        response.headers_mut().insert(UPLOAD_OFFSET, offset.into());
    }
    describe(response.headers_mut(), &upload);
    // Relative: which prefixes proxies have taken away is not known here.
    let location = HeaderValue::from_str(&format!("uploads/{id}")).map_err(|_| Failure::internal())?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

fn check_size(bucket: &Bucket, name: &str, length: u64) -> Result<(), Failure> {
    bucket.check_size(name, length).map_err(|failure| match length > bucket.max_upload_file_size {
        true => Failure { status: StatusCode::PAYLOAD_TOO_LARGE, ..failure },
        false => failure,
    })
}

/// An upload whose length was deferred is told it by the request that knows it; from then on it stays.
async fn told_length(shared: &Shared, upload: &mut Upload, headers: &HeaderMap) -> Result<(), Failure> {
    match (upload.length, number(headers, &UPLOAD_LENGTH)?) {
        (_, None) => Ok(()),
        (Some(known), Some(said)) if known == said => Ok(()),
        (Some(_), Some(_)) => Err(Failure::bad("Upload-Length is another one already")),
        (None, Some(said)) => {
            check_size(&shared.files.bucket(&upload.bucket).await?, &upload.name, said)?;
            if said < uploads::offset(&shared.files, upload.id).await? {
                return Err(Failure::bad("more bytes than Upload-Length"));
            }
            uploads::set_length(&shared.files, upload.id, said).await?;
            upload.length = Some(said);
            Ok(())
        }
    }
}

fn describe(headers: &mut HeaderMap, upload: &Upload) {
    if let Ok(date) = HeaderValue::from_str(&http_date(upload.expires_at)) {
        headers.insert(UPLOAD_EXPIRES, date);
    }
}

async fn try_status(shared: &Arc<Shared>, id: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    let caller = admit(shared, headers).await?;
    let upload = find(shared, &caller, id).await?;
    let mut offset = upload.length.unwrap_or(0);
    if !upload.finished {
        offset = uploads::offset(&shared.files, upload.id).await?;
        if upload.length == Some(offset) {
            // All bytes had come, and then the process ended: the client thinks that it is done.
            let lock = lock(shared, &upload)?;
            end(shared, &caller, &upload, lock).await?;
        }
    }
    let mut response = StatusCode::OK.into_response();
    describe(response.headers_mut(), &upload);
    response.headers_mut().insert(UPLOAD_OFFSET, offset.into());
    match upload.length {
        Some(length) => response.headers_mut().insert(UPLOAD_LENGTH, length.into()),
        None => response.headers_mut().insert(UPLOAD_DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    Ok(response)
}

async fn try_append(shared: &Arc<Shared>, id: &str, headers: &HeaderMap, body: Body) -> Result<Response, Failure> {
    let caller = admit(shared, headers).await?;
    if text(headers, header::CONTENT_TYPE) != Some(CONTENT_TYPE) {
        let message = format!("the Content-Type must be {CONTENT_TYPE}");
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let said = number(headers, &UPLOAD_OFFSET)?.ok_or_else(|| Failure::bad("Upload-Offset is needed"))?;
    let upload = find(shared, &caller, id).await?;
    let offset = go_on(shared, caller, &upload, said, headers, body).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    describe(response.headers_mut(), &upload);
    response.headers_mut().insert(UPLOAD_OFFSET, offset.into());
    Ok(response)
}

async fn try_terminate(shared: &Shared, id: &str, headers: &HeaderMap) -> Result<Response, Failure> {
    let caller = admit(shared, headers).await?;
    let upload = find(shared, &caller, id).await?;
    let _lock = lock(shared, &upload)?;
    uploads::remove(&shared.files, upload.id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes in what a request brings, and makes the file when that was all. The answer is where the upload is then.
async fn go_on(
    shared: &Arc<Shared>,
    caller: Caller,
    upload: &Upload,
    said: u64,
    headers: &HeaderMap,
    body: Body,
) -> Result<u64, Failure> {
    let checksum = Checksum::parse(text(headers, "upload-checksum"))?;
    let lock = lock(shared, upload)?;
    let mut upload = upload.clone();
    if !upload.finished {
        told_length(shared, &mut upload, headers).await?;
    }
    let offset = match upload.finished {
        true => upload.length.unwrap_or(0),
        false => uploads::offset(&shared.files, upload.id).await?,
    };
    if said != offset {
        return Err(uploads::conflict());
    }
    if upload.finished {
        return Ok(offset);
    }
    let most = match upload.length {
        Some(length) => length,
        None => shared.files.bucket(&upload.bucket).await?.max_upload_file_size,
    };
    let shared = Arc::clone(shared);
    // A task of its own: when the client goes, what has come is still put away.
    let work = tokio::spawn(async move {
        let offset = receive::receive(&shared.files, &upload, most, offset, checksum, body).await?;
        if upload.length == Some(offset) {
            end(&shared, &caller, &upload, lock).await?;
        }
        Ok(offset)
    });
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an upload's task panicked");
        Err(Failure::internal())
    })
}

/// Makes the file of an upload whose bytes are all there.
async fn end(shared: &Shared, caller: &Caller, upload: &Upload, _lock: Lock) -> Result<(), Failure> {
    let files = &shared.files;
    // A process before this one may have ended between the file and the note that it is done.
    let done = files.find(upload.id).await?.is_some_and(|file| file.is_uploaded);
    if !done {
        let staged = uploads::join(files, &uploads::parts(files, upload.id).await?).await?;
        let new = New {
            id: Some(upload.id),
            bucket: upload.bucket.clone(),
            name: upload.name.clone(),
            mime_type: upload.mime_type.clone(),
            metadata: upload.metadata.clone(),
        };
        project::fault::hit("storage.tus-joined");
        if let Err(failure) = files.insert(caller, new, staged).await {
            if failure.status.is_client_error() {
                // It would be refused again.
                uploads::remove(files, upload.id).await?;
            }
            return Err(failure);
        }
        project::fault::hit("storage.tus-inserted");
    }
    uploads::finish(files, upload.id).await
}
