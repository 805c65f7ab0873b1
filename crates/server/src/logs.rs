//! The logs of all services: JSON lines in `.nself/logs/<service>.log`, rotated by size, and the latest lines in memory
//! for those who follow.

mod file;
mod layer;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use stack::log::{Level, Line};
use tokio::sync::broadcast;

use file::LogFile;
pub use layer::LogLayer;

/// Turns one line of a child's output into a log line.
pub type Parse = fn(service: &str, text: &str) -> Line;

/// Lines of each service kept in memory.
const REMEMBERED: usize = 500;
/// Lines that may wait for the disk; past that the newest are dropped and counted, so that a full or slow disk never
/// stops a service.
const QUEUE: usize = 16_384;

/// A handle on the log writer; cheap to clone.
#[derive(Debug, Clone)]
pub struct Logs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
    recent: Mutex<HashMap<String, VecDeque<Line>>>,
    live: broadcast::Sender<Line>,
}

#[derive(Debug)]
enum Message {
    Line(Line),
    /// Whole lines of one service that are JSON already.
    Raw(&'static str, Vec<u8>),
    Flush(SyncSender<()>),
}

/// Where logs go and when they are rotated, by service; `default` is for those not named.
#[derive(Debug, Clone)]
pub struct Policy {
    pub directory: PathBuf,
    pub default: stack::Log,
    pub services: HashMap<String, stack::Log>,
}

impl Logs {
    /// Starts the writer's thread, which ends with the last handle.
    pub fn start(policy: Policy) -> std::io::Result<Self> {
        std::fs::create_dir_all(&policy.directory)?;
        let (queue, inbox) = sync_channel(QUEUE);
        let inner = Arc::new(Inner {
            queue,
            dropped: Arc::default(),
            recent: Mutex::default(),
            live: broadcast::channel(1024).0,
        });
        let dropped = inner.dropped.clone();
        std::thread::Builder::new().name("logs".to_owned()).spawn(move || write_all(&inbox, &policy, &dropped))?;
        Ok(Self { inner })
    }

    /// Takes a line. Never waits.
    pub fn write(&self, line: Line) {
        self.remember(&line);
        self.enqueue(Message::Line(line), 1);
    }

    /// Takes whole lines of one service, each a [`Line`] as JSON. Only the latest of a batch are kept in memory: a busy
    /// gateway writes more than anyone reads live.
    pub fn write_raw(&self, service: &'static str, text: &[u8]) {
        const KEPT: usize = 50;
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        for line in &lines[lines.len().saturating_sub(KEPT)..] {
            if let Ok(line) = serde_json::from_slice(line) {
                self.remember(&line);
            }
        }
        self.enqueue(Message::Raw(service, text.to_vec()), lines.len() as u64);
    }

    fn remember(&self, line: &Line) {
        {
            let mut recent = self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let lines = match recent.get_mut(&line.service) {
                Some(lines) => lines,
                None => recent.entry(line.service.clone()).or_default(),
            };
            if lines.len() == REMEMBERED {
                lines.pop_front();
            }
            lines.push_back(line.clone());
        }
        if self.inner.live.receiver_count() > 0 {
            let _ = self.inner.live.send(line.clone());
        }
    }

    fn enqueue(&self, message: Message, lines: u64) {
        if let Err(TrySendError::Full(_)) = self.inner.queue.try_send(message) {
            self.inner.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// The latest lines of one service, or of all by time, oldest first.
    pub fn tail(&self, service: Option<&str>, count: usize) -> Vec<Line> {
        let recent = self.inner.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<Line> = match service {
            Some(name) => recent.get(name).map(|lines| lines.iter().cloned().collect()).unwrap_or_default(),
            None => recent.values().flatten().cloned().collect(),
        };
        lines.sort_by_key(|line| line.ts);
        lines.split_off(lines.len().saturating_sub(count))
    }

    /// Lines as they come. A reader that is too slow loses the oldest.
    pub fn follow(&self) -> broadcast::Receiver<Line> {
        self.inner.live.subscribe()
    }

    /// Returns when everything written so far is in the files.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.inner.queue.send(Message::Flush(done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

fn write_all(inbox: &Receiver<Message>, policy: &Policy, dropped: &AtomicU64) {
    let mut files: HashMap<String, LogFile> = HashMap::new();
    while let Ok(first) = inbox.recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => {
                    if let Ok(mut text) = serde_json::to_vec(&line) {
                        text.push(b'\n');
                        file(&mut files, policy, &line.service).append(&text);
                    }
                }
                Message::Raw(service, text) => file(&mut files, policy, service).append(&text),
                Message::Flush(done) => {
                    files.values_mut().for_each(LogFile::flush);
                    let _ = done.send(());
                }
            }
            next = inbox.try_recv().ok();
        }
        files.values_mut().for_each(LogFile::flush);
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!("the disk is too slow for the logs: {lost} lines are lost");
        }
    }
}

fn file<'a>(files: &'a mut HashMap<String, LogFile>, policy: &Policy, service: &str) -> &'a mut LogFile {
    if !files.contains_key(service) {
        let rules = policy.services.get(service).unwrap_or(&policy.default);
        let path = policy.directory.join(format!("{service}.log"));
        files.insert(service.to_owned(), LogFile::new(path, rules.clone()));
    }
    files.get_mut(service).expect("it was inserted when it was missing")
}

impl gateway::AccessLog for Logs {
    fn write(&self, lines: &[u8]) {
        self.write_raw("gateway", lines);
    }
}

/// [`Parse`] for programs of unknown habits: JSON objects with a level and a message are understood, and words that
/// mark warnings and errors at the start of a line.
pub fn parse_any(service: &str, text: &str) -> Line {
    let mut line = Line {
        ts: Timestamp::now(),
        service: service.to_owned(),
        level: Level::Info,
        message: text.to_owned(),
        fields: serde_json::Map::new(),
    };
    if let Some(serde_json::Value::Object(mut object)) =
        text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
    {
        let message = ["message", "msg"].iter().find_map(|key| object.get(*key)?.as_str().map(str::to_owned));
        if let Some(message) = message {
            let level = ["level", "severity"].iter().find_map(|key| object.get(*key)?.as_str().and_then(level_of));
            line.level = level.unwrap_or(Level::Info);
            line.message = message;
            object.retain(|key, _| !matches!(key.as_str(), "message" | "msg" | "level" | "severity"));
            line.fields = object;
        }
        return line;
    }
    let first = text.split(|c: char| !c.is_ascii_alphabetic()).find(|word| !word.is_empty()).unwrap_or_default();
    line.level = level_of(first).unwrap_or(Level::Info);
    line
}

fn level_of(word: &str) -> Option<Level> {
    match word.to_ascii_lowercase().as_str() {
        "trace" | "debug" => Some(Level::Debug),
        "info" | "notice" | "log" => Some(Level::Info),
        "warn" | "warning" => Some(Level::Warn),
        "error" | "err" | "fatal" | "panic" | "critical" => Some(Level::Error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn understands_json_lines_and_words() {
        let line = parse_any("api", r#"{"level":"error","msg":"boom","port":80}"#);
        assert_eq!((line.level, line.message.as_str()), (Level::Error, "boom"));
        assert_eq!(line.fields["port"], 80);
        assert_eq!(parse_any("api", "WARNING: low disk").level, Level::Warn);
        assert_eq!(parse_any("api", "errors are rare").level, Level::Info);
        assert_eq!(parse_any("api", r#"{"no":"message"}"#).message, r#"{"no":"message"}"#);
    }
}
