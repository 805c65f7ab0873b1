//! Every setting, declared once: name, kind, default, description, aliases. Validation, the reference page,
//! `.env.example`, did-you-mean and redaction all read this table.

mod auth;
mod data;
mod families;
pub mod hasura;
mod identity;
mod ignored;
mod integrations;
mod kind;
mod network;
mod observability;
mod operations;
mod reference;
mod services;
mod storage;
mod tools;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Tier;

pub use families::SERVICES;
pub use ignored::IGNORED;
pub use kind::{Kind, Strength};
pub use reference::{example, reference};

/// A default for each tier; `None` where the setting is simply not set. May hold `${OTHER}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Default {
    pub dev: Option<&'static str>,
    pub staging: Option<&'static str>,
    pub prod: Option<&'static str>,
}

impl Default {
    const NONE: Self = Self { dev: None, staging: None, prod: None };

    pub fn of(&self, tier: Tier) -> Option<&'static str> {
        match tier {
            Tier::Dev => self.dev,
            Tier::Staging => self.staging,
            Tier::Prod => self.prod,
        }
    }
}

/// When a project cannot do without a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    No,
    Always,
    /// When one of these flags is on.
    With(&'static [&'static str]),
    /// It belongs to one of these flags and is made with the others, but an older project without it starts: only what
    /// it opens stays closed.
    Recommended(&'static [&'static str]),
}

/// One setting of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The canonical name. In families `N` stands for a number (`CS_N_PORT`), `<SERVICE>` for one of [`SERVICES`] and
    /// `<NAME>` for any name.
    pub name: &'static str,
    pub kind: Kind,
    pub default: Default,
    pub description: &'static str,
    /// Other names that mean the same setting.
    pub aliases: &'static [&'static str],
    /// The version that brought it; `bash` for what the Bash tool had.
    pub since: &'static str,
    /// The title of its part of the reference page.
    pub group: &'static str,
    pub required: Required,
    /// Settings that make this one unnecessary when they are set.
    pub instead: &'static [&'static str],
}

impl Setting {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            default: Default::NONE,
            description,
            aliases: &[],
            since: "bash",
            group: "",
            required: Required::No,
            instead: &[],
        }
    }

    /// The same default in every environment.
    const fn default(self, value: &'static str) -> Self {
        self.defaults(value, value, value)
    }

    const fn defaults(mut self, dev: &'static str, staging: &'static str, prod: &'static str) -> Self {
        self.default = Default { dev: Some(dev), staging: Some(staging), prod: Some(prod) };
        self
    }

    const fn aliases(mut self, names: &'static [&'static str]) -> Self {
        self.aliases = names;
        self
    }

    const fn since(mut self, version: &'static str) -> Self {
        self.since = version;
        self
    }

    const fn required(mut self, required: Required) -> Self {
        self.required = required;
        self
    }

    const fn instead(mut self, names: &'static [&'static str]) -> Self {
        self.instead = names;
        self
    }

    /// True for values that are never shown: passwords, keys, tokens, and URLs that carry one.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret(_))
    }

    /// True when the name stands for many names.
    pub fn is_family(&self) -> bool {
        self.name.contains('<') || self.name.split('_').any(|part| part == "N")
    }
}

struct Group {
    title: &'static str,
    settings: &'static [Setting],
}

struct Index {
    all: Vec<Setting>,
    by_name: HashMap<&'static str, usize>,
    families: Vec<(families::Pattern, usize)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let groups = [
        identity::GROUPS,
        data::GROUPS,
        auth::GROUPS,
        storage::GROUPS,
        services::GROUPS,
        network::GROUPS,
        observability::GROUPS,
        families::GROUPS,
        operations::GROUPS,
        tools::GROUPS,
        integrations::GROUPS,
    ];
    let all: Vec<Setting> = groups
        .into_iter()
        .flatten()
        .flat_map(|group| group.settings.iter().map(|setting| Setting { group: group.title, ..*setting }))
        .collect();
    let mut by_name = HashMap::with_capacity(all.len() * 2);
    let mut families = Vec::new();
    for (position, setting) in all.iter().enumerate() {
        if setting.is_family() {
            families.push((families::Pattern::new(setting.name), position));
        } else {
            by_name.insert(setting.name, position);
        }
        by_name.extend(setting.aliases.iter().map(|alias| (*alias, position)));
    }
    Index { all, by_name, families }
});

/// Every setting, in the order of the reference page.
pub fn all() -> &'static [Setting] {
    &INDEX.all
}

/// The setting with this name or alias; `CS_1_PORT` finds the family `CS_N_PORT`.
pub fn find(name: &str) -> Option<&'static Setting> {
    let position = INDEX
        .by_name
        .get(name)
        .or_else(|| INDEX.families.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, position)| position))?;
    INDEX.all.get(*position)
}

/// The name under which a value is kept: aliases become the canonical name, members of a family stay as they are.
pub fn canonical(name: &str) -> &str {
    match INDEX.by_name.get(name) {
        Some(position) => INDEX.all[*position].name,
        None => name,
    }
}

/// Why a name is accepted without meaning anything here; `None` for names that are not on that list.
pub fn ignored(name: &str) -> Option<&'static str> {
    IGNORED.iter().find(|(known, _)| families::Pattern::new(known).matches(name)).map(|(_, reason)| *reason)
}

/// The known name that is closest to a mistyped one, when one is close.
pub fn suggest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    INDEX
        .all
        .iter()
        .flat_map(|setting| std::iter::once(setting.name).chain(setting.aliases.iter().copied()))
        .filter(|known| !known.contains('<'))
        .map(|known| (strsim::normalized_damerau_levenshtein(&upper, known), known))
        .filter(|(likeness, known)| *likeness >= 0.8 && *known != name)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests;
