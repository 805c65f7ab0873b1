//! Anonymising's part in a copy: the plan is held against the snapshot's schema, the subset is chosen in the snapshot, and
//! the finished copy is searched for originals before it takes the target's place.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use postgres::catalog::{Catalog, Name};
use tokio_postgres::Client;

use super::{Checked, Chosen, Plan, Subset};
use crate::Error;
use crate::clone::{self, Selection};

type Begins = Box<dyn Fn(&str) + Send + Sync>;

/// What takes part in [`clone::run`] when rows are changed or chosen.
pub struct Course {
    plan: Option<Arc<Plan>>,
    subset: Option<Subset>,
    begins: Begins,
    done: Mutex<Done>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The rows of the subset, when there is one.
    pub chosen: Option<Chosen>,
    /// The leak check, when rows were changed.
    pub checked: Option<Checked>,
}

impl Course {
    /// `begins` is told when a part of the work begins.
    pub fn new(plan: Option<Arc<Plan>>, subset: Option<Subset>, begins: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { plan, subset, begins: Box::new(begins), done: Mutex::default() }
    }

    pub fn done(&self) -> Done {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Done)) {
        note(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl clone::Course for Course {
    fn choose<'a>(&'a self, snapshot: &'a Client, catalog: &'a Catalog) -> BoxFuture<'a, Result<Selection, Error>> {
        Box::pin(async move {
            if let Some(plan) = &self.plan {
                plan.covers(catalog)?;
            }
            let Some(subset) = &self.subset else { return Ok(Selection::new()) };
            (self.begins)("rows of the subset");
            let chosen = subset.choose(snapshot, catalog, self.plan.as_deref()).await?;
            let name = |(schema, name): &(String, String)| Name { schema: schema.clone(), name: name.clone() };
            let selection = chosen.tables.iter().map(|(table, conditions)| (name(table), conditions.clone())).collect();
            self.note(|done| done.chosen = Some(chosen));
            Ok(selection)
        })
    }

    fn check<'a>(&'a self, scratch: &'a Client) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Some(plan) = &self.plan else { return Ok(()) };
            (self.begins)("leak check");
            project::fault::hit("mask.check");
            let catalog = Catalog::read(scratch, &[]).await?;
            let checked = plan.check(scratch, &catalog).await?;
            self.note(|done| done.checked = Some(checked));
            Ok(())
        })
    }

    fn begins(&self, part: &str) {
        (self.begins)(part);
    }
}
