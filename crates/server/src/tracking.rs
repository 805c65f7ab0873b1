//! The tables of auth and storage in GraphQL, under the names that Nhost's services give them when they start.
//!
//! Only what the metadata does not have yet is added: what a project has made of them stays.

mod tables;

use graphql::Handle;
use serde_json::{Map, Value, json};

use crate::Error;

pub use tables::{AUTH, STORAGE};

/// A table as GraphQL shows it.
pub struct Table {
    schema: &'static str,
    name: &'static str,
    /// Of its types; upstream's choice.
    custom: &'static str,
    /// Of its root fields: `users` and `user` give `usersAggregate`, `insertUsers`, `updateUser` …
    plural: &'static str,
    singular: &'static str,
    /// Those whose name changes.
    columns: &'static [&'static str],
    relationships: &'static [Relationship],
}

enum Relationship {
    /// Name and own column.
    Object(&'static str, &'static str),
    /// Name, table of the same schema, its column.
    Array(&'static str, &'static str, &'static str),
}

/// Columns whose name is not just its own in camel case.
const RENAMED: &[(&str, &str)] = &[("webauthn_current_challenge", "currentChallenge")];

/// Adds what is missing. A name that the project has given to a table of its own stays the project's; ours is left out
/// then, and the log says so.
///
/// # Errors
/// The engine cannot read the catalog, or does not take metadata.
pub async fn track(engine: &Handle, tables: &[Table]) -> Result<(), Error> {
    let mut missing: Vec<&Table> = tables.iter().filter(|table| !engine.tracks(table.schema, table.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // They may have been made a moment ago.
    engine.reload().await?;
    let wanted = missing.len();
    missing.retain(|table| !table.is_refused(engine));
    let complete = missing.len() == wanted;
    let tracks = missing.iter().map(|table| table.command());
    let relationships = missing.iter().flat_map(|table| table.relationship_commands());
    let refused = engine.commands(tracks.chain(relationships).collect()).await;
    let refused = refused.unwrap_or_else(|refused| vec![refused]);
    for refused in refused.iter().filter(|refused| !refused.code.starts_with("already-")) {
        let (code, why) = (&refused.code, &refused.message);
        if complete {
            tracing::warn!(code, why, "a table of auth or storage is not in GraphQL");
        } else {
            // It leads to one that was left out, as was said.
            tracing::debug!(code, why, "a relationship of auth or storage is not in GraphQL");
        }
    }
    Ok(())
}

impl Table {
    /// Whether the project serves something of its own under one of the table's names, whose meaning must not change.
    fn is_refused(&self, engine: &Handle) -> bool {
        let owner =
            [self.plural, self.singular].into_iter().find_map(|field| Some((field, engine.field_owner(field)?)));
        if let Some((field, owner)) = &owner {
            tracing::warn!(
                "{}.{} is not in GraphQL: its field {field} is taken by {owner}; give that another name \
                 (pg_set_table_customization), then nself restart auth storage",
                self.schema,
                self.name
            );
        }
        owner.is_some()
    }

    fn command(&self) -> Value {
        let columns: Map<String, Value> =
            self.columns.iter().map(|column| ((*column).to_owned(), column_name(column).into())).collect();
        let verb = |verb: &str, name: &str| format!("{verb}{}", capital(name));
        json!({
            "type": "pg_track_table",
            "args": {
                "source": "default",
                "table": { "schema": self.schema, "name": self.name },
                "configuration": {
                    "custom_name": self.custom,
                    "custom_root_fields": {
                        "select": self.plural,
                        "select_by_pk": self.singular,
                        "select_aggregate": format!("{}Aggregate", self.plural),
                        "insert": verb("insert", self.plural),
                        "insert_one": verb("insert", self.singular),
                        "update": verb("update", self.plural),
                        "update_by_pk": verb("update", self.singular),
                        "delete": verb("delete", self.plural),
                        "delete_by_pk": verb("delete", self.singular),
                    },
                    "custom_column_names": columns,
                },
            },
        })
    }

    fn relationship_commands(&self) -> impl Iterator<Item = Value> {
        self.relationships.iter().map(|relationship| {
            let (kind, name, on) = match relationship {
                Relationship::Object(name, column) => ("pg_create_object_relationship", name, json!([column])),
                Relationship::Array(name, table, column) => (
                    "pg_create_array_relationship",
                    name,
                    json!({ "table": { "schema": self.schema, "name": table }, "columns": [column] }),
                ),
            };
            json!({
                "type": kind,
                "args": {
                    "source": "default",
                    "table": { "schema": self.schema, "name": self.name },
                    "name": name,
                    "using": { "foreign_key_constraint_on": on },
                },
            })
        })
    }
}

fn column_name(column: &str) -> String {
    if let Some((_, name)) = RENAMED.iter().find(|(renamed, _)| *renamed == column) {
        return (*name).to_owned();
    }
    let mut words = column.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capital(word))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_upstreams() {
        let users = AUTH[0].command();
        let names = &users["args"]["configuration"];
        assert_eq!(names["custom_root_fields"]["select_by_pk"], "user");
        assert_eq!(names["custom_root_fields"]["insert"], "insertUsers");
        assert_eq!(names["custom_column_names"]["otp_hash_expires_at"], "otpHashExpiresAt");
        assert_eq!(names["custom_column_names"]["webauthn_current_challenge"], "currentChallenge");
        let viruses = STORAGE[2].command();
        assert_eq!(viruses["args"]["configuration"]["custom_root_fields"]["select_aggregate"], "virusesAggregate");
    }

    #[test]
    fn relationships_lead_to_tables_that_are_tracked() {
        for table in AUTH.iter().chain(STORAGE) {
            for relationship in table.relationships {
                if let Relationship::Array(name, other, _) = relationship {
                    let found =
                        AUTH.iter().chain(STORAGE).any(|known| (known.schema, known.name) == (table.schema, *other));
                    assert!(found, "{}.{name}", table.name);
                }
            }
        }
    }
}
