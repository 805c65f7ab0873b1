//! What a plan was made from: what must be as it was for the plan to be kept when the schema changes.
//!
//! A [`crate::schema::Schema`] answers every question of planning; one that takes notes remembers which tables and
//! which fields of the root types it was asked for. Together with the tables that the role's permissions look into,
//! that is all a plan and its statement can have come from. What is asked of others than the database, Relay's API
//! and introspection are not noted: such plans are made anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use metadata::QualifiedName;

use crate::model::same::Pair;
use crate::model::{Level, Model, Operation, Root, TableId};
use crate::plan::{Plan, RootValue};
use crate::schema::Schema;

/// Taken while a request is planned; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    tables: BTreeSet<TableId>,
    roots: Vec<(Level, Operation, String)>,
}

impl Notes {
    pub fn table(&self, table: TableId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tables.insert(table);
    }

    pub fn root(&self, level: Level, operation: Operation, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).roots.push((level, operation, name.to_owned()));
    }

    /// None for a plan that no change of the schema leaves as it is.
    pub fn footprint(&self, schema: &Schema, plan: &Plan) -> Option<Footprint> {
        if schema.is_relay() || !plan.joins.is_empty() || !plan.roots.iter().all(|root| is_of_tables(&root.value)) {
            return None;
        }
        let mut noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let role = schema.role_name();
        if let Some(role) = role {
            for table in noted.tables.clone() {
                schema.looked_into(table, role, &mut |found| {
                    noted.tables.insert(found);
                });
            }
        }
        noted.roots.sort_unstable_by(|a, b| a.2.cmp(&b.2));
        noted.roots.dedup();
        let tables = noted.tables.into_iter().map(|table| schema.tables[table].qualified()).collect();
        Some(Footprint { tables, roots: noted.roots })
    }
}

fn is_of_tables(value: &RootValue) -> bool {
    match value {
        RootValue::Rows(_)
        | RootValue::One(_)
        | RootValue::Aggregate(_)
        | RootValue::Stream(_)
        | RootValue::Mutation(_) => true,
        RootValue::Connection(_)
        | RootValue::Ready(_)
        | RootValue::Remote(_)
        | RootValue::Action(_)
        | RootValue::ActionOutcome(_) => false,
    }
}

/// What a plan was made from, by names that outlive a model.
#[derive(Debug)]
pub(crate) struct Footprint {
    tables: Vec<QualifiedName>,
    roots: Vec<(Level, Operation, String)>,
}

/// One model followed by another.
pub(crate) struct Succession<'m> {
    pair: Pair<'m>,
    new: Arc<Model>,
    old: Arc<Model>,
    same_rules: bool,
    tables: HashMap<QualifiedName, bool>,
    permissions: HashMap<(Arc<str>, QualifiedName), bool>,
}

impl<'m> Succession<'m> {
    pub fn new(old: &'m Arc<Model>, new: &'m Arc<Model>) -> Self {
        let pair = Pair { old, new };
        let (tables, permissions) = Default::default();
        let same_rules = pair.same_rules();
        Self { pair, new: Arc::clone(new), old: Arc::clone(old), same_rules, tables, permissions }
    }

    /// True when the new model would give the same plan.
    pub fn keeps(&mut self, role: &Arc<str>, backend: bool, footprint: &Footprint) -> bool {
        if !self.same_rules {
            return false;
        }
        let before = Schema::new(Arc::clone(&self.old), role, backend);
        let now = Schema::new(Arc::clone(&self.new), role, backend);
        let same_root = |(level, operation, name): &(Level, Operation, String)| match (
            before.root_at(*level, *operation, name),
            now.root_at(*level, *operation, name),
        ) {
            (Some(before), Some(now)) => same_root(self.pair, before, now),
            _ => false,
        };
        footprint.roots.iter().all(same_root)
            && footprint.tables.iter().all(|table| self.same_table(table) && self.same_permissions(role, table))
    }

    fn places(&self, table: &QualifiedName) -> Option<(TableId, TableId)> {
        Some((*self.old.tables_by_relation.get(table)?, *self.new.tables_by_relation.get(table)?))
    }

    fn same_table(&mut self, table: &QualifiedName) -> bool {
        if let Some(&known) = self.tables.get(table) {
            return known;
        }
        let same = self.places(table).is_some_and(|(old, new)| self.pair.same_table(old, new));
        self.tables.insert(table.clone(), same);
        same
    }

    fn same_permissions(&mut self, role: &Arc<str>, table: &QualifiedName) -> bool {
        let key = (Arc::clone(role), table.clone());
        if let Some(&known) = self.permissions.get(&key) {
            return known;
        }
        let same = self.places(table).is_some_and(|(old, new)| self.pair.same_permissions(role, old, new));
        self.permissions.insert(key, same);
        same
    }
}

/// The same field of the same table or function.
fn same_root(pair: Pair<'_>, old: Root, new: Root) -> bool {
    match (old, new) {
        (Root::Function(a), Root::Function(b)) | (Root::FunctionAggregate(a), Root::FunctionAggregate(b)) => {
            pair.same_function(&pair.old.functions[a], &pair.new.functions[b])
        }
        // What is inside is noted by itself.
        (Root::Namespace, Root::Namespace) => true,
        _ => match (old.metadata_key(), new.metadata_key()) {
            (Some((a, kind)), Some((b, new_kind))) => kind == new_kind && pair.same_relation(a, b),
            _ => false,
        },
    }
}
