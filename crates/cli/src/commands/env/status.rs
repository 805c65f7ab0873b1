use project::cascade::Chooser;
use project::environments::{self, Status};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Print the active environment, what chose it and which files make it up
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env status\n  nself env status --json")]
pub struct Args {}

/// Print the same of any environment
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env info prod\n  nself env info qa --json")]
pub struct Info {
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct StatusReport(Status);

impl View for StatusReport {
    fn text(&self, page: &mut Page) {
        let Status { summary, chosen_by, files, server, errors, warnings } = &self.0;
        let by = match chosen_by {
            Chooser::Argument => "its name on the command line",
            Chooser::TargetEnv => "TARGET_ENV in this shell",
            Chooser::NselfEnv => "NSELF_ENV in this shell",
            Chooser::Switch => "nself env switch",
            Chooser::File => "ENV= in .env",
            Chooser::Process => "ENV in this shell",
            Chooser::Default => "default",
        };
        let active = if summary.active { " (active)" } else { "" };
        page.line(format!("{}{active}", page.paint(Style::Bold, summary.name.as_str())));
        let mut rows = vec![("tier", summary.tier.to_string()), ("chosen by", by.to_owned())];
        if let Some(server) = server.as_ref().filter(|server| !server.host.is_empty()) {
            let user = if server.user.is_empty() { String::new() } else { format!("{}@", server.user) };
            rows.push(("server", format!("{user}{}:{} {}", server.host, server.port, server.deploy_path)));
        }
        rows.extend(summary.description.clone().map(|text| ("about", text)));
        rows.push(("problems", format!("{errors} wrong, {warnings} doubtful")));
        page.pairs(&rows);
        page.heading("Files, later ones win");
        let files: Vec<(String, String)> = files
            .iter()
            .map(|file| {
                let state = if file.exists { format!("{} variables", file.variables) } else { "not there".to_owned() };
                (file.file.display().to_string(), state)
            })
            .collect();
        page.pairs(&files);
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    Ok(Box::new(StatusReport(environments::status(&cx.project()?, cx.env.as_deref())?)))
}

pub fn info(cx: &Context, args: Info) -> Outcome {
    let name = args.name.as_deref().or(cx.env.as_deref());
    Ok(Box::new(StatusReport(environments::status(&cx.project()?, name)?)))
}
