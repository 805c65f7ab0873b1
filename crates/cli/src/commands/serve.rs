use std::path::PathBuf;

use project::{Project, Settings};
use stack::Plan;
use stack::control::Announcement;
use terminal::{Failure, Page, View};

use crate::{Context, Error, Outcome};

/// Run the stack's server in this process (what `nself start` starts)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself serve\n  nself serve --only postgres,hasura\n  nself serve --project /srv/shop --env prod"
)]
pub struct Args {
    /// Only these services and what they depend on
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    only: Vec<String>,
    /// The project's folder, when it is not the current one
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
    /// Tell stdout, in JSON lines, how the start goes
    #[arg(long, hide = true)]
    announce: bool,
}

#[derive(Debug, serde::Serialize)]
struct Stopped {}

impl View for Stopped {
    fn text(&self, page: &mut Page) {
        page.line("Stopped.");
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    if !args.announce {
        let project = match args.project {
            Some(folder) => Project::at(folder),
            None => cx.project()?,
        };
        let (settings, plan) = ready(cx, &project)?;
        return foreground(cx, &project, settings, plan, args.only);
    }
    let say = |announcement: &Announcement| {
        let text = serde_json::to_string(announcement).expect("an announcement is plain data");
        cx.terminal.raw(&(text + "\n"));
    };
    if let Err(failure) = announced(cx, args, say) {
        say(&Announcement::Failed {
            code: failure.code.clone(),
            message: failure.message.clone(),
            why: failure.why.clone(),
            fix: failure.fix.clone(),
            exit: failure.exit as u8,
        });
        return Err(failure);
    }
    Ok(Box::new(super::Silent))
}

fn announced(cx: &Context, args: Args, say: impl Fn(&Announcement)) -> Result<(), Failure> {
    let project = match args.project {
        Some(folder) => Project::at(folder),
        None => cx.project()?,
    };
    let (settings, plan) = ready(cx, &project)?;
    drive(server::Options { project, settings, plan, only: args.only, echo: None }, say)
}

/// What a server needs before it starts: no restore left half-way, and settings whose secrets are good enough.
fn ready(cx: &Context, project: &Project) -> Result<(Settings, Plan), Failure> {
    operations::restore::resume(project)?;
    let settings = project::secrets::ensure(project, cx.env.as_deref())?.settings;
    let plan = Plan::new(&settings)?;
    Ok((settings, plan))
}

/// Runs the stack here, its logs on the screen, until Ctrl-C.
pub fn foreground(cx: &Context, project: &Project, settings: Settings, plan: Plan, only: Vec<String>) -> Outcome {
    let (echo, lines) = std::sync::mpsc::channel();
    let printer = {
        let (terminal, env) = (cx.terminal, cx.env.clone());
        std::thread::spawn(move || {
            let cx = Context::new(terminal, env);
            for line in lines {
                super::logs::print(&cx, &line);
            }
        })
    };
    let options = server::Options { project: project.clone(), settings, plan, only, echo: Some(echo) };
    let result = drive(options, |announcement| {
        if let Announcement::Up { status } = announcement {
            cx.terminal.progress(&format!("{} is up at {}; Ctrl-C stops it", status.project, status.server.url));
        }
    });
    let _ = printer.join();
    result?;
    Ok(Box::new(Stopped {}))
}

/// Drives a server to its end on a runtime of its own.
fn drive(options: server::Options, say: impl Fn(&Announcement)) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("nself")
        .build()
        .map_err(|source| Error::Runtime { source })?;
    let (announce, mut announcements) = tokio::sync::mpsc::unbounded_channel();
    let result = runtime.block_on(async {
        let serving = tokio::spawn(server::run(options, announce));
        while let Some(announcement) = announcements.recv().await {
            say(&announcement);
        }
        serving.await
    });
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(panic) => Err(server::Error::Fault(panic.to_string()).into()),
    }
}
