use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Open the web console: live services, addresses and logs
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true, after_help = "Examples:\n  nself console open\n  nself console open --print")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Open(OpenArgs),
}

/// Sign a browser on this machine in with a link that works once, within five minutes
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself console open\n  nself console open --print\n  nself console open --print --json"
)]
pub struct OpenArgs {
    /// Print the link instead of opening a browser
    #[arg(long)]
    print: bool,
}

#[derive(Debug, Serialize)]
struct OpenReport {
    opened: bool,
    /// The sign-in link, unless a browser has it.
    link: Option<String>,
}

impl View for OpenReport {
    fn text(&self, page: &mut Page) {
        match &self.link {
            Some(link) => page.line(page.paint(Style::Link, link)),
            None => {
                page.line("The console opens in your browser.");
                page.styled(Style::Dim, "If nothing came up: nself console open --print");
            }
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.verb {
        Verb::Open(args) => open(cx, &args),
    }
}

pub fn open(cx: &Context, args: &OpenArgs) -> Outcome {
    let project = cx.project()?;
    let link = runtimes::embedded::console_link(&project)?;
    if !args.print
        && let Some(opener) = opener()
    {
        let page = project.run_dir().join("console.html");
        console::write_redirect(&page, &link)?;
        if show(opener, &page) {
            return Ok(Box::new(OpenReport { opened: true, link: None }));
        }
    }
    if !args.print {
        cx.terminal.warn("no browser can be opened here; open this link yourself within five minutes");
    }
    Ok(Box::new(OpenReport { opened: false, link: Some(link) }))
}

/// The program that hands a file to the person's browser, where there is a screen to show it on.
fn opener() -> Option<&'static str> {
    let screen = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "macos") {
        Some("open")
    } else if screen("DISPLAY") || screen("WAYLAND_DISPLAY") {
        Some("xdg-open")
    } else {
        None
    }
}

/// False when the opener is missing or fails at once. One that still runs after two seconds has become the browser.
fn show(opener: &str, page: &Path) -> bool {
    let quiet = Stdio::null;
    let started = Command::new(opener).arg(page).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    let Ok(mut opener) = started else { return false };
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        match opener.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Ok(Some(status)) => return status.success(),
            Err(_) => return false,
        }
    }
    true
}
