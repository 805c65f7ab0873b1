//! What a request asks for.

use serde_json::Value;

use super::draft::refuse;
use crate::failure::{Code, Failure};
use crate::session::Session;

/// `{"type", "args"}`.
#[derive(Debug, Clone)]
pub struct Command {
    /// Without the prefix that names the kind of database.
    pub kind: String,
    pub arguments: Value,
    /// Of the command's own form: 1 or 2.
    pub version: u8,
    /// The metadata that the client has seen.
    pub resource_version: Option<i64>,
    /// Of `bulk` and its like.
    pub steps: Vec<Command>,
}

/// Commands that read and write rows, which any role may try.
const ROWS: &[&str] = &["select", "insert", "update", "delete", "count"];

/// Commands that leave the metadata and the tables' shapes as they are.
const READS: &[&str] = &[
    "export_metadata",
    "get_inconsistent_metadata",
    "get_cron_triggers",
    "get_catalog_state",
    "set_catalog_state",
    "dump_internal_state",
    "nself_metadata_history",
    "list_source_kinds",
    "get_source_tables",
    "get_table_info",
    "get_source_trackables",
    "suggest_relationships",
    "introspect_remote_schema",
    "test_webhook_transform",
];

impl Command {
    /// # Errors
    /// The value is no command.
    pub fn parse(value: Value) -> Result<Self, Failure> {
        let Value::Object(mut object) = value else {
            // A list is the older way to write a bulk request.
            let Value::Array(list) = value else { return Err(fail("expected Object, but encountered another value")) };
            let steps = list.into_iter().map(Self::parse).collect::<Result<_, _>>()?;
            let (kind, arguments) = ("bulk".to_owned(), Value::Null);
            return Ok(Self { kind, arguments, version: 1, resource_version: None, steps });
        };
        let Some(Value::String(kind)) = object.remove("type") else { return Err(fail("key \"type\" not found")) };
        let version = match object.get("version") {
            None | Some(Value::Null) => 1,
            Some(version) => match version.as_u64() {
                Some(version @ (1 | 2)) => version as u8,
                _ => return Err(Failure::new(Code::ParseFailed, "$.version", "expected 1 or 2")),
            },
        };
        let resource_version = object.get("resource_version").and_then(Value::as_i64);
        // Some commands have no arguments, and clients leave them out or send an empty list.
        let mut arguments = object.remove("args").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let kind = ["pg_", "postgres_"].iter().find_map(|prefix| kind.strip_prefix(prefix)).unwrap_or(&kind).to_owned();
        let mut steps = Vec::new();
        if is_bulk(&kind) {
            let Value::Array(list) = std::mem::take(&mut arguments) else {
                return Err(Failure::new(Code::ParseFailed, "$.args", "expected Array"));
            };
            for step in list {
                steps.push(Self::parse(step)?);
            }
        }
        Ok(Self { kind, arguments, version, resource_version, steps })
    }

    /// # Errors
    /// Only the admin may do this.
    pub fn check_role(&self, session: &Session, path: &str) -> Result<(), Failure> {
        if session.is_admin() || ROWS.contains(&self.kind.as_str()) {
            return Ok(());
        }
        if !is_bulk(&self.kind) {
            return Err(super::pathed(refuse(Code::AccessDenied, "restricted access : admin only"), path));
        }
        let steps = self.steps.iter().enumerate();
        steps.into_iter().try_for_each(|(index, step)| step.check_role(session, &format!("{path}[{index}].args")))
    }

    /// Whether the metadata or the catalog may be others afterwards.
    pub fn changes_metadata(&self) -> bool {
        if is_bulk(&self.kind) {
            return self.steps.iter().any(Self::changes_metadata);
        }
        let kind = self.kind.as_str();
        let reads =
            kind == "run_sql" && self.arguments["read_only"] == true && self.arguments["no_transaction"] != true;
        !(reads || READS.contains(&kind) || super::steps::EVENTS.contains(&kind) || self.is_rows())
    }

    /// Whether it may change anything at all, rows included.
    pub fn writes(&self) -> bool {
        match self.kind.as_str() {
            kind if is_bulk(kind) => self.steps.iter().any(Self::writes),
            "insert" | "update" | "delete" | "set_catalog_state" => true,
            "run_sql" => self.arguments["read_only"] != true,
            _ => self.changes_metadata(),
        }
    }

    pub fn is_rows(&self) -> bool {
        ROWS.contains(&self.kind.as_str())
    }
}

pub fn is_bulk(kind: &str) -> bool {
    matches!(kind, "bulk" | "concurrent_bulk" | "bulk_keep_going" | "bulk_atomic")
}

fn fail(message: &str) -> Failure {
    Failure::new(Code::ParseFailed, "$", message)
}
