use std::{io::Write, path::PathBuf, sync::Arc};

use clap::ValueEnum;
use database::data::{
    self,
    export::{self, Export, Output, Progress},
};
use project::Tier;
use serde::Serialize;
use terminal::{Failure, Page, Style, Terminal, View};

use super::work;
use crate::{
    Context, Outcome,
    commands::{Silent, db::count},
    context::Opened,
};

/// Write tables to files: JSON, NDJSON, CSV or Parquet
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself data export\n  nself data export --format csv -o rows\n  nself data export --format parquet --table orders -o orders.parquet\n  nself data export --format ndjson -o shop.tar.zst\n  nself data export --table users --format csv -o - | head\n\nAll tables show one moment, whatever others write meanwhile. The same command takes up an export that was\ninterrupted. A table's generated columns are left out; everything else comes back the same: nself data import."
)]
pub struct Args {
    /// How rows are written [default: what the output's suffix says, else json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Only this table; several times for several
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// All tables of this schema [default: those of the project, without nself, hdb_catalog, auth, storage and mail]
    #[arg(long = "schema", value_name = "SCHEMA", conflicts_with = "tables")]
    schemas: Vec<String>,
    /// A folder, a file (users.csv), an archive (all.tar, .tar.gz, .tar.zst), or - [default: a folder in .nself/exports]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Tables at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Replace what is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    #[value(alias = "jsonl")]
    Ndjson,
    Csv,
    Parquet,
}

impl From<Format> for data::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Ndjson => Self::Ndjson,
            Format::Csv => Self::Csv,
            Format::Parquet => Self::Parquet,
        }
    }
}

#[derive(Debug, Serialize)]
struct ExportReport {
    #[serde(flatten)]
    report: export::Report,
    format: data::Format,
    duration_ms: u64,
}

impl View for ExportReport {
    fn text(&self, page: &mut Page) {
        let Self { report, duration_ms, .. } = self;
        let seconds = *duration_ms as f64 / 1000.0;
        if report.kept > 0 {
            let tables = count(report.kept, "table");
            page.line(format!("Kept {tables} of an unfinished export: nobody has changed them since."));
        }
        let output = report.output.as_ref().map(|output| format!(" to {}", output.display())).unwrap_or_default();
        let tables = count(report.tables.len(), "table");
        let rate = work::rate(report.bytes, seconds);
        page.styled(Style::Good, format!("Exported {tables}, {} rows{output}: {rate}.", report.rows));
        if let Some(output) = &report.output {
            page.next(&[("bring the rows back", format!("nself data import {}", output.display()).as_str())]);
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let opened = cx.place(None)?;
    let folder = cx.project()?.root().join(".nself/exports");
    let default = || {
        let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        folder.join(format!("{}-{now}", opened.settings.environment()))
    };
    let output = args.output.clone().unwrap_or_else(default);
    let suffix = output.extension().and_then(|suffix| data::Format::of_suffix(suffix.to_str()?));
    let format = args.format.map(Into::into).or(suffix).unwrap_or(data::Format::Json);
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let export = Export {
        format,
        tables: args.tables,
        schemas: args.schemas,
        output: Output::of(&output),
        jobs: args.jobs.map_or(cores, usize::from),
        force: args.force,
    };
    if opened.place.tier == Tier::Prod && export.output != Output::Stdout {
        cx.terminal.warn("these are production's rows as they are; whoever has the files has them");
    }
    let began = std::time::Instant::now();
    let report = drive(cx.terminal, &opened, &export)?;
    if export.output == Output::Stdout {
        return Ok(Box::new(Silent));
    }
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Box::new(ExportReport { report, format, duration_ms }))
}

/// Runs the export on all cores and tells how far it is. After Ctrl-C whole files stay, unfinished ones go.
fn drive(terminal: Terminal, opened: &Opened, export: &Export) -> Result<export::Report, Failure> {
    let runtime = work::runtime()?;
    let progress = Arc::new(Progress::default());
    let mut stdout = Stdout(terminal);
    let state = "tables that were finished are kept; the same command writes the others";
    work::watched(&runtime, terminal, || progress.now(), state, async {
        export::run(&opened.place, export, &progress, &mut stdout).await
    })
}

/// Rows to the standard output; what is written together is whole rows, so that no letter is torn apart.
struct Stdout(Terminal);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.raw(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
