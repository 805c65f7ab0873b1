use database::migrate::{self, Comparison, Direction, Entry, State, Status};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{count, sources};
use crate::{Context, Outcome};

/// Show which migrations this database has
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:status\n  nself db migrate:status --env staging\n  nself db migrate:status --against staging\n  nself db migrate:status --json"
)]
pub struct Args {
    /// Compare with this environment's database as well
    #[arg(long, value_name = "ENVIRONMENT")]
    against: Option<String>,
}

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
                let state = said(entry);
                let when = entry.applied_at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
                vec![
                    (entry.version.to_string(), Style::Bold),
                    (entry.name.clone(), Style::Plain),
                    (state, style(entry.state)),
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
        State::Pending | State::Squashed => Style::Warning,
        State::Edited | State::Missing | State::HalfWay | State::PartlyReplaced => Style::Bad,
    }
}

/// The state in words, with how far an interrupted one came.
fn said(entry: &Entry) -> String {
    if entry.out_of_order {
        return "pending, out of order".to_owned();
    }
    let mut text = entry.state.as_str().to_owned();
    if let Some(progress) = &entry.progress {
        if progress.direction == Direction::Down {
            text.push_str(" back");
        }
        let of = progress.of.map(|of| format!(" of {of}")).unwrap_or_default();
        text.push_str(&format!(", {}{of} done", progress.done));
        text.push_str(&progress.line.map(|line| format!(", stopped at line {line}")).unwrap_or_default());
    }
    text
}

/// Files, this database and another one.
#[derive(Debug, Serialize)]
struct AgainstReport {
    /// The names of both environments.
    here: String,
    there: String,
    /// Addresses, for people.
    #[serde(skip)]
    labels: (String, String),
    #[serde(flatten)]
    comparison: Comparison,
}

impl View for AgainstReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("here:  {}", self.labels.0));
        page.line(format!("there: {}", self.labels.1));
        page.blank();
        let cell = |entry: &Option<Entry>| match entry {
            Some(entry) => (said(entry), style(entry.state)),
            None => ("unknown".to_owned(), Style::Bad),
        };
        let rows: Vec<Vec<(String, Style)>> = self
            .comparison
            .migrations
            .iter()
            .map(|pair| {
                let sides = [&pair.here, &pair.there];
                let file = sides.iter().any(|side| side.as_ref().is_some_and(|entry| entry.file.is_some()));
                let file = if file { ("yes".to_owned(), Style::Plain) } else { ("missing".to_owned(), Style::Bad) };
                let name = (pair.name.clone(), Style::Plain);
                vec![(pair.version.to_string(), Style::Bold), name, file, cell(&pair.here), cell(&pair.there)]
            })
            .collect();
        page.table(&["VERSION", "NAME", "FILE", "HERE", "THERE"], &rows);
        page.blank();
        match self.comparison.different {
            0 => page.styled(Style::Good, "Both have the same migrations."),
            number => page.line(format!("{} not the same here and there.", count(number, "migration"))),
        }
        for pair in &self.comparison.migrations {
            let Some(fix) = &pair.fix else { continue };
            page.line(format!(
                "{} {}",
                page.paint(Style::Warning, &format!("{}:", pair.id())),
                fix.replace('\n', "\n  ")
            ));
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let database = cx.client(&settings)?;
    let Some(against) = args.against else {
        let status = database.runtime.block_on(migrate::status(&database.client, &sources))?;
        return Ok(Box::new(StatusReport(status)));
    };
    let other = cx.open(Some(&against))?;
    // The other connection lives on its own runtime, which has to turn while both are asked.
    let there = other.runtime.block_on(migrate::status(&other.client, &sources))?;
    let here = database.runtime.block_on(migrate::status(&database.client, &sources))?;
    Ok(Box::new(AgainstReport {
        here: settings.environment().to_string(),
        there: other.place.environment.to_string(),
        labels: (database.place.label.clone(), other.place.label.clone()),
        comparison: Comparison::new(here, there, &against),
    }))
}
