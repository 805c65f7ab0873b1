use std::path::PathBuf;

use gateway::Error;
use gateway::trust::State;
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Outcome};

/// Make this machine trust nself's local certificates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself trust install\n  nself trust install --json\n  nself trust status\n\n\
                  The authority signs only for names that never belong to anybody on the internet:\n\
                  localhost, *.localhost, *.local.nself.org, *.test, *.local, *.internal, *.home.arpa\n\
                  and private addresses.")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct InstallReport {
    certificate: PathBuf,
    changed: bool,
    browser_commands: Vec<String>,
}

impl View for InstallReport {
    fn text(&self, page: &mut Page) {
        if self.changed {
            page.line("This machine trusts nself's local certificates now.");
        } else {
            page.line("This machine trusts nself's local certificates already.");
        }
        page.pairs(&[("certificate", self.certificate.display().to_string())]);
        if !self.browser_commands.is_empty() {
            page.heading("Browsers with a store of their own");
            for command in &self.browser_commands {
                page.line(format!("  {command}"));
            }
        }
    }
}

pub fn run(_cx: &Context, _args: Args) -> Outcome {
    let authority = super::authority()?;
    let certificate = authority.root_path();
    let store = super::store().ok_or_else(|| Error::UnknownStore { certificate: certificate.clone() })?;
    let changed = store.state(Some(&authority)) != State::Trusted;
    if changed {
        store.install(&authority)?;
    }
    let browser_commands = super::browser_commands(&certificate);
    Ok(Box::new(InstallReport { certificate, changed, browser_commands }))
}
