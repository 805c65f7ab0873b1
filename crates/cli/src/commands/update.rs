use operations::update::{self, Release, SETTING};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// See whether a newer release is out
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself update --check\n  NSELF_UPDATE_URL=file:///srv/nself/latest.json nself update --check\n  nself update --check --json"
)]
pub struct Args {
    /// Only look (the only thing it can do: this version does not replace itself)
    #[arg(long)]
    check: bool,
    // Of the Bash tool; there is one program to update.
    #[arg(long, hide = true)]
    cli: bool,
    #[arg(long, hide = true)]
    admin: bool,
    #[arg(long, hide = true)]
    restart: bool,
    #[arg(long, hide = true)]
    force: bool,
}

#[derive(Debug, Serialize)]
struct UpdateReport {
    version: &'static str,
    /// The release feed that was asked; none when nobody configured one.
    feed: Option<String>,
    latest: Option<Release>,
    #[serde(skip)]
    asked_to_update: bool,
}

impl View for UpdateReport {
    fn text(&self, page: &mut Page) {
        match &self.latest {
            None => {
                page.line(format!(
                    "This is nself {}. No release feed is configured, so nothing was asked.",
                    self.version
                ));
                page.line(format!("Set {SETTING} to the address of one (http:// or file://)."));
            }
            Some(release) if release.newer => {
                page.styled(Style::Warning, format!("nself {} is out; this is {}.", release.version, self.version));
                if let Some(url) = &release.url {
                    page.line(url);
                }
            }
            Some(_) => page.styled(Style::Good, format!("nself {} is the newest.", self.version)),
        }
        if self.asked_to_update {
            page.line("nself does not replace itself yet: install the new version over this one.");
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    let feed = std::env::var(SETTING).ok().filter(|url| !url.is_empty()).or_else(|| of_project(cx));
    let latest = feed.as_deref().map(|url| update::check(url, version)).transpose()?;
    Ok(Box::new(UpdateReport { version, feed, latest, asked_to_update: !args.check }))
}

/// The feed that the project's settings name, where there is a project.
fn of_project(cx: &Context) -> Option<String> {
    let inspection = cx.project().ok()?.inspect(cx.env.as_deref()).ok()?;
    inspection.settings.set_values().find(|(name, _, _)| *name == SETTING).map(|(_, value, _)| value.to_owned())
}
