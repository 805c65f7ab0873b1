use mail::send::{KNOWN, Known};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// List the providers that can send this project's mail
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself email list\n  nself email list --env prod\n  nself email list --json")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct ListReport {
    chosen: &'static str,
    providers: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    about: &'static str,
    needs: &'static [&'static str],
    /// Those of `needs` that have no value.
    missing: Vec<&'static str>,
}

impl View for ListReport {
    fn text(&self, page: &mut Page) {
        let row = |line: &Line| {
            let chosen = line.name == self.chosen;
            let (state, style) = match (chosen, line.missing.is_empty()) {
                (true, true) => ("chosen".to_owned(), Style::Good),
                (true, false) => (format!("chosen, needs {}", line.missing.join(", ")), Style::Bad),
                (false, true) => ("ready".to_owned(), Style::Plain),
                (false, false) => (format!("needs {}", line.missing.join(", ")), Style::Dim),
            };
            vec![(line.name.to_owned(), Style::Plain), (line.about.to_owned(), Style::Plain), (state, style)]
        };
        page.table(&["provider", "what it is", "state"], &self.providers.iter().map(row).collect::<Vec<_>>());
        page.next(&[
            ("nself email configure <provider>", "choose another"),
            ("nself email test you@example.com", "send a mail"),
        ]);
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let settings = cx.settings()?;
    let line = |known: &Known| Line {
        name: known.name,
        about: known.about,
        needs: known.needs,
        missing: known.missing(&settings),
    };
    let providers = KNOWN.iter().map(line).collect();
    Ok(Box::new(ListReport { chosen: Known::chosen(&settings)?.name, providers }))
}
