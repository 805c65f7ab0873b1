use database::mock::{self, Preview, Request};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use terminal::{Page, Style, View};

use super::{folder, read};
use crate::{Context, Outcome, commands::db::interruptible};

/// The longest text of a cell that is shown to people.
const WIDTH: usize = 40;

/// Show the first rows that a table would get; nothing is written
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself mock preview users\n  nself mock preview users --rows 3 --json\n  nself mock preview users --seed 7"
)]
pub struct Args {
    table: String,
    /// How many rows
    #[arg(long, short = 'n', default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    rows: u64,
    /// As if this were the seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// For programs an object a row.
#[derive(Debug)]
struct PreviewReport(Preview);

impl Serialize for PreviewReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.rows.len()))?;
        for row in &self.0.rows {
            let cells = self.0.columns.iter().cloned().zip(row.iter().map(|cell| serde_json::json!(cell)));
            rows.serialize_element(&cells.collect::<serde_json::Map<_, _>>())?;
        }
        rows.end()
    }
}

impl View for PreviewReport {
    fn text(&self, page: &mut Page) {
        let header: Vec<&str> = self.0.columns.iter().map(String::as_str).collect();
        let cell = |cell: &Option<String>| match cell {
            None => ("∅".to_owned(), Style::Dim),
            Some(text) => (shortened(text), Style::Plain),
        };
        let rows: Vec<Vec<(String, Style)>> = self.0.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        page.table(&header, &rows);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let folder = folder(cx)?;
    let (config, kept) = read(&folder)?;
    let request = Request { config: &config, seed: args.seed.unwrap_or(kept), preset: None, only: &[], dry_run: true };
    let mut database = cx.client(&settings)?;
    let cancel = database.cancel();
    let options = database::Options::default();
    let work = mock::preview(&mut database.client, &request, &args.table, args.rows, &options);
    Ok(Box::new(PreviewReport(interruptible(&database.runtime, cancel, work)?)))
}

/// One line, and not a long one.
fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
