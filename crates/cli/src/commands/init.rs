use std::path::PathBuf;

use project::init::{Action, Options, Report, Written, default_name, init};
use serde::Serialize;
use terminal::{Answer, Failure, Page, Style, View};

use crate::{Context, Error, Outcome};

/// Make this folder a project, or complete one
///
/// Files that are there stay as they are; --force writes them anew and keeps copies in .env-backups/.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself init\n  nself init --demo\n  nself init shop --full")]
pub struct Args {
    /// The project's folder; made when it is missing
    #[arg(value_name = "FOLDER", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// A small shop with migrations, seeds and settings
    #[arg(long)]
    demo: bool,
    /// Files for staging and prod as well, and a first schema.dbml
    #[arg(long)]
    full: bool,
    /// Ask for the settings that matter
    #[arg(long, conflicts_with = "quiet")]
    wizard: bool,
    /// Say nothing when all is well
    #[arg(short, long)]
    quiet: bool,
    /// Write existing files anew
    #[arg(long)]
    force: bool,
    /// Turn the admin page on
    #[arg(long)]
    admin: bool,
}

#[derive(Debug, Serialize)]
struct InitReport {
    #[serde(flatten)]
    report: Report,
    #[serde(skip)]
    quiet: bool,
    #[serde(skip)]
    demo: bool,
    /// How to get there from here.
    #[serde(skip)]
    enter: Option<String>,
}

impl View for InitReport {
    fn text(&self, page: &mut Page) {
        if self.quiet {
            return;
        }
        let Report { project, files, backup, secrets, root } = &self.report;
        let changed = files.iter().any(|file| file.action != Action::Kept);
        let title = if changed { "is ready in" } else { "was complete already in" };
        page.line(format!("{} {title} {}", page.paint(Style::Bold, project), root.display()));
        for Written { path, action } in files.iter().filter(|file| file.action != Action::Kept) {
            let word = match action {
                Action::Created => "created ",
                Action::Kept => "kept    ",
                Action::Extended => "extended",
                Action::Replaced => "replaced",
            };
            page.line(format!("  {} {}", page.paint(Style::Dim, word), path.display()));
        }
        if let Some(backup) = backup {
            page.line(format!("  Copies of the replaced files are in {}", backup.display()));
        }
        if !secrets.is_empty() {
            page.line(format!("  Made {} strong secrets in .env: {}", secrets.len(), secrets.join(", ")));
        }
        let mut next: Vec<(&str, &str)> = Vec::new();
        next.extend(self.enter.as_deref().map(|enter| (enter, "go there")));
        next.push(("nself start", "start PostgreSQL, GraphQL and the front door"));
        if self.demo {
            next.push(("nself db migrate && nself seed", "make the shop's tables and fill them"));
        }
        next.push(("nself urls", "see what answers where"));
        page.next(&next);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let mut settings = if args.wizard { ask(cx, &args)? } else { Vec::new() };
    if args.admin {
        settings.push(("NSELF_ADMIN_ENABLED".to_owned(), "true".to_owned()));
    }
    let options = Options { full: args.full, demo: args.demo, force: args.force, settings };
    let report = init(&args.folder, &options)?;
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize()).ok();
    let enter = (here.as_ref() != Some(&report.root)).then(|| format!("cd {}", quoted(&args.folder)));
    Ok(Box::new(InitReport { report, quiet: args.quiet, demo: args.demo, enter }))
}

/// Questions of the wizard: the setting, the question, and the answer that Enter gives.
fn ask(cx: &Context, args: &Args) -> Result<Vec<(String, String)>, Failure> {
    if !cx.terminal.interactive() {
        return Err(project::Error::NoTerminal.into());
    }
    let folder = std::path::absolute(&args.folder).map_err(|source| Error::CurrentFolder { source })?;
    let name = if args.demo { "demo-app".to_owned() } else { default_name(&folder) };
    let questions = [
        ("PROJECT_NAME", "Name of the project", name.as_str()),
        ("BASE_DOMAIN", "Domain in development", "localhost"),
        ("ADMIN_EMAIL", "Your e-mail address (may stay empty)", ""),
        ("POSTGRES_DB", "Name of the database", "nhost"),
        ("POSTGRES_PORT", "Port of PostgreSQL", "5432"),
        ("STORAGE_ENABLED", "File storage? true or false", "false"),
        ("REDIS_ENABLED", "Redis? true or false", "false"),
        ("FUNCTIONS_ENABLED", "Functions? true or false", "false"),
        ("SEARCH_ENABLED", "Search? true or false", "false"),
        ("MONITORING_ENABLED", "Monitoring? true or false", "false"),
        ("CS_1", "A service of your own as name:template:port:route (may stay empty)", ""),
        ("FRONTEND_APP_1_NAME", "Name of a frontend (may stay empty)", ""),
    ];
    let mut answers = Vec::new();
    for (name, question, usual) in questions {
        if let Some(answer) = answer(cx, name, question, usual).filter(|answer| !answer.is_empty()) {
            answers.push((name.to_owned(), answer));
        }
    }
    Ok(answers)
}

/// Asks until the answer is one the setting takes. Nobody there any more means the usual answer.
fn answer(cx: &Context, name: &str, question: &str, usual: &str) -> Option<String> {
    let shown = if usual.is_empty() { String::new() } else { format!(" [{usual}]") };
    loop {
        let text = match cx.terminal.ask(&format!("{question}{shown}:")) {
            Answer::Text(text) if text.is_empty() => usual.to_owned(),
            Answer::Text(text) => text,
            Answer::Nobody => usual.to_owned(),
        };
        if text.is_empty() {
            return None;
        }
        match project::catalogue::find(name)?.kind.check(&text) {
            Ok(()) => return Some(text),
            Err(reason) => cx.terminal.warn(&format!("{name} {reason}")),
        }
    }
}

/// A path as a shell reads it back.
fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%=:,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
