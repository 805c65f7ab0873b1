use project::environments::{self, Migration};
use serde::Serialize;
use terminal::{Answer, Page, Style, View};

use crate::commands::db::{consent::Consent, count};
use crate::{Context, Error, Outcome};

/// Give an environment the settings of another one; secrets and domains stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nself env migrate staging prod --dry-run\n  nself env migrate staging prod --yes")]
pub struct Args {
    source: String,
    target: String,
    /// Only print what would change
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, Serialize)]
struct MigrateReport {
    #[serde(flatten)]
    plan: Migration,
    applied: bool,
}

impl View for MigrateReport {
    fn text(&self, page: &mut Page) {
        describe(&self.plan, page);
        if self.applied {
            page.styled(Style::Good, format!("Copied {}.", count(self.plan.copies.len(), "setting")));
        } else if !self.plan.copies.is_empty() {
            page.styled(Style::Dim, "Nothing was changed.");
        }
    }
}

fn describe(plan: &Migration, page: &mut Page) {
    if plan.copies.is_empty() {
        page.line(format!("{} has every setting of {}.", plan.target, plan.source));
    }
    let rows: Vec<Vec<(String, Style)>> = plan
        .copies
        .iter()
        .map(|copy| {
            vec![
                (copy.change.name.clone(), Style::Bold),
                (copy.from.clone().unwrap_or_else(|| "not set".to_owned()), Style::Dim),
                (copy.to.clone(), Style::Plain),
                (copy.change.file.display().to_string(), Style::Dim),
            ]
        })
        .collect();
    if !rows.is_empty() {
        page.table(&["SETTING", "NOW", "NEW", "FILE"], &rows);
    }
    if !plan.kept.is_empty() {
        page.line(format!("Stay as they are: {}", plan.kept.join(", ")));
    }
    if !plan.secrets.is_empty() {
        page.line(format!("Secrets differ and are yours to set: {}", plan.secrets.join(", ")));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    let plan = environments::migration(&project, &args.source, &args.target)?;
    if args.dry_run || plan.copies.is_empty() {
        return Ok(Box::new(MigrateReport { plan, applied: false }));
    }
    if project.inspect(Some(&args.target))?.settings.tier() == project::Tier::Prod {
        // It overwrites settings of production, and no copy is kept.
        args.consent.destructive(cx, &project.inspect(Some(&args.target))?.settings)?;
    } else if !args.yes {
        let mut page = cx.terminal.page();
        describe(&plan, &mut page);
        cx.terminal.progress(page.finish().trim_end());
        match cx.terminal.ask(&format!("Copy {} to {}? [y/N]", count(plan.copies.len(), "setting"), plan.target)) {
            Answer::Text(text) if matches!(text.to_lowercase().as_str(), "y" | "yes") => {}
            Answer::Text(_) => return Ok(Box::new(MigrateReport { plan, applied: false })),
            Answer::Nobody => {
                return Err(Error::Usage {
                    message: "there is nobody to ask".to_owned(),
                    fix: format!("nself env migrate {} {} --yes", args.source, args.target),
                }
                .into());
            }
        }
    }
    environments::apply(&project, &plan)?;
    Ok(Box::new(MigrateReport { plan, applied: true }))
}
