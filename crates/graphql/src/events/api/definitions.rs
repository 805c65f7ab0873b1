//! Creating and deleting triggers.

use metadata::{
    Columns, CronTrigger, EventTrigger, Header, Metadata, Operation, QualifiedName, RetryConf, TriggerDefinition,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::outbound::Environment;

use super::super::cleanup::Cleanup;
use super::super::{cron, definition};
use super::{not_exists, parse_failed, read, success};

/// Of a trigger's name: with `notify_hasura_` and `_INSERT` it makes a name that PostgreSQL does not cut.
const LONGEST_NAME: usize = 42;

#[derive(Deserialize)]
struct Create {
    #[serde(default = "default_source")]
    source: String,
    name: String,
    table: QualifiedName,
    insert: Option<Operation>,
    update: Option<Operation>,
    delete: Option<Operation>,
    #[serde(default)]
    enable_manual: Option<bool>,
    retry_conf: Option<RetryConf>,
    webhook: Option<String>,
    webhook_from_env: Option<String>,
    headers: Option<Vec<Header>>,
    #[serde(default)]
    replace: Option<bool>,
    request_transform: Option<Value>,
    response_transform: Option<Value>,
    cleanup_config: Option<Value>,
    trigger_on_replication: Option<bool>,
}

pub(super) fn default_source() -> String {
    super::super::install::SOURCE.to_owned()
}

impl Create {
    /// In the order in which Hasura looks.
    fn check(&self) -> Result<(), Failure> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if self.name.is_empty() || !self.name.bytes().all(allowed) {
            return Err(parse_failed("only alphanumeric and underscore and hyphens allowed for name"));
        }
        if self.name.len() > LONGEST_NAME {
            return Err(parse_failed("event trigger name can be at most 42 characters"));
        }
        let operations = [&self.insert, &self.update, &self.delete];
        if operations.iter().all(|operation| operation.is_none()) && self.enable_manual != Some(true) {
            return Err(parse_failed("atleast one amongst insert/update/delete/enable_manual spec must be provided"));
        }
        match (&self.webhook, &self.webhook_from_env) {
            (Some(_), Some(_)) => {
                return Err(parse_failed("only one of webhook or webhook_from_env should be given"));
            }
            (None, None) => return Err(parse_failed("must provide webhook or webhook_from_env")),
            _ => {}
        }
        let empty = |columns: &Columns| matches!(columns, Columns::Some(names) if names.is_empty());
        for operation in operations.into_iter().flatten() {
            if empty(&operation.columns) {
                return Err(parse_failed("found empty column specification"));
            }
            if operation.payload.as_ref().is_some_and(empty) {
                return Err(parse_failed("found empty payload specification"));
            }
        }
        if let Some(config) = self.cleanup_config.as_ref().filter(|config| !config.is_null()) {
            Cleanup::read(config).map_err(|why| parse_failed(format!("cleanup_config: {why}")))?;
        }
        Ok(())
    }

    fn into_trigger(self) -> EventTrigger {
        EventTrigger {
            name: self.name,
            definition: TriggerDefinition {
                delete: self.delete,
                enable_manual: self.enable_manual.unwrap_or(false),
                insert: self.insert,
                update: self.update,
            },
            retry_conf: self.retry_conf.unwrap_or_default(),
            webhook: self.webhook,
            webhook_from_env: self.webhook_from_env,
            headers: self.headers.unwrap_or_default(),
            request_transform: self.request_transform,
            response_transform: self.response_transform,
            cleanup_config: self.cleanup_config,
            trigger_on_replication: self.trigger_on_replication.filter(|always| *always),
        }
    }
}

