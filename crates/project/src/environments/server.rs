use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{EnvName, Error, Tier, files};

/// `server.json`: where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    #[serde(default)]
    pub name: String,
    /// `local`, `staging` or `prod`.
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub host: String,
    #[serde(default = "ssh_port")]
    pub port: u16,
    #[serde(default)]
    pub user: String,
    /// Path of the SSH key.
    #[serde(default)]
    pub key: String,
    #[serde(default = "deploy_path")]
    pub deploy_path: String,
    #[serde(default)]
    pub description: String,
}

fn ssh_port() -> u16 {
    22
}

fn deploy_path() -> String {
    "/opt/nself".to_owned()
}

impl Server {
    pub(crate) fn new(name: &str, kind: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            host: String::new(),
            port: ssh_port(),
            user: String::new(),
            key: String::new(),
            deploy_path: deploy_path(),
            description: String::new(),
        }
    }

    /// The file in an environment's folder; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::ServerFile`] when it is not what it should be.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join("server.json");
        let Some(text) = files::read_optional(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::ServerFile { path, reason: error.to_string() })
    }

    /// The tier its `type` stands for.
    pub fn tier(&self) -> Option<Tier> {
        Tier::of_name(&EnvName::parse(&self.kind)?)
    }
}
