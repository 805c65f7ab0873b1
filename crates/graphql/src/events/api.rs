//! The metadata API's commands about triggers and events, with Hasura's arguments, answers and errors.
//!
//! Commands that change the metadata change only the value: [`super::install`] brings the database in step.

mod cleanup;
mod definitions;
mod logs;
mod scheduled;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};

pub use cleanup::{cleanup_event_trigger_logs, toggle_event_trigger_cleanups};
pub use definitions::{
    create_cron_trigger, create_event_trigger, delete_cron_trigger, delete_event_trigger, get_cron_triggers,
};
pub use logs::{get_event_by_id, get_event_invocation_logs, get_event_logs, invoke_event_trigger, redeliver_event};
pub use scheduled::{
    create_scheduled_event, delete_scheduled_event, get_scheduled_event_invocations, get_scheduled_events,
};

fn success() -> Value {
    json!({"message": "success"})
}

fn read<T: DeserializeOwned>(args: &Value) -> Result<T, Failure> {
    T::deserialize(args).map_err(|error| parse_failed(error.to_string()))
}

fn parse_failed(message: impl Into<String>) -> Failure {
    Failure::new(Code::ParseFailed, "$", message)
}

fn not_exists(message: impl Into<String>) -> Failure {
    Failure::new(Code::NotExists, "$", message)
}

/// PostgreSQL's own words stay inside.
fn database(error: &tokio_postgres::Error) -> Failure {
    tracing::warn!(%error, "a command about events failed");
    let mut failure = Failure::new(Code::Unexpected, "$", "database query error");
    failure.internal = Some(Box::new(json!({"error": error.to_string()})));
    failure
}
