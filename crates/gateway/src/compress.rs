//! Compression of answers that came uncompressed. An encoder is flushed whenever its source has nothing more to give
//! at the moment, so a slow stream is never held back.

use std::io::Write;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body as _, Frame};

use crate::body::{Body, BoxError};

/// Answers shorter than this many bytes are sent as they are: the frame of gzip alone takes 20.
const MINIMUM: u64 = 1024;
/// Bytes compressed in one go, so that a large answer does not hold up the connection's other streams.
const SLICE: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The client's favourite among ours; between equals the cheaper one wins. RFC 9110, 12.5.3.
    pub(crate) fn negotiate(accept: &str) -> Option<Self> {
        let mut weights: [Option<u16>; 3] = [None; 3];
        let mut any = None;
        for item in accept.split(',') {
            let mut parts = item.split(';');
            let name = parts.next().unwrap_or_default().trim();
            let weight = parts.find_map(|part| weight(part.trim())).unwrap_or(1000);
            match name.to_ascii_lowercase().as_str() {
                "zstd" => weights[0] = Some(weight),
                "br" => weights[1] = Some(weight),
                "gzip" | "x-gzip" => weights[2] = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
        let mut best: Option<(u16, Self)> = None;
        for (coding, weight) in [Self::Zstd, Self::Brotli, Self::Gzip].into_iter().zip(weights) {
            let weight = weight.or(any).unwrap_or(0);
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, coding));
            }
        }
        best.map(|(_, coding)| coding)
    }
}

/// `q=0.25` → 250; `None` when the parameter is another one. A malformed weight counts as refusal.
fn weight(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let value: f32 = value.parse().unwrap_or(0.0);
    Some((value.clamp(0.0, 1.0) * 1000.0) as u16)
}

/// Replaces the body by its compressed form where that is allowed and worth it.
pub(crate) fn apply(response: Response<Body>, accept: Option<&HeaderValue>) -> Response<Body> {
    if !worthwhile(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let coding = accept.and_then(|accept| accept.to_str().ok()).and_then(Coding::negotiate);
    let encoder = coding.and_then(|coding| Encoder::start(coding).map(|coder| (coding, coder)).ok());
    let Some((coding, coder)) = encoder else {
        return Response::from_parts(parts, body);
    };
    let headers = &mut parts.headers;
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    weaken_etag(headers);
    Response::from_parts(parts, Body::encoded(Encoder::new(coder, body)))
}

fn worthwhile(response: &Response<Body>) -> bool {
    let headers = response.headers();
    let size = response.body().size_hint().exact();
    size.is_none_or(|size| size >= MINIMUM)
        && headers.get(CONTENT_TYPE).is_some_and(compressible)
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && response.status() != StatusCode::PARTIAL_CONTENT
        && !promises_bytes(headers)
        && !response.status().is_informational()
        && !headers
            .get(CACHE_CONTROL)
            .is_some_and(|value| value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("no-transform")))
}

/// Who offers ranges of a body and names it by a strong validator has promised these very bytes: a client may ask for
/// the rest of a download, or for the file only if it is still the same, by the name it was given.
fn promises_bytes(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT_RANGES).is_some_and(|value| value == "bytes")
        && headers.get(ETAG).is_some_and(|etag| etag.as_bytes().starts_with(b"\""))
}

fn compressible(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/event-stream" => false,
        "application/json"
        | "application/javascript"
        | "application/xml"
        | "application/wasm"
        | "application/x-ndjson"
        | "application/manifest+json"
        | "image/svg+xml"
        | "image/bmp"
        | "font/ttf"
        | "font/otf"
        | "application/vnd.ms-fontobject" => true,
        kind => kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml"),
    }
}

/// The compressed bytes are another representation of the same thing: its validator can only be a weak one.
fn weaken_etag(headers: &mut HeaderMap) {
    let weak = headers.get(ETAG).and_then(|etag| {
        let strong = etag.as_bytes().starts_with(b"\"");
        strong.then(|| HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat()).ok()).flatten()
    });
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
}

