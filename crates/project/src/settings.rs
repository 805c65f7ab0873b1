use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::catalogue::{self, Kind, Setting};
use crate::dotenv::Piece;
use crate::mask;
use crate::resolve::{Layer, Resolution, resolve};
use crate::value::{self, Rate};
use crate::{EnvName, Error, Problem, Secret, Tier, Toml};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The catalogue.
    Default,
    /// A line of a file; the path is relative to the project's root.
    File { path: PathBuf, line: u32 },
    /// The process environment.
    Process,
    /// `nself.toml`.
    Toml,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Process => f.write_str("process environment"),
            Self::Toml => f.write_str(crate::toml::FILE),
        }
    }
}

/// A value after expansion. Never empty for settings of the catalogue: an empty value counts as not set.
#[derive(Clone)]
pub(crate) struct Value {
    pub text: String,
    pub origin: Origin,
    /// How it was written, where that holds `${…}`.
    pub source: Option<String>,
}

/// A project's values for one environment, merged, expanded and validated. Cheap to clone.
///
/// The getters take a name of the catalogue, or an alias. They give the user's value, else the default of the tier,
/// else `None`. A name that is not in the catalogue is an error in the program, and they panic.
#[derive(Clone)]
pub struct Settings(Arc<Inner>);

pub(crate) struct Inner {
    pub environment: EnvName,
    pub tier: Tier,
    pub values: BTreeMap<String, Value>,
    /// Defaults that refer to other settings, expanded.
    pub defaults: HashMap<&'static str, String>,
    /// Settings, by canonical name, whose `${…}` lead to a secret.
    pub tainted: BTreeSet<String>,
    /// The environment that `ENV=` in `.env` names: whose file `.env` is.
    pub home: Option<EnvName>,
    pub toml: Toml,
    pub warnings: Vec<Problem>,
    /// The files that were read, lowest first.
    pub files: Vec<PathBuf>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("environment", &self.0.environment)
            .field("tier", &self.0.tier)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Settings from memory, as if `pairs` stood in one `.env` file: for tests and for tools without a project.
    ///
    /// # Errors
    /// [`Error::Settings`] with everything that is wrong.
    pub fn from_pairs(
        environment: EnvName,
        pairs: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self, Error> {
        let tier = Tier::of_name(&environment).unwrap_or(Tier::Dev);
        let layer = Layer::from_pairs(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        let Resolution { settings, problems } =
            resolve(environment, tier, vec![layer], Toml::default(), Vec::new(), &|_| None);
        if problems.iter().any(Problem::is_error) { Err(Error::Settings(problems)) } else { Ok(settings) }
    }

    pub fn environment(&self) -> &EnvName {
        &self.0.environment
    }

    pub fn tier(&self) -> Tier {
        self.0.tier
    }

    /// `nself.toml`.
    pub fn toml(&self) -> &Toml {
        &self.0.toml
    }

    /// What is doubtful but not wrong; without names that are most likely the user's own ([`crate::Inspection`] has them).
    pub fn warnings(&self) -> &[Problem] {
        &self.0.warnings
    }

    /// The files these settings were read from, lowest priority first, relative to the project's root.
    pub fn files(&self) -> &[PathBuf] {
        &self.0.files
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.lookup(setting(name), name)
    }

    /// False when neither the user nor a default says otherwise.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).and_then(value::flag).unwrap_or(false)
    }

    pub fn port(&self, name: &str) -> Option<u16> {
        self.text(name).and_then(value::port)
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(value::integer)
    }

    pub fn bytes(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(value::bytes)
    }

    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.text(name).and_then(value::duration)
    }

    /// Thousandths of a core.
    pub fn millicores(&self, name: &str) -> Option<u32> {
        self.text(name).and_then(value::millicores)
    }

