use project::catalogue::{self, Kind, Required, Setting};
use project::{Project, Tier};
use serde::Serialize;
use terminal::{Page, Style, View};

use crate::{Context, Outcome};

/// Print every setting there is, or what some of them mean
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config list\n  nself config list POSTGRES_PORT\n  nself config list rate_limit --json"
)]
pub struct Args {
    /// A name, or a part of names
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct ListReport {
    settings: Vec<Entry>,
    #[serde(skip)]
    detailed: bool,
}

#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    kind: &'static str,
    /// The words a choice takes.
    choices: Vec<&'static str>,
    /// In the tier of the active environment.
    default: Option<&'static str>,
    description: &'static str,
    aliases: Vec<&'static str>,
    group: &'static str,
    since: &'static str,
    required: bool,
}

impl View for ListReport {
    fn text(&self, page: &mut Page) {
        if self.detailed {
            return self.settings.iter().for_each(|entry| entry.detail(page));
        }
        let mut group = "";
        let mut rows = Vec::new();
        for entry in &self.settings {
            if entry.group != group {
                page.pairs(&rows);
                rows.clear();
                page.heading(entry.group);
                group = entry.group;
            }
            let default =
                entry.default.map(|default| page.paint(Style::Dim, &format!("  [{default}]"))).unwrap_or_default();
            rows.push((entry.name, format!("{}{default}", entry.description)));
        }
        page.pairs(&rows);
    }
}

impl Entry {
    fn new(setting: &'static Setting, tier: Tier) -> Self {
        Self {
            name: setting.name,
            kind: setting.kind.label(),
            choices: if let Kind::Choice(words) = setting.kind { words.to_vec() } else { Vec::new() },
            default: setting.default.of(tier),
            description: setting.description,
            aliases: setting.aliases.to_vec(),
            group: setting.group,
            since: setting.since,
            required: matches!(setting.required, Required::Always | Required::With(_)),
        }
    }

    fn detail(&self, page: &mut Page) {
        page.heading(self.name);
        let kind = if self.choices.is_empty() { self.kind.to_owned() } else { self.choices.join(", ") };
        let mut rows = vec![("meaning", self.description.to_owned()), ("takes", kind)];
        rows.extend(self.default.map(|default| ("default", default.to_owned())));
        if !self.aliases.is_empty() {
            rows.push(("also", self.aliases.join(", ")));
        }
        page.pairs(&rows);
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    // Works outside a project, too: then the defaults are those of dev.
    let active = |project: &Project| project::cascade::active(project, cx.env.as_deref()).ok();
    let tier = cx.project().ok().as_ref().and_then(active).map_or(Tier::Dev, |chosen| chosen.tier);
    let settings: Vec<&'static Setting> = match &args.name {
        None => catalogue::all().iter().collect(),
        Some(name) => match catalogue::find(&name.to_ascii_uppercase()) {
            Some(setting) => vec![setting],
            None => {
                catalogue::all().iter().filter(|setting| setting.name.contains(&name.to_ascii_uppercase())).collect()
            }
        },
    };
    if let (Some(name), true) = (&args.name, settings.is_empty()) {
        let suggestion = catalogue::suggest(name).map(str::to_owned);
        return Err(project::Error::UnknownSetting { name: name.clone(), suggestion }.into());
    }
    let detailed = args.name.is_some();
    Ok(Box::new(ListReport {
        settings: settings.into_iter().map(|setting| Entry::new(setting, tier)).collect(),
        detailed,
    }))
}
