//! What happens to the tables of nself's own services, unless the rules file says otherwise.
//!
//! Sessions, tokens, codes and logs of requests are not copied at all: in another environment they are of no use, and whoever
//! holds one would be somebody else there.

use super::{Kind, Rule};

/// What happens to a table that is known.
pub(super) enum Known {
    /// Holds nothing about people.
    Keep,
    /// Its rows stay behind.
    Empty,
    /// Columns with rules; others are looked at like anybody's.
    Columns(Vec<(&'static str, Rule)>),
}

const fn fake(kind: Kind) -> Rule {
    Rule::Fake { kind: Some(kind) }
}

/// What is known about a table; none for a project's own.
pub(super) fn known(schema: &str, table: &str) -> Option<Known> {
    match schema {
        "auth" => auth(table),
        "storage" => storage(table),
        "hdb_catalog" => hasura(table),
        "nself" => toolchain(table),
        // Mails that were caught.
        "mail" => Some(Known::Empty),
        _ => None,
    }
}

fn auth(table: &str) -> Option<Known> {
    Some(match table {
        "users" => Known::Columns(vec![
            ("display_name", fake(Kind::Name)),
            ("avatar_url", fake(Kind::Url)),
            ("email", fake(Kind::Email)),
            ("new_email", fake(Kind::Email)),
            ("phone_number", fake(Kind::Phone)),
            ("password_hash", Rule::Password),
            ("otp_method_last_used", Rule::Keep),
            ("otp_hash", Rule::Null),
            ("totp_secret", Rule::Null),
            // Who has no secret any more must not be asked for a code.
            ("active_mfa_type", Rule::Null),
            ("ticket", Rule::Null),
            ("webauthn_current_challenge", Rule::Null),
            ("metadata", Rule::Fake { kind: None }),
            ("default_role", Rule::Keep),
            ("locale", Rule::Keep),
        ]),
        "user_providers" => Known::Columns(vec![
            ("access_token", fake(Kind::Token)),
            ("refresh_token", Rule::Null),
            ("provider_user_id", fake(Kind::Token)),
            ("provider_id", Rule::Keep),
        ]),
        "oauth2_clients" => Known::Columns(vec![
            ("client_secret_hash", Rule::Null),
            ("client_id", Rule::Keep),
            ("client_name", Rule::Keep),
            ("client_uri", Rule::Keep),
            ("logo_uri", Rule::Keep),
            ("redirect_uris", Rule::Keep),
            ("grant_types", Rule::Keep),
            ("response_types", Rule::Keep),
            ("scopes", Rule::Keep),
            ("token_endpoint_auth_method", Rule::Keep),
            ("id_token_signed_response_alg", Rule::Keep),
            ("access_token_lifetime", Rule::Keep),
            ("refresh_token_lifetime", Rule::Keep),
            ("metadata", Rule::Fake { kind: None }),
        ]),
        "roles"
        | "providers"
        | "refresh_token_types"
        | "user_roles"
        | "oauth2_client_types"
        | "nself_migrations"
        | "migrations"
        | "schema_migrations" => Known::Keep,
        "refresh_tokens"
        | "provider_requests"
        | "session_details"
        | "spent_refresh_tokens"
        | "tickets"
        | "rate_limits"
        | "security_events"
        | "recovery_codes"
        | "totp_steps"
        | "webauthn_challenges"
        | "user_security_keys"
        | "pkce_authorization_codes"
        | "oauth2_auth_requests"
        | "oauth2_authorization_codes"
        | "oauth2_refresh_tokens"
        | "spent_oauth2_refresh_tokens"
        // Who has the keys can make anybody's tokens there; auth makes new ones.
        | "signing_keys" => Known::Empty,
        _ => return None,
    })
}

fn storage(table: &str) -> Option<Known> {
    Some(match table {
        "files" => Known::Columns(vec![
            ("name", fake(Kind::Scramble)),
            ("metadata", Rule::Fake { kind: None }),
            ("bucket_id", Rule::Keep),
            ("etag", Rule::Keep),
            ("mime_type", Rule::Keep),
        ]),
        "buckets" | "objects" | "schema_migrations" | "nself_migrations" | "migrations" => Known::Keep,
        "virus" | "uploads" | "parts" => Known::Empty,
        _ => return None,
    })
}

/// Records of migrations and seeds, and GraphQL's settings. A table that is new here is looked at like anybody's.
fn toolchain(table: &str) -> Option<Known> {
    match table {
        "migrations" | "migration_steps" | "seeds" | "graphql" | "graphql_metadata_history" => Some(Known::Keep),
        _ => None,
    }
}

fn hasura(table: &str) -> Option<Known> {
    Some(match table {
        "hdb_version" => Known::Columns(vec![
            ("ee_client_secret", Rule::Null),
            ("ee_client_id", Rule::Null),
            ("cli_state", Rule::Keep),
            ("console_state", Rule::Keep),
        ]),
        "hdb_metadata" | "hdb_schema_notifications" | "hdb_source_catalog_version" => Known::Keep,
        "event_log"
        | "event_invocation_logs"
        | "hdb_action_log"
        | "hdb_event_log_cleanups"
        | "hdb_cron_events"
        | "hdb_cron_event_invocation_logs"
        | "hdb_scheduled_events"
        | "hdb_scheduled_event_invocation_logs" => Known::Empty,
        _ => return None,
    })
}
