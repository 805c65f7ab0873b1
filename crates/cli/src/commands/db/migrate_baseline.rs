use std::path::PathBuf;

use database::migrate;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::{Waiting, count, migrate_run, shown, sources};
use crate::{Context, Outcome};

/// Begin with a database that has its tables already
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db migrate:baseline\n  nself db migrate:baseline 005\n  nself db migrate:baseline --dry-run\n  nself db migrate:baseline --from-schema initial\n\nRecords migrations as applied without running them. With --from-schema it writes the database's schema as the first\nmigration, and records that."
)]
pub struct Args {
    /// The last migration that the database has [default: all of them]
    #[arg(conflicts_with = "from_schema")]
    version: Option<String>,
    /// Write the schema as the first migration, by this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "baseline")]
    from_schema: Option<String>,
    /// Show which would be recorded
    #[arg(long, conflicts_with = "from_schema")]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Serialize)]
struct BaselineReport {
    /// Taken as applied; none of them was run.
    recorded: Vec<String>,
    /// The file that was written from the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    dry_run: bool,
}

impl View for BaselineReport {
    fn text(&self, page: &mut Page) {
        if let Some(file) = &self.file {
            page.line(format!("Wrote the schema to {}.", file.display()));
        }
        let number = count(self.recorded.len(), "migration");
        match (self.recorded.is_empty(), self.dry_run) {
            (true, _) => page.line("Nothing to record: no migration is pending."),
            (false, true) => page.line(format!("Would record {number} as applied:")),
            (false, false) => page.styled(Style::Good, format!("Recorded {number} as applied; none was run.")),
        }
        self.recorded.iter().for_each(|id| page.line(format!("  {id}")));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    let sources = sources(cx, &settings)?;
    let mut database = cx.client(&settings)?;
    let options = args.waiting.options(&settings);
    if let Some(name) = &args.from_schema {
        let tools = migrate_run::tools(cx, &settings, &database, 1)?;
        let now = jiff::Timestamp::now();
        let work = migrate::baseline_from_schema(&mut database.client, &sources, name, &tools, &options, now);
        let created = database.runtime.block_on(work)?;
        let recorded = sources.load()?.iter().map(migrate::Migration::id).collect();
        return Ok(Box::new(BaselineReport { recorded, file: Some(shown(cx, created.file)), dry_run: false }));
    }
    let last = args.version.as_deref();
    let recorded = if args.dry_run {
        let plan = database.runtime.block_on(migrate::plan_baseline(&database.client, &sources, last))?;
        plan.iter().map(migrate::Migration::id).collect()
    } else {
        database.runtime.block_on(migrate::baseline(&mut database.client, &sources, last, &options))?.recorded
    };
    Ok(Box::new(BaselineReport { recorded, file: None, dry_run: args.dry_run }))
}
