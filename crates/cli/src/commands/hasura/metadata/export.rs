use std::path::PathBuf;

use metadata::folder::Written;
use serde::Serialize;
use serde_json::json;
use terminal::{Page, Style, View};

use crate::commands::db::count;
use crate::commands::hasura::engine::{Engine, Which};
use crate::commands::hasura::folder;
use crate::{Context, Outcome};

/// Write the engine's metadata into the folder
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata export\n  nself hasura metadata export ../shop/metadata --json\n\nThe layout is that of Hasura's command line, config version 3. A file that says the same as before keeps its bytes;\nfiles of objects that are gone are removed. The folder is replaced at once."
)]
pub struct Args {
    /// The metadata folder; hasura/metadata of the project unless named
    folder: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Serialize)]
struct ExportReport {
    folder: PathBuf,
    #[serde(flatten)]
    written: Written,
}

impl View for ExportReport {
    fn text(&self, page: &mut Page) {
        let written = &self.written;
        if written.is_unchanged() {
            page.line(format!("{} says the same already.", self.folder.display()));
            return;
        }
        let lists = [
            ("+", &written.created, Style::Good),
            ("~", &written.changed, Style::Warning),
            ("-", &written.removed, Style::Bad),
        ];
        for (sign, paths, style) in lists {
            for path in paths {
                page.line(format!("{} {}", page.paint(style, sign), path.display()));
            }
        }
        let number = written.created.len() + written.changed.len() + written.removed.len();
        page.blank();
        page.line(format!("{} in {}.", count(number, "file"), self.folder.display()));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let engine = Engine::new(cx, &args.which)?;
    let folder = folder(&cx.project()?, args.folder);
    let answer = engine.metadata_2("export_metadata", &json!({}))?;
    let written = metadata::folder::write(&folder, &answer["metadata"])?;
    Ok(Box::new(ExportReport { folder, written }))
}
