//! Names of environments and what may be done to each kind.

use serde::{Deserialize, Serialize};

/// An environment's normalised name: `dev`, `staging`, `prod`, or the name of a folder in `.environments/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnvName(String);

/// How careful to be: defaults, secret strength and the safety guard depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Dev,
    Staging,
    Prod,
}

impl EnvName {
    /// Normalises the aliases of the Bash tool: `development`, `develop`, `devel`, `local` are `dev`, `production` is `prod`,
    /// `stage` is `staging`. `None` when the text cannot name an environment (letters, digits, `-` and `_`).
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let valid = !name.is_empty()
            && name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        valid.then(|| {
            Self(match name.as_str() {
                "development" | "develop" | "devel" | "local" => "dev".to_owned(),
                "production" => "prod".to_owned(),
                "stage" => "staging".to_owned(),
                _ => name,
            })
        })
    }

    pub fn dev() -> Self {
        Self("dev".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EnvName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
