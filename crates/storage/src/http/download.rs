//! `GET` and `HEAD /files/{id}`: a file's bytes, whole, in part, or not again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::conditional::{Validators, http_date};
use super::range::{Part, part};
use super::{SURROGATE_CONTROL, SURROGATE_KEY, caller, parse_id};
use crate::files::Verified;
use crate::images::Wanted as Change;
use crate::service::Shared;
use crate::{Failure, File};

/// Asks for the bytes to be compared with their checksum while they are sent.
const VERIFY: HeaderName = HeaderName::from_static("x-verify-checksum");

pub(super) async fn download(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let caller = caller(&shared, &headers).await?;
    let file = shared.files.get(&caller, parse_id(&id)?).await?.uploaded()?;
    let bucket = shared.files.bucket(&file.bucket_id).await?;
    let wanted = Wanted { method: &method, uri: &uri, headers: &headers, cache_control: &bucket.cache_control };
    respond(&shared, &file, &wanted).await
}

/// What a request wants of a file that it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub cache_control: &'a str,
}

/// # Errors
/// The store does not have the bytes, or they are no picture and a picture is asked for.
pub(super) async fn respond(shared: &Shared, file: &File, wanted: &Wanted<'_>) -> Result<Response, Failure> {
    let content = Content {
        etag: &file.etag,
        name: &file.name,
        mime_type: &file.mime_type,
        size: file.size,
        file,
        cache_control: wanted.cache_control,
    };
    let mut response = match Change::parse(wanted.uri, wanted.headers, &file.mime_type)? {
        Some(change) => send_picture(shared, content, change, wanted).await?,
        None => send_file(shared, content, wanted).await?,
    };
    if Change::negotiates(wanted.uri) {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    }
    Ok(response)
}

async fn send_picture(
    shared: &Shared,
    content: Content<'_>,
    change: Change,
    wanted: &Wanted<'_>,
) -> Result<Response, Failure> {
    // Whoever has the picture already does not wait for it to be made again.
    if let Some(response) = content.unwanted(wanted.headers) {
        return Ok(response);
    }
    let picture = shared.images.picture(&shared.files, content.file, change).await?;
    let name = match picture.format == change.original {
        true => content.name.to_owned(),
        false => format!("{}.{}", content.name, picture.format.extension()),
    };
    let size = picture.bytes.len() as u64;
    let content = Content { name: &name, mime_type: picture.format.mime_type(), size, ..content };
    let part = match content.begin(wanted.headers) {
        Begin::Done(response) => return Ok(response),
        Begin::Send(part) => part,
    };
    let bytes = match &part {
        _ if *wanted.method == Method::HEAD => Bytes::new(),
        // Within the picture's bytes, which are in memory.
        Part::Bytes(range) => picture.bytes.slice(range.start as usize..range.end as usize),
        Part::Whole | Part::Outside => picture.bytes,
    };
    Ok(content.finish(&part, Body::from(bytes)))
}

async fn send_file(shared: &Shared, content: Content<'_>, wanted: &Wanted<'_>) -> Result<Response, Failure> {
    let file = content.file;
    let part = match content.begin(wanted.headers) {
        Begin::Done(response) => return Ok(response),
        Begin::Send(part) => part,
    };
    let range = match &part {
        Part::Bytes(range) => range.clone(),
        Part::Whole | Part::Outside => 0..file.size,
    };
    let body = if *wanted.method == Method::HEAD || range.is_empty() {
        Body::empty()
    } else {
        let bytes = shared.files.open(file, range).await?;
        let asked = wanted.headers.get(&VERIFY).is_some_and(|value| value == "true");
        if part == Part::Whole && (asked || shared.verify_reads) {
            Body::from_stream(Verified::new(bytes, file))
        } else {
            Body::from_stream(bytes)
        }
    };
    Ok(content.finish(&part, body))
}

/// What would be sent, and what is said of it.
#[derive(Debug, Clone, Copy)]
struct Content<'a> {
    etag: &'a str,
    name: &'a str,
    mime_type: &'a str,
    size: u64,
    file: &'a File,
    cache_control: &'a str,
}

enum Begin {
    /// Nothing of the content is wanted.
    Done(Response),
    Send(Part),
}

impl Content<'_> {
    fn validators(&self) -> Validators<'_> {
        Validators { etag: self.etag, modified: self.file.updated_at }
    }

    /// The answer to a request whose conditions do not hold.
    fn unwanted(&self, headers: &HeaderMap) -> Option<Response> {
        let mut response = self.validators().check(headers)?.into_response();
        self.describe(response.headers_mut());
        Some(response)
    }

    fn begin(&self, headers: &HeaderMap) -> Begin {
        if let Some(response) = self.unwanted(headers) {
            return Begin::Done(response);
        }
        let validators = self.validators();
        let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        match part(range.filter(|_| validators.allows_range(headers)), self.size) {
            Part::Outside => {
                let failure = Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, "the range is outside of the file");
                let mut response = failure.into_response();
                set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", self.size));
                Begin::Done(response)
            }
            part => Begin::Send(part),
        }
    }

    fn finish(&self, part: &Part, body: Body) -> Response {
        let mut response = Response::new(body);
        let length = match part {
            Part::Bytes(range) => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let value = format!("bytes {}-{}/{}", range.start, range.end - 1, self.size);
                set(response.headers_mut(), header::CONTENT_RANGE, &value);
                range.end - range.start
            }
            Part::Whole | Part::Outside => self.size,
        };
        let headers = response.headers_mut();
        self.describe(headers);
        headers.insert(header::CONTENT_LENGTH, length.into());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        // What its client has said may be no type at all.
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        set(headers, header::CONTENT_TYPE, self.mime_type);
        set(headers, header::CONTENT_DISPOSITION, &format!("inline; filename=\"{}\"", query_escape(self.name)));
        response
    }

    /// What caches need to know, with or without the content.
    fn describe(&self, headers: &mut HeaderMap) {
        set(headers, header::ETAG, self.etag);
        set(headers, header::LAST_MODIFIED, &http_date(self.file.updated_at));
        set(headers, header::CACHE_CONTROL, self.cache_control);
        set(headers, SURROGATE_CONTROL, self.cache_control);
        set(headers, SURROGATE_KEY, &self.file.id.to_string());
    }
}

/// Leaves out what cannot stand in a header: names and types come from users.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

/// As Go's `url.QueryEscape`, with which Nhost writes names.
fn query_escape(text: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');
    utf8_percent_encode(text, PLAIN).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(query_escape("Custom Name.txt"), "Custom+Name.txt");
        assert_eq!(query_escape("a\"b\r\n/ü+.txt"), "a%22b%0D%0A%2F%C3%BC%2B.txt");
    }
}
