use std::path::PathBuf;

use metadata::diff::{Change, Kind, changes};
use serde::Serialize;
use serde_json::{Value, json};
use terminal::{Page, Style, View};

use crate::commands::db::count;
use crate::commands::hasura::engine::{Engine, Which};
use crate::commands::hasura::folder;
use crate::{Context, Outcome};

/// Show what applying the folder would change in the engine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata diff\n  nself hasura metadata diff --json\n  nself hasura metadata diff staging/metadata production/metadata\n\nWith two folders, what leads from the first to the second; no engine is asked then."
)]
pub struct Args {
    /// The metadata folder; hasura/metadata of the project unless named
    folder: Option<PathBuf>,
    /// Compare with this folder instead of the engine
    other: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Serialize)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// Whether an apply would do this.
    #[serde(skip)]
    pub applying: bool,
}

/// Bytes of a value on one line.
const SHOWN: usize = 200;

impl View for Changes {
    fn text(&self, page: &mut Page) {
        if self.changes.is_empty() {
            page.line("No difference.");
            return;
        }
        for change in &self.changes {
            let style = match change.kind {
                Kind::Added => Style::Good,
                Kind::Removed => Style::Bad,
                Kind::Changed => Style::Warning,
            };
            page.line(format!("{} {}", page.paint(style, &change.kind.to_string()), change.path));
            for (sign, value, style) in [("-", &change.old, Style::Bad), ("+", &change.new, Style::Good)] {
                if let Some(value) = value {
                    page.line(format!("    {} {}", page.paint(style, sign), shown(value)));
                }
            }
        }
        page.blank();
        page.line(format!("{}.", count(self.changes.len(), "difference")));
        if self.applying {
            page.next(&[("apply them", "nself hasura metadata apply")]);
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if let (Some(from), Some(to)) = (&args.folder, &args.other) {
        let (from, to) = (metadata::folder::read(from)?, metadata::folder::read(to)?);
        return Ok(Box::new(Changes { changes: between(&from, &to), applying: false }));
    }
    let engine = Engine::new(cx, &args.which)?;
    let wanted = metadata::folder::read(&folder(&cx.project()?, args.folder))?;
    let current = engine.metadata_2("export_metadata", &json!({}))?;
    Ok(Box::new(Changes { changes: between(&current["metadata"], &wanted), applying: true }))
}

/// Both as this version of nself understands them, so that a default that one side writes out is no difference. What it
/// does not understand is compared as it stands.
pub(super) fn between(old: &Value, new: &Value) -> Vec<Change> {
    let typed = |value: &Value| {
        let read: Option<metadata::Metadata> = serde_json::from_value(value.clone()).ok();
        read.and_then(|read| serde_json::to_value(read).ok())
    };
    match (typed(old), typed(new)) {
        (Some(old), Some(new)) => changes(&old, &new),
        _ => changes(old, new),
    }
}
