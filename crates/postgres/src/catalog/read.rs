//! Reading: one script, one round trip, one JSON document.

use project::{Diagnostic, Exit};
use serde::Deserialize;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::origin::{self, Rule, Source};
use super::{Catalog, Lists};

/// See the comment at its head.
const SCRIPT: &str = include_str!("catalog.sql");

/// What the script returns.
#[derive(Debug, Deserialize)]
struct Document {
    lists: Lists,
    rules: Vec<Rule>,
    sources: Vec<Source>,
}

/// Why a catalog could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database's catalog could not be read")]
    Query(#[source] tokio_postgres::Error),
    #[error("the database's catalog holds something this version of nself does not know")]
    Document(#[source] serde_json::Error),
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "NS-PG-090",
            Self::Document(_) => "NS-PG-091",
        }
    }

    fn fix(&self) -> Option<String> {
        match self {
            Self::Query(_) => Some("nself status, then nself logs postgres".to_owned()),
            Self::Document(_) => Some("nself update --check".to_owned()),
        }
    }

    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

impl Catalog {
    /// Reads everything about `schemas`, or about every schema that is not the system's when the list is empty.
    ///
    /// One round trip in the simple protocol, so that it also works through a transaction pooler. Inside a
    /// transaction it sees that transaction's own changes and leaves its settings as they were.
    ///
    /// # Errors
    /// The connection failed, a relation vanished while it was read, or the server is newer than this crate knows.
    pub async fn read(client: &Client, schemas: &[&str]) -> Result<Self, Error> {
        let names = serde_json::to_string(schemas).map_err(Error::Document)?;
        // The simple protocol has no parameters, and a set-up statement plus a parametrised one would be two trips.
        let names = postgres_protocol::escape::escape_literal(&names);
        let script = format!("SELECT set_config('nself.catalog_schemas', {names}, true);\n{SCRIPT}");
        let messages = client.simple_query(&script).await.map_err(Error::Query)?;
        let document = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.try_get("catalog").ok().flatten(),
            _ => None,
        });
        let document: Document = serde_json::from_str(document.unwrap_or_default()).map_err(Error::Document)?;
        let mut lists = document.lists;
        origin::trace(&mut lists, &document.rules, &document.sources);
        Ok(lists.into())
    }
}
