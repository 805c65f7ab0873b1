use std::path::PathBuf;

use gateway::Authority;
use gateway::trust::State;
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Show whether this machine trusts nself's local certificates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself trust status\n  nself trust status --json\n  nself trust install")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct StatusReport {
    /// `null`: nself does not know this system's store.
    state: Option<State>,
    /// The root certificate; `null` until something needs it.
    certificate: Option<PathBuf>,
    browser_commands: Vec<String>,
}

impl View for StatusReport {
    fn text(&self, page: &mut Page) {
        let (style, text) = match self.state {
            Some(State::Trusted) => (Style::Good, "trusted by this machine"),
            Some(State::NotTrusted) => (Style::Warning, "not trusted by this machine"),
            Some(State::Outdated) => (Style::Warning, "this machine trusts an older authority of yours"),
            Some(State::Absent) => (Style::Dim, "there is no local authority yet"),
            None => (Style::Warning, "this system's trust store is unknown"),
        };
        let state = page.paint(style, text);
        let mut rows = vec![("local certificates", state)];
        if let Some(certificate) = &self.certificate {
            rows.push(("root certificate", certificate.display().to_string()));
        }
        page.pairs(&rows);
        if !self.browser_commands.is_empty() {
            page.heading("Browsers with a store of their own");
            for command in &self.browser_commands {
                page.line(format!("  {command}"));
            }
        }
        if self.state != Some(State::Trusted) {
            page.next(&[("nself trust install", "trust them")]);
        }
    }
}

pub fn run(_cx: &Context, _args: Args) -> Outcome {
    let authority = super::existing_authority()?;
    let certificate = authority.as_ref().map(Authority::root_path);
    let state = super::store().map(|store| store.state(authority.as_ref()));
    let browser_commands = certificate.as_deref().map(super::browser_commands).unwrap_or_default();
    Ok(Box::new(StatusReport { state, certificate, browser_commands }))
}
