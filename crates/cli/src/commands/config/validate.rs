use project::Diagnostic;
use project::{EnvName, Exit, Problem, Severity, cascade, environments};
use serde::Serialize;
use stack::Plan;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Check values, secrets and leaks of an environment
///
/// Exit code 2 when something is wrong; with --strict also when something is doubtful.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config validate\n  nself config validate --env prod --strict\n  nself config validate --json"
)]
pub struct Args {
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
    // Of the Bash tool: what they asked for is always done.
    #[arg(long, hide = true)]
    security: bool,
    #[arg(long, hide = true)]
    deploy: bool,
}

#[derive(Debug, Serialize)]
struct ValidateReport {
    environment: EnvName,
    errors: usize,
    warnings: usize,
    problems: Vec<Problem>,
    #[serde(skip)]
    strict: bool,
}

impl View for ValidateReport {
    fn text(&self, page: &mut Page) {
        for problem in &self.problems {
            let mark = match problem.severity {
                Severity::Error => page.paint(Style::Bad, "error  "),
                Severity::Warning => page.paint(Style::Warning, "warning"),
            };
            page.line(format!("{mark} {problem}"));
        }
        match (self.errors, self.warnings) {
            (0, 0) => page.styled(Style::Good, format!("{} is in order.", self.environment)),
            (errors, warnings) => page.line(format!("{}: {errors} wrong, {warnings} doubtful.", self.environment)),
        }
    }

    fn exit(&self) -> Exit {
        if self.errors > 0 || (self.strict && self.warnings > 0) { Exit::Usage } else { Exit::Ok }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    report(cx, None, args.strict)
}

/// The check of one environment: the one named, that of `--env`, or the active one.
pub fn report(cx: &Context, name: Option<&str>, strict: bool) -> Outcome {
    let project = cx.project()?;
    let name = name.or(cx.env.as_deref());
    let environment = cascade::active(&project, name)?.name;
    let mut problems = environments::validate(&project, name)?;
    let wrong = problems.iter().any(Problem::is_error);
    // Settings that are right one by one may contradict each other.
    if !wrong && let Err(contradiction) = Plan::new(&project.inspect(name)?.settings) {
        problems.insert(0, found(&contradiction));
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = problems.len() - errors;
    Ok(Box::new(ValidateReport { environment, errors, warnings, problems, strict }))
}

fn found(contradiction: &stack::Error) -> Problem {
    let fix = contradiction.fix().map(|fix| format!(" ({fix})")).unwrap_or_default();
    Problem {
        severity: Severity::Error,
        name: None,
        file: None,
        line: None,
        message: format!("{contradiction}{fix}"),
        suggestion: None,
    }
}
