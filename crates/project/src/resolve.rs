//! From layers of files to settings: merge, expand, validate. Pure; the files are read elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use crate::catalogue;
use crate::dotenv::{self, Expander, Lookup, Piece};
use crate::settings::{Inner, Origin, Value, is_secret};
use crate::{EnvName, Problem, Settings, Tier, Toml};

/// One file of the cascade.
pub(crate) struct Layer {
    /// Relative to the project's root.
    pub path: PathBuf,
    pub file: dotenv::File,
}

impl Layer {
    pub(crate) fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let mut file = dotenv::File::default();
        for (line, (name, value)) in (1..).zip(pairs) {
            match dotenv::pieces(&value, false) {
                Ok(value) => file.entries.push(dotenv::Entry { name, value, line }),
                Err(message) => file.faults.push(dotenv::Fault { line, message: format!("{name}: {message}") }),
            }
        }
        Self { path: PathBuf::from("(memory)"), file }
    }
}

/// Settings, complete even when some values are wrong, and everything that was noticed, errors first.
pub(crate) struct Resolution {
    pub settings: Settings,
    pub problems: Vec<Problem>,
}

struct Raw {
    pieces: Vec<Piece>,
    origin: Origin,
    /// The name as it was written, which may be an alias.
    written: String,
}

type Process<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(crate) fn resolve(
    environment: EnvName,
    tier: Tier,
    layers: Vec<Layer>,
    toml: Toml,
    mut problems: Vec<Problem>,
    process: Process<'_>,
) -> Resolution {
    let files = layers.iter().map(|layer| layer.path.clone()).collect();
    let mut merged = merge(layers, &mut problems);
    choose_domain(&mut merged, tier);
    let home = merged.get("ENV").and_then(|raw| match raw.pieces.as_slice() {
        [Piece::Text(text)] => EnvName::parse(text),
        _ => None,
    });
    let source = Source { merged, defaults: variable_defaults(tier), tier, environment: &environment, process };
    let (values, defaults) = expand(&source, &mut problems);
    let tainted = tainted(&source);
    validate(&source.merged, &values, &tainted, &toml, &mut problems);
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    let warnings = problems.iter().filter(|problem| !problem.is_error() && !is_own(problem)).cloned().collect();
    let settings = Settings::new(Inner { environment, tier, values, defaults, tainted, home, toml, warnings, files });
    Resolution { settings, problems }
}

/// Later files win. An empty value of a known setting takes the value of lower files away.
fn merge(layers: Vec<Layer>, problems: &mut Vec<Problem>) -> BTreeMap<String, Raw> {
    let mut merged: BTreeMap<String, Raw> = BTreeMap::new();
    for Layer { path, file } in layers {
        let fault = |fault: dotenv::Fault| Problem::error(fault.message).at(path.clone(), Some(fault.line));
        problems.extend(file.faults.into_iter().map(fault));
        for entry in file.entries {
            let name = catalogue::canonical(&entry.name).to_owned();
            if let Some(Raw { origin: Origin::File { path: before, line }, written, pieces }) = merged.get(&name)
                && *before == path
                && (written == &entry.name || pieces != &entry.value)
            {
                let message = if *written == entry.name {
                    format!("{written} is set twice; line {} counts, line {line} does not", entry.line)
                } else {
                    format!(
                        "{written} and {} are one setting; line {} counts, line {line} does not",
                        entry.name, entry.line
                    )
                };
                problems.push(Problem::warning(message).about(&entry.name).at(path.clone(), Some(entry.line)));
            }
            let origin = Origin::File { path: path.clone(), line: entry.line };
            merged.insert(name, Raw { pieces: entry.value, origin, written: entry.name });
        }
    }
    merged.retain(|name, raw| !raw.pieces.is_empty() || catalogue::find(name).is_none() || name == EMPTIED);
    merged
}

/// `DEV_DOMAIN`, `STAGING_DOMAIN` and `PROD_DOMAIN` replace `BASE_DOMAIN` in their tier.
fn choose_domain(merged: &mut BTreeMap<String, Raw>, tier: Tier) {
    let name = match tier {
        Tier::Dev => "DEV_DOMAIN",
        Tier::Staging => "STAGING_DOMAIN",
        Tier::Prod => "PROD_DOMAIN",
    };
    if let Some(raw) = merged.get(name) {
        let raw = Raw { pieces: raw.pieces.clone(), origin: raw.origin.clone(), written: raw.written.clone() };
        merged.insert("BASE_DOMAIN".to_owned(), raw);
    }
}

/// The defaults that refer to other settings.
fn variable_defaults(tier: Tier) -> HashMap<&'static str, Vec<Piece>> {
    let defaults = catalogue::all().iter().filter_map(|setting| Some((setting.name, setting.default.of(tier)?)));
    defaults
        .filter(|(_, text)| text.contains("${"))
        .map(|(name, text)| (name, dotenv::pieces(text, false).unwrap_or_default()))
        .collect()
}

struct Source<'a> {
    merged: BTreeMap<String, Raw>,
    defaults: HashMap<&'static str, Vec<Piece>>,
    tier: Tier,
    environment: &'a EnvName,
    process: Process<'a>,
}

impl Lookup for Source<'_> {
    fn canonical<'n>(&'n self, name: &'n str) -> &'n str {
        catalogue::canonical(name)
    }

    fn raw(&self, name: &str) -> Option<&[Piece]> {
        if name == "ENV" {
            return None;
        }
        let own = self.merged.get(name).map(|raw| raw.pieces.as_slice());
        own.or_else(|| self.defaults.get(name).map(Vec::as_slice))
    }

    fn outside(&self, name: &str) -> Option<String> {
        if name == "ENV" {
            return Some(self.environment.to_string());
        }
        let setting = catalogue::find(name);
        match setting.and_then(|setting| setting.default.of(self.tier)) {
            Some(default) => Some(default.to_owned()),
            // A setting of ours that nothing sets is empty, whatever this machine's environment holds.
            None if setting.is_some() => Some(String::new()),
            None => (self.process)(name),
        }
    }
}

