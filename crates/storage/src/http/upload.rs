//! `POST /files`, `PUT` and `DELETE /files/{id}`.
//!
//! The parts of a form come in any order. Files are written to the store as they come; when the form is complete they
//! become files, one after the other, as Nhost does it: a failure ends the upload, and those before it stay.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::form::{Form, Part};
use super::{caller, parse_id};
use crate::files::{Bucket, Change, New};
use crate::service::Shared;
use crate::{Caller, Failure, File, Files, Staged};

const DEFAULT_BUCKET: &str = "default";

/// Files and their metadata in one form.
const PARTS: usize = 2000;
/// Bytes of all metadata in one form: they are kept until it ends.
const DESCRIBED: usize = 4 << 20;

/// A part `metadata[]` or `metadata`.
#[derive(Debug, Default, Deserialize)]
struct Metadata {
    id: Option<String>,
    name: Option<String>,
    metadata: Option<Map<String, Value>>,
}

/// A file that has come in.
struct Arrived {
    filename: String,
    mime_type: Option<String>,
    /// An error ends the upload when it is this file's turn.
    staged: Result<Staged, Failure>,
}

/// What a form held.
#[derive(Default)]
struct Received {
    bucket: Option<String>,
    metadata: Vec<Metadata>,
    files: Vec<Arrived>,
}

pub(super) async fn upload(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    let mut done = Vec::new();
    match try_upload(&shared, &headers, body, &mut done).await {
        Ok(()) => (StatusCode::CREATED, Json(json!({"processedFiles": done}))).into_response(),
        Err(failure) => {
            // Nhost says null where there was no bucket to process files for.
            let done = if failure == Failure::bucket_not_found() { Value::Null } else { json!(done) };
            failure.respond(&json!({"error": failure.to_json(), "processedFiles": done}))
        }
    }
}

async fn try_upload(shared: &Shared, headers: &HeaderMap, body: Body, done: &mut Vec<File>) -> Result<(), Failure> {
    let caller = caller(shared, headers).await?;
    let mut form = Form::new(headers, body)?;
    let received = match receive(&shared.files, &caller, &mut form).await {
        Ok(received) => received,
        Err(failure) => {
            form.drain().await;
            return Err(failure);
        }
    };
    let Received { bucket, metadata, files } = received;
    if files.is_empty() {
        return Err(Failure::bad("file[] not found in Multipart form"));
    }
    let failed = files.iter().any(|file| file.staged.is_err());
    if !metadata.is_empty() && metadata.len() != files.len() && !failed {
        return Err(Failure::bad("file metadata length doesn't match number of files in request"));
    }
    let bucket = bucket.unwrap_or_else(|| DEFAULT_BUCKET.to_owned());
    let mut metadata = metadata.into_iter();
    for file in files {
        let described = metadata.next().unwrap_or_default();
        let id = described.id.filter(|id| !id.is_empty()).map(|id| parse_id(&id)).transpose()?;
        let new = New {
            id,
            bucket: bucket.clone(),
            name: described.name.filter(|name| !name.is_empty()).unwrap_or(file.filename),
            mime_type: file.mime_type,
            metadata: described.metadata,
        };
        done.push(shared.files.insert(&caller, new, file.staged?).await?);
    }
    Ok(())
}

/// Reads a form to its end, or to the file that cannot be taken.
async fn receive(files: &Files, caller: &Caller, form: &mut Form) -> Result<Received, Failure> {
    let mut received = Received::default();
    let mut bucket = None;
    let (mut parts, mut described) = (0, 0);
    while let Some(part) = form.next().await? {
        match part.name() {
            "bucket-id" if received.bucket.is_none() => {
                let id = part.text().await?;
                bucket = Some(files.bucket(&id).await?);
                received.bucket = Some(id);
            }
            "metadata[]" => {
                begin(files, caller, &mut parts).await?;
                let text = part.text().await?;
                described += text.len();
                if described > DESCRIBED {
                    return Err(Failure::bad("the form's metadata are too long"));
                }
                received.metadata.push(parse(&text)?);
            }
            "file[]" if part.filename().is_some() => {
                begin(files, caller, &mut parts).await?;
                let limit = match &bucket {
                    Some(bucket) => bucket.max_upload_file_size,
                    // It may be said after the file.
                    None => files.largest().await?,
                };
                let arrived = arrive(files, limit, part).await;
                let failed = arrived.staged.is_err();
                received.files.push(arrived);
                if failed {
                    form.drain().await;
                    break;
                }
            }
            _ => {}
        }
    }
    Ok(received)
}

/// Another part that is kept until the form ends: of who may upload at all, and not too many.
async fn begin(files: &Files, caller: &Caller, parts: &mut usize) -> Result<(), Failure> {
    if *parts == 0 {
        files.may_insert(caller).await?;
    }
    *parts += 1;
    if *parts > PARTS { Err(Failure::bad("the form has too many parts")) } else { Ok(()) }
}

async fn arrive(files: &Files, limit: u64, part: Part) -> Arrived {
    let filename = part.filename().unwrap_or_default().to_owned();
    let mime_type = part.content_type().map(str::to_owned);
    let staged = files.stage_stream(&filename, limit, part).await;
    Arrived { filename, mime_type, staged }
}

fn parse(text: &str) -> Result<Metadata, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::bad("couldn't decode metadata"))
}

pub(super) async fn replace(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<File>, Failure> {
    let caller = caller(&shared, &headers).await?;
    let id = parse_id(&id)?;
    let mut form = Form::new(&headers, body)?;
    let (file, bucket) = match known(&shared.files, &caller, id).await {
        Ok(known) => known,
        Err(failure) => {
            form.drain().await;
            return Err(failure);
        }
    };
    let mut arrived = None;
    let mut described = None;
    while let Some(part) = form.next().await? {
        match part.name() {
            "metadata" if described.is_none() => described = Some(parse(&part.text().await?)?),
            "file" if part.filename().is_some() && arrived.is_none() => {
                let file = arrive(&shared.files, bucket.max_upload_file_size, part).await;
                if let Err(failure) = file.staged {
                    form.drain().await;
                    return Err(failure);
                }
                arrived = Some(file);
            }
            "file" => return Err(wrong_file()),
            _ => {}
        }
    }
    let filename = arrived.as_ref().map(|file| file.filename.clone());
    let (name, metadata) = described.map_or((None, None), |described| (described.name, described.metadata));
    let name = name.filter(|name| !name.is_empty());
    let Some(arrived) = arrived else {
        if name.is_none() && metadata.is_none() {
            return Err(wrong_file());
        }
        let change = Change { name, metadata, mime_type: None };
        return shared.files.describe(&caller, file.id, change).await.map(Json);
    };
    let change = Change { name: name.or(filename), metadata, mime_type: arrived.mime_type };
    shared.files.replace(&caller, file.id, change, arrived.staged?).await.map(Json)
}

async fn known(files: &Files, caller: &Caller, id: uuid::Uuid) -> Result<(File, Bucket), Failure> {
    let file = files.get(caller, id).await?;
    files.may_replace(caller, id).await?;
    let bucket = files.bucket(&file.bucket_id).await?;
    Ok((file, bucket))
}

fn wrong_file() -> Failure {
    Failure::bad("wrong file data in multipart form, one needs to be specified")
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let caller = caller(&shared, &headers).await?;
    shared.files.remove(&caller, parse_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
