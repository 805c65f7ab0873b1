//! Two environments beside each other, and carrying settings from one to the other.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::config::{self, Change};
use crate::{EnvName, Error, Project, Settings, cascade, catalogue, is_secret};

/// One side of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// `None` when it has no value, not even a default; dots for a secret.
    pub value: Option<String>,
    /// True when a default stands in.
    pub default: bool,
}

/// A setting that two environments disagree about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub name: String,
    pub secret: bool,
    pub left: Side,
    pub right: Side,
}

/// What differs between two environments, by name; secrets are masked. Only what somebody set in one of them counts.
///
/// # Errors
/// [`Error::UnknownEnvironment`], or a file that cannot be read.
pub fn diff(project: &Project, left: &str, right: &str) -> Result<Vec<Difference>, Error> {
    let left = project.inspect(Some(left))?.settings;
    let right = project.inspect(Some(right))?.settings;
    Ok(differing(&left, &right)
        .into_iter()
        .map(|name| Difference {
            secret: left.hides(&name) || right.hides(&name),
            left: side(&left, &name),
            right: side(&right, &name),
            name,
        })
        .collect())
}

fn differing(left: &Settings, right: &Settings) -> Vec<String> {
    let names: BTreeSet<&str> = left.set_values().chain(right.set_values()).map(|(name, ..)| name).collect();
    names
        .into_iter()
        .filter(|name| *name != "ENV" && value(left, name) != value(right, name))
        .map(str::to_owned)
        .collect()
}

fn value<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    let own =
        settings.set_values().find(|(own, value, _)| *own == name && !value.is_empty()).map(|(_, value, _)| value);
    own.or_else(|| catalogue::find(name).and_then(|_| settings.text(name)))
}

fn side(settings: &Settings, name: &str) -> Side {
    let value = value(settings, name);
    let default = value.is_some() && catalogue::find(name).is_some() && !settings.is_set(name);
    Side { value: value.map(|value| settings.shown(name, value)), default }
}

/// A setting that a migration copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    #[serde(flatten)]
    pub change: Change,
    /// What the target has now.
    pub from: Option<String>,
    pub to: String,
    #[serde(skip)]
    source: String,
}

/// What `nself env migrate` does, before it does it.
#[derive(Debug, Clone, Serialize)]
pub struct Migration {
    pub source: EnvName,
    pub target: EnvName,
    pub copies: Vec<Copy>,
    /// Secrets that differ: each environment keeps its own, so these are set by hand.
    pub secrets: Vec<String>,
    /// Settings that say where an environment is and therefore stay.
    pub kept: Vec<String>,
}

/// Plans to give `target` the settings of `source` that differ: those somebody set, except secrets, domains and the
/// environment's own name.
///
/// # Errors
/// [`Error::UnknownEnvironment`], or a file that cannot be read.
pub fn migration(project: &Project, source: &str, target: &str) -> Result<Migration, Error> {
    let from = project.inspect(Some(source))?.settings;
    let to = project.inspect(Some(target))?.settings;
    let chosen = cascade::active(project, Some(target))?;
    let mut plan = Migration {
        source: from.environment().clone(),
        target: to.environment().clone(),
        copies: Vec::new(),
        secrets: Vec::new(),
        kept: Vec::new(),
    };
    for name in differing(&from, &to) {
        let Some(written) = from.written(&name).filter(|written| to.written(&name).as_ref() != Some(written)) else {
            continue;
        };
        if is_secret(&name) {
            plan.secrets.push(name);
        } else if stays(&name) {
            plan.kept.push(name);
        } else if let Some(change) = config::plan(project, &chosen, &[&name])?.pop() {
            let before = value(&to, &name).map(|value| to.shown(&name, value));
            let after = from.shown(&name, value(&from, &name).unwrap_or_default());
            plan.copies.push(Copy { change, from: before, to: after, source: written });
        }
    }
    Ok(plan)
}

fn stays(name: &str) -> bool {
    name == "BASE_DOMAIN" || name.ends_with("_DOMAIN") && !name.ends_with("CORS_DOMAIN")
}

/// Carries a planned migration out.
///
/// # Errors
/// When a file cannot be written.
pub fn apply(project: &Project, plan: &Migration) -> Result<Vec<Change>, Error> {
    let chosen = cascade::active(project, Some(plan.target.as_str()))?;
    let values: Vec<(&str, String)> =
        plan.copies.iter().map(|copy| (copy.change.name.as_str(), copy.source.clone())).collect();
    config::write(project, &chosen, &values)
}
