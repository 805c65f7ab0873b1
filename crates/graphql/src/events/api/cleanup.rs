//! Removing old events by hand, and pausing what removes them by the clock.

use std::sync::Arc;

use metadata::{Metadata, Table};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::failure::Failure;

use super::super::cleanup::{Sweep, Within, sweep};
use super::definitions::{default_source, owner};
use super::{database, not_exists, parse_failed, read, success};

#[derive(Deserialize)]
struct Clean {
    event_trigger_name: String,
    #[serde(default = "default_source")]
    source: String,
    #[serde(flatten)]
    sweep: Sweep,
}

/// `cleanup_event_trigger_logs`: `{"message", "deleted_event_logs", "deleted_event_invocation_logs"}`. Runs inside the
/// client's transaction.
///
/// # Errors
/// There is no such trigger, or a statement took longer than `timeout` before anything was removed.
pub async fn cleanup_event_trigger_logs(client: &Client, metadata: &Metadata, args: &Value) -> Result<Value, Failure> {
    let Clean { event_trigger_name: name, source, sweep: wanted } = read(args)?;
    owner(metadata, &source, &name)
        .ok_or_else(|| not_exists(format!("event trigger with name \"{name}\" does not exist")))?;
    let told = |error: tokio_postgres::Error| database(&error);
    let before = client.query_one("SELECT current_setting('statement_timeout')", &[]).await.map_err(told)?;
    let before: String = before.get(0);
    let swept = sweep(client, Within::Transaction, &name, &wanted).await.map_err(told)?;
    client.execute("SELECT set_config('statement_timeout', $1, true)", &[&before]).await.map_err(told)?;
    let mut answer = success();
    if swept.halted {
        answer["message"] = json!("a batch took longer than the timeout; what was left then is still there");
    }
    answer["deleted_event_logs"] = swept.events.into();
    answer["deleted_event_invocation_logs"] = swept.logs.into();
    Ok(answer)
}

#[derive(Deserialize)]
struct Toggle {
    event_triggers: Which,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Which {
    Sources { sources: Sources },
    Named(Vec<Named>),
}

/// `"*"`, or their names.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sources {
    All(String),
    Some(Vec<String>),
}

#[derive(Deserialize)]
struct Named {
    #[serde(default = "default_source")]
    source_name: String,
    event_triggers: Vec<String>,
}

/// `pause_event_trigger_cleanups` (`paused`) and `resume_event_trigger_cleanups`.
///
/// # Errors
/// There is no such source or trigger, or a trigger that is named has no `cleanup_config`.
pub fn toggle_event_trigger_cleanups(metadata: &mut Metadata, paused: bool, args: &Value) -> Result<Value, Failure> {
    let Toggle { event_triggers } = read(args)?;
    match event_triggers {
        Which::Sources { sources } => {
            let names: Vec<String> = match sources {
                Sources::All(all) if all == "*" => metadata.sources.iter().map(|source| source.name.clone()).collect(),
                Sources::All(_) => return Err(parse_failed("source can be * or a list of source names")),
                Sources::Some(names) if names.is_empty() => {
                    return Err(parse_failed("source name list should have atleast one value"));
                }
                Sources::Some(names) => names,
            };
            for name in names {
                let source = metadata.source_mut(&name).ok_or_else(|| no_source(&name))?;
                let triggers = source.tables.iter_mut().flat_map(|table| &mut Arc::make_mut(table).event_triggers);
                let configs = triggers.filter_map(|trigger| trigger.cleanup_config.as_mut());
                configs.filter(|config| config.is_object()).for_each(|config| config["paused"] = paused.into());
            }
        }
        Which::Named(list) if list.is_empty() => {
            return Err(parse_failed("qualifier list should have atleast one value"));
        }
        Which::Named(list) => {
            for Named { source_name, event_triggers } in list {
                for name in event_triggers {
                    toggle(metadata, &source_name, &name, paused)?;
                }
            }
        }
    }
    Ok(success())
}

fn toggle(metadata: &mut Metadata, source: &str, name: &str, paused: bool) -> Result<(), Failure> {
    let source = metadata.source_mut(source).ok_or_else(|| no_source(source))?;
    let has = |table: &&mut Arc<Table>| table.event_triggers.iter().any(|trigger| trigger.name == name);
    let table = source.tables.iter_mut().find(has).map(Arc::make_mut);
    let trigger = table.and_then(|table| table.event_triggers.iter_mut().find(|trigger| trigger.name == name));
    let trigger = trigger.ok_or_else(|| not_exists(format!("event trigger \"{name}\" does not exist")))?;
    let config = trigger.cleanup_config.as_mut().filter(|config| config.is_object());
    let config = config.ok_or_else(|| not_exists(format!("cleanup config does not exist for {name}")))?;
    config["paused"] = paused.into();
    Ok(())
}

fn no_source(name: &str) -> Failure {
    not_exists(format!("source with name {name} does not exists"))
}