/// `pg_create_event_trigger`. `columns` tells whether a table has a column; none: the table is not there.
///
/// # Errors
/// The arguments are wrong, the table is not tracked, a column is not there, or the name is taken.
pub fn create_event_trigger(
    metadata: &mut Metadata,
    columns: &dyn Fn(&QualifiedName, &str) -> bool,
    environment: &Environment,
    args: &Value,
) -> Result<Value, Failure> {
    // The missing specification is told before the missing webhook, as Hasura does.
    let create: Create = read(args)?;
    create.check()?;
    let (name, table) = (create.name.clone(), create.table.clone());
    let replace = create.replace == Some(true);
    let missing = || not_exists(format!("source with name \"{}\" does not exist", create.source));
    let source = metadata.source(&create.source).ok_or_else(missing)?;
    if source.table(&table).is_none() {
        return Err(not_exists(format!("table \"{table}\" does not exist in source: {}", create.source)));
    }
    let owner = owner(metadata, &create.source, &name).cloned();
    match (&owner, replace) {
        (None, true) => return Err(not_exists(format!("event trigger \"{name}\" does not exist"))),
        (Some(owner), true) if *owner != table => {
            return Err(Failure::new(Code::NotSupported, "$", "cannot replace table or schema for trigger"));
        }
        (Some(_), false) => {
            let message = format!("Event trigger with name \"{name}\" already exists");
            return Err(Failure::new(Code::AlreadyExists, "$", message));
        }
        _ => {}
    }
    for operation in [&create.insert, &create.update, &create.delete].into_iter().flatten() {
        let listed = [Some(&operation.columns), operation.payload.as_ref()].into_iter().flatten();
        let names = listed.filter_map(|list| match list {
            Columns::Some(names) => Some(names),
            Columns::All => None,
        });
        if let Some(gone) = names.flatten().find(|name| !columns(&table, name)) {
            return Err(not_exists(format!("\"{gone}\" does not exist")));
        }
    }
    let source = create.source.clone();
    let trigger = create.into_trigger();
    definition::event(&trigger, &table, environment)?;
    let table = metadata.source_mut(&source).and_then(|source| source.table_mut(&table));
    let Some(table) = table else { return Err(not_exists("the table is not tracked")) };
    match table.event_triggers.iter_mut().find(|found| found.name == name) {
        Some(found) => *found = trigger,
        None => table.event_triggers.push(trigger),
    }
    Ok(success())
}

/// The table of an event trigger.
pub(super) fn owner<'m>(metadata: &'m Metadata, source: &str, trigger: &str) -> Option<&'m QualifiedName> {
    let tables = &metadata.source(source)?.tables;
    let owner = tables.iter().find(|table| table.event_triggers.iter().any(|found| found.name == trigger));
    owner.map(|table| &table.table)
}

#[derive(Deserialize)]
struct Delete {
    #[serde(default = "default_source")]
    source: String,
    name: String,
}

/// `pg_delete_event_trigger`.
///
/// # Errors
/// There is none of that name.
pub fn delete_event_trigger(metadata: &mut Metadata, args: &Value) -> Result<Value, Failure> {
    let Delete { source, name } = read(args)?;
    let owner = owner(metadata, &source, &name).cloned();
    let table = owner.and_then(|owner| metadata.source_mut(&source)?.table_mut(&owner));
    let Some(table) = table else { return Err(not_exists(format!("event trigger \"{name}\" does not exist"))) };
    table.event_triggers.retain(|trigger| trigger.name != name);
    Ok(success())
}

#[derive(Deserialize)]
struct Replace {
    #[serde(default)]
    replace: bool,
}

/// `create_cron_trigger`.
///
/// # Errors
/// The arguments are wrong, the schedule cannot be read, a variable is not set, or the name is taken.
pub fn create_cron_trigger(metadata: &mut Metadata, environment: &Environment, args: &Value) -> Result<Value, Failure> {
    let trigger: CronTrigger = read(args)?;
    let Replace { replace } = read(args)?;
    cron::parse(&trigger.schedule).map_err(|why| parse_failed(format!("invalid cron expression: {why}")))?;
    definition::cron(&trigger, environment)?;
    let found = metadata.cron_triggers.iter_mut().find(|found| found.name == trigger.name);
    match (found, replace) {
        (Some(found), true) => *found = trigger,
        (None, false) => metadata.cron_triggers.push(trigger),
        (Some(_), false) => {
            let message = format!("cron trigger with name: {} already exists", trigger.name);
            return Err(Failure::new(Code::AlreadyExists, "$", message));
        }
        (None, true) => return Err(no_cron(&trigger.name)),
    }
    Ok(success())
}

pub(super) fn no_cron(name: &str) -> Failure {
    not_exists(format!("cron trigger with name: {name} does not exist"))
}

/// `delete_cron_trigger`.
///
/// # Errors
/// There is none of that name.
pub fn delete_cron_trigger(metadata: &mut Metadata, args: &Value) -> Result<Value, Failure> {
    let Delete { name, .. } = read(args)?;
    let before = metadata.cron_triggers.len();
    metadata.cron_triggers.retain(|trigger| trigger.name != name);
    if metadata.cron_triggers.len() == before { Err(no_cron(&name)) } else { Ok(success()) }
}

/// `get_cron_triggers`.
pub fn get_cron_triggers(metadata: &Metadata) -> Value {
    json!({"cron_triggers": metadata.cron_triggers})
}
