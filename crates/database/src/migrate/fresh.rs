use project::guard::{Allowed, Destructive};
use serde::Serialize;
use tokio_postgres::Client;

use super::{Applied, Event, Plan, Runner, Target, apply, plan::plan, record, retry};
use crate::{Error, session};

/// Schemas that nself's own services keep: they make them by themselves, and no migration brings them back.
pub const KEPT: &[&str] = &["auth", "storage", "mail", "hdb_catalog", "nself"];

/// What [`Runner::fresh`] did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fresh {
    /// Schemas and objects that were dropped by name; what they took along is not counted.
    pub dropped: usize,
    pub applied: Vec<Applied>,
    /// Schemas of nself's services, left as they were.
    pub kept: Vec<&'static str>,
}

/// The statements that [`Runner::fresh`] begins with. Changes nothing.
///
/// # Errors
/// [`Error::Database`].
pub async fn plan_fresh(client: &Client) -> Result<Vec<String>, Error> {
    let rows = client.query(include_str!("fresh.sql"), &[&KEPT]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

impl Runner<'_> {
    /// Drops everything that the project has made, and applies all migrations from the first. What is dropped and the
    /// migrations up to the first that cannot be part of a transaction are one transaction: when one of them fails, the
    /// database is as it was.
    ///
    /// # Errors
    /// As [`Runner::up`]. After the first transaction, [`Runner::up`] goes on where this stopped.
    pub async fn fresh(&mut self, client: &mut Client, _allowed: &Allowed<Destructive>) -> Result<Fresh, Error> {
        session::lock(client, &self.options).await?;
        let result = self.locked_fresh(client).await;
        apply::finish(client, result).await
    }

    async fn locked_fresh(&mut self, client: &mut Client) -> Result<Fresh, Error> {
        record::prepare(client).await?;
        let migrations = self.sources.load()?;
        for migration in &migrations {
            migration.up.check_way()?;
            if migration.up.statements.is_empty() {
                return Err(Error::Empty { id: migration.id(), file: migration.up.file.clone() });
            }
        }
        if !plan_fresh(client).await?.is_empty() {
            self.save(client, "fresh").await?;
        }
        let pending = Plan::fresh(migrations);
        let options = self.options;
        // An enum's new value shows from the next transaction on: the first transaction ends before such a one.
        let apart = |at: &usize| {
            let migration = &pending.migrations[*at];
            !migration.transactional() || (*at > 0 && pending.migrations[*at - 1].up.adds_value())
        };
        let first = (0..pending.migrations.len()).find(apart).unwrap_or(pending.migrations.len());
        let work = async |client: &mut Client| {
            let transaction = client.transaction().await?;
            let inside = transaction.client();
            session::set_timeouts(inside, &options).await?;
            let drops = plan_fresh(inside).await?;
            for drop in &drops {
                inside.batch_execute(drop).await?;
            }
            inside.batch_execute("DELETE FROM nself.migrations").await?;
            let applied = apply::apply_all(inside, &pending.migrations[..first], &options).await?;
            project::fault::hit("fresh.before-commit");
            transaction.commit().await?;
            project::fault::hit("fresh.after-commit");
            Ok((drops.len(), applied))
        };
        let (dropped, mut applied) = retry::with(client, &options, "fresh", self.events, work).await?;
        applied.iter().for_each(|done| (self.events)(&Event::Applied(done)));
        let rest = plan(client, self.sources, &Target::Everything).await?;
        applied.extend(self.each(client, &rest, &rest.migrations).await?);
        Ok(Fresh { dropped, applied, kept: KEPT.to_vec() })
    }
}
