use std::path::PathBuf;

use database::clone::{self, Options, Report};
use postgres::catalog::{Catalog, TableKind};
use project::guard;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};

use super::{consent::Consent, count, size, until_interrupted};
use crate::commands::data::{masking, sync, work};
use crate::{Context, Error, Outcome, context::Opened};

/// Copy a database from one environment over another's
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself db clone staging\n  nself db clone --from prod --anonymize\n  nself db clone --from prod --to staging --anonymize\n  nself db clone --from staging --tables products,categories\n\nRows go from server to server, in parallel, as of one moment. The copy is made beside the target and\ntakes its place when it is complete. What comes from production needs --anonymize."
)]
pub struct Args {
    /// The environment to copy to
    #[arg(value_name = "ENV", conflicts_with = "to")]
    target: Option<String>,
    /// The environment to copy from [default: the active one]
    #[arg(long, value_name = "ENV")]
    from: Option<String>,
    /// The environment to copy to [default: the active one]
    #[arg(long, value_name = "ENV")]
    to: Option<String>,
    /// Replace what nself/anonymize.yaml names on the way
    #[arg(long)]
    anonymize: bool,
    /// The rules to use instead of nself/anonymize.yaml
    #[arg(long, value_name = "FILE", requires = "anonymize")]
    config: Option<PathBuf>,
    /// Only the rows of these tables, in one transaction
    #[arg(long, value_name = "TABLE,…", value_delimiter = ',')]
    tables: Vec<String>,
    /// Connections to either server
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Say what would be copied
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What a copy of some tables did.
#[derive(Debug, Serialize)]
struct TablesReport {
    from: String,
    to: String,
    #[serde(flatten)]
    copied: Report,
}

impl View for TablesReport {
    fn text(&self, page: &mut Page) {
        let Report { tables, rows, bytes, duration_ms, .. } = &self.copied;
        let tables = count(*tables, "table");
        page.styled(Style::Good, format!("{} now has the rows of {tables} of {}.", self.to, self.from));
        page.line(format!("{rows} rows, {} in {}", size(*bytes), super::seconds(*duration_ms)));
    }
}

/// What would be copied.
#[derive(Debug, Serialize)]
struct PlanReport {
    from: String,
    to: String,
    tables: Vec<Planned>,
    #[serde(skip)]
    labels: (String, String),
}

#[derive(Debug, Serialize)]
struct Planned {
    name: String,
    /// The planner's estimate; none before the table's first ANALYZE.
    estimated_rows: Option<u64>,
}

impl View for PlanReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("Would replace {} by a copy of {}:", self.labels.1, self.labels.0));
        let rows: Vec<_> = self
            .tables
            .iter()
            .map(|table| {
                let rows = table.estimated_rows.map_or("?".to_owned(), |rows| format!("~{rows}"));
                vec![(table.name.clone(), Style::Plain), (rows, Style::Plain)]
            })
            .collect();
        page.table(&["table", "rows"], &rows);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let to_name = args.to.clone().or_else(|| args.target.clone());
    // Refused before any connection is made.
    let project = cx.project()?;
    let settings = |name: &Option<String>| project.settings(name.as_deref().or(cx.env.as_deref()));
    let (source, target) = (settings(&args.from)?, settings(&to_name)?);
    if source.environment() == target.environment() {
        let message = format!("{} cannot be copied over itself", source.environment());
        let fix = "nself db clone --from staging, or nself db clone staging".to_owned();
        return Err(Error::Usage { message, fix }.into());
    }
    guard::leaves_production(source.tier(), args.anonymize)?;
    let (from, to) = (cx.place(args.from.as_deref())?, cx.place(to_name.as_deref())?);
    let runtime = work::runtime()?;
    if args.dry_run {
        if args.anonymize {
            masking::prepare(cx, &runtime, &from, args.config.as_deref())?;
        }
        return plan(&runtime, &from, &to, &args.tables);
    }
    let _allowed = args.consent.clone().destructive(cx, &target)?;
    let plan = args.anonymize.then(|| masking::prepare(cx, &runtime, &from, args.config.as_deref())).transpose()?;
    let options = Options {
        wanted: postgres::Wanted::from_settings(&target),
        jobs: args.jobs.map_or(Options::default().jobs, usize::from),
        rewrite: plan.clone().map(|plan| plan as _),
        ..Options::default()
    };
    if args.tables.is_empty() {
        return Ok(Box::new(sync::copy(cx, &runtime, &from, &to, plan, None, &options)?));
    }
    let copying = clone::tables(&from.place, &to.place, &args.tables, &options);
    let copied = until_interrupted(&runtime, copying, "the target is as it was")?;
    Ok(Box::new(TablesReport { from: from.place.label, to: to.place.label, copied }))
}

fn plan(runtime: &tokio::runtime::Runtime, from: &Opened, to: &Opened, only: &[String]) -> Outcome {
    let catalog = runtime.block_on(async {
        let client = from.place.connect().await?;
        Ok::<_, Failure>(Catalog::read(&client, &[]).await?)
    })?;
    let wanted = |schema: &str, name: &str| {
        only.is_empty() || only.iter().any(|wanted| wanted == name || *wanted == format!("{schema}.{name}"))
    };
    let tables = catalog
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::Table && table.extension.is_none())
        .filter(|table| wanted(&table.schema, &table.name))
        .map(|table| Planned {
            name: format!("{}.{}", table.schema, table.name),
            estimated_rows: table.estimated_rows.map(|rows| rows as u64),
        })
        .collect();
    Ok(Box::new(PlanReport {
        from: from.place.environment.to_string(),
        to: to.place.environment.to_string(),
        tables,
        labels: (from.place.label.clone(), to.place.label.clone()),
    }))
}
