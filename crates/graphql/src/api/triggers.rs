//! Event triggers and cron triggers in the metadata; `events` knows them.

use serde_json::Value;

use super::draft::Draft;
use crate::events::api;
use crate::failure::Failure;

/// `create_event_trigger`.
pub fn create(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let (catalog, environment) = (draft.catalog.clone(), draft.environment.clone());
    let exists = |table: &metadata::QualifiedName, column: &str| {
        catalog.table(&table.schema, &table.name).is_some_and(|table| table.column(column).is_some())
    };
    let answer = api::create_event_trigger(draft.edit(), &exists, &environment, arguments)?;
    let table = serde_json::from_value::<metadata::QualifiedName>(arguments["table"].clone());
    if let (Some(name), Ok(table)) = (arguments["name"].as_str(), table) {
        draft.touch_part(&format!("event_trigger {name}"), &table);
    }
    Ok(answer)
}

/// `delete_event_trigger`.
pub fn drop(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    api::delete_event_trigger(draft.edit(), arguments)
}

/// `create_cron_trigger`.
pub fn create_cron(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    let environment = draft.environment.clone();
    api::create_cron_trigger(draft.edit(), &environment, arguments)
}

/// `delete_cron_trigger`.
pub fn drop_cron(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    api::delete_cron_trigger(draft.edit(), arguments)
}

/// `pause_event_trigger_cleanups`.
pub fn pause_cleanups(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    api::toggle_event_trigger_cleanups(draft.edit(), true, arguments)
}

/// `resume_event_trigger_cleanups`.
pub fn resume_cleanups(draft: &mut Draft, arguments: &Value) -> Result<Value, Failure> {
    api::toggle_event_trigger_cleanups(draft.edit(), false, arguments)
}
