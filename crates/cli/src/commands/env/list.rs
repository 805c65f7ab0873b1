use project::environments::{self, Summary};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Print the environments of this project
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env list\n  nself env list --json")]
pub struct Args {}

#[derive(Debug, Serialize)]
struct ListReport {
    environments: Vec<Summary>,
}

impl View for ListReport {
    fn text(&self, page: &mut Page) {
        let rows: Vec<Vec<(String, Style)>> = self
            .environments
            .iter()
            .map(|environment| {
                let style = if environment.active { Style::Good } else { Style::Plain };
                let folder = environment.folder.as_ref().map(|folder| folder.display().to_string());
                vec![
                    (if environment.active { "*" } else { " " }.to_owned(), style),
                    (environment.name.to_string(), style),
                    (environment.tier.to_string(), Style::Plain),
                    (environment.host.clone().unwrap_or_default(), Style::Plain),
                    (folder.unwrap_or_default(), Style::Dim),
                ]
            })
            .collect();
        page.table(&[" ", "NAME", "TIER", "HOST", "FOLDER"], &rows);
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    Ok(Box::new(ListReport { environments: environments::list(&cx.project()?, cx.env.as_deref())? }))
}
