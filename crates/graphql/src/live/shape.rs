//! What subscriptions must have in common to be asked for together.

use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::cohort::Parameters;
use crate::cache::Compiled;
use crate::plan::{ParameterId, RootValue};
use crate::sql::Statement;

/// A compiled subscription as a statement over many.
#[derive(Debug)]
pub(super) struct Shape {
    compiled: Arc<Compiled>,
    pub batch: Batch,
    stream: Option<Stream>,
}

/// A stream's statement has two columns: the rows, and where the last of them stands.
#[derive(Debug, Clone, Copy)]
struct Stream {
    /// Which parameter says after what to read; none where nothing ever comes.
    cursor: Option<ParameterId>,
}

/// Where a stream stands after a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is no stream.
    None,
    /// There was nothing new.
    Still,
    /// The cursor's new text.
    Moved(String),
}

impl Shape {
    pub(super) fn new(compiled: Arc<Compiled>, statement: &Statement) -> Self {
        let batch = Batch::new(statement, compiled.plan.parameters.len());
        let stream = compiled.plan.roots.iter().find_map(|root| match &root.value {
            RootValue::Stream(stream) => Some(Stream { cursor: stream.cursor.parameter }),
            _ => None,
        });
        Self { compiled, batch, stream }
    }

    /// Equal keys are the same statement and the same response around it. Rights are in it: they are conditions of the
    /// statement, and what they know of the user are its parameters.
    pub(super) fn key(&self) -> String {
        let mut key = self.batch.text.clone();
        for root in &self.compiled.plan.roots {
            key.push('\0');
            key.push_str(&root.keys().collect::<Vec<_>>().join("."));
            if let RootValue::Ready(text) = &root.value {
                key.push('\0');
                key.push_str(text);
            }
        }
        key
    }

    pub(super) fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// The response body around a row's columns.
    pub(super) fn body<'a>(&self, json: impl Fn(usize) -> Option<&'a str>) -> Bytes {
        self.compiled.body(|column| json(column).map(str::as_bytes))
    }

    /// What a row says of a stream.
    pub(super) fn progress<'a>(&self, json: impl Fn(usize) -> Option<&'a str>) -> Progress {
        if self.stream.is_none() {
            return Progress::None;
        }
        match json(1).map(serde_json::from_str::<String>) {
            Some(Ok(cursor)) => Progress::Moved(cursor),
            // Null, the text `null`, for an empty batch.
            Some(Err(_)) | None => Progress::Still,
        }
    }

    /// A stream's parameters with its cursor moved.
    pub(super) fn moved(&self, parameters: &Parameters, cursor: String) -> Parameters {
        let Some(id) = self.stream.and_then(|stream| stream.cursor) else { return parameters.clone() };
        let moved = parameters.iter().enumerate();
        moved.map(|(at, text)| if at == id { Some(cursor.clone()) } else { text.clone() }).collect()
    }

    /// Where a stream with these parameters stands.
    pub(super) fn cursor(&self, parameters: &Parameters) -> Option<String> {
        parameters.get(self.stream?.cursor?).cloned().flatten()
    }
}
