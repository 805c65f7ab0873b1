//! Bytes of one request of an upload.

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt;
use http::StatusCode;
use md5::{Digest, Md5};
use s3s::crypto::{Checksum as _, Sha1, Sha256};

use crate::uploads::{self, PartWriter, Upload, Written};
use crate::{Failure, Files};

/// Bytes after which what has come counts.
const PIECE: u64 = 8 << 20;

/// What [`Checksum`] knows.
pub(super) const ALGORITHMS: &str = "md5,sha1,sha256";

/// What the bytes of a request must be.
pub(super) struct Checksum {
    hasher: Hasher,
    expected: Vec<u8>,
}

enum Hasher {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// `sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`
    pub fn parse(header: Option<&str>) -> Result<Option<Self>, Failure> {
        let Some(header) = header else { return Ok(None) };
        let wrong = || Failure::bad(format!("Upload-Checksum must be one of {ALGORITHMS} and the checksum in Base64"));
        let (algorithm, expected) = header.split_once(' ').ok_or_else(wrong)?;
        let hasher = match algorithm {
            "md5" => Hasher::Md5(Md5::new()),
            "sha1" => Hasher::Sha1(Sha1::new()),
            "sha256" => Hasher::Sha256(Sha256::new()),
            _ => return Err(wrong()),
        };
        let expected = BASE64_STANDARD.decode(expected.trim()).map_err(|_| wrong())?;
        Ok(Some(Self { hasher, expected }))
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Md5(hasher) => Digest::update(hasher, bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn holds(self) -> bool {
        match self.hasher {
            Hasher::Md5(hasher) => Digest::finalize(hasher).as_slice() == self.expected,
            Hasher::Sha1(hasher) => hasher.finalize().as_ref() == self.expected,
            Hasher::Sha256(hasher) => hasher.finalize().as_ref() == self.expected,
        }
    }
}

/// Takes bytes in, which count piece by piece; with a checksum all of them or none. The answer is where the upload is. `most`:
/// so many bytes it has, or may have while nobody has said.
///
/// # Errors
/// 400: there are more bytes than that; 460: other bytes than those of the checksum; or the store refused them.
pub(super) async fn receive(
    files: &Files,
    upload: &Upload,
    most: u64,
    mut offset: u64,
    mut checksum: Option<Checksum>,
    body: Body,
) -> Result<u64, Failure> {
    let mut left = most.saturating_sub(offset);
    let more = match upload.length {
        Some(_) => "more bytes than Upload-Length",
        None => "more bytes than the bucket takes",
    };
    let mut body = body.into_data_stream();
    let mut piece: Option<PartWriter> = None;
    let mut held: Vec<Written> = Vec::new();
    let mut broken = false;
    while let Some(chunk) = body.next().await {
        let Ok(chunk) = chunk else {
            broken = true;
            break;
        };
        if chunk.is_empty() {
            continue;
        }
        left = left.checked_sub(chunk.len() as u64).ok_or_else(|| Failure::bad(more))?;
        if let Some(checksum) = &mut checksum {
            checksum.update(&chunk);
        }
        let writer = match &mut piece {
            Some(writer) => writer,
            None => piece.insert(PartWriter::new(files, upload.id).await?),
        };
        writer.write(chunk).await?;
        if writer.size() >= PIECE
            && let Some(writer) = piece.take()
        {
            held.push(writer.finish().await?);
            if checksum.is_none() {
                offset = keep(files, upload, offset, std::mem::take(&mut held)).await?;
            }
        }
    }
    if let Some(writer) = piece {
        held.push(writer.finish().await?);
    }
    if let Some(checksum) = checksum {
        if broken {
            return Err(Failure::bad("the upload broke off"));
        }
        if !checksum.holds() {
            let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
            return Err(Failure::new(status, "the bytes are not those of the checksum"));
        }
    }
    keep(files, upload, offset, held).await
}

async fn keep(files: &Files, upload: &Upload, offset: u64, pieces: Vec<Written>) -> Result<u64, Failure> {
    if pieces.is_empty() {
        return Ok(offset);
    }
    let bytes: u64 = pieces.iter().map(|piece| piece.size).sum();
    uploads::append(files, upload.id, offset, pieces).await?;
    project::fault::hit("storage.tus-piece");
    Ok(offset + bytes)
}
