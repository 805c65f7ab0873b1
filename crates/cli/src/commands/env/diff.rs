use project::environments::{self, Difference, Side};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Print what differs between two environments; secrets as dots
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env diff dev staging\n  nself env diff staging prod --json")]
pub struct Args {
    left: String,
    right: String,
}

#[derive(Debug, Serialize)]
struct DiffReport {
    left: String,
    right: String,
    differences: Vec<Difference>,
}

impl View for DiffReport {
    fn text(&self, page: &mut Page) {
        if self.differences.is_empty() {
            return page.styled(Style::Good, format!("{} and {} have the same settings.", self.left, self.right));
        }
        let cell = |side: &Side| match &side.value {
            None => ("not set".to_owned(), Style::Dim),
            Some(value) if side.default => (format!("{value} (default)"), Style::Dim),
            Some(value) => (value.clone(), Style::Plain),
        };
        let rows: Vec<Vec<(String, Style)>> = self
            .differences
            .iter()
            .map(|difference| {
                vec![(difference.name.clone(), Style::Bold), cell(&difference.left), cell(&difference.right)]
            })
            .collect();
        page.table(&["SETTING", &self.left, &self.right], &rows);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let differences = environments::diff(&cx.project()?, &args.left, &args.right)?;
    Ok(Box::new(DiffReport { left: args.left, right: args.right, differences }))
}