enum Coder {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Coder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Gzip(coder) => coder.write_all(bytes),
            Self::Brotli(coder) => coder.write_all(bytes),
            Self::Zstd(coder) => coder.write_all(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Gzip(coder) => coder.flush(),
            Self::Brotli(coder) => coder.flush(),
            Self::Zstd(coder) => coder.flush(),
        }
    }

    /// What has been compressed so far.
    fn output(&mut self) -> Bytes {
        let output = match self {
            Self::Gzip(coder) => coder.get_mut(),
            Self::Brotli(coder) => coder.get_mut(),
            Self::Zstd(coder) => coder.get_mut(),
        };
        Bytes::from(std::mem::take(output))
    }

    fn finish(self) -> std::io::Result<Bytes> {
        match self {
            Self::Gzip(coder) => coder.finish().map(Bytes::from),
            Self::Brotli(coder) => Ok(Bytes::from(coder.into_inner())),
            Self::Zstd(coder) => coder.finish().map(Bytes::from),
        }
    }
}

/// A body that compresses another one on its way.
pub(crate) struct Encoder {
    source: Body,
    coder: Option<Coder>,
    /// Bytes of the source that wait for their turn.
    input: Bytes,
    unflushed: bool,
    trailers: Option<HeaderMap>,
}

impl Encoder {
    fn start(coding: Coding) -> std::io::Result<Coder> {
        Ok(match coding {
            Coding::Gzip => Coder::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(5))),
            Coding::Brotli => Coder::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, 4, 20))),
            Coding::Zstd => Coder::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 3)?),
        })
    }

    fn new(coder: Coder, source: Body) -> Self {
        Self { source, coder: Some(coder), input: Bytes::new(), unflushed: false, trailers: None }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.coder.is_none() && self.trailers.is_none()
    }

    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let step = self.step(cx);
        if matches!(step, Poll::Ready(Some(Err(_)))) {
            self.coder = None;
        }
        step
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let Some(coder) = &mut self.coder else {
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            };
            if !self.input.is_empty() {
                let length = self.input.len().min(SLICE);
                coder.write(&self.input[..length])?;
                self.input.advance(length);
                self.unflushed = true;
                let output = coder.output();
                if !output.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(output))));
                }
                continue;
            }
            match std::pin::Pin::new(&mut self.source).poll_frame(cx) {
                Poll::Ready(Some(frame)) => match frame?.into_data() {
                    Ok(data) => self.input = data,
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Poll::Ready(None) => {
                    let rest = self.coder.take().map(Coder::finish).transpose()?.unwrap_or_default();
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest))));
                    }
                }
                Poll::Pending if self.unflushed => {
                    self.unflushed = false;
                    coder.flush()?;
                    let output = coder.output();
                    if !output.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(output))));
                    }
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_and_the_cheaper_wins_a_tie() {
        let choose = Coding::negotiate;
        assert_eq!(choose("gzip, deflate, br, zstd"), Some(Coding::Zstd));
        assert_eq!(choose("gzip;q=1.0, br;q=0.5"), Some(Coding::Gzip));
        assert_eq!(choose("gzip, br"), Some(Coding::Brotli));
        assert_eq!(choose("GZIP"), Some(Coding::Gzip));
        assert_eq!(choose("*"), Some(Coding::Zstd));
        assert_eq!(choose("*;q=0.1, zstd;q=0"), Some(Coding::Brotli));
        assert_eq!(choose("identity"), None);
        assert_eq!(choose("br;q=0, gzip;q=oops"), None);
        assert_eq!(choose(""), None);
    }

    #[test]
    fn a_body_with_ranges_and_a_strong_name_is_promised() {
        let of = |pairs: &[(http::HeaderName, &'static str)]| {
            promises_bytes(&pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect())
        };
        assert!(of(&[(ACCEPT_RANGES, "bytes"), (ETAG, "\"a\"")]));
        assert!(!of(&[(ACCEPT_RANGES, "bytes"), (ETAG, "W/\"a\"")]));
        assert!(!of(&[(ACCEPT_RANGES, "none"), (ETAG, "\"a\"")]));
        assert!(!of(&[(ETAG, "\"a\"")]));
    }

    #[test]
    fn streams_of_events_and_pictures_stay_as_they_are() {
        let kind = |text: &'static str| compressible(&HeaderValue::from_static(text));
        assert!(kind("application/json; charset=utf-8"));
        assert!(kind("application/graphql-response+json"));
        assert!(kind("Text/HTML"));
        assert!(!kind("text/event-stream"));
        assert!(!kind("image/png"));
        assert!(!kind("application/octet-stream"));
    }
}
