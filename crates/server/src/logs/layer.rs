//! What our own crates say through `tracing` becomes lines of the service they belong to.

use jiff::Timestamp;
use stack::log::{Level, Line};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::Logs;

/// A `tracing` layer that writes to [`Logs`].
#[derive(Debug)]
pub struct LogLayer {
    logs: Logs,
}

impl LogLayer {
    pub fn new(logs: Logs) -> Self {
        Self { logs }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let meta = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.logs.write(Line {
            ts: Timestamp::now(),
            service: service_of(meta.target()).to_owned(),
            level: match *meta.level() {
                tracing::Level::ERROR => Level::Error,
                tracing::Level::WARN => Level::Warn,
                tracing::Level::INFO => Level::Info,
                _ => Level::Debug,
            },
            message: fields.message,
            fields: fields.others,
        });
    }
}

/// The service whose log a crate's words belong to.
fn service_of(target: &str) -> &'static str {
    match target.split("::").next().unwrap_or_default() {
        "graphql" => "hasura",
        "gateway" => "gateway",
        "auth" => "auth",
        "storage" => "storage",
        "mail" => "mailpit",
        "console" => "console",
        _ => "server",
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: serde_json::Map<String, serde_json::Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.insert(field.name().to_owned(), text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.others.insert(field.name().to_owned(), value.into());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}
