//! Event triggers and scheduled triggers against a real database and a real receiver.

mod killed;
mod receiver;
mod scheduled;
mod triggers;

use std::sync::Arc;
use std::time::Duration;

use graphql::events::{self, Events, Options};
use graphql::outbound::{Client, Environment};
use metadata::Metadata;
use serde_json::{Value, json};

pub use receiver::{Answer, Receiver};

/// A database with the event tables, a metadata and a receiver.
pub struct Stage {
    pub database: testkit::TestDatabase,
    pub client: tokio_postgres::Client,
    pub metadata: Metadata,
    pub receiver: Receiver,
    pub environment: Arc<Environment>,
}

/// A table `t (id, name)` and what else `sql` makes.
pub async fn stage(sql: &str) -> Stage {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute(events::CATALOG_SQL).await.unwrap();
    client.batch_execute(sql).await.unwrap();
    let receiver = Receiver::start().await;
    let environment = [("RECEIVER".to_owned(), receiver.url.clone()), ("TOKEN".to_owned(), "secret".to_owned())];
    Stage { database, client, metadata: Metadata::empty(), receiver, environment: Arc::new(environment.into()) }
}

pub const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, name text, data json)";

impl Stage {
    /// Tracks a table and puts a trigger on it, through the API's own command.
    pub async fn trigger(&mut self, table: &str, args: Value) {
        let old = self.metadata.clone();
        let name = metadata::QualifiedName::new("public", table);
        if self.metadata.source("default").unwrap().table(&name).is_none() {
            self.metadata.source_mut("default").unwrap().tables.push(metadata::Table::new(name).into());
        }
        let mut all = json!({"name": "t1", "table": table, "webhook": "{{RECEIVER}}/hook"});
        all.as_object_mut().unwrap().extend(args.as_object().unwrap().clone());
        events::api::create_event_trigger(&mut self.metadata, &|_, _| true, &self.environment, &all).unwrap();
        self.install(Some(&old)).await;
    }

    pub async fn install(&self, old: Option<&Metadata>) {
        events::install(&self.client, old, &self.metadata, false).await.unwrap();
    }

    pub fn start(&self) -> Events {
        self.start_with(Options::default())
    }

    pub fn start_with(&self, options: Options) -> Events {
        let client = Client::new().unwrap();
        let config = self.database.config();
        Events::start(options, config, Arc::clone(&self.environment), client, &self.metadata)
    }

    pub async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    pub async fn count(&self, sql: &str) -> i64 {
        self.client.query_one(&format!("SELECT count(*) {sql}"), &[]).await.unwrap().get(0)
    }

    /// Until so many rows are there.
    pub async fn until(&self, sql: &str, rows: i64) {
        let limit = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.count(sql).await;
            if found == rows {
                return;
            }
            assert!(std::time::Instant::now() < limit, "{found} rows instead of {rows}: {sql}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
