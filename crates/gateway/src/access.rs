//! The access log. The hot path moves a record of reference-counted parts into a bounded list; one task writes the
//! lines a little later. A list that is full drops records and the log says how many.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, StatusCode, Uri};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::AccessLog;

/// Records that may wait to be written.
const WAITING: usize = 16_384;
/// How long records gather before they are written together.
const GATHER: Duration = Duration::from_millis(20);

pub(crate) struct Log {
    waiting: Mutex<Vec<Entry>>,
    dropped: AtomicU64,
    arrived: Notify,
    sink: Arc<dyn AccessLog>,
}

impl Log {
    pub(crate) fn new(sink: Arc<dyn AccessLog>) -> Self {
        Self { waiting: Mutex::new(Vec::new()), dropped: AtomicU64::new(0), arrived: Notify::new(), sink }
    }

    fn push(&self, entry: Entry) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.push(entry);
        if waiting.len() == 1 {
            self.arrived.notify_one();
        }
    }

    /// Writes until `stop`, then what is left.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut batch = Vec::new();
        let mut text = Vec::new();
        loop {
            tokio::select! {
                () = self.arrived.notified() => {}
                () = stop.cancelled() => break,
            }
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = stop.cancelled() => {}
            }
            self.flush(&mut batch, &mut text);
        }
        self.flush(&mut batch, &mut text);
    }

    fn flush(&self, batch: &mut Vec<Entry>, text: &mut Vec<u8>) {
        std::mem::swap(batch, &mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for entry in batch.drain(..) {
            entry.line(text);
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            write(text, "warn", "the access log could not keep up", &Dropped { dropped }, Timestamp::now());
        }
        if !text.is_empty() {
            self.sink.write(text);
            text.clear();
        }
        // A burst's memory is given back.
        text.shrink_to(64 * 1024);
        batch.shrink_to(256);
    }
}

/// One answered request. Its line is written when it is dropped.
pub(crate) struct Record {
    log: Arc<Log>,
    started: Instant,
    entry: Option<Entry>,
}

/// What the line says. The query string is never in it: it may carry tokens.
pub(crate) struct Entry {
    id: HeaderValue,
    method: Method,
    pub(crate) host: Option<HeaderValue>,
    uri: Uri,
    client: IpAddr,
    pub(crate) service: Option<Arc<str>>,
    pub(crate) status: StatusCode,
    bytes: u64,
    elapsed: Duration,
    end: End,
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    /// The service broke off.
    Broken,
    /// The client went away.
    Aborted,
}

impl Entry {
    pub(crate) fn new(id: HeaderValue, method: Method, uri: Uri, client: IpAddr) -> Self {
        Self {
            id,
            method,
            host: None,
            uri,
            client,
            service: None,
            // What nginx logs for a client that went away before there was an answer.
            status: StatusCode::from_u16(499).expect("between 100 and 999"),
            bytes: 0,
            elapsed: Duration::ZERO,
            end: End::Aborted,
        }
    }

    fn line(&self, text: &mut Vec<u8>) {
        let level = if self.status.is_server_error() && self.status != StatusCode::SERVICE_UNAVAILABLE {
            "warn"
        } else {
            "info"
        };
        let path = self.uri.path();
        let message = format!("{} {} {}", self.method, path, self.status.as_u16());
        let fields = Fields {
            id: self.id.to_str().unwrap_or_default(),
            method: self.method.as_str(),
            host: self.host.as_ref().and_then(|host| host.to_str().ok()),
            path,
            status: self.status.as_u16(),
            bytes: self.bytes,
            duration_ms: self.elapsed.as_micros() as f64 / 1000.0,
            service: self.service.as_deref(),
            client: self.client,
            end: match self.end {
                End::Complete => None,
                End::Broken => Some("broken"),
                End::Aborted => Some("aborted"),
            },
        };
        write(text, level, &message, &fields, Timestamp::now());
    }
}

/// The shape of [`stack::log::Line`], borrowed.
#[derive(Serialize)]
struct Line<'a, F> {
    ts: Timestamp,
    service: &'a str,
    level: &'a str,
    message: &'a str,
    fields: &'a F,
}

#[derive(Serialize)]
struct Fields<'a> {
    id: &'a str,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    path: &'a str,
    status: u16,
    bytes: u64,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    client: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'a str>,
}

#[derive(Serialize)]
struct Dropped {
    dropped: u64,
}

fn write<F: Serialize>(text: &mut Vec<u8>, level: &str, message: &str, fields: &F, ts: Timestamp) {
    let line = Line { ts, service: "gateway", level, message, fields };
    serde_json::to_writer(&mut *text, &line).expect("plain data into memory");
    text.push(b'\n');
}

impl Record {
    pub(crate) fn new(log: Arc<Log>, started: Instant, entry: Entry) -> Self {
        Self { log, started, entry: Some(entry) }
    }

    /// Fills in what has become known.
    pub(crate) fn note(&mut self, note: impl FnOnce(&mut Entry)) {
        if let Some(entry) = &mut self.entry {
            note(entry);
        }
    }

    pub(crate) fn count(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.entry {
            entry.bytes += bytes as u64;
        }
    }

    pub(crate) fn complete(&mut self) {
        self.end(End::Complete);
    }

    pub(crate) fn broken(&mut self) {
        self.end(End::Broken);
    }

    fn end(&mut self, end: End) {
        if let Some(entry) = &mut self.entry
            && entry.end == End::Aborted
        {
            entry.end = end;
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.elapsed = self.started.elapsed();
            self.log.push(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Sink(Mutex<Vec<u8>>);

    impl AccessLog for Sink {
        fn write(&self, lines: &[u8]) {
            self.0.lock().unwrap().extend_from_slice(lines);
        }
    }

    fn entry() -> Entry {
        let uri = Uri::from_static("/v1/graphql?token=hunter2");
        Entry::new(HeaderValue::from_static("id-1"), Method::POST, uri, IpAddr::from([127, 0, 0, 1]))
    }

    #[test]
    fn a_line_is_a_log_line_without_the_query() {
        let sink = Arc::new(Sink(Mutex::new(Vec::new())));
        let log = Arc::new(Log::new(Arc::clone(&sink) as Arc<dyn AccessLog>));
        let mut record = Record::new(Arc::clone(&log), Instant::now(), entry());
        record.note(|entry| entry.status = StatusCode::OK);
        record.count(12);
        record.complete();
        drop(record);
        log.flush(&mut Vec::new(), &mut Vec::new());
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let line: stack::log::Line = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line.service, "gateway");
        assert_eq!(line.message, "POST /v1/graphql 200");
        assert_eq!(line.fields["bytes"], 12);
        assert_eq!(line.fields.get("end"), None);
    }

    #[test]
    fn a_full_list_drops_and_says_so() {
        let sink = Arc::new(Sink(Mutex::new(Vec::new())));
        let log = Arc::new(Log::new(Arc::clone(&sink) as Arc<dyn AccessLog>));
        for _ in 0..WAITING + 3 {
            log.push(entry());
        }
        log.flush(&mut Vec::new(), &mut Vec::new());
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), WAITING + 1);
        assert!(text.lines().last().unwrap().contains("\"dropped\":3"));
    }
}
