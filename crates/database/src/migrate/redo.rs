use std::time::Instant;

use project::guard::{Allowed, Destructive};
use serde::Serialize;
use tokio_postgres::Client;

use super::{Applied, Back, Event, Migration, Plan, Runner, Undo, apply, plan_rollback, record};
use crate::{Error, Options, session};

/// What [`Runner::redo`] did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Redone {
    pub undone: Vec<Applied>,
    pub applied: Vec<Applied>,
}

impl Runner<'_> {
    /// Undoes the last migrations and applies them again from their files as they are now: how one tries out a migration
    /// that is being written. All of it is one transaction when all of the parts can be.
    ///
    /// # Errors
    /// As [`Runner::rollback`] and [`Runner::up`]; of one transaction nothing is kept then.
    pub async fn redo(
        &mut self,
        client: &mut Client,
        steps: usize,
        _allowed: &Allowed<Destructive>,
    ) -> Result<Redone, Error> {
        session::lock(client, &self.options).await?;
        let result = self.locked_redo(client, steps).await;
        apply::finish(client, result).await
    }

    async fn locked_redo(&mut self, client: &mut Client, steps: usize) -> Result<Redone, Error> {
        record::prepare(client).await?;
        let undos = plan_rollback(client, self.sources, &Back::Steps(steps)).await?;
        for undo in &undos {
            undo.migration.up.check_way()?;
        }
        self.save_before(client, &undos).await?;
        let together = undos
            .iter()
            .all(|undo| undo.transactional() && undo.migration.transactional() && !undo.migration.up.adds_value());
        if together { self.redo_together(client, &undos).await } else { self.redo_apart(client, &undos).await }
    }

    async fn redo_together(&mut self, client: &mut Client, undos: &[Undo]) -> Result<Redone, Error> {
        let options: Options = self.options;
        let id = undos.first().map(|undo| undo.migration.id()).unwrap_or_default();
        let work = async |client: &mut Client| {
            let transaction = client.transaction().await?;
            let inside = transaction.client();
            let mut undone = Vec::new();
            for undo in undos {
                let begun = Instant::now();
                session::set_timeouts(inside, &options).await?;
                apply::statements(inside, undo.down(), apply::KEPT_NOTHING_TOGETHER).await?;
                session::reset(inside).await?;
                record::delete(inside, &undo.recorded).await?;
                undone.push(Applied::new(&undo.migration, undo.down(), begun));
            }
            let again: Vec<Migration> = undos.iter().rev().map(|undo| undo.migration.clone()).collect();
            let applied = apply::apply_all(inside, &again, &options).await?;
            project::fault::hit("redo.before-commit");
            transaction.commit().await?;
            Ok(Redone { undone, applied })
        };
        let redone = super::retry::with(client, &options, &id, self.events, work).await?;
        redone.undone.iter().for_each(|done| (self.events)(&Event::Undone(done)));
        redone.applied.iter().for_each(|done| (self.events)(&Event::Applied(done)));
        Ok(redone)
    }

    async fn redo_apart(&mut self, client: &mut Client, undos: &[Undo]) -> Result<Redone, Error> {
        let mut undone = Vec::new();
        for undo in undos {
            undone.push(self.undo(client, undo).await?);
        }
        let again: Vec<Migration> = undos.iter().rev().map(|undo| undo.migration.clone()).collect();
        let applied = self.each(client, &Plan::fresh(again.clone()), &again).await?;
        Ok(Redone { undone, applied })
    }
}
