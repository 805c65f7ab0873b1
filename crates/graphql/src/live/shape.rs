//! What subscriptions must have in common to be asked for together.

use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::cohort::Parameters;
use crate::cache::Compiled;
use crate::plan::RootValue;
use crate::sql::Statement;

/// A compiled subscription as a statement over many.
#[derive(Debug)]
pub(super) struct Shape {
    compiled: Arc<Compiled>,
    pub batch: Batch,
}

impl Shape {
    pub(super) fn new(compiled: Arc<Compiled>, statement: &Statement) -> Self {
        let batch = Batch::new(statement, compiled.plan.parameters.len());
        Self { compiled, batch }
    }

    /// Equal keys are the same statement and the same response around it. Rights are in it: they are conditions of the
    /// statement, and what they know of the user are its parameters.
    pub(super) fn key(&self) -> String {
        let mut key = self.batch.text.clone();
        for root in &self.compiled.plan.roots {
            key.push('\0');
            key.push_str(&root.key);
            if let RootValue::Ready(text) = &root.value {
                key.push('\0');
                key.push_str(text);
            }
        }
        key
    }

    pub(super) fn is_stream(&self) -> bool {
        false
    }

    /// The response body around a row's columns.
    pub(super) fn body<'a>(&self, json: impl Fn(usize) -> Option<&'a str>) -> Bytes {
        self.compiled.body(|column| json(column).map(str::as_bytes))
    }

    /// Where a stream stands after a row; none for a live query, and none inside for an empty batch.
    pub(super) fn cursor<'a>(&self, _: impl Fn(usize) -> Option<&'a str>) -> Option<Option<Vec<Option<String>>>> {
        None
    }

    /// A stream's parameters with its cursor moved.
    pub(super) fn moved(&self, parameters: &Parameters, _: Vec<Option<String>>) -> Parameters {
        parameters.clone()
    }
}
