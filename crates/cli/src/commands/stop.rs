use std::time::Duration;

use runtimes::embedded::{self, Control};
use serde::Serialize;
use stack::control::Request;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Stop the stack, or only some services; data stays
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself stop\n  nself stop api worker\n  nself stop --graceful 60")]
pub struct Args {
    /// Only these services
    services: Vec<String>,
    /// Remove the data as well, after asking (nself destroy --volumes-only)
    #[arg(short = 'v', long)]
    volumes: bool,
    /// Seconds that requests and services may take to end
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30")]
    graceful: Option<u64>,
    /// Answer yes to the question of --volumes
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    accepted: super::accepted::Stop,
    // Of the Bash tool; what there is to say is said. (-v is --volumes there, too.)
    #[arg(long, hide = true)]
    verbose: bool,
}

#[derive(Debug, Serialize)]
struct StopReport {
    stopped: bool,
    services: Vec<String>,
    /// What `--volumes` removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<super::destroy::DestroyReport>,
    milliseconds: u128,
}

impl View for StopReport {
    fn text(&self, page: &mut Page) {
        let time = page.paint(Style::Dim, &format!("({} ms)", self.milliseconds));
        match (self.stopped, self.services.as_slice()) {
            (false, _) => page.line("The stack is not running."),
            (true, []) if self.removed.is_some() => page.line(format!("Stopped. {time}")),
            (true, []) => page.line(format!("Stopped. Your data stays in .nself/data. {time}")),
            (true, services) => page.line(format!("Stopped {}. {time}", services.join(", "))),
        }
        if let Some(removed) = &self.removed {
            View::text(removed, page);
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    args.accepted.warn(&cx.terminal);
    let project = cx.project()?;
    let began = std::time::Instant::now();
    if !args.services.is_empty() {
        let mut control = Control::connect(&project)?;
        control.ask(&Request::Stop { services: args.services.clone() })?;
        return Ok(Box::new(StopReport {
            stopped: true,
            services: args.services,
            removed: None,
            milliseconds: began.elapsed().as_millis(),
        }));
    }
    let stopped = embedded::stop(&project, limit(cx, args.graceful))?;
    let milliseconds = began.elapsed().as_millis();
    let removed = args.volumes.then(|| super::destroy::volumes(cx, args.yes)).transpose()?;
    Ok(Box::new(StopReport { stopped, services: Vec::new(), removed, milliseconds }))
}

/// How long a stop may take: the flag, else `NSELF_STOP_TIMEOUT` where settings can be read, and some more for PostgreSQL.
pub fn limit(cx: &Context, graceful: Option<u64>) -> Duration {
    let setting = || {
        let project = cx.project().ok()?;
        project.settings(cx.env.as_deref()).ok()?.duration("NSELF_STOP_TIMEOUT")
    };
    graceful.map(Duration::from_secs).or_else(setting).unwrap_or(Duration::from_secs(30)) + Duration::from_secs(30)
}
