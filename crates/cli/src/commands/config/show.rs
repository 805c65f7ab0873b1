use std::path::PathBuf;

use project::{EnvName, Origin, Tier, catalogue};
use serde::Serialize;
use terminal::{Page, Style, View};

use super::shown;
use crate::{Context, Outcome};

/// Print the settings of an environment; secrets as dots
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config show\n  nself config show --origin --all\n  nself config show --env staging --json"
)]
pub struct Args {
    /// Where each value comes from
    #[arg(long)]
    origin: bool,
    /// Print secrets as they are
    #[arg(long)]
    reveal: bool,
    /// Defaults as well
    #[arg(short, long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct ShowReport {
    environment: EnvName,
    tier: Tier,
    /// Lowest priority first.
    files: Vec<PathBuf>,
    settings: Vec<Line>,
    /// How many values are wrong; `nself config validate` names them.
    errors: usize,
    #[serde(skip)]
    show_origin: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    value: String,
    secret: bool,
    origin: Origin,
    /// The part of the reference page; none for names that are not in the catalogue.
    group: Option<&'static str>,
}

impl View for ShowReport {
    fn text(&self, page: &mut Page) {
        let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        let files = if files.is_empty() { "no files".to_owned() } else { files.join(" → ") };
        page.line(format!("{} {}", page.paint(Style::Bold, self.environment.as_str()), page.paint(Style::Dim, &files)));
        let mut group = None;
        let mut rows: Vec<(String, String)> = Vec::new();
        for line in &self.settings {
            if group != Some(line.group) {
                page.pairs(&rows);
                rows.clear();
                page.heading(line.group.unwrap_or("Other"));
                group = Some(line.group);
            }
            let origin =
                if self.show_origin { page.paint(Style::Dim, &format!("  ({})", line.origin)) } else { String::new() };
            rows.push((line.name.clone(), format!("{}{origin}", line.value)));
        }
        page.pairs(&rows);
        if self.errors > 0 {
            page.blank();
            page.styled(Style::Bad, format!("{} of these are wrong: nself config validate", self.errors));
        }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let inspection = cx.project()?.inspect(cx.env.as_deref())?;
    let settings = &inspection.settings;
    let mut lines = Vec::new();
    for setting in catalogue::all().iter().filter(|setting| !setting.is_family()) {
        let Some(value) = settings.text(setting.name).filter(|_| args.all || settings.is_set(setting.name)) else {
            continue;
        };
        lines.push(Line {
            name: setting.name.to_owned(),
            value: shown(settings, setting.name, value, args.reveal),
            secret: settings.hides(setting.name),
            origin: settings.origin(setting.name),
            group: Some(setting.group),
        });
    }
    for (name, value, origin) in settings.set_values().filter(|(_, value, _)| !value.is_empty()) {
        let setting = catalogue::find(name);
        if setting.is_some_and(|setting| !setting.is_family()) {
            continue;
        }
        lines.push(Line {
            name: name.to_owned(),
            value: shown(settings, name, value, args.reveal),
            secret: settings.hides(name),
            origin: origin.clone(),
            group: setting.map(|setting| setting.group),
        });
    }
    // Families stand with their group; what the catalogue does not know comes last.
    let place = |line: &Line| {
        catalogue::all().iter().position(|setting| Some(setting.group) == line.group).unwrap_or(usize::MAX)
    };
    lines.sort_by_key(place);
    let errors = inspection.problems.iter().filter(|problem| problem.is_error()).count();
    Ok(Box::new(ShowReport {
        environment: settings.environment().clone(),
        tier: settings.tier(),
        files: settings.files().to_vec(),
        settings: lines,
        errors,
        show_origin: args.origin,
    }))
}
