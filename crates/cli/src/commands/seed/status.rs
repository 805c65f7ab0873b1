use database::seed::{self, State, Status};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct StatusReport(Status);

impl View for StatusReport {
    fn text(&self, page: &mut Page) {
        if self.0.seeds.is_empty() {
            page.line("No seeds yet.");
            page.next(&[("write one", "nself seed create <name>")]);
            return;
        }
        let rows: Vec<Vec<(String, Style)>> = self
            .0
            .seeds
            .iter()
            .map(|seed| {
                let style = match seed.state {
                    State::Applied => Style::Good,
                    State::Changed | State::New => Style::Warning,
                    State::Empty => Style::Dim,
                };
                let when = seed.applied_at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
                vec![
                    (seed.path.clone(), Style::Plain),
                    (seed.state.as_str().to_owned(), style),
                    (when.unwrap_or_default(), Style::Dim),
                ]
            })
            .collect();
        page.table(&["SEED", "STATE", "APPLIED"], &rows);
        if self.0.due > 0 {
            page.next(&[("run them", "nself seed")]);
        }
    }
}

pub fn run(cx: &Context) -> Outcome {
    let settings = cx.settings()?;
    let seeds = super::seeds(cx, &settings)?;
    let database = cx.client(&settings)?;
    let status = database.runtime.block_on(seed::status(&database.client, &seeds))?;
    Ok(Box::new(StatusReport(status)))
}
