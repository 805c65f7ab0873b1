use gateway::{Authority, Certificates};
use operations::doctor::{self, Certificate, Check, Machine, Status, Subject};
use project::{Exit, Inspection, Problem, Project};
use runtimes::embedded;
use serde::Serialize;
use stack::{Plan, Tls};
use terminal::{Answer, Failure, Page, Style, View};

use super::destroy::said_yes;
use crate::{Context, Outcome};

/// Find what is wrong with this machine or project, and mend it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself doctor\n  nself doctor --fix\n  nself doctor --fix --yes\n  nself doctor --json"
)]
pub struct Args {
    /// Run the commands that mend it, asking before each
    #[arg(long)]
    fix: bool,
    /// With --fix: do not ask
    #[arg(short, long)]
    yes: bool,
    /// Accepted for scripts of the Bash tool
    #[arg(short, long, hide = true)]
    verbose: bool,
}

#[derive(Debug, Serialize)]
struct DoctorReport {
    #[serde(flatten)]
    report: doctor::Report,
    /// Commands that --fix has run.
    fixed: Vec<String>,
    #[serde(skip)]
    asked_to_fix: bool,
}

impl View for DoctorReport {
    fn text(&self, page: &mut Page) {
        for command in &self.fixed {
            page.styled(Style::Good, format!("Done: {command}"));
        }
        let width = self.report.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        for check in &self.report.checks {
            let (mark, style) = match check.status {
                Status::Ok => ("ok  ", Style::Good),
                Status::Warn => ("warn", Style::Warning),
                Status::Fail => ("FAIL", Style::Bad),
            };
            let mark = page.paint(style, mark);
            page.line(format!("{mark}  {:width$}  {}", check.name, check.found));
            if let Some(fix) = &check.fix {
                let fix = page.paint(Style::Link, &fix.command);
                page.line(format!("      {:width$}  fix: {fix}", ""));
            }
        }
        page.blank();
        page.line(match self.report.status {
            Status::Ok => "All is well.",
            Status::Warn => "It works; the warnings are worth a look.",
            Status::Fail => "Something must be mended before this works.",
        });
        let mendable = |check: &Check| check.fix.as_ref().is_some_and(|fix| fix.action.is_some());
        if !self.asked_to_fix && self.report.checks.iter().any(mendable) {
            page.next(&[("nself doctor --fix", "runs the fixes it can, asking before each")]);
        }
    }

    fn exit(&self) -> Exit {
        if self.report.status == Status::Fail { Exit::Unhealthy } else { Exit::Ok }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let mut report = examine(cx)?;
    let mut fixed = Vec::new();
    if args.fix {
        fixed = mend(cx, &report, args.yes)?;
        if !fixed.is_empty() {
            report = examine(cx)?;
        }
    }
    Ok(Box::new(DoctorReport { report, fixed, asked_to_fix: args.fix }))
}

fn examine(cx: &Context) -> Result<doctor::Report, Failure> {
    let now = jiff::Timestamp::now();
    let Ok(project) = cx.project() else {
        let here = std::env::current_dir().unwrap_or_default();
        return Ok(doctor::examine(&Machine::detect(&here), None, now));
    };
    let inspection = project.inspect(cx.env.as_deref())?;
    let plan = plan(&inspection);
    let subject = Subject {
        project: &project,
        inspection: &inspection,
        plan: plan.as_ref(),
        running: embedded::is_running(&project),
        certificate: plan.as_ref().map_or(Certificate::Off, |plan| certificate(&project, plan)),
    };
    Ok(doctor::examine(&Machine::detect(project.root()), Some(&subject), now))
}

fn plan(inspection: &Inspection) -> Option<Plan> {
    let usable = !inspection.problems.iter().any(Problem::is_error);
    usable.then(|| Plan::new(&inspection.settings).ok()).flatten()
}

fn certificate(project: &Project, plan: &Plan) -> Certificate {
    if plan.gateway.https_port.is_none() {
        return Certificate::Off;
    }
    let (found, local) = match &plan.gateway.tls {
        Tls::Off => return Certificate::Off,
        Tls::Custom { certificate, key } => {
            (Certificates::files(&project.root().join(certificate), &project.root().join(key)), false)
        }
        Tls::Local => {
            let bundle = project.certs_dir().join("gateway.pem");
            if !bundle.exists() {
                return Certificate::NotYet;
            }
            (Certificates::files(&bundle, &bundle), true)
        }
    };
    match found.map(|certificates| certificates.facts()) {
        Ok(Some(facts)) => Certificate::Valid { until: facts.not_after, local, trusted: local.then(trusted).flatten() },
        Ok(None) => Certificate::Broken { reason: "the certificate cannot be read".to_owned() },
        Err(error) => Certificate::Broken { reason: error.to_string() },
    }
}

/// Whether programs of this system trust the local authority; `None` where that cannot be told.
fn trusted() -> Option<bool> {
    let store = gateway::trust::Store::detect(std::path::Path::new("/"))?;
    let authority = Authority::load(&Authority::default_directory()?).ok()?;
    Some(store.state(authority.as_ref()) == gateway::trust::State::Trusted)
}

/// Runs what can be run, asking before each; gives the commands that were run.
fn mend(cx: &Context, report: &doctor::Report, yes: bool) -> Result<Vec<String>, Failure> {
    let root =
        cx.project().map_or_else(|_| std::env::current_dir().unwrap_or_default(), |project| project.root().to_owned());
    let mut done = Vec::new();
    for fix in report.checks.iter().filter_map(|check| check.fix.as_ref()) {
        let Some(action) = &fix.action else { continue };
        if done.contains(&fix.command) {
            continue;
        }
        let agreed = yes
            || matches!(cx.terminal.ask(&format!("Run `{}`? [y/N]", fix.command)), Answer::Text(text) if said_yes(&text));
        if agreed {
            cx.terminal.progress(&format!("Running {}", fix.command));
            doctor::mend(&root, action)?;
            done.push(fix.command.clone());
        } else if !cx.terminal.interactive() {
            cx.terminal.warn(&format!("not run, because nobody can be asked (--yes runs it): {}", fix.command));
        }
    }
    Ok(done)
}
