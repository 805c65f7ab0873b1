use operations::{Item, clean};
use runtimes::embedded;
use serde::Serialize;
use terminal::{Page, View};

use super::destroy::{items, size};
use crate::{Context, Outcome};

/// Remove leftovers, rotated logs and stale run files; never data or configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself clean\n  nself clean --all\n  nself clean --dry-run")]
pub struct Args {
    /// Also the files of nself build, and all logs when the stack is stopped
    #[arg(short, long)]
    all: bool,
    /// Show what would go
    #[arg(long)]
    dry_run: bool,
    /// About Docker alone; accepted for scripts of the Bash tool
    #[arg(short, long, hide = true)]
    images: bool,
    #[arg(short, long, hide = true)]
    containers: bool,
    #[arg(short, long, hide = true)]
    volumes: bool,
    #[arg(short, long, hide = true)]
    networks: bool,
    #[arg(short, long, hide = true)]
    builders: bool,
}

#[derive(Debug, Serialize)]
struct CleanReport {
    dry_run: bool,
    removed: Vec<Item>,
}

impl View for CleanReport {
    fn text(&self, page: &mut Page) {
        if self.removed.is_empty() {
            page.line("There is nothing to clean.");
            return;
        }
        let bytes = size(self.removed.iter().map(|item| item.bytes).sum());
        page.line(if self.dry_run { format!("This would go ({bytes}):") } else { format!("Removed {bytes}:") });
        items(page, &self.removed);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if args.images || args.containers || args.volumes || args.networks || args.builders {
        cx.terminal.warn("there are no images, containers, volumes, networks or builders here to clean");
    }
    let project = cx.project()?;
    let running = embedded::is_running(&project);
    if args.dry_run {
        return Ok(Box::new(CleanReport { dry_run: true, removed: clean::plan(&project, args.all, running).removes }));
    }
    // Held until the end, so that nothing starts in the middle. One that is starting counts as running.
    let stopped = if running { None } else { project.lock("server").ok() };
    let plan = clean::plan(&project, args.all, stopped.is_none());
    let removed = plan.apply(stopped.as_ref())?;
    Ok(Box::new(CleanReport { dry_run: false, removed }))
}
