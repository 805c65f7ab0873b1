//! Triggers as the deliverer needs them: URLs and headers with their values, looked up once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use metadata::{CronRetry, CronTrigger, EventTrigger, Header, Metadata, QualifiedName};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::failure::{Code, Failure};
use crate::outbound::{Environment, configured, resolve, variable};
use crate::transform::{RequestTransform, ResponseTransform};

use super::cleanup::Cleanup;
use super::install::SOURCE;

/// Where a request goes, whatever the occasion.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub url: String,
    /// It is from the environment, at least in part.
    pub hidden_url: bool,
    pub headers: HeaderMap,
    /// The configured headers as logs show them: a value from the environment by its variable's name.
    pub shown: Vec<Value>,
    pub timeout: Duration,
    pub request_transform: Option<RequestTransform>,
    pub response_transform: Option<ResponseTransform>,
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retry {
    pub count: u64,
    pub interval: Duration,
}

/// An event trigger.
#[derive(Debug)]
pub(super) struct Trigger {
    pub table: QualifiedName,
    pub webhook: Webhook,
    pub retry: Retry,
    pub cleanup: Option<Cleanup>,
}

/// A cron trigger.
#[derive(Debug)]
pub(super) struct Cron {
    pub definition: CronTrigger,
    pub webhook: Webhook,
    pub retry: Retry,
    pub tolerance: Duration,
}

/// All triggers of a metadata that can be delivered.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    pub events: BTreeMap<String, Arc<Trigger>>,
    pub crons: BTreeMap<String, Arc<Cron>>,
}

impl Triggers {
    /// A trigger whose URL or header lacks its variable is left out: its events wait until it has one.
    pub fn new(metadata: &Metadata, environment: &Environment) -> Self {
        let mut triggers = Self::default();
        for table in metadata.source(SOURCE).into_iter().flat_map(|source| &source.tables) {
            for trigger in &table.event_triggers {
                match event(trigger, &table.table, environment) {
                    Ok(found) => drop(triggers.events.insert(trigger.name.clone(), Arc::new(found))),
                    Err(failure) => warn(&trigger.name, &failure),
                }
            }
        }
        for trigger in &metadata.cron_triggers {
            match cron(trigger, environment) {
                Ok(found) => drop(triggers.crons.insert(trigger.name.clone(), Arc::new(found))),
                Err(failure) => warn(&trigger.name, &failure),
            }
        }
        triggers
    }
}

fn warn(trigger: &str, failure: &Failure) {
    tracing::warn!(trigger, why = failure.message, "the events of a trigger wait");
}

/// # Errors
/// A variable of the environment is not set, or the URL is none: the reason of an inconsistency.
pub(super) fn event(
    trigger: &EventTrigger,
    table: &QualifiedName,
    environment: &Environment,
) -> Result<Trigger, Failure> {
    let url = match (&trigger.webhook, &trigger.webhook_from_env) {
        (Some(url), None) => resolve(environment, url)?,
        (None, Some(name)) => variable(environment, name)?.to_owned(),
        _ => return Err(Failure::new(Code::Unexpected, "$", "expected webhook or webhook_from_env")),
    };
    let retry = &trigger.retry_conf;
    Ok(Trigger {
        table: table.clone(),
        webhook: Webhook {
            url,
            hidden_url: trigger.webhook.as_ref().is_none_or(|url| url.contains("{{")),
            timeout: Duration::from_secs(retry.timeout_sec.unwrap_or(60)),
            request_transform: transform("request_transform", trigger.request_transform.as_ref())?,
            response_transform: transform("response_transform", trigger.response_transform.as_ref())?,
            ..headers(&trigger.headers, environment)?
        },
        retry: Retry { count: retry.num_retries, interval: Duration::from_secs(retry.interval_sec) },
        cleanup: trigger.cleanup_config.as_ref().and_then(|config| match Cleanup::read(config) {
            Ok(config) => Some(config),
            Err(why) => {
                tracing::warn!(trigger = trigger.name, why, "the old events of a trigger stay: its cleanup_config");
                None
            }
        }),
    })
}

/// # Errors
/// As [`event`].
pub(super) fn cron(trigger: &CronTrigger, environment: &Environment) -> Result<Cron, Failure> {
    super::cron::parse(&trigger.schedule).map_err(|why| Failure::new(Code::ParseFailed, "$", why))?;
    let mut webhook = scheduled(&trigger.webhook, &trigger.headers, &trigger.retry_conf, environment)?;
    webhook.request_transform = transform("request_transform", trigger.request_transform.as_ref())?;
    webhook.response_transform = transform("response_transform", trigger.response_transform.as_ref())?;
    Ok(Cron {
        webhook,
        retry: retry(&trigger.retry_conf),
        tolerance: Duration::from_secs(trigger.retry_conf.tolerance_seconds),
        definition: trigger.clone(),
    })
}

/// The webhook of a cron trigger or a one-off event.
///
/// # Errors
/// As [`event`].
pub(super) fn scheduled(
    url: &str,
    configured: &[Header],
    retry: &CronRetry,
    environment: &Environment,
) -> Result<Webhook, Failure> {
    let (hidden_url, url) = (url.contains("{{"), resolve(environment, url)?);
    let timeout = Duration::from_secs(retry.timeout_seconds);
    Ok(Webhook { url, hidden_url, timeout, ..headers(configured, environment)? })
}

pub(super) fn retry(retry: &CronRetry) -> Retry {
    Retry { count: retry.num_retries, interval: Duration::from_secs(retry.retry_interval_seconds) }
}

fn transform<T: DeserializeOwned>(key: &str, value: Option<&Value>) -> Result<Option<T>, Failure> {
    let read = |value: &Value| {
        T::deserialize(value).map_err(|error| Failure::new(Code::ParseFailed, "$", format!("{key}: {error}")))
    };
    value.filter(|value| !value.is_null()).map(read).transpose()
}

/// A webhook of which only the headers are known.
fn headers(list: &[Header], environment: &Environment) -> Result<Webhook, Failure> {
    Ok(Webhook {
        url: String::new(),
        hidden_url: false,
        headers: configured(list, environment)?,
        shown: list.iter().map(|header| json!(header)).collect(),
        timeout: Duration::from_secs(60),
        request_transform: None,
        response_transform: None,
    })
}
