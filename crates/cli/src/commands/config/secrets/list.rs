use project::secrets::{self, State, Status};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Print which secrets are set and how strong they are, never their values
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself config secrets list\n  nself config secrets list --env prod --json")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct SecretsReport {
    secrets: Vec<Status>,
}

impl View for SecretsReport {
    fn text(&self, page: &mut Page) {
        let rows: Vec<Vec<(String, Style)>> = self
            .secrets
            .iter()
            .map(|secret| {
                let (state, style) = match secret.state {
                    State::Strong => ("strong", Style::Good),
                    State::Given => ("given", Style::Plain),
                    State::Weak => ("weak", Style::Warning),
                    State::Missing => ("missing", Style::Bad),
                };
                let origin = if secret.state == State::Missing { String::new() } else { secret.origin.to_string() };
                let reason = secret.reason.clone().unwrap_or_default();
                vec![
                    (secret.name.clone(), Style::Plain),
                    (state.to_owned(), style),
                    (origin, Style::Dim),
                    (reason, Style::Plain),
                ]
            })
            .collect();
        page.table(&["SECRET", "STATE", "FROM", ""], &rows);
        if self.secrets.iter().any(|secret| secret.wanted && matches!(secret.state, State::Weak | State::Missing)) {
            page.next(&[("nself config secrets generate", "replace the weak ones and make the missing ones")]);
        }
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let settings = cx.project()?.inspect(cx.env.as_deref())?.settings;
    Ok(Box::new(SecretsReport { secrets: secrets::list(&settings) }))
}
