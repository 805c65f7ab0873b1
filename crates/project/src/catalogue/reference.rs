//! The reference page and `.env.example`, written from the catalogue.

use std::fmt::Write;

use super::{IGNORED, Kind, Required, SERVICES, Setting, all};
use crate::Tier;

/// The page docs/reference/variables.md.
pub fn reference() -> String {
    let mut page = include_str!("../../../../assets/starters/basic/variables-head.md").to_owned();
    let mut group = "";
    for setting in all() {
        if setting.group != group {
            group = setting.group;
            let _ =
                write!(page, "\n## {group}\n\n| Variable | Kind | Default | Meaning |\n| --- | --- | --- | --- |\n");
        }
        let _ =
            writeln!(page, "| `{}` | {} | {} | {} |", setting.name, kind(setting), default(setting), meaning(setting));
    }
    let _ = write!(page, "\n`<SERVICE>` is one of {}.\n", SERVICES.join(", "));
    page.push_str("\n## Accepted and without effect\n\n| Variable | Why |\n| --- | --- |\n");
    for (name, reason) in IGNORED {
        let _ = writeln!(page, "| `{name}` | {} |", cell(reason));
    }
    page
}

fn kind(setting: &Setting) -> String {
    match setting.kind {
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" "),
        Kind::Integer { min, max: i64::MAX } => format!("integer from {min}"),
        Kind::Integer { min, max } => format!("integer {min} to {max}"),
        kind => kind.label().to_owned(),
    }
}

fn default(setting: &Setting) -> String {
    let [dev, staging, prod] = [Tier::Dev, Tier::Staging, Tier::Prod].map(|tier| setting.default.of(tier));
    let show = |value: Option<&str>| value.map_or("none".to_owned(), |value| format!("`{}`", cell(value)));
    match (dev, staging, prod) {
        (None, None, None) => String::new(),
        _ if dev == staging && staging == prod => show(dev),
        _ if staging == prod => format!("{} in dev, else {}", show(dev), show(prod)),
        _ if dev == staging => format!("{}, in prod {}", show(dev), show(prod)),
        _ => format!("dev {}, staging {}, prod {}", show(dev), show(staging), show(prod)),
    }
}

fn meaning(setting: &Setting) -> String {
    let mut text = format!("{}.", cell(setting.description));
    match setting.required {
        Required::No => {}
        Required::Always => text.push_str(" Required."),
        Required::With(flags) | Required::Recommended(flags) => {
            let how = if matches!(setting.required, Required::With(_)) { "Required" } else { "Recommended" };
            let flags: Vec<String> = flags.iter().map(|flag| format!("`{flag}`")).collect();
            let _ = write!(text, " {how} with {}.", flags.join(" or "));
        }
    }
    if !setting.aliases.is_empty() {
        let aliases: Vec<String> = setting.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = write!(text, " Also {}.", aliases.join(", "));
    }
    match super::hasura::effect(setting.name) {
        Some(super::hasura::Effect::Idle(why) | super::hasura::Effect::Missing(why)) => {
            let _ = write!(text, " Without effect: {}.", cell(why));
        }
        Some(super::hasura::Effect::Works) | None => {}
    }
    if setting.since != "bash" {
        let _ = write!(text, " Since {}.", setting.since);
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// `.env.example`: every setting that has a plain name, commented out, with its default.
pub fn example() -> String {
    let mut text = include_str!("../../../../assets/starters/basic/env-example-head.env").to_owned();
    let mut group = "";
    for setting in all() {
        if setting.group != group {
            group = setting.group;
            let _ = write!(text, "\n# ── {group} ──\n");
        }
        let value = setting.default.of(Tier::Dev).unwrap_or_default();
        let quotes = if value.contains(' ') { "\"" } else { "" };
        let _ = writeln!(text, "# {}\n#{}={quotes}{value}{quotes}", setting.description, setting.name);
    }
    text
}
