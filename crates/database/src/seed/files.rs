use std::path::{Path, PathBuf};

use project::{EnvName, Tier};
use serde::Serialize;

use crate::{
    Error,
    migrate::{self, Part},
};

/// Where a project keeps its seeds, seen from one environment.
///
/// In this order, each folder by file name: `hasura/seeds/default` (with the Bash nself's rule: prod runs numbers up to
/// 001, staging up to 004), `common/` together with the files beside it, then the environment's own folder. Dev's folder is
/// `local`, `dev` or `development`; prod's is `production` or `prod`.
#[derive(Debug, Clone)]
pub struct Seeds {
    root: PathBuf,
    directory: PathBuf,
    environment: EnvName,
    tier: Tier,
}

/// One seed file.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Relative to the project's root: what the records know it by.
    pub path: String,
    /// The file's name without number and suffix, as `seed run` takes it.
    pub name: String,
    pub scope: Scope,
    /// SHA-256 in hex; line ends make no difference.
    pub checksum: String,
    pub(crate) part: Part,
}

/// For whom a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Common,
    Environment,
    /// From `hasura/seeds/default`.
    Hasura,
}

impl Seeds {
    /// `directory` is `NSELF_SEEDS_DIR`, relative to the project's root or absolute.
    pub fn new(root: impl Into<PathBuf>, directory: impl AsRef<Path>, environment: EnvName, tier: Tier) -> Self {
        let root = root.into();
        let directory = root.join(directory);
        Self { root, directory, environment, tier }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn environment(&self) -> &EnvName {
        &self.environment
    }

    /// The environment's seeds, in the order they run.
    pub fn load(&self) -> Result<Vec<Seed>, Error> {
        let mut seeds = Vec::new();
        let hasura = self.root.join("hasura/seeds/default");
        if hasura != self.directory {
            let wanted = |name: &str| match self.tier {
                Tier::Dev => true,
                Tier::Staging => number(name).is_some_and(|number| number <= 4),
                Tier::Prod => number(name).is_some_and(|number| number <= 1),
            };
            seeds.extend(self.folder(&hasura, Scope::Hasura, &wanted)?);
        }
        let mut common = self.folder(&self.directory.join("common"), Scope::Common, &|_| true)?;
        common.extend(self.folder(&self.directory, Scope::Common, &|_| true)?);
        common.sort_by_key(Seed::order);
        seeds.extend(common);
        for folder in self.folders() {
            seeds.extend(self.folder(&self.directory.join(folder), Scope::Environment, &|_| true)?);
        }
        Ok(seeds)
    }

    /// The names that the environment's own folder may have.
    fn folders(&self) -> Vec<&str> {
        match self.environment.as_str() {
            "dev" => vec!["local", "dev", "development"],
            "prod" => vec!["production", "prod"],
            name => vec![name],
        }
    }

    /// The folder that a new seed for this environment belongs into: the first one that exists, or the usual name.
    pub(super) fn own_folder(&self) -> PathBuf {
        let folders = self.folders();
        let existing = folders.iter().find(|folder| self.directory.join(folder).is_dir());
        self.directory.join(existing.unwrap_or(&folders[0]))
    }

    fn folder(&self, folder: &Path, scope: Scope, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Seed>, Error> {
        let mut seeds = Vec::new();
        for name in migrate::names(folder)? {
            let file = folder.join(&name);
            if let Some(stem) = name.strip_suffix(".sql").filter(|_| wanted(&name) && file.is_file()) {
                seeds.push(self.read(&file, stem, scope)?);
            }
        }
        seeds.sort_by_key(Seed::order);
        Ok(seeds)
    }

    fn read(&self, file: &Path, stem: &str, scope: Scope) -> Result<Seed, Error> {
        let text = migrate::read(file)?;
        let shown = file.strip_prefix(&self.root).unwrap_or(file);
        let name = match stem.split_once('_') {
            Some((digits, name)) if number(digits).is_some() && !name.is_empty() => name,
            _ => stem,
        };
        let checksum = migrate::checksum(&text);
        let length = text.len();
        let part = Part::new(shown.to_owned(), text.into(), 0..length, true);
        Ok(Seed { path: shown.to_string_lossy().into_owned(), name: name.to_owned(), scope, checksum, part })
    }
}

impl Seed {
    /// By number, then by name; files without a number come last.
    fn order(&self) -> (u64, String) {
        let name = self.file_name();
        (number(name).unwrap_or(u64::MAX), name.to_owned())
    }

    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// True for the seed's name, file name (with or without `.sql`) or path.
    pub(super) fn is_called(&self, wanted: &str) -> bool {
        let file = self.file_name();
        wanted == self.name || wanted == self.path || wanted == file || file.strip_suffix(".sql") == Some(wanted)
    }
}

/// The number a file name begins with.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    name[..digits].parse().ok()
}
