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

impl Tier {
    /// The tier that a name alone says: `dev`, `staging` and `prod`. Other environments say theirs in `server.json`.
    pub fn of_name(name: &EnvName) -> Option<Self> {
        match name.as_str() {
            "dev" => Some(Self::Dev),
            "staging" => Some(Self::Staging),
            "prod" => Some(Self::Prod),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for EnvName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
