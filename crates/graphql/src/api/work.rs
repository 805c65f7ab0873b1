//! One request's work: a transaction, the metadata as the request changes it, and what is published when all is well.
//!
//! SQL, metadata and its version change in one transaction. Consistency is looked at once for a run of commands; only
//! when something is wrong are they tried again one by one, to tell which it was.

use std::sync::Arc;

use postgres::PooledClient;
use postgres::catalog::Catalog;
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use super::draft::{Draft, refuse};
use super::refusal::Refusal;
use super::{commands, pathed};
use crate::Handle;
use crate::failure::{Code, Failure};
use crate::foreign::Introspections;
use crate::model::{Inconsistency, Model};
use crate::service::{Basis, State};
use crate::session::Session;
use crate::store::{self, Change, Enums, StoreError};

/// A request; of those that may change metadata there is one at a time.
pub struct Work<'h> {
    pub handle: &'h Handle,
    pub session: &'h Session,
    pub draft: Draft,
    base: Arc<State>,
    enums: Arc<Enums>,
    introspections: Arc<Introspections>,
    model: Arc<Model>,
    client: Option<PooledClient>,
    /// Commands whose result has not been checked, and the draft before the first of them.
    pending: Vec<Pending>,
    unchecked: Option<Draft>,
    /// Inconsistent objects of the model that are allowed to stay so.
    allowed: Allowed,
    /// The command that put the draft in place of what was there, whatever that was.
    replaced_by: Option<&'static str>,
    /// Metadata is stored even if it is what it was: `reload_metadata` tells other engines.
    pub reloaded: bool,
    /// Remote schemas to ask again.
    pub remotes_again: Vec<String>,
    /// None when nothing of the metadata changes.
    _writer: Option<MutexGuard<'h, ()>>,
    /// Statements of somebody else's have run on the connection: who knows what they have set.
    pub soiled: bool,
}

struct Pending {
    kind: String,
    arguments: Value,
    path: String,
}

/// A state to come back to.
pub struct Saved {
    draft: Draft,
    enums: Arc<Enums>,
    model: Arc<Model>,
}

/// Which inconsistent objects a change may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Those that were so before.
    Old,
    All,
}

impl<'h> Work<'h> {
    /// Waits for other requests to finish, unless it `changes` nothing of the metadata.
    pub async fn begin(handle: &'h Handle, session: &'h Session, changes: bool) -> Self {
        let writer = if changes { Some(handle.writer().lock().await) } else { None };
        let base = handle.state();
        let draft = Draft {
            metadata: Arc::clone(&base.metadata),
            catalog: Arc::clone(&base.catalog),
            auto: base.auto.clone(),
            damage: Arc::clone(&base.damage),
            model: Arc::clone(&base.model),
            environment: Arc::clone(&handle.options().environment),
            touched: Vec::new(),
        };
        Self {
            handle,
            session,
            draft,
            enums: Arc::clone(&base.enums),
            introspections: Arc::clone(&base.introspections),
            model: Arc::clone(&base.model),
            base,
            client: None,
            pending: Vec::new(),
            unchecked: None,
            allowed: Allowed::Old,
            replaced_by: None,
            reloaded: false,
            remotes_again: Vec::new(),
            _writer: writer,
            soiled: false,
        }
    }

