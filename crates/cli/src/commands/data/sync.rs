use std::path::PathBuf;
use std::sync::Arc;

use database::clone::{self, Options};
use database::mask::{Checked, Course, Plan, Subset, Summary};
use postgres::catalog::Catalog;
use project::guard;
use serde::Serialize;
use terminal::{Failure, Page, Style, View};
use tokio::runtime::Runtime;

use super::{masking, work};
use crate::commands::db::{consent::Consent, count};
use crate::context::Opened;
use crate::{Context, Outcome};

/// Replace an environment's database by another's, anonymised on the way
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself data sync --from prod --to staging --anonymize\n  nself data sync --from local --to staging\n  nself data sync --from prod --to local --anonymize --subset \"orders where created_at > now() - interval '7 days'\"\n  nself data sync --from prod --to staging --anonymize --dry-run\n\nRows are rewritten in this process between the two servers: nothing raw reaches the target. The target is\nreplaced at the end, in one step, when no original was found in the copy."
)]
pub struct Args {
    /// The environment whose rows are read
    #[arg(long, value_name = "ENV")]
    from: String,
    /// The environment whose database is replaced [default: the active one]
    #[arg(long, value_name = "ENV")]
    to: Option<String>,
    /// Replace what belongs to people, as nself/anonymize.yaml says
    #[arg(long)]
    anonymize: bool,
    /// Another file of rules
    #[arg(long, value_name = "FILE", requires = "anonymize")]
    config: Option<PathBuf>,
    /// Only some rows of one table, what hangs on them, and what any of these needs
    #[arg(long, value_name = "TABLE WHERE …")]
    subset: Option<String>,
    /// Show what would happen
    #[arg(long)]
    dry_run: bool,
    /// Connections to each server that carry rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    #[command(flatten)]
    consent: Consent,
}

/// What a copy did.
#[derive(Debug, Serialize)]
pub struct CopyReport {
    pub from: String,
    pub to: String,
    #[serde(flatten)]
    pub copied: clone::Report,
    /// Tables with rules, when rows were rewritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymized: Option<Summary>,
    /// What the leak check looked at; it found nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak_check: Option<Checked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<std::collections::BTreeMap<String, usize>>,
}

impl View for CopyReport {
    fn text(&self, page: &mut Page) {
        let Self { copied, .. } = self;
        let seconds = copied.duration_ms as f64 / 1000.0;
        page.styled(
            Style::Good,
            format!(
                "{} is now a copy of {}: {}, {} rows, {} in {seconds:.1} s.",
                self.to,
                self.from,
                count(copied.tables, "table"),
                copied.rows,
                work::rate(copied.bytes, seconds)
            ),
        );
        if let Some(summary) = &self.anonymized {
            let columns: usize = summary.tables.iter().map(|table| table.columns.len()).sum();
            page.line(format!("Rewrote {}.", count(columns, "column")));
        }
        if let Some(checked) = &self.leak_check {
            page.line(format!(
                "Leak check: none of {} originals among {} values of {}.",
                checked.originals,
                checked.values,
                count(checked.columns, "column")
            ));
        }
        if copied.large_objects > 0 {
            page.styled(Style::Warning, format!("{} large objects were not copied.", copied.large_objects));
        }
        if !copied.roles_made.is_empty() {
            page.line(format!("Made roles that cannot sign in: {}.", copied.roles_made.join(", ")));
        }
    }
}

/// What a copy would do.
#[derive(Debug, Serialize)]
struct DryReport {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymize: Option<masking::PlanReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subset: Option<std::collections::BTreeMap<String, usize>>,
}

impl View for DryReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} would become a copy of {}.", self.to, self.from));
        if let Some(plan) = &self.anonymize {
            page.blank();
            plan.text(page);
        }
        if let Some(subset) = &self.subset {
            page.heading("Rows of the subset");
            let rows: Vec<(&str, String)> =
                subset.iter().map(|(table, rows)| (table.as_str(), rows.to_string())).collect();
            page.pairs(&rows);
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let subset = args.subset.as_deref().map(Subset::parse).transpose().map_err(database::Error::from)?;
    // Refused before any connection is made.
    let project = cx.project()?;
    guard::leaves_production(project.settings(Some(&args.from))?.tier(), args.anonymize)?;
    let target = project.settings(args.to.as_deref().or(cx.env.as_deref()))?;
    if !args.dry_run {
        args.consent.clone().destructive(cx, &target)?;
    }
    let (from, to) = (cx.place(Some(&args.from))?, cx.place(args.to.as_deref())?);
    let runtime = work::runtime()?;
    if args.dry_run {
        let plan = plan(cx, &runtime, &from, &args)?;
        return dry(&runtime, &from, &to, plan, subset);
    }
    let plan = plan(cx, &runtime, &from, &args)?;
    let mut options = Options {
        wanted: postgres::Wanted::from_settings(&target),
        rewrite: plan.clone().map(|plan| plan as _),
        ..Options::default()
    };
    if let Some(jobs) = args.jobs {
        options.jobs = jobs.into();
    }
    let report = copy(cx, &runtime, &from, &to, plan, subset, &options)?;
    Ok(Box::new(report))
}

fn plan(cx: &Context, runtime: &Runtime, from: &Opened, args: &Args) -> Result<Option<Arc<Plan>>, Failure> {
    args.anonymize.then(|| masking::prepare(cx, runtime, from, args.config.as_deref())).transpose()
}

/// Copies with a plan, a subset, both or neither.
pub fn copy(
    cx: &Context,
    runtime: &Runtime,
    from: &Opened,
    to: &Opened,
    plan: Option<Arc<Plan>>,
    subset: Option<Subset>,
    options: &Options,
) -> Result<CopyReport, Failure> {
    let terminal = cx.terminal;
    let course = Course::new(plan.clone(), subset, move |part| terminal.progress(&format!("  {part}")));
    let copied = work::copy(runtime, terminal, &from.place, &to.place, options, &course)?;
    // The running server still has connections to the old database, and its schema.
    cx.schema_changed();
    let done = course.done();
    Ok(CopyReport {
        from: from.place.label.clone(),
        to: to.place.label.clone(),
        copied,
        anonymized: plan.map(|plan| plan.summary().clone()),
        leak_check: done.checked,
        subset: done.chosen.map(|chosen| chosen.listed()),
    })
}

fn dry(runtime: &Runtime, from: &Opened, to: &Opened, plan: Option<Arc<Plan>>, subset: Option<Subset>) -> Outcome {
    let chosen = subset.map(|subset| {
        runtime.block_on(async {
            let snapshot = database::copy::Snapshot::open(&from.place, 0).await?;
            let catalog = Catalog::read(snapshot.leader(), &[]).await?;
            subset.choose(snapshot.leader(), &catalog, plan.as_deref()).await
        })
    });
    Ok(Box::new(DryReport {
        from: from.place.label.clone(),
        to: to.place.label.clone(),
        anonymize: plan.map(|plan| masking::PlanReport { summary: plan.summary().clone() }),
        subset: chosen.transpose()?.map(|chosen| chosen.listed()),
    }))
}
