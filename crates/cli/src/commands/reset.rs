use jiff::Zoned;
use operations::Item;
use operations::archive::Archive;
use operations::reset::{self, Options};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::destroy::{Consent, Place, items, size};
use crate::{Context, Outcome};

/// Archive the project's configuration and data, then start over empty
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself reset\n  nself reset --keep-env --yes\n  nself reset --dry-run\n\nnself restore brings it back."
)]
pub struct Args {
    /// Show what would happen
    #[arg(long)]
    dry_run: bool,
    /// Make no archive: what goes is gone
    #[arg(long)]
    no_backup: bool,
    /// Keep .env and its kin
    #[arg(long)]
    keep_env: bool,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct ResetReport {
    dry_run: bool,
    archive: Option<Archive>,
    removed: Vec<Item>,
}

impl View for ResetReport {
    fn text(&self, page: &mut Page) {
        if self.removed.is_empty() {
            page.line("There is nothing to reset.");
            return;
        }
        page.line(if self.dry_run {
            "This would go, archived first unless --no-backup says otherwise:"
        } else {
            "Removed:"
        });
        items(page, &self.removed);
        if let Some(archive) = &self.archive {
            page.styled(Style::Good, format!("Archived in {} ({}).", archive.path.display(), size(archive.bytes)));
            page.next(&[("nself restore", "brings it all back"), ("nself init", "starts over")]);
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let place = Place::of(cx, cx.project()?)?;
    let options = Options { no_archive: args.no_backup, keep_environment: args.keep_env };
    let plan = || reset::plan(&place.project, &place.name, &place.environment, options);
    let first = plan();
    if args.dry_run || first.is_empty() {
        return Ok(Box::new(ResetReport { dry_run: args.dry_run, archive: None, removed: first.removes }));
    }
    let bytes = size(first.removes.iter().map(|item| item.bytes).sum());
    let question = match args.no_backup {
        false => format!("Archive {} ({bytes}) and start over?", place.name),
        true => format!("Remove {bytes} of {}, the database included, without an archive?", place.name),
    };
    let allowed = args.consent.obtain(cx, &place, &question)?;
    let stopped = place.stop(cx)?;
    if !args.no_backup {
        cx.terminal.progress("Writing the archive.");
    }
    // Stopping has changed files, so the plan is made anew.
    let done = plan().apply(&stopped, allowed, &Zoned::now())?;
    Ok(Box::new(ResetReport { dry_run: false, archive: done.archive, removed: done.removed }))
}