    /// The transaction's connection; the transaction begins with the first call.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn client(&mut self) -> Result<&tokio_postgres::Client, Failure> {
        if self.client.is_none() {
            let client = self.handle.options().pool.get().await.map_err(|error| lost(&error))?;
            client.batch_execute("BEGIN").await.map_err(|error| lost(&error))?;
            self.client = Some(client);
        }
        Ok(self.client.as_ref().expect("set above"))
    }

    /// The resource version that the request started from.
    pub fn resource_version(&self) -> i64 {
        self.base.resource_version
    }

    /// Changes the metadata by a command. What it makes inconsistent comes to light in [`Work::check`].
    ///
    /// # Errors
    /// The command refuses.
    pub fn apply(
        &mut self,
        kind: &str,
        apply: commands::Apply,
        arguments: Value,
        path: &str,
    ) -> Result<Value, Failure> {
        let before = self.unchecked.is_none().then(|| self.draft.clone());
        let answer =
            commands::execute(&mut self.draft, kind, apply, &arguments).map_err(|failure| pathed(failure, path))?;
        if let Some(before) = before {
            self.unchecked = Some(before);
        }
        self.pending.push(Pending { kind: kind.to_owned(), arguments, path: path.to_owned() });
        Ok(answer)
    }

    /// The model of the draft, after everything that was applied has been found consistent.
    ///
    /// # Errors
    /// A command has made an object inconsistent.
    pub async fn check(&mut self) -> Result<&Arc<Model>, Refusal> {
        let Some(before) = self.unchecked.take() else { return Ok(&self.model) };
        let pending = std::mem::take(&mut self.pending);
        self.read_enums().await?;
        self.read_remotes().await;
        let model = self.build().await?;
        match self.verdict(&model, &self.draft.touched) {
            None => {}
            Some(refusal) if pending.len() == 1 => return Err(refusal.at(&pending[0].path)),
            Some(refusal) => return Err(self.blame(before, pending).await?.unwrap_or(refusal)),
        }
        self.draft.touched.clear();
        self.model = model;
        Ok(&self.model)
    }

    /// Tries commands one by one: the refusal of the first that is at fault.
    async fn blame(&mut self, before: Draft, pending: Vec<Pending>) -> Result<Option<Refusal>, Refusal> {
        let catalog = Arc::clone(&self.draft.catalog);
        self.draft = Draft { catalog, ..before };
        for step in pending {
            let Some(apply) = commands::find(&step.kind) else { continue };
            self.draft.touched.clear();
            let done = commands::execute(&mut self.draft, &step.kind, apply, &step.arguments);
            done.map_err(|failure| pathed(failure, &step.path))?;
            self.read_enums().await?;
            self.read_remotes().await;
            let model = self.build().await?;
            if let Some(refusal) = self.verdict(&model, &self.draft.touched) {
                return Ok(Some(refusal.at(&step.path)));
            }
            self.model = model;
        }
        Ok(None)
    }

    /// Asks remote schemas that are new, asked in another way, or to be asked again.
    async fn read_remotes(&mut self) {
        let schemas = &self.draft.metadata.remote_schemas;
        if self.remotes_again.is_empty() && crate::foreign::is_known(schemas, &self.introspections) {
            return;
        }
        let again = std::mem::take(&mut self.remotes_again);
        let client = self.handle.client();
        let found = crate::foreign::fetch(client, &self.draft.environment, schemas, &self.introspections, &again).await;
        self.introspections = Arc::new(found);
    }

    /// What remote schemas said of themselves.
    pub fn introspections(&self) -> &Introspections {
        &self.introspections
    }

    async fn build(&self) -> Result<Arc<Model>, Failure> {
        let (basis, before) = (self.basis(), Arc::clone(&self.model));
        let options = self.handle.options().clone();
        let built = tokio::task::spawn_blocking(move || basis.build(Some(&before), &options));
        let model = built.await.map_err(|_| refuse(Code::Unexpected, "internal error"))?;
        Ok(Arc::new(model))
    }

    /// What the draft's model is built from.
    fn basis(&self) -> Basis {
        Basis {
            catalog: Arc::clone(&self.draft.catalog),
            metadata: Arc::clone(&self.draft.metadata),
            auto: self.draft.auto.clone(),
            damage: Arc::clone(&self.draft.damage),
            enums: Arc::clone(&self.enums),
            introspections: Arc::clone(&self.introspections),
        }
    }

    /// Why the model cannot follow the one before.
    fn verdict(&self, model: &Model, touched: &[String]) -> Option<Refusal> {
        if self.allowed == Allowed::All {
            return None;
        }
        // As Hasura, which cannot build a schema then. Metadata that was there before leaves the later object out.
        if let Some(conflict) = model.conflicts.iter().find(|conflict| !self.model.conflicts.contains(conflict)) {
            return Some(Refusal::from(refuse(Code::Unexpected, conflict)));
        }
        let old = &self.model.inconsistencies;
        let new: Vec<&Inconsistency> = model
            .inconsistencies
            .iter()
            // Parents that disagree leave a permission uninherited; a role of its own may say what it is, later.
            .filter(|found| found.entity.is_none())
            .filter(|found| touched.contains(&found.name) || !old.iter().any(|old| old.name == found.name))
            .collect();
        let own: Vec<&Inconsistency> = new.iter().filter(|found| touched.contains(&found.name)).copied().collect();
        if !own.is_empty() {
            let reasons: Vec<&str> = own.iter().map(|found| found.reason.as_str()).collect();
            let mut failure = refuse(Code::InvalidConfiguration, reasons.join(", "));
            failure.internal = Some(Box::new(listed(own)));
            return Some(Refusal::from(failure));
        }
        if !new.is_empty() && new.iter().all(|found| found.kind == "query_collections") {
            let mut failure = refuse(Code::Unexpected, "cannot continue due to newly found inconsistent metadata");
            failure.internal = Some(Box::new(listed(new)));
            return Some(Refusal::from(failure));
        }
        if !new.is_empty() {
            let mut failure = refuse(Code::Unexpected, "cannot continue due to new inconsistent metadata");
            failure.internal = Some(Box::new(listed(new)));
            return Some(Refusal::bad_request(failure));
        }
        None
    }

    async fn read_enums(&mut self) -> Result<(), Failure> {
        let is_enum = |metadata: &metadata::Metadata| {
            let tables = metadata.source(super::SOURCE).into_iter().flat_map(|source| &source.tables);
            let mut names: Vec<_> = tables.filter(|table| table.is_enum).map(|table| table.table.clone()).collect();
            names.sort();
            names
        };
        let same_catalog = Arc::ptr_eq(&self.draft.catalog, &self.base.catalog);
        let wanted = is_enum(&self.draft.metadata);
        let mut known: Vec<_> = self.enums.keys().cloned().collect();
        known.sort();
        if wanted.is_empty() || (same_catalog && wanted == known && !self.reloaded) {
            return Ok(());
        }
        let (catalog, metadata) = (Arc::clone(&self.draft.catalog), Arc::clone(&self.draft.metadata));
        let client = self.client().await?;
        let enums = store::enums(client, &catalog, &metadata).await.map_err(|error| unkept(&error))?;
        self.enums = Arc::new(enums);
        Ok(())
    }

    /// Everything may stay or become inconsistent from here on.
    pub fn allow_all(&mut self) {
        self.allowed = Allowed::All;
    }

    /// The draft replaces what was there, whatever it was: the commands before need no check any more.
    pub fn replaced(&mut self) {
        self.pending.clear();
        self.unchecked.get_or_insert_with(|| self.draft.clone());
    }

    /// As [`Work::replaced`], by a command that brings or takes away the metadata as a whole: what was there is kept
    /// in the history, and parts of it that could not be read are no longer missed.
    pub fn replaced_whole(&mut self, command: &'static str) {
        self.allow_all();
        self.replaced();
        self.draft.damage = Arc::default();
        self.replaced_by = Some(command);
    }

    /// A place to come back to.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn save(&mut self) -> Result<Saved, Failure> {
        let (draft, enums, model) = (self.draft.clone(), Arc::clone(&self.enums), Arc::clone(&self.model));
        let client = self.client().await?;
        client.batch_execute("SAVEPOINT nself_step").await.map_err(|error| lost(&error))?;
        Ok(Saved { draft, enums, model })
    }

    /// Undoes everything since.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn restore(&mut self, saved: Saved) -> Result<(), Failure> {
        let client = self.client().await?;
        client.batch_execute("ROLLBACK TO SAVEPOINT nself_step").await.map_err(|error| lost(&error))?;
        (self.draft, self.enums, self.model) = (saved.draft, saved.enums, saved.model);
        self.pending.clear();
        self.unchecked = None;
        Ok(())
    }

    /// Reads the catalog as the transaction sees it.
    ///
    /// # Errors
    /// PostgreSQL could not be asked.
    pub async fn read_catalog(&mut self) -> Result<Arc<Catalog>, Failure> {
        let client = self.client().await?;
        let catalog = Catalog::read(client, &[]).await.map_err(|error| {
            tracing::warn!(%error, "the catalog could not be read");
            refuse(Code::Unexpected, "the database's catalog could not be read")
        })?;
        Ok(Arc::new(catalog))
    }

    /// What the schema of a role looks like now, within the transaction.
    ///
    /// # Errors
    /// As [`Work::check`].
    pub async fn schema(&mut self) -> Result<crate::schema::Schema, Refusal> {
        let session = self.session;
        let model = self.check().await?;
        Ok(crate::schema::Schema::of_session(Arc::clone(model), session))
    }

    /// Stores, commits and publishes.
    ///
    /// # Errors
    /// As [`Work::check`]; somebody else was faster; PostgreSQL refused.
    pub async fn finish(mut self) -> Result<(), Refusal> {
        self.check().await?;
        let metadata_changed = !Arc::ptr_eq(&self.draft.metadata, &self.base.metadata);
        let settles = self.settles();
        let changed = metadata_changed || settles || self.draft.auto != self.base.auto || self.reloaded;
        let mut resource_version = self.base.resource_version;
        let mut damage = Arc::clone(&self.draft.damage);
        if changed {
            resource_version = self.store(resource_version).await?;
            damage = Arc::new(damage.after_save());
        }
        self.install_triggers().await?;
        project::fault::hit("graphql.before-commit");
        if let Some(client) = self.client.take() {
            // The connection is thrown away if this fails, since the transaction may still be open on it.
            let commit = client.batch_execute("COMMIT").await;
            if commit.is_err() || self.soiled {
                postgres::Pool::discard(client);
            }
            commit.map_err(|error| {
                let message = error.as_db_error().map_or("commit failed", |found| found.message());
                Failure::new(Code::PostgresError, "$", message)
            })?;
        }
        if changed || !Arc::ptr_eq(&self.draft.catalog, &self.base.catalog) {
            let basis = Basis { damage, ..self.basis() };
            self.handle.publish(basis.state(Arc::clone(&self.model), resource_version)).await;
        }
        Ok(())
    }

    /// Parts that could not be read are no longer missed.
    fn settles(&self) -> bool {
        self.draft.damage.parts().next().is_none() && self.base.damage.parts().next().is_some()
    }

    /// The database's triggers follow the metadata, and the tables that they are on.
    async fn install_triggers(&mut self) -> Result<(), Failure> {
        let has = |metadata: &metadata::Metadata| {
            let tables = metadata.source(super::SOURCE).into_iter().flat_map(|source| &source.tables);
            tables.into_iter().any(|table| !table.event_triggers.is_empty()) || !metadata.cron_triggers.is_empty()
        };
        let same_catalog = Arc::ptr_eq(&self.draft.catalog, &self.base.catalog);
        let same = same_catalog && Arc::ptr_eq(&self.draft.metadata, &self.base.metadata) && !self.reloaded;
        if same || !(has(&self.draft.metadata) || has(&self.base.metadata)) {
            return Ok(());
        }
        let (old, new) = (Arc::clone(&self.base.metadata), Arc::clone(&self.draft.metadata));
        let stringify = self.handle.options().stringify_numeric;
        let client = self.client().await?;
        crate::events::install(client, Some(&old), &new, stringify).await.map_err(|error| unkept(&error.into()))
    }

    async fn store(&mut self, resource_version: i64) -> Result<i64, Refusal> {
        let (draft, base, settles) = (self.draft.clone(), Arc::clone(&self.base), self.settles());
        let notification =
            json!({ "metadata": false, "remote_schemas": [], "sources": [super::SOURCE], "data_connectors": [] });
        let change = Change {
            metadata: &draft.metadata,
            auto: &draft.auto,
            resource_version,
            replaced_by: self.replaced_by.filter(|_| draft.metadata != base.metadata || draft.auto != base.auto),
            damage: &base.damage,
            settles,
            notification,
            instance: Some(self.handle.instance()),
        };
        let client = self.client().await?;
        project::fault::hit("graphql.before-metadata");
        store::save(client, &change).await.map_err(|error| match error {
            StoreError::Conflict(_) => super::conflict(resource_version),
            StoreError::Postgres(_) => unkept(&error).into(),
        })
    }
}

impl Drop for Work<'_> {
    /// An unfinished transaction ends with its connection, which is not given back.
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            postgres::Pool::discard(client);
        }
    }
}

/// As `get_inconsistent_metadata` lists them.
pub fn listed<'i>(inconsistencies: impl IntoIterator<Item = &'i Inconsistency>) -> Value {
    let entry = |found: &Inconsistency| serde_json::to_value(found).unwrap_or_default();
    inconsistencies.into_iter().map(entry).collect()
}

fn lost(error: &dyn std::error::Error) -> Failure {
    tracing::warn!(%error, "no database connection for a metadata request");
    refuse(Code::Unexpected, "connection error")
}

pub fn unkept(error: &StoreError) -> Failure {
    tracing::warn!(error = error as &dyn std::error::Error, "metadata could not be read or kept");
    let mut failure = refuse(Code::Unexpected, "the metadata could not be read or kept");
    if let StoreError::Postgres(source) = error
        && let Some(found) = source.as_db_error()
    {
        failure.internal = Some(Box::new(super::run_sql::described(found)));
    }
    failure
}
