use database::migrate::{self, State, Status};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{count, sources};
use crate::{Context, Outcome};

/// Show which migrations this database has
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:status\n  nself db migrate:status --env staging\n  nself db migrate:status --json"
)]
pub struct Args {}

/// The state of every migration.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct StatusReport(pub Status);

impl View for StatusReport {
    fn text(&self, page: &mut Page) {
        let status = &self.0;
        if status.migrations.is_empty() {
            page.line("No migrations yet.");
            page.next(&[("write one", "nself db migrate:create <name>")]);
            return;
        }
        let rows: Vec<Vec<(String, Style)>> = status
            .migrations
            .iter()
            .map(|entry| {
                let state = if entry.out_of_order { "pending, out of order" } else { entry.state.as_str() };
                let when = entry.applied_at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
                vec![
                    (entry.version.to_string(), Style::Bold),
                    (entry.name.clone(), Style::Plain),
                    (state.to_owned(), style(entry.state)),
                    (when.unwrap_or_default(), Style::Dim),
                ]
            })
            .collect();
        page.table(&["VERSION", "NAME", "STATE", "APPLIED"], &rows);
        page.blank();
        page.line(format!(
            "{}: {} applied, {} pending",
            count(rows.len(), "migration"),
            status.applied,
            status.pending
        ));
        let fixes: Vec<(String, String)> =
            status.migrations.iter().filter_map(|entry| Some((entry.id(), entry.fix.clone()?))).collect();
        for (id, fix) in fixes {
            page.line(format!("{} {}", page.paint(Style::Warning, &format!("{id}:")), fix.replace('\n', "\n  ")));
        }
        if status.pending > 0 {
            page.next(&[("apply them", "nself db migrate")]);
        }
    }
}

fn style(state: State) -> Style {
    match state {
        State::Applied => Style::Good,
        State::Pending => Style::Warning,
        State::Edited | State::Missing | State::HalfWay => Style::Bad,
    }
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let database = cx.client(&settings)?;
    let status = database.runtime.block_on(migrate::status(&database.client, &sources))?;
    Ok(Box::new(StatusReport(status)))
}
