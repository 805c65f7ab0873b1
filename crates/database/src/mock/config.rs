//! `nself/mock/mock.config.yaml` and `nself/mock/mock.seed`: what a project says about its mock data.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MockError, files, values::Spec};
use crate::Error;

/// The seed of a project that names none.
pub const DEFAULT_SEED: u64 = 42;
/// The rows of a table that names no count.
pub const DEFAULT_COUNT: u64 = 100;
/// The day that "two years ago" is seen from in a project that names none. Never the clock: the same data every day.
pub const DEFAULT_NOW: &str = "2026-01-01";

/// The configuration of a project's mock data. Every part may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The language of names, addresses and texts: `en`, `de`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The day, or time, that past and future are seen from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Rows of a table that says nothing itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    pub tables: BTreeMap<String, TableConfig>,
}

/// One table, by its name (in `public`) or `schema.name`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableConfig {
    /// 0 leaves the table alone; its rows are used where other tables refer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(skip_serializing_if = "Triggers::is_skip")]
    pub triggers: Triggers,
    /// `{ type: email }`, or `email` for short.
    pub columns: BTreeMap<String, Value>,
}

/// Whether the table's triggers run for its mock rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triggers {
    #[default]
    Skip,
    Fire,
}

impl Triggers {
    fn is_skip(&self) -> bool {
        *self == Self::Skip
    }
}

/// How many rows a table gets, whatever the configuration says; tables with `count: 0` stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    Minimal,
    Medium,
    Stress,
}

impl Preset {
    pub fn rows(self) -> u64 {
        match self {
            Self::Minimal => 10,
            Self::Medium => 1_000,
            Self::Stress => 100_000,
        }
    }
}

/// Where a project keeps its mock data's configuration.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// `path` is `nself/mock` of the project.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn config_file(&self) -> PathBuf {
        self.path.join("mock.config.yaml")
    }

    pub fn seed_file(&self) -> PathBuf {
        self.path.join("mock.seed")
    }

    /// The configuration, or none when there is no file.
    ///
    /// # Errors
    /// [`Error::Io`], [`MockError::Config`].
    pub fn config(&self) -> Result<Option<Config>, Error> {
        let file = self.config_file();
        files::read(&file)?.map(|text| Config::parse(&file, &text)).transpose()
    }

    /// The seed that counts: the configuration's, else the one of `mock.seed`, else [`DEFAULT_SEED`].
    ///
    /// # Errors
    /// [`Error::Io`], [`MockError::Config`] where `mock.seed` holds no number.
    pub fn seed(&self, config: Option<&Config>) -> Result<u64, Error> {
        if let Some(seed) = config.and_then(|config| config.seed) {
            return Ok(seed);
        }
        let file = self.seed_file();
        let Some(text) = files::read(&file)? else { return Ok(DEFAULT_SEED) };
        let parse = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let number = parse.into_iter().find(|line| !line.is_empty()).map(str::parse);
        match number {
            Some(Ok(seed)) => Ok(seed),
            _ => Err(MockError::Config { file, problem: "it holds no whole number".to_owned(), hint: None }.into()),
        }
    }

    /// Puts another configuration in the place of this one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_config(&self, text: &str) -> Result<(), Error> {
        files::replace(&self.config_file(), text.as_bytes())
    }

    /// Keeps a seed for everybody: in `mock.seed`, and in the configuration where that names one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_seed(&self, seed: u64) -> Result<(), Error> {
        let file = self.config_file();
        if let Some(text) = files::read(&file)?
            && let Some(changed) = with_seed(&text, seed)
            && changed != text
        {
            files::replace(&file, changed.as_bytes())?;
        }
        project::fault::hit("mock.between-seeds");
        let file = self.seed_file();
        let text = format!("{seed}\n");
        if files::read(&file)?.as_deref() != Some(&text) {
            files::replace(&file, text.as_bytes())?;
        }
        Ok(())
    }
}

/// The text of a configuration with another seed, where its top level names one; everything else stays as it was typed.
fn with_seed(text: &str, seed: u64) -> Option<String> {
    let start = text.split_inclusive('\n').scan(0, |at, line| {
        let begin = *at;
        *at += line.len();
        Some((begin, line))
    });
    let (begin, line) = start.into_iter().find(|(_, line)| line.starts_with("seed:"))?;
    let value = line["seed:".len()..].trim_start_matches([' ', '\t']);
    let from = begin + line.len() - value.len();
    let digits = value.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
    let separator = if text[..from].ends_with(':') { " " } else { "" };
    Some(format!("{}{separator}{seed}{}", &text[..from], &text[from + digits..]))
}

