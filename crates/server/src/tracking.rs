//! The tables of auth and storage in GraphQL, under the names that Nhost's services give them when they start.
//!
//! Only what the metadata does not have yet is added: what a project has made of them stays.

use graphql::Handle;
use serde_json::{Map, Value, json};

use crate::Error;

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

use Relationship::{Array, Object};

/// Columns whose name is not just its own in camel case.
const RENAMED: &[(&str, &str)] = &[("webauthn_current_challenge", "currentChallenge")];

pub const AUTH: &[Table] = &[
    Table {
        schema: "auth",
        name: "users",
        custom: "users",
        plural: "users",
        singular: "user",
        columns: &[
            "created_at",
            "updated_at",
            "last_seen",
            "display_name",
            "avatar_url",
            "phone_number",
            "password_hash",
            "email_verified",
            "phone_number_verified",
            "new_email",
            "otp_method_last_used",
            "otp_hash",
            "otp_hash_expires_at",
            "default_role",
            "is_anonymous",
            "totp_secret",
            "active_mfa_type",
            "ticket_expires_at",
            "webauthn_current_challenge",
        ],
        relationships: &[
            Object("defaultRoleByRole", "default_role"),
            Array("refreshTokens", "refresh_tokens", "user_id"),
            Array("roles", "user_roles", "user_id"),
            Array("securityKeys", "user_security_keys", "user_id"),
            Array("userProviders", "user_providers", "user_id"),
        ],
    },
    Table {
        schema: "auth",
        name: "roles",
        custom: "authRoles",
        plural: "authRoles",
        singular: "authRole",
        columns: &[],
        relationships: &[
            Array("userRoles", "user_roles", "role"),
            Array("usersByDefaultRole", "users", "default_role"),
        ],
    },
    Table {
        schema: "auth",
        name: "user_roles",
        custom: "authUserRoles",
        plural: "authUserRoles",
        singular: "authUserRole",
        columns: &["created_at", "user_id"],
        relationships: &[Object("roleByRole", "role"), Object("user", "user_id")],
    },
    Table {
        schema: "auth",
        name: "refresh_tokens",
        custom: "authRefreshTokens",
        plural: "authRefreshTokens",
        singular: "authRefreshToken",
        columns: &["refresh_token_hash", "created_at", "expires_at", "user_id"],
        relationships: &[Object("user", "user_id")],
    },
    Table {
        schema: "auth",
        name: "refresh_token_types",
        custom: "authRefreshTokenTypes",
        plural: "authRefreshTokenTypes",
        singular: "authRefreshTokenType",
        columns: &[],
        relationships: &[Array("refreshTokens", "refresh_tokens", "type")],
    },
    Table {
        schema: "auth",
        name: "providers",
        custom: "authProviders",
        plural: "authProviders",
        singular: "authProvider",
        columns: &[],
        relationships: &[Array("userProviders", "user_providers", "provider_id")],
    },
    Table {
        schema: "auth",
        name: "provider_requests",
        custom: "authProviderRequests",
        plural: "authProviderRequests",
        singular: "authProviderRequest",
        columns: &[],
        relationships: &[],
    },
    Table {
        schema: "auth",
        name: "user_providers",
        custom: "authUserProviders",
        plural: "authUserProviders",
        singular: "authUserProvider",
        columns: &[
            "created_at",
            "updated_at",
            "user_id",
            "access_token",
            "refresh_token",
            "provider_id",
            "provider_user_id",
        ],
        relationships: &[Object("provider", "provider_id"), Object("user", "user_id")],
    },
    Table {
        schema: "auth",
        name: "user_security_keys",
        custom: "authUserSecurityKeys",
        plural: "authUserSecurityKeys",
        singular: "authUserSecurityKey",
        columns: &["user_id", "credential_id", "credential_public_key"],
        relationships: &[Object("user", "user_id")],
    },
];

pub const STORAGE: &[Table] = &[
    Table {
        schema: "storage",
        name: "buckets",
        custom: "buckets",
        plural: "buckets",
        singular: "bucket",
        columns: &[
            "created_at",
            "updated_at",
            "download_expiration",
            "min_upload_file_size",
            "max_upload_file_size",
            "cache_control",
            "presigned_urls_enabled",
        ],
        relationships: &[Array("files", "files", "bucket_id")],
    },
    Table {
        schema: "storage",
        name: "files",
        custom: "files",
        plural: "files",
        singular: "file",
        columns: &["created_at", "updated_at", "bucket_id", "mime_type", "is_uploaded", "uploaded_by_user_id"],
        relationships: &[Object("bucket", "bucket_id")],
    },
    Table {
        schema: "storage",
        name: "virus",
        custom: "virus",
        plural: "viruses",
        singular: "virus",
        columns: &["created_at", "updated_at", "file_id", "user_session"],
        relationships: &[Object("file", "file_id")],
    },
];

/// Adds what is missing. A name that the project has given to a table of its own stays the project's; ours is left out
/// then, and the log says so.
///
/// # Errors
/// The engine cannot read the catalog, or does not take metadata.
pub async fn track(engine: &Handle, tables: &[Table]) -> Result<(), Error> {
    let missing: Vec<&Table> = tables.iter().filter(|table| !engine.tracks(table.schema, table.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // They may have been made a moment ago.
    engine.reload().await?;
    let tracks = missing.iter().map(|table| table.command());
    let relationships = missing.iter().flat_map(|table| table.relationship_commands());
    let refused = engine.commands(tracks.chain(relationships).collect()).await;
    let refused = refused.unwrap_or_else(|refused| vec![refused]);
    for refused in refused.iter().filter(|refused| !refused.code.starts_with("already-")) {
        let (code, why) = (&refused.code, &refused.message);
        tracing::warn!(code, why, "a table of auth or storage is not in GraphQL");
    }
    Ok(())
}

impl Table {
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
                Object(name, column) => ("pg_create_object_relationship", name, json!([column])),
                Array(name, table, column) => (
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
                if let Array(name, other, _) = relationship {
                    let found =
                        AUTH.iter().chain(STORAGE).any(|known| (known.schema, known.name) == (table.schema, *other));
                    assert!(found, "{}.{name}", table.name);
                }
            }
        }
    }
}