type Expanded = (BTreeMap<String, Value>, HashMap<&'static str, String>);

fn expand(source: &Source<'_>, problems: &mut Vec<Problem>) -> Expanded {
    let mut expander = Expander::new(source);
    let mut values = BTreeMap::new();
    for (name, raw) in &source.merged {
        let text = expander.value(name).unwrap_or_default();
        let source = raw.pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }));
        let source = source.then(|| dotenv::source(&raw.pieces));
        values.insert(name.clone(), Value { text, origin: raw.origin.clone(), source });
    }
    let mut defaults = HashMap::with_capacity(source.defaults.len());
    for name in source.defaults.keys() {
        if !source.merged.contains_key(*name) {
            defaults.insert(*name, expander.value(name).unwrap_or_default());
        }
    }
    let place = |name: &str| source.merged.get(name).map_or(Origin::Default, |raw| raw.origin.clone());
    // `ENV` is what was chosen, wherever it was chosen.
    values.insert("ENV".to_owned(), Value { text: source.environment.to_string(), origin: place("ENV"), source: None });
    for (name, cycle) in &expander.cycles {
        let message = format!("{name} refers to itself: {cycle}");
        problems.push(Problem::error(message).about(name).from(&place(name)));
    }
    for (name, user) in &expander.missing {
        let message = format!("{user} uses ${{{name}}}, which nothing sets");
        problems.push(Problem::warning(message).about(user).from(&place(user)).suggest(catalogue::suggest(name)));
    }
    (values, defaults)
}

/// The settings, and defaults of settings, that lead to a secret through `${…}`, however many steps away: walks from
/// the secrets to whoever uses them.
fn tainted(source: &Source<'_>) -> BTreeSet<String> {
    let own = source.merged.iter().map(|(name, raw)| (name.as_str(), raw.pieces.as_slice()));
    let defaults = source.defaults.iter().filter(|(name, _)| !source.merged.contains_key(**name));
    let mut users: HashMap<&str, Vec<&str>> = HashMap::new();
    for (user, pieces) in own.chain(defaults.map(|(name, pieces)| (*name, pieces.as_slice()))) {
        let mut open: Vec<&Piece> = pieces.iter().collect();
        while let Some(piece) = open.pop() {
            if let Piece::Variable { name, otherwise } = piece {
                users.entry(catalogue::canonical(name)).or_default().push(user);
                open.extend(otherwise.iter().flatten());
            }
        }
    }
    let mut tainted = BTreeSet::new();
    let mut open: Vec<&str> = users.keys().copied().filter(|name| is_secret(name)).collect();
    while let Some(name) = open.pop() {
        for user in users.get(name).into_iter().flatten() {
            if tainted.insert((*user).to_owned()) {
                open.push(user);
            }
        }
    }
    tainted
}

fn validate(
    merged: &BTreeMap<String, Raw>,
    values: &BTreeMap<String, Value>,
    tainted: &BTreeSet<String>,
    toml: &Toml,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in values {
        let written = merged.get(name).map_or(name.as_str(), |raw| raw.written.as_str());
        let complaint = catalogue::hasura::complaint(name, &value.text).filter(|_| !value.text.is_empty());
        if let Some(complaint) = complaint {
            problems.push(Problem::warning(complaint).about(written).from(&value.origin));
        }
        match catalogue::find(name) {
            Some(_) if value.text.is_empty() => {}
            Some(setting) => {
                let hidden = tainted.contains(name);
                let checked =
                    if hidden { setting.kind.check_hidden(&value.text) } else { setting.kind.check(&value.text) };
                if let Err(reason) = checked {
                    problems.push(Problem::error(format!("{written} {reason}")).about(written).from(&value.origin));
                }
            }
            None if catalogue::ignored(name).is_some() || toml.owns(name) => {}
            None if catalogue::hasura::effect(name).is_some() => {}
            None => {
                let message = format!("{written} {NOT_OURS}");
                let suggestion = catalogue::suggest(written);
                problems.push(Problem::warning(message).about(written).from(&value.origin).suggest(suggestion));
            }
        }
    }
    if let Some(value) = values.get("HASURA_GRAPHQL_JWT_SECRET").filter(|value| !value.text.is_empty())
        && !is_jwt_secret(&value.text)
    {
        let message =
            "HASURA_GRAPHQL_JWT_SECRET must be JSON with a `key` or a `jwk_url`: {\"type\":\"HS256\",\"key\":\"…\"}";
        problems.push(Problem::error(message).about("HASURA_GRAPHQL_JWT_SECRET").from(&value.origin));
    }
}

/// A name that is not ours and resembles none of ours is most likely the user's own: `nself config validate` mentions it,
/// every other command does not. Names of Hasura's server are nobody's own.
fn is_own(problem: &Problem) -> bool {
    let hasuras = problem.name.as_deref().is_some_and(|name| name.starts_with("HASURA_GRAPHQL_"));
    problem.suggestion.is_none() && !hasuras && problem.message.ends_with(NOT_OURS)
}

/// The one setting whose empty value says something: no such role, in spite of the default.
const EMPTIED: &str = "HASURA_GRAPHQL_UNAUTHORIZED_ROLE";

const NOT_OURS: &str = "is not a setting of nself";

fn is_jwt_secret(text: &str) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    value.is_some_and(|value| {
        ["key", "jwk_url"].iter().any(|field| value.get(field).is_some_and(|field| field.is_string()))
    })
}
