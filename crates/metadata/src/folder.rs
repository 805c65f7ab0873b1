//! The metadata folder of Hasura's command line: one file a kind, one file a table and function.
//!
//! Read are folders of config version 3 (`databases/databases.yaml`) and 2 (`tables.yaml`), and a single file of JSON or
//! YAML as `export_metadata` gives it. Written is version 3. Metadata stays JSON here, so that nothing is lost that
//! this version of nself does not know; the server judges it.
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! let metadata = serde_json::json!({"version": 3, "sources": [{"name": "default", "kind": "postgres",
//!     "tables": [{"table": {"schema": "public", "name": "users"}}], "configuration": {}}]});
//! metadata::folder::write(&folder.path().join("metadata"), &metadata)?;
//! assert_eq!(metadata::folder::read(&folder.path().join("metadata"))?, metadata);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod actions;
mod read;
mod swap;
mod write;
mod yaml;

use std::path::{Path, PathBuf};

use project::Diagnostic;

pub use read::{parse, read};
pub use write::{Written, files, write};

/// Every code of this crate; each has a page in `assets/errors`.
pub const CODES: &[&str] = &["NS-META-001", "NS-META-002", "NS-META-003"];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no Hasura metadata in {}", path.display())]
    Missing { path: PathBuf },
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{} cannot be understood", path.display())]
    Content { path: PathBuf, why: String },
}

impl Error {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    fn content(path: &Path, why: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), why: why.to_string() }
    }
}

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::Missing { .. } => "NS-META-001",
            Self::Io { .. } => "NS-META-002",
            Self::Content { .. } => "NS-META-003",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "neither databases/databases.yaml nor tables.yaml is there".to_owned(),
            Self::Io { source, .. } => source.to_string(),
            Self::Content { why, .. } => why.clone(),
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => {
                "name the folder that holds databases/, or run nself hasura metadata export to make one".to_owned()
            }
            Self::Io { path, .. } => format!("check who owns {} and that the disk has room", path.display()),
            Self::Content { path, .. } => format!("mend {}", path.display()),
        })
    }
}

/// A kind of metadata: its key, its file, and what the file holds when there is none of it.
struct Kind {
    key: &'static str,
    file: &'static str,
    list: bool,
}

/// All kinds with a plain file of their own, in the order of Hasura's export.
const KINDS: [Kind; 12] = [
    Kind { key: "remote_schemas", file: "remote_schemas.yaml", list: true },
    Kind { key: "query_collections", file: "query_collections.yaml", list: true },
    Kind { key: "allowlist", file: "allow_list.yaml", list: true },
    Kind { key: "cron_triggers", file: "cron_triggers.yaml", list: true },
    Kind { key: "rest_endpoints", file: "rest_endpoints.yaml", list: true },
    Kind { key: "api_limits", file: "api_limits.yaml", list: false },
    Kind { key: "metrics_config", file: "metrics_config.yaml", list: false },
    Kind { key: "inherited_roles", file: "inherited_roles.yaml", list: true },
    Kind { key: "graphql_schema_introspection", file: "graphql_schema_introspection.yaml", list: false },
    Kind { key: "network", file: "network.yaml", list: false },
    Kind { key: "backend_configs", file: "backend_configs.yaml", list: false },
    Kind { key: "opentelemetry", file: "opentelemetry.yaml", list: false },
];
