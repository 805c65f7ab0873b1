use postgres::tune::{Machine, Overrides, Profile, Tuning, tune};
use project::Settings;
use serde::Serialize;
use terminal::{Page, Style, View};

use super::share::{Share, shares};
use crate::{Context, Outcome};

/// Compute each service's limits and PostgreSQL's parameters for this machine
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself resources calculate\n  nself resources calculate --env prod\n  nself resources calculate --json"
)]
pub struct Args {}

#[derive(Debug, Serialize)]
struct CalculateReport {
    machine: Machine,
    profile: Profile,
    postgres: Tuning,
    services: Vec<Share>,
}

impl View for CalculateReport {
    fn text(&self, page: &mut Page) {
        let Machine { memory, cores, ssd } = self.machine;
        let disk = if ssd { "SSD" } else { "spinning disk" };
        page.line(format!("This machine: {} of memory, {cores} cores, {disk}", human(memory)));
        page.heading("PostgreSQL");
        page.pairs(&self.postgres.parameters());
        page.heading("Services");
        let rows: Vec<Vec<(String, Style)>> = self.services.iter().map(row).collect();
        page.table(&["SERVICE", "PRIORITY", "MEMORY", "RESERVED", "CORES", "REPLICAS"], &rows);
    }
}

fn row(share: &Share) -> Vec<(String, Style)> {
    let memory = if share.set_by_user { Style::Bold } else { Style::Plain };
    vec![
        (share.service.clone(), Style::Plain),
        (share.priority.to_string(), Style::Dim),
        (human(share.memory_limit), memory),
        (human(share.memory_reserved), Style::Dim),
        (format!("{:.2}", f64::from(share.cpu_limit) / 1000.0), Style::Plain),
        (share.replicas.to_string(), Style::Dim),
    ]
}

/// Bytes for people, rounded to a tenth.
pub fn human(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let megabytes = bytes as f64 / f64::from(1 << 20);
    if megabytes >= 1024.0 { format!("{:.1} GB", megabytes / 1024.0) } else { format!("{megabytes:.0} MB") }
}

/// PostgreSQL's parameters for the project on `machine`.
pub fn tuning(machine: &Machine, settings: &Settings) -> Tuning {
    tune(machine, Profile::from(settings.tier()), &Overrides::from_settings(settings))
}

pub fn run(cx: &Context, _args: Args) -> Outcome {
    let (project, settings) = (cx.project()?, cx.settings()?);
    let machine = Machine::detect(&project.data_dir());
    let plan = stack::Plan::new(&settings)?;
    Ok(Box::new(CalculateReport {
        profile: Profile::from(settings.tier()),
        postgres: tuning(&machine, &settings),
        services: shares(&machine, &plan),
        machine,
    }))
}
