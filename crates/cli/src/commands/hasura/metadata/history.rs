use serde::Serialize;
use serde_json::{Value, json};
use terminal::{Page, Style, View};

use crate::commands::hasura::engine::{Engine, Which};
use crate::{Context, Outcome};

/// List metadata of before, or show one of the list
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata history\n  nself hasura metadata history 7 > metadata.json\n\nThe engine keeps the last 20 that a whole replacement took away, and everything that it could read in part only\n(unreadable), before it is overwritten."
)]
pub struct Args {
    /// Show the metadata of this number as it was stored
    id: Option<i64>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Serialize)]
struct History {
    history: Vec<Value>,
}

impl View for History {
    fn text(&self, page: &mut Page) {
        if self.history.is_empty() {
            page.line("Nothing has been replaced yet.");
            return;
        }
        let cell = |entry: &Value, key: &str| match &entry[key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let keys = ["id", "taken_at", "resource_version", "why"];
        let row = |entry: &Value| keys.iter().map(|key| (cell(entry, key), Style::Plain)).collect();
        let rows: Vec<Vec<(String, Style)>> = self.history.iter().map(row).collect();
        page.table(&["ID", "UNTIL", "VERSION", "WHY"], &rows);
        page.next(&[("make one the metadata again", "nself hasura metadata restore ID")]);
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Entry(Value);

impl View for Entry {
    fn text(&self, page: &mut Page) {
        page.line(serde_json::to_string_pretty(&self.0).unwrap_or_default());
    }
}

pub fn run(cx: &Context, args: &Args) -> Outcome {
    let engine = Engine::new(cx, &args.which)?;
    if let Some(id) = args.id {
        let answer = engine.metadata("nself_metadata_history", &json!({"id": id}))?;
        return Ok(Box::new(Entry(answer["metadata"].clone())));
    }
    let answer = engine.metadata("nself_metadata_history", &json!({}))?;
    Ok(Box::new(History { history: answer["history"].as_array().cloned().unwrap_or_default() }))
}
