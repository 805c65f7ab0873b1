use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};
use terminal::{Page, Style, View};

use super::diff::{Changes, between};
use super::inconsistency::Inconsistencies;
use crate::commands::hasura::engine::{Engine, Which};
use crate::commands::hasura::{BACK, folder};
use crate::{Context, Outcome};

/// Make the engine's metadata what the folder says
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata apply\n  nself hasura metadata apply --dry-run\n  nself hasura metadata apply ../shop/metadata --disallow-inconsistent\n\nThe folder may be of config version 2 or 3, or a file that export_metadata gave. What names tables, columns or\nvariables that are not there is kept, left out of the API, and listed; the exit code is 5 then."
)]
pub struct Args {
    /// The metadata folder; hasura/metadata of the project unless named
    folder: Option<PathBuf>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Change nothing when anything in it is inconsistent
    #[arg(long)]
    disallow_inconsistent: bool,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Serialize)]
struct ApplyReport {
    applied: bool,
    #[serde(flatten)]
    inconsistencies: Inconsistencies,
    /// As the engine gives them: `{message, type, name, code}`. Told beside the report.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Value>,
}

impl View for ApplyReport {
    fn text(&self, page: &mut Page) {
        page.styled(Style::Good, "The metadata is applied.");
        if !self.inconsistencies.is_consistent {
            page.blank();
            self.inconsistencies.text(page);
        }
    }

    fn exit(&self) -> project::Exit {
        self.inconsistencies.exit()
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let engine = Engine::new(cx, &args.which)?;
    let folder = folder(&cx.project()?, args.folder);
    let metadata = metadata::folder::read(&folder)?;
    if args.dry_run {
        let current = engine.metadata_2("export_metadata", &json!({}))?;
        return Ok(Box::new(Changes { changes: between(&current["metadata"], &metadata), applying: true }));
    }
    let arguments = json!({"allow_inconsistent_metadata": !args.disallow_inconsistent, "metadata": metadata});
    let answer = engine.metadata_2("replace_metadata", &arguments)?;
    cx.terminal.progress(&format!("{} → {}", folder.display(), engine.url()));
    let warnings: Vec<Value> = answer["warnings"].as_array().cloned().unwrap_or_default();
    for warning in &warnings {
        let hint = if warning["code"] == "automatic-tracking-ended" { format!("\n{BACK}") } else { String::new() };
        cx.terminal.warn(&format!("{}{hint}", warning["message"].as_str().unwrap_or_default()));
    }
    Ok(Box::new(ApplyReport { applied: true, inconsistencies: of(&answer), warnings }))
}

/// What `replace_metadata` and `reload_metadata` answer.
pub(super) fn of(answer: &Value) -> Inconsistencies {
    let objects = answer["inconsistent_objects"].as_array().cloned().unwrap_or_default();
    Inconsistencies { is_consistent: answer["is_consistent"].as_bool().unwrap_or(objects.is_empty()), objects }
}