    pub fn rate(&self, name: &str) -> Option<Rate> {
        self.text(name).and_then(value::rate)
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        self.text(name).map(value::list).unwrap_or_default()
    }

    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(|text| Secret::new(text.to_owned()))
    }

    /// Set by the user, not by a default.
    pub fn is_set(&self, name: &str) -> bool {
        setting(name);
        self.own(name).is_some()
    }

    pub fn origin(&self, name: &str) -> Origin {
        setting(name);
        self.own(name).map_or(Origin::Default, |value| value.origin.clone())
    }

    /// The numbers in use in a family: `indices("CS")` is `[1, 2, 4]` when `CS_1`, `CS_2_NAME` and `CS_4` are set.
    pub fn indices(&self, family: &str) -> Vec<u32> {
        let prefix = format!("{family}_");
        let numbers = self.0.values.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        let numbers = numbers.filter(|(name, value)| !value.text.is_empty() && catalogue::find(name).is_some());
        numbers
            .filter_map(|(name, _)| name[prefix.len()..].split('_').next()?.parse().ok())
            .collect::<BTreeSet<u32>>()
            .into_iter()
            .collect()
    }

    /// One value of a family: `("CS", 1, "")` is `CS_1`, `("CS", 1, "PORT")` is `CS_1_PORT`.
    pub fn indexed(&self, family: &str, number: u32, field: &str) -> Option<&str> {
        let name = if field.is_empty() { format!("{family}_{number}") } else { format!("{family}_{number}_{field}") };
        let setting = setting(&name);
        self.lookup(setting, &name)
    }

    /// Variables that are not in the catalogue, by name.
    pub fn extra(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .values
            .iter()
            .filter(|(name, _)| catalogue::find(name).is_none())
            .map(|(name, value)| (name.as_str(), value.text.as_str()))
    }

    /// Everything that is set, in the catalogue or not, by name: value and origin.
    pub fn set_values(&self) -> impl Iterator<Item = (&str, &str, &Origin)> {
        self.0.values.iter().map(|(name, value)| (name.as_str(), value.text.as_str(), &value.origin))
    }

    /// What must stand in a `.env` file to give a setting the value it has here, with its `${…}` as they were written.
    pub(crate) fn written(&self, name: &str) -> Option<String> {
        let value = self.own(name)?;
        Some(value.source.clone().unwrap_or_else(|| crate::dotenv::quote(&value.text)))
    }

    /// A value that refers to settings, with theirs filled in.
    pub(crate) fn expand(&self, pieces: &[Piece]) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable { name, otherwise } => {
                let known = catalogue::find(name).and_then(|setting| self.lookup(setting, name));
                let value = known.or_else(|| self.own(name).map(|value| value.text.as_str()));
                value.map(str::to_owned).or_else(|| Some(self.expand(otherwise.as_deref()?))).unwrap_or_default()
            }
        };
        pieces.iter().map(part).collect()
    }

    /// Whether a value refers to a secret, or to a setting that does.
    pub(crate) fn leads_to_secret(&self, pieces: &[Piece]) -> bool {
        let names = |piece: &Piece| match piece {
            Piece::Text(_) => false,
            Piece::Variable { name, otherwise } => {
                self.hides(name) || otherwise.as_deref().is_some_and(|pieces| self.leads_to_secret(pieces))
            }
        };
        pieces.iter().any(names)
    }

    /// The environment that `ENV=` in the shared `.env` names.
    pub(crate) fn home(&self) -> Option<&EnvName> {
        self.0.home.as_ref()
    }

    /// Whether the value of a name is a secret as a whole: the name says so ([`is_secret`]), or it was written with a
    /// `${…}` that leads to a secret.
    pub fn hides(&self, name: &str) -> bool {
        is_secret(name) || self.0.tainted.contains(catalogue::canonical(name))
    }

    /// `value`, which is the one of `name`, as people may see it: dots for a secret, and for the password in a URL.
    pub fn shown(&self, name: &str, value: &str) -> String {
        if self.hides(name) { mask::DOTS.to_owned() } else { mask::inside(value) }
    }

    /// `text` with the value of every secret setting replaced by dots, for messages that pass on somebody else's words.
    pub fn redact(&self, text: &str) -> String {
        const SHORTEST: usize = 6;
        let mut secrets: Vec<&str> = self
            .set_values()
            .filter(|(name, value, _)| is_secret(name) && value.len() >= SHORTEST)
            .map(|(_, value, _)| value)
            .collect();
        // The longest first: one secret may be part of another (a password in a URL).
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, mask::DOTS))
    }

    fn own(&self, name: &str) -> Option<&Value> {
        self.0.values.get(catalogue::canonical(name)).filter(|value| !value.text.is_empty())
    }

    fn lookup(&self, setting: &'static Setting, name: &str) -> Option<&str> {
        if let Some(value) = self.own(name) {
            return Some(&value.text);
        }
        match self.0.defaults.get(setting.name) {
            Some(text) => Some(text.as_str()),
            None => setting.default.of(self.0.tier),
        }
        .filter(|text| !text.is_empty())
    }
}

fn setting(name: &str) -> &'static Setting {
    match catalogue::find(name) {
        Some(setting) => setting,
        None => panic!("{name} is not in the settings catalogue"),
    }
}

/// Whether a variable's value must not be shown: by the catalogue, or, for names it does not know, by how they end.
pub fn is_secret(name: &str) -> bool {
    const ENDINGS: [&str; 9] =
        ["SECRET", "PASSWORD", "PASS", "TOKEN", "_KEY", "APIKEY", "CREDENTIALS", "_DSN", "DATABASE_URL"];
    match catalogue::find(name) {
        Some(setting) => matches!(setting.kind, Kind::Secret(_)),
        None => {
            let upper = name.to_ascii_uppercase();
            !upper.contains("PUBLIC")
                && ENDINGS
                    .iter()
                    .any(|ending| upper.ends_with(ending) || ending.strip_prefix('_') == Some(upper.as_str()))
        }
    }
}
