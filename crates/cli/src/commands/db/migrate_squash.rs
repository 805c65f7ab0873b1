use database::migrate::{self, Range, SQUASHED, Squashed};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{count, shown, sources};
use crate::{Context, Outcome};

/// Make one migration of several
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:squash first_release\n  nself db migrate:squash --from 003 --to 009 search\n  nself db migrate:squash --dry-run\n\nThe new file says what it replaces: databases that have all of it take it as applied, new ones run it. The old files\nmove to .nself/backups/migrations."
)]
pub struct Args {
    /// The new migration's name
    #[arg(default_value = SQUASHED)]
    name: String,
    /// The first to take [default: the first there is]
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,
    /// The last to take [default: the last there is]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Print the new file instead of writing it
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct SquashReport {
    #[serde(flatten)]
    squashed: Squashed,
    /// The new file, when it was only to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl View for SquashReport {
    fn text(&self, page: &mut Page) {
        if let Some(text) = &self.text {
            page.line(text);
            return;
        }
        let Squashed { file, replaced, has_down, moved_to, .. } = &self.squashed;
        page.styled(Style::Good, format!("{} holds {} now.", file.display(), count(replaced.len(), "migration")));
        page.line(format!("The old files are in {}.", moved_to.display()));
        if !has_down {
            page.line("It cannot be rolled back: not every one of them could.");
        }
        page.next(&[("tell this database", "nself db migrate")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let range = Range { from: args.from, to: args.to };
    let now = jiff::Timestamp::now();
    if args.dry_run {
        let (squashed, text) = migrate::plan_squash(&sources, &range, &args.name, now)?;
        return Ok(Box::new(SquashReport { squashed, text: Some(text) }));
    }
    let attic = cx.project()?.state_dir().join("backups/migrations");
    let mut squashed = migrate::squash(&sources, &range, &args.name, &attic, now)?;
    squashed.file = shown(cx, squashed.file);
    squashed.moved_to = shown(cx, squashed.moved_to);
    Ok(Box::new(SquashReport { squashed, text: None }))
}
