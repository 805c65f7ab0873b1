use std::path::PathBuf;

use database::clone::Options;
use database::mask::{Finding, Plan, Preview};
use postgres::catalog::Catalog;
use project::guard;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};
use tokio::runtime::Runtime;

use super::{masking, sync, work};
use crate::commands::db::{consent::Consent, count};
use crate::context::Opened;
use crate::{Context, Outcome};

/// Take people out of this environment's database, as nself/anonymize.yaml says
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself data anonymize --preview\n  nself data anonymize\n  nself data anonymize --config anonymize.yaml\n  nself data anonymize --suggest\n\nA column that looks personal and has no rule stops the run before anything changes. The same original gets the\nsame replacement everywhere, by a key of the project's own (.nself/anonymize.key) or NSELF_ANONYMIZE_KEY."
)]
pub struct Args {
    /// Show some rows before and after; change nothing
    #[arg(long)]
    preview: bool,
    /// How many rows of each table to show
    #[arg(long, value_name = "N", default_value_t = 3, requires = "preview")]
    rows: usize,
    /// Write a rule for every column that looks personal and has none into the rules
    #[arg(long, conflicts_with_all = ["preview", "dry_run"])]
    suggest: bool,
    /// Show which columns would change, and how
    #[arg(long)]
    dry_run: bool,
    /// Another file of rules
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct DryReport(masking::PlanReport);

impl View for DryReport {
    fn text(&self, page: &mut Page) {
        self.0.text(page);
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct PreviewReport(Preview);

impl View for PreviewReport {
    fn text(&self, page: &mut Page) {
        if self.0.tables.is_empty() {
            page.line("No column changes.");
        }
        let shown = |value: &Option<String>| match value {
            None => ("NULL".to_owned(), Style::Dim),
            Some(value) => (short(value), Style::Plain),
        };
        for table in &self.0.tables {
            page.heading(&table.table);
            let mut rows = Vec::new();
            for row in &table.rows {
                for (column, change) in table.columns.iter().zip(row) {
                    rows.push(vec![(column.clone(), Style::Dim), shown(&change.before), shown(&change.after)]);
                }
            }
            if rows.is_empty() {
                page.line(format!("no rows ({})", table.columns.join(", ")));
            } else {
                page.table(&["COLUMN", "BEFORE", "AFTER"], &rows);
            }
        }
    }
}

/// One line, as long as a table can take.
fn short(value: &str) -> String {
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(48).collect();
    if value.chars().count() > 48 { format!("{line}…") } else { line }
}

/// Rules that were added.
#[derive(Debug, Serialize)]
struct SuggestReport {
    file: PathBuf,
    added: Vec<Finding>,
}

impl View for SuggestReport {
    fn text(&self, page: &mut Page) {
        if self.added.is_empty() {
            page.styled(Style::Good, "Every column that looks personal has a rule.");
            return;
        }
        let plain = |text: String| (text, Style::Plain);
        let rows: Vec<_> = self
            .added
            .iter()
            .map(|finding| {
                vec![
                    plain(finding.column.to_string()),
                    plain(finding.suggestion.to_string()),
                    (finding.why.clone(), Style::Dim),
                ]
            })
            .collect();
        page.table(&["COLUMN", "RULE", "WHY"], &rows);
        page.line(format!("Added {} to {}.", count(rows.len(), "rule"), self.file.display()));
        page.next(&[("look at them, then", "nself data anonymize --preview")]);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.settings()?;
    if !args.suggest && !args.preview {
        guard::blocked_in_production(settings.tier(), "anonymising in place")?;
        if !args.dry_run {
            args.consent.clone().destructive(cx, &settings)?;
        }
    }
    let opened = cx.place(cx.env.as_deref())?;
    let runtime = work::runtime()?;
    if args.suggest {
        return suggest(cx, &runtime, &opened, &args);
    }
    if args.preview {
        return preview(cx, &runtime, &opened, &args);
    }
    if args.dry_run {
        let plan = masking::prepare(cx, &runtime, &opened, args.config.as_deref())?;
        return Ok(Box::new(DryReport(masking::PlanReport { summary: plan.summary().clone() })));
    }
    let plan = masking::prepare(cx, &runtime, &opened, args.config.as_deref())?;
    let options = Options {
        wanted: postgres::Wanted::from_settings(&settings),
        in_place: true,
        rewrite: Some(plan.clone()),
        ..Options::default()
    };
    let report = sync::copy(cx, &runtime, &opened, &opened, Some(plan), None, &options)?;
    Ok(Box::new(Anonymized(report)))
}

/// The same report, about one place.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Anonymized(sync::CopyReport);

impl View for Anonymized {
    fn text(&self, page: &mut Page) {
        let columns: usize =
            self.0.anonymized.iter().flat_map(|summary| &summary.tables).map(|table| table.columns.len()).sum();
        let seconds = self.0.copied.duration_ms as f64 / 1000.0;
        page.styled(
            Style::Good,
            format!(
                "Anonymised {}: {}, {} rows in {seconds:.1} s.",
                self.0.to,
                count(columns, "column"),
                self.0.copied.rows
            ),
        );
        if let Some(checked) = &self.0.leak_check {
            page.line(format!("Leak check: none of {} originals among {} values.", checked.originals, checked.values));
        }
        if self.0.copied.large_objects > 0 {
            page.styled(Style::Warning, format!("{} large objects were removed.", self.0.copied.large_objects));
        }
        page.line("Backups and the server's write-ahead log may still hold the originals.");
    }
}

fn preview(cx: &Context, runtime: &Runtime, opened: &Opened, args: &Args) -> Outcome {
    let plan = masking::prepare(cx, runtime, opened, args.config.as_deref())?;
    let preview = runtime.block_on(async {
        let client = opened.place.connect().await?;
        database::copy::settle(&client).await?;
        let catalog = Catalog::read(&client, &[]).await?;
        plan.preview(&client, &catalog, args.rows).await
    });
    Ok(Box::new(PreviewReport(preview?)))
}

fn suggest(cx: &Context, runtime: &Runtime, opened: &Opened, args: &Args) -> Outcome {
    let recipe = masking::recipe(cx, &opened.settings, args.config.as_deref())?;
    let added = runtime.block_on(async {
        let client = opened.place.connect().await?;
        database::copy::settle(&client).await?;
        let catalog = Catalog::read(&client, &[]).await?;
        Plan::findings(&client, &catalog, &recipe).await
    })?;
    let file = recipe.rules.file.clone();
    if !added.is_empty() {
        write(&file, &recipe.rules.extended(&added).map_err(database::Error::from)?)?;
    }
    Ok(Box::new(SuggestReport { file: crate::commands::db::shown(cx, file), added }))
}

fn write(file: &std::path::Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| database::Error::Io { file: folder.to_owned(), source })?;
    }
    Ok(project::files::write(file, text.as_bytes(), Some(project::files::PUBLIC))?)
}
