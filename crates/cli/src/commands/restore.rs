use jiff::Zoned;
use operations::archive::{self, Archive};
use operations::{Item, restore};
use project::Project;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};

use super::destroy::{Consent, Place, items, size};
use crate::{Context, Outcome};

/// Bring back an archive that reset made; what is there now is archived first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself restore\n  nself restore --list\n  nself restore shop_20260504_102000\n  nself restore --dry-run"
)]
pub struct Args {
    /// An archive of _backup/, or the part of its name that tells it from others [default: the newest with data]
    archive: Option<String>,
    /// Show the archives
    #[arg(short, long)]
    list: bool,
    /// Show what would happen
    #[arg(long)]
    dry_run: bool,
    /// Accepted for scripts of the Bash tool
    #[arg(short, long, hide = true)]
    verbose: bool,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct ListReport {
    archives: Vec<Archive>,
}

impl View for ListReport {
    fn text(&self, page: &mut Page) {
        if self.archives.is_empty() {
            page.line("There are no archives. nself reset makes one.");
            return;
        }
        let plain = |text: String| (text, Style::Plain);
        let rows: Vec<Vec<(String, Style)>> = self
            .archives
            .iter()
            .map(|archive| {
                let database = match (&archive.manifest, archive.data) {
                    (Some(manifest), Some(true)) => {
                        manifest.postgres.map_or_else(|| "yes".to_owned(), |major| format!("PostgreSQL {major}"))
                    }
                    (_, Some(_)) => "no".to_owned(),
                    (_, None) => "from the Bash tool".to_owned(),
                };
                let made = archive.created.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S");
                vec![plain(archive.name.clone()), plain(made.to_string()), plain(size(archive.bytes)), plain(database)]
            })
            .collect();
        page.table(&["ARCHIVE", "MADE", "SIZE", "DATABASE"], &rows);
    }
}

#[derive(Debug, Serialize)]
struct RestoreReport {
    dry_run: bool,
    archive: String,
    restored: Vec<String>,
    replaces: Vec<Item>,
    /// The archive of what was replaced.
    saved: Option<Archive>,
}

impl View for RestoreReport {
    fn text(&self, page: &mut Page) {
        if self.dry_run {
            page.line(format!("{} would bring back: {}", self.archive, self.restored.join(", ")));
            if !self.replaces.is_empty() {
                page.line("These would be archived and replaced:");
                items(page, &self.replaces);
            }
            return;
        }
        match self.restored.as_slice() {
            [] => page.styled(Style::Good, format!("Finished the restore of {} that was cut short.", self.archive)),
            units => page.styled(Style::Good, format!("Restored from {}: {}.", self.archive, units.join(", "))),
        }
        if let Some(saved) = &self.saved {
            page.line(format!("What was there before is in {}.", saved.path.display()));
        }
        page.next(&[("nself start", "starts it")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = project(cx)?;
    if args.list {
        return Ok(Box::new(ListReport { archives: archive::list(&project) }));
    }
    let place = Place::of(cx, project)?;
    let wanted = args.archive.as_deref();
    let plan = || restore::plan(&place.project, &place.name, &place.environment, wanted);
    let first = plan()?;
    if args.dry_run {
        let archive = first.archive.name;
        let report =
            RestoreReport { dry_run: true, archive, restored: first.brings, replaces: first.replaces, saved: None };
        return Ok(Box::new(report));
    }
    let stopped = place.stop(cx)?;
    drop(stopped);
    if let Some(archive) = restore::resume(&place.project)?
        && wanted.is_none()
    {
        let report = RestoreReport { dry_run: false, archive, restored: Vec::new(), replaces: Vec::new(), saved: None };
        return Ok(Box::new(report));
    }
    let question = format!("Replace the present state of {} by {}?", place.name, first.archive.name);
    let harmless = Consent { yes: args.consent.yes || first.replaces.is_empty(), ..args.consent };
    let allowed = harmless.obtain(cx, &place, &question)?;
    let stopped = place.stop(cx)?;
    cx.terminal.progress("Unpacking the archive.");
    let plan = plan()?;
    let replaces = plan.replaces.clone();
    let done = plan.apply(&stopped, allowed, &Zoned::now())?;
    let report = RestoreReport {
        dry_run: false,
        archive: done.archive.name,
        restored: done.restored,
        replaces,
        saved: done.saved,
    };
    Ok(Box::new(report))
}

/// The project, or the current folder when only its archives are left.
fn project(cx: &Context) -> Result<Project, Failure> {
    cx.project().or_else(|failure| match std::env::current_dir() {
        Ok(folder) if folder.join("_backup").is_dir() => Ok(Project::at(folder)),
        _ => Err(failure),
    })
}
