//! Commands that change nothing but the metadata, by name.

use metadata::{DeletePermission, InsertPermission, SelectPermission, UpdatePermission};
use serde_json::Value;

use super::draft::Draft;
use super::{actions, collections, functions, permissions, relationships, remote, settings, sources, tables, triggers};
use crate::failure::Failure;

/// Changes the draft; what it answers.
pub type Apply = fn(&mut Draft, &Value) -> Result<Value, Failure>;

/// The command of that name, without its `pg_`.
pub fn find(name: &str) -> Option<Apply> {
    of_table(name).or_else(|| of_rest(name))
}

/// Runs a command. A table that it is about is in the metadata then, even if it was only served so far.
pub fn execute(draft: &mut Draft, name: &str, apply: Apply, arguments: &Value) -> Result<Value, Failure> {
    let tracks = matches!(name, "add_existing_table_or_view" | "track_table" | "untrack_table");
    if !tracks && let Some(Ok(table)) = arguments.get("table").cloned().map(serde_json::from_value) {
        draft.adopt(&table);
    }
    apply(draft, arguments)
}

fn of_table(name: &str) -> Option<Apply> {
    Some(match name {
        "add_existing_table_or_view" | "track_table" => tables::track,
        "untrack_table" => tables::untrack,
        "set_table_is_enum" => tables::set_enum,
        "set_table_customization" => tables::customise,
        "set_table_custom_fields" => tables::custom_fields,
        "set_apollo_federation_config" => tables::federate,
        "create_object_relationship" => relationships::create_object,
        "create_array_relationship" => relationships::create_array,
        "drop_relationship" => relationships::drop,
        "rename_relationship" => relationships::rename,
        "set_relationship_comment" => relationships::comment,
        "create_remote_relationship" => relationships::create_remote,
        "update_remote_relationship" => relationships::update_remote,
        "delete_remote_relationship" => relationships::drop_remote,
        "create_insert_permission" => permissions::create::<InsertPermission>,
        "create_select_permission" => permissions::create::<SelectPermission>,
        "create_update_permission" => permissions::create::<UpdatePermission>,
        "create_delete_permission" => permissions::create::<DeletePermission>,
        "drop_insert_permission" => permissions::drop::<InsertPermission>,
        "drop_select_permission" => permissions::drop::<SelectPermission>,
        "drop_update_permission" => permissions::drop::<UpdatePermission>,
        "drop_delete_permission" => permissions::drop::<DeletePermission>,
        "set_permission_comment" => permissions::comment,
        "track_function" => functions::track,
        "untrack_function" => functions::untrack,
        "set_function_customization" => functions::customise,
        "create_function_permission" => functions::allow,
        "drop_function_permission" => functions::forbid,
        "add_computed_field" => functions::add_computed,
        "drop_computed_field" => functions::drop_computed,
        "create_event_trigger" => triggers::create,
        "delete_event_trigger" => triggers::drop,
        "pause_event_trigger_cleanups" => triggers::pause_cleanups,
        "resume_event_trigger_cleanups" => triggers::resume_cleanups,
        _ => return None,
    })
}

fn of_rest(name: &str) -> Option<Apply> {
    Some(match name {
        "add_inherited_role" => permissions::add_inherited_role,
        "drop_inherited_role" => permissions::drop_inherited_role,
        "create_query_collection" => collections::create,
        "rename_query_collection" => collections::rename,
        "drop_query_collection" => collections::drop,
        "add_query_to_collection" => collections::add_query,
        "drop_query_from_collection" => collections::drop_query,
        "add_collection_to_allowlist" => collections::allow,
        "drop_collection_from_allowlist" => collections::disallow,
        "update_scope_of_collection_in_allowlist" => collections::scope,
        "create_rest_endpoint" => collections::create_endpoint,
        "drop_rest_endpoint" => collections::drop_endpoint,
        "create_action" => actions::create,
        "update_action" => actions::update,
        "drop_action" => actions::drop,
        "create_action_permission" => actions::allow,
        "drop_action_permission" => actions::forbid,
        "set_custom_types" => actions::set_types,
        "add_remote_schema" => remote::add,
        "update_remote_schema" => remote::update,
        "remove_remote_schema" => remote::remove,
        "add_remote_schema_permissions" => remote::allow,
        "drop_remote_schema_permissions" => remote::forbid,
        "create_remote_schema_remote_relationship" => remote::relate,
        "update_remote_schema_remote_relationship" => remote::relate_anew,
        "delete_remote_schema_remote_relationship" => remote::unrelate,
        "create_cron_trigger" => triggers::create_cron,
        "delete_cron_trigger" => triggers::drop_cron,
        "set_api_limits" => settings::set_limits,
        "remove_api_limits" => settings::remove_limits,
        "set_metrics_config" => settings::set_metrics,
        "remove_metrics_config" => settings::remove_metrics,
        "set_graphql_schema_introspection_options" => settings::set_introspection,
        "add_host_to_tls_allowlist" => settings::allow_host,
        "drop_host_from_tls_allowlist" => settings::drop_host,
        "set_opentelemetry_config" => settings::set_telemetry,
        "set_opentelemetry_status" => settings::set_telemetry_status,
        "set_query_tags" => settings::set_tags,
        "add_source" => sources::add,
        "update_source" => sources::update,
        "drop_source" => sources::drop,
        "rename_source" => sources::rename,
        _ => return None,
    })
}