impl Config {
    /// Reads YAML.
    ///
    /// # Errors
    /// [`MockError::Config`] with the parser's place.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Error> {
        // An empty file, or one of comments, is null and not a map.
        let config: Option<Self> = serde_saphyr::from_str(text).map_err(|error| MockError::Config {
            file: file.to_owned(),
            problem: error.to_string(),
            hint: None,
        })?;
        Ok(config.unwrap_or_default())
    }

    /// The table's entry, under its plain name when it is in `public`, or its qualified one.
    pub fn table(&self, schema: &str, name: &str) -> Option<&TableConfig> {
        let plain = if schema == "public" { self.tables.get(name) } else { None };
        plain.or_else(|| self.tables.get(&format!("{schema}.{name}")))
    }

    /// The time that past and future are seen from, in microseconds since 1970.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(crate) fn now(&self) -> Result<i64, String> {
        let text = self.now.as_deref().unwrap_or(DEFAULT_NOW).trim();
        let date = |text: &str| {
            let date: jiff::civil::Date = text.parse().ok()?;
            date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        };
        let time = text.parse::<jiff::Timestamp>().ok().or_else(|| date(text));
        time.map(jiff::Timestamp::as_microsecond)
            .ok_or_else(|| format!("`now: {text}` is neither a day (2026-01-31) nor a time (2026-01-31T12:00:00Z)"))
    }
}

/// A column's entry: `{ type: email }`, or `email` for short.
///
/// # Errors
/// A sentence about what is wrong with it.
pub(crate) fn spec(value: &Value) -> Result<Spec, String> {
    match value {
        Value::String(kind) => serde_json::from_value(serde_json::json!({ "type": kind })),
        Value::Object(_) => serde_json::from_value(value.clone()),
        _ => return Err("it has to be the name of a kind, or { type: …, … }".to_owned()),
    }
    .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        Config::parse(Path::new("mock.config.yaml"), text)
    }

    #[test]
    fn the_example_of_the_specification_reads() {
        let config = parse(
            "# nself/mock/mock.config.yaml\nseed: 42  # Same seed\n\ntables:\n  users:\n    count: 100\n    columns:\n      \
             email: { type: email }\n      created_at: { type: pastDate, years: 2 }\n  posts:\n    count: 500\n    columns:\n      \
             user_id: { type: foreignKey, table: users }\n      published: boolean\n",
        )
        .unwrap();
        assert_eq!(config.seed, Some(42));
        let users = config.table("public", "users").unwrap();
        assert_eq!(users.count, Some(100));
        assert_eq!(spec(&users.columns["created_at"]).unwrap().kind, "pastDate");
        assert_eq!(spec(&config.tables["posts"].columns["published"]).unwrap().kind, "boolean");
        assert!(config.table("auth", "users").is_none());
    }

    #[test]
    fn an_unknown_word_is_an_error_and_an_empty_file_is_none() {
        assert_eq!(parse("# nothing yet\n").unwrap(), Config::default());
        let Error::Mock(MockError::Config { problem, .. }) = parse("tables:\n  users:\n    cuont: 3\n").unwrap_err()
        else {
            panic!()
        };
        assert!(problem.contains("cuont"), "{problem}");
    }

    #[test]
    fn a_seed_is_replaced_where_it_stands() {
        let change = |text| with_seed(text, 7);
        assert_eq!(change("# a\nseed: 42  # same\ntables:\n").unwrap(), "# a\nseed: 7  # same\ntables:\n");
        assert_eq!(change("seed:\n").unwrap(), "seed: 7\n");
        assert_eq!(change("tables:\n  seed: 1\n"), None);
    }

    #[test]
    fn the_seed_of_the_file_counts_where_the_configuration_has_none() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path().join("nself/mock"));
        assert_eq!(folder.seed(None).unwrap(), DEFAULT_SEED);
        folder.keep_seed(7).unwrap();
        assert_eq!(folder.seed(None).unwrap(), 7);
        std::fs::write(folder.config_file(), "seed: 8 # mine\n").unwrap();
        assert_eq!(folder.seed(folder.config().unwrap().as_ref()).unwrap(), 8);
        folder.keep_seed(9).unwrap();
        assert_eq!(std::fs::read_to_string(folder.config_file()).unwrap(), "seed: 9 # mine\n");
        assert_eq!(folder.seed(None).unwrap(), 9);
        std::fs::write(folder.seed_file(), "many\n").unwrap();
        assert!(folder.seed(None).is_err());
    }

    #[test]
    fn days_and_times_are_understood() {
        let now = |text: &str| Config { now: Some(text.to_owned()), ..Config::default() }.now();
        assert_eq!(now("1970-01-02").unwrap(), 86_400_000_000);
        assert_eq!(now("1970-01-01T00:00:01Z").unwrap(), 1_000_000);
        assert!(now("yesterday").unwrap_err().contains("yesterday"));
        assert!(Config::default().now().is_ok());
    }
}
