use operations::Item;
use operations::destroy::{self, Scope};
use project::guard::{self, Allowed, Destructive};
use project::{Inspection, Lock, Project, Tier};
use runtimes::embedded;
use serde::Serialize;
use terminal::{Answer, Failure, Page, Style, View};

use crate::{Context, Outcome};

/// Remove what nself made here, data included, without an archive (see reset); your own files stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself destroy --dry-run\n  nself destroy --yes\n  nself destroy --keep-volumes")]
pub struct Args {
    /// Show what would go
    #[arg(long)]
    dry_run: bool,
    /// Keep the data
    #[arg(long, conflicts_with = "volumes_only")]
    keep_volumes: bool,
    /// Only the data
    #[arg(long)]
    volumes_only: bool,
    /// Only what is made again by build and start
    #[arg(long, conflicts_with = "volumes_only")]
    generated_only: bool,
    #[command(flatten)]
    consent: Consent,
    /// About Docker alone; accepted for scripts of the Bash tool
    #[arg(long, hide = true)]
    containers_only: bool,
    #[arg(long, hide = true)]
    networks_only: bool,
    #[arg(long, hide = true)]
    verbose: bool,
}

/// The flags by which a person agrees to losing something.
#[derive(Debug, Default, clap::Args)]
pub struct Consent {
    /// Answer yes to the question
    #[arg(short, long)]
    pub yes: bool,
    /// The same as --yes
    #[arg(short, long, hide = true)]
    pub force: bool,
    /// The project's name, which staging and production ask for
    #[arg(long, value_name = "PROJECT")]
    pub confirm: Option<String>,
    /// Needed in production, with --confirm
    #[arg(long)]
    pub i_know_this_is_production: bool,
}

impl Consent {
    /// Asks what must be asked in this tier and lets the safety guard decide.
    pub fn obtain(&self, cx: &Context, place: &Place, question: &str) -> Result<Allowed<Destructive>, Failure> {
        let mut consent = guard::Consent { typed: self.confirm.clone(), production: self.i_know_this_is_production };
        match guard::question(place.tier, &place.name, &consent) {
            Some(question) => {
                if let Answer::Text(text) = cx.terminal.ask(&question) {
                    consent.typed = Some(text);
                }
            }
            None if place.tier == Tier::Dev && !self.yes && !self.force => {
                let yes =
                    matches!(cx.terminal.ask(&format!("{question} [y/N]")), Answer::Text(text) if said_yes(&text));
                if !yes {
                    return Err(operations::Error::Unconfirmed { what: "this".to_owned() }.into());
                }
            }
            None => {}
        }
        Ok(guard::destructive(place.tier, &place.name, &consent)?)
    }
}

pub fn said_yes(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// A project with what destroying commands must know of it, even when its settings are not all right.
#[derive(Debug)]
pub struct Place {
    pub project: Project,
    pub name: String,
    pub tier: Tier,
    pub environment: String,
}

impl Place {
    pub fn of(cx: &Context, project: Project) -> Result<Self, Failure> {
        let Inspection { settings, .. } = project.inspect(cx.env.as_deref())?;
        let folder = || project.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self {
            // The default name is every project's; after a reset the folder tells more.
            name: settings
                .text("PROJECT_NAME")
                .filter(|_| settings.is_set("PROJECT_NAME"))
                .map_or_else(folder, str::to_owned),
            tier: settings.tier(),
            environment: settings.environment().to_string(),
            project,
        })
    }

    /// Stops the stack and keeps it from starting while the lock lives.
    pub fn stop(&self, cx: &Context) -> Result<Lock, Failure> {
        if embedded::is_running(&self.project) {
            cx.terminal.progress("Stopping the stack.");
            embedded::stop(&self.project, super::stop::limit(cx, None))?;
        }
        Ok(self.project.lock("server")?)
    }
}

#[derive(Debug, Serialize)]
pub struct DestroyReport {
    dry_run: bool,
    removed: Vec<Item>,
}

impl View for DestroyReport {
    fn text(&self, page: &mut Page) {
        match (self.removed.is_empty(), self.dry_run) {
            (true, _) => page.line("There is nothing to remove."),
            (false, true) => page.line("This would go, and cannot be brought back:"),
            (false, false) => page.line("Removed:"),
        }
        items(page, &self.removed);
        if !self.dry_run && !self.removed.is_empty() {
            page.line("Your configuration, migrations and seeds are as they were.");
        }
    }
}

/// Files with their sizes, one a line.
pub fn items(page: &mut Page, items: &[Item]) {
    for item in items {
        let note = page.paint(Style::Dim, &format!("{}, {}", item.what, size(item.bytes)));
        page.line(format!("  {}  {note}", item.path.display()));
    }
}

/// A size for people: `512 B`, `4.2 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if args.containers_only || args.networks_only {
        cx.terminal.warn("there are no containers or networks here, so nothing was done");
        return Ok(Box::new(DestroyReport { dry_run: args.dry_run, removed: Vec::new() }));
    }
    let scope = match (args.volumes_only, args.keep_volumes || args.generated_only) {
        (true, _) => Scope::Data,
        (_, true) => Scope::Generated,
        _ => Scope::Everything,
    };
    let report = destroy(cx, scope, args.dry_run, &args.consent)?;
    Ok(Box::new(report))
}

/// Removes the data of a stopped stack after asking: `nself stop --volumes`.
pub fn volumes(cx: &Context, yes: bool) -> Result<DestroyReport, Failure> {
    destroy(cx, Scope::Data, false, &Consent { yes, ..Consent::default() })
}

fn destroy(cx: &Context, scope: Scope, dry_run: bool, consent: &Consent) -> Result<DestroyReport, Failure> {
    let place = Place::of(cx, cx.project()?)?;
    let plan = destroy::plan(&place.project, &place.name, scope);
    if dry_run || plan.is_empty() {
        return Ok(DestroyReport { dry_run, removed: plan.removes });
    }
    let bytes = plan.removes.iter().map(|item| item.bytes).sum();
    let question = match scope {
        Scope::Generated => format!("Remove {} of generated files of {}?", size(bytes), place.name),
        _ => format!("Destroy {} of {}, the database included, for good?", size(bytes), place.name),
    };
    let allowed = consent.obtain(cx, &place, &question)?;
    let stopped = place.stop(cx)?;
    let removed = destroy::plan(&place.project, &place.name, scope).apply(&stopped, allowed)?;
    Ok(DestroyReport { dry_run, removed })
}
