use std::path::PathBuf;

use database::seed::{self, Extract, ExtractedTable};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{
    Context, Outcome,
    commands::db::{count, interruptible, shown},
};

/// Write a seed from the rows of a table
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself seed extract users\n  nself seed extract users --where \"role = 'admin'\"\n  nself seed extract shop.orders --where \"id < 100\" --common\n  nself seed extract users --env staging -o admins.sql\n\nThe rows that these point to come with them, so that the seed runs in any database with the same schema;\n--only leaves them out."
)]
pub struct Args {
    /// The table; outside `public` with its schema
    #[arg(value_name = "TABLE")]
    table: String,
    /// Which rows: a condition in SQL
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// Only this table, without the rows that its rows point to
    #[arg(long)]
    only: bool,
    /// The most rows to write
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    limit: usize,
    /// For every environment, not only this one
    #[arg(long)]
    common: bool,
    /// Where to write it instead of the next number in the seed folder; it must not be there
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct ExtractReport {
    file: PathBuf,
    tables: Vec<ExtractedTable>,
}

impl View for ExtractReport {
    fn text(&self, page: &mut Page) {
        page.styled(Style::Good, format!("Wrote {}", self.file.display()));
        let rows: Vec<(String, String)> = self
            .tables
            .iter()
            .map(|table| {
                let why = if table.parent { ", which others point to" } else { "" };
                (table.table.clone(), format!("{}{why}", count(table.rows, "row")))
            })
            .collect();
        page.pairs(&rows);
        page.next(&[("see that it is there", "nself seed status")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let seeds = super::seeds(cx, &settings)?;
    let mut database = cx.client(&settings)?;
    let wanted = Extract { table: args.table, filter: args.condition, parents: !args.only, limit: args.limit };
    let cancel = database.cancel();
    let extracted = interruptible(&database.runtime, cancel, seed::extract(&mut database.client, &wanted))?;
    let name: String =
        wanted.table.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let name = name.trim_matches('_');
    let name = if name.is_empty() { "rows" } else { name };
    let created = seed::save(&seeds, name, args.common, args.output, &extracted.sql)?;
    Ok(Box::new(ExtractReport { file: shown(cx, created.file), tables: extracted.tables }))
}
