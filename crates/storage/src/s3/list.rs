//! Lists of objects, page by page, with what looks like folders.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3ErrorCode, S3Result};

use super::{Endpoint, etag, failed, refuse, signed, time};
use crate::File;
use crate::files::Wanted;

/// Entries of a page, as Amazon has it.
const PAGE: i32 = 1000;

/// Comes after every name that begins so.
const LAST: char = char::MAX;

/// What stays as it is where a client asks for names encoded as in URLs.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// What is asked for.
#[derive(Debug)]
struct Query<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: &'a str,
    after: Option<String>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Listed {
    files: Vec<File>,
    prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

impl Listed {
    fn len(&self) -> usize {
        self.files.len() + self.prefixes.len()
    }
}

async fn list(endpoint: &Endpoint, query: Query<'_>) -> S3Result<Listed> {
    endpoint.bucket(query.bucket).await?;
    let mut listed = Listed::default();
    let mut after = query.after;
    if query.limit == 0 {
        return Ok(listed);
    }
    loop {
        let limit = u32::try_from(query.limit - listed.len()).unwrap_or(u32::MAX);
        let wanted = Wanted { bucket: query.bucket, prefix: query.prefix, after: after.as_deref(), limit };
        let page = endpoint.files.list(&wanted).await.map_err(failed)?;
        let mut within = None;
        for file in page.files {
            // Of what is in a folder that was listed already nothing is said.
            if within.as_ref().is_some_and(|folder: &String| file.name.starts_with(folder)) {
                continue;
            }
            match folder(&file.name, query.prefix, query.delimiter) {
                Some(folder) => {
                    after = Some(format!("{folder}{LAST}"));
                    within = Some(folder.to_owned());
                    listed.prefixes.push(folder.to_owned());
                }
                None => {
                    after = Some(file.name.clone());
                    within = None;
                    listed.files.push(file);
                }
            }
        }
        if !page.more {
            return Ok(listed);
        }
        if listed.len() >= query.limit {
            listed.next = after;
            return Ok(listed);
        }
    }
}

/// The beginning of a name up to the delimiter that follows the prefix.
fn folder<'a>(name: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    if delimiter.is_empty() {
        return None;
    }
    let at = name.get(prefix.len()..)?.find(delimiter)?;
    name.get(..prefix.len() + at + delimiter.len())
}

fn limit(max_keys: Option<i32>) -> usize {
    usize::try_from(max_keys.unwrap_or(PAGE).clamp(0, PAGE)).unwrap_or(0)
}

/// Names as the client wants them.
fn encode(encoding: Option<&EncodingType>, text: &str) -> String {
    match encoding.map(EncodingType::as_str) {
        Some(EncodingType::URL) => utf8_percent_encode(text, PLAIN).to_string(),
        _ => text.to_owned(),
    }
}

fn to_objects(files: &[File], encoding: Option<&EncodingType>) -> Vec<Object> {
    let object = |file: &File| Object {
        e_tag: Some(etag(file)),
        key: Some(encode(encoding, &file.name)),
        last_modified: Some(time(file.updated_at)),
        size: Some(signed(file.size)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    };
    files.iter().map(object).collect()
}

fn to_prefixes(prefixes: &[String], encoding: Option<&EncodingType>) -> Vec<CommonPrefix> {
    prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encode(encoding, prefix)) }).collect()
}

pub(super) async fn objects_v2(endpoint: &Endpoint, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let from_token = |token: &String| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
        let wrong = || refuse(S3ErrorCode::InvalidArgument, "the continuation token is not one of ours");
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(wrong)
    };
    let after = input.continuation_token.as_ref().map(from_token).transpose()?;
    let query = Query {
        bucket: &input.bucket,
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref().unwrap_or_default(),
        after: after.or_else(|| input.start_after.clone()),
        limit: limit(input.max_keys),
    };
    let listed = list(endpoint, query).await?;
    let encoding = input.encoding_type.as_ref();
    let encoded = |text: &Option<String>| text.as_ref().map(|text| encode(encoding, text));
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(listed.len()).ok(),
        is_truncated: Some(listed.next.is_some()),
        next_continuation_token: listed.next.as_ref().map(|next| BASE64_URL_SAFE_NO_PAD.encode(next)),
        contents: Some(to_objects(&listed.files, encoding)),
        common_prefixes: Some(to_prefixes(&listed.prefixes, encoding)),
        prefix: encoded(&input.prefix),
        delimiter: encoded(&input.delimiter),
        start_after: encoded(&input.start_after),
        max_keys: i32::try_from(limit(input.max_keys)).ok(),
        continuation_token: input.continuation_token,
        name: Some(input.bucket),
        encoding_type: input.encoding_type,
        ..Default::default()
    })
}

pub(super) async fn objects(endpoint: &Endpoint, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let query = Query {
        bucket: &input.bucket,
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: input.delimiter.as_deref().unwrap_or_default(),
        after: input.marker.clone(),
        limit: limit(input.max_keys),
    };
    let listed = list(endpoint, query).await?;
    let encoding = input.encoding_type.as_ref();
    let encoded = |text: &Option<String>| text.as_ref().map(|text| encode(encoding, text));
    Ok(ListObjectsOutput {
        is_truncated: Some(listed.next.is_some()),
        next_marker: listed.next.as_ref().map(|next| encode(encoding, next)),
        contents: Some(to_objects(&listed.files, encoding)),
        common_prefixes: Some(to_prefixes(&listed.prefixes, encoding)),
        prefix: encoded(&input.prefix),
        delimiter: encoded(&input.delimiter),
        marker: encoded(&input.marker),
        max_keys: i32::try_from(limit(input.max_keys)).ok(),
        name: Some(input.bucket),
        encoding_type: input.encoding_type,
        ..Default::default()
    })
}
