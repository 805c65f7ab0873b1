use std::time::Instant;

use project::secrets::{State, Status};
use project::{Project, Settings, Tier};
use runtimes::build::{Action, File, Pending};
use serde::Serialize;
use stack::{Deferred, Plan};
use terminal::{Failure, Page, Style, View};

use crate::{Context, Outcome};

/// Write what the runtime needs, from the settings
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself build\n  nself build --dry-run\n  nself build --env prod --security-report")]
pub struct Args {
    /// Show what would change, as a diff, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write every file again, changed or not
    #[arg(short, long, alias = "no-cache")]
    force: bool,
    /// Also name the files that did not change
    #[arg(short, long, alias = "debug")]
    verbose: bool,
    /// Also say how strong each secret is, and where secrets can be read by others
    #[arg(long)]
    security_report: bool,
    /// Build staging or prod with missing or weak secrets; starting it is still refused
    #[arg(long)]
    allow_insecure: bool,
}

#[derive(Debug, Serialize)]
struct BuildReport {
    project: String,
    environment: String,
    services: usize,
    routes: usize,
    dry_run: bool,
    files: Vec<File>,
    /// With `--dry-run`.
    diff: Option<String>,
    deferred: Vec<Deferred>,
    security: Option<Security>,
    milliseconds: u128,
    #[serde(skip)]
    verbose: bool,
}

#[derive(Debug, Serialize)]
struct Security {
    secrets: Vec<Status>,
    leaks: Vec<String>,
}

impl View for BuildReport {
    fn text(&self, page: &mut Page) {
        page.line(format!(
            "{} {}: {}, {}",
            page.paint(Style::Bold, &self.project),
            page.paint(Style::Dim, &format!("({})", self.environment)),
            count(self.services, "service"),
            count(self.routes, "route"),
        ));
        if let Some(diff) = self.diff.as_deref().filter(|diff| !diff.is_empty()) {
            show_diff(page, diff);
        }
        self.show_files(page);
        for deferred in &self.deferred {
            page.styled(Style::Warning, format!("{}: {} ({})", deferred.name, deferred.reason, deferred.setting));
            page.styled(Style::Dim, format!("  {}", deferred.fix));
        }
        if let Some(security) = &self.security {
            security.show(page);
        }
        if self.dry_run {
            page.next(&[("nself build", "write it")]);
        } else {
            page.next(&[
                ("nself start", "run it and wait until it answers"),
                ("nself urls", "every address of the stack"),
            ]);
        }
    }
}

impl BuildReport {
    fn show_files(&self, page: &mut Page) {
        let mut unchanged = 0;
        for file in &self.files {
            if file.action == Action::Unchanged && !self.verbose {
                unchanged += 1;
                continue;
            }
            let (word, style) = match file.action {
                Action::Created => ("created", Style::Good),
                Action::Changed => ("changed", Style::Good),
                Action::Rewritten => ("rewritten", Style::Plain),
                Action::Removed => ("removed", Style::Warning),
                Action::Unchanged => ("unchanged", Style::Dim),
            };
            page.line(format!("  {} {}", page.paint(style, &format!("{word:<9}")), file.path.display()));
        }
        if unchanged == self.files.len() {
            let took = page.paint(Style::Dim, &format!("({} ms)", self.milliseconds));
            page.line(format!("Nothing has changed {took}"));
        }
    }
}

impl Security {
    fn show(&self, page: &mut Page) {
        page.heading("Secrets");
        let rows: Vec<Vec<(String, Style)>> = self
            .secrets
            .iter()
            .map(|secret| {
                let (word, style) = match secret.state {
                    State::Strong => ("strong", Style::Good),
                    State::Given => ("given", Style::Plain),
                    State::Weak => ("weak", Style::Warning),
                    State::Missing => ("missing", Style::Bad),
                };
                let reason = secret.reason.clone().unwrap_or_default();
                vec![(secret.name.clone(), Style::Plain), (word.to_owned(), style), (reason, Style::Dim)]
            })
            .collect();
        page.table(&["name", "state", ""], &rows);
        for leak in &self.leaks {
            page.styled(Style::Warning, leak);
        }
    }
}

fn show_diff(page: &mut Page, diff: &str) {
    page.blank();
    for line in diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => Style::Good,
            Some(b'-') => Style::Bad,
            Some(b'@') => Style::Dim,
            _ => Style::Plain,
        };
        page.styled(style, line);
    }
    page.blank();
}

fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let began = Instant::now();
    let project = cx.project()?;
    let settings = cx.settings()?;
    let plan = Plan::new(&settings)?;
    // In dev `nself start` makes the secrets that are missing.
    if settings.tier() != Tier::Dev && !args.allow_insecure && !args.dry_run {
        project::secrets::check(&settings)?;
    }
    let security = args.security_report.then(|| security(&project, &settings)).transpose()?;
    let pending = Pending::new(&project, runtimes::build::artefacts(&plan))?;
    let pending = if args.force { pending.force() } else { pending };
    let diff = args.dry_run.then(|| pending.diff());
    let report = if args.dry_run { pending.report() } else { pending.apply()? };
    Ok(Box::new(BuildReport {
        project: plan.project,
        environment: plan.environment,
        services: plan.services.len(),
        routes: plan.routes.len(),
        dry_run: args.dry_run,
        files: report.files,
        diff,
        deferred: plan.deferred,
        security,
        milliseconds: began.elapsed().as_millis(),
        verbose: args.verbose || args.dry_run,
    }))
}

fn security(project: &Project, settings: &Settings) -> Result<Security, Failure> {
    let leaks = project::leaks::check(project.root())?;
    Ok(Security {
        secrets: project::secrets::list(settings),
        leaks: leaks.iter().map(|leak| leak.problem().to_string()).collect(),
    })
}
