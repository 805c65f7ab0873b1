//! A model that follows another: what has not changed is shared with it instead of built again.
//!
//! The result is what [`Model::build`] gives, down to the positions of tables and scalars. A table is taken over whole
//! while its entry in the metadata is the very same ([`Arc::ptr_eq`]) and nothing of it was left out.
//!
//! - An entry that has changed: that table is built anew.
//! - Its relationships are others than before: so are the permissions of every table whose conditions look into it,
//!   because conditions name relationships by their positions.
//! - Something of the table was left out, or it has remote relationships: it is built anew every time.
//! - A table that comes last in the metadata is added. Root fields, functions, and what is not the database's are
//!   always built anew; they are few or cheap.
//!
//! Everything else builds all of it: another catalog, other rows of enum tables, other functions, inherited roles or
//! parents of theirs that come or go, settings or customization of the source; a table that goes, changes its name, its
//! computed fields or whether it is an enum, or needs a scalar that was not there; with tables that are tracked by
//! themselves, one that the metadata names for the first time. [`Model::follow`] gives up at the first of these.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use metadata::{Metadata, QualifiedName};
use postgres::catalog::{self, Catalog};

use super::build::{Builder, Made, Tracked};
use super::inconsistency::{Inconsistency, SOURCE};
use super::inherit::same_parents;
use super::{Extras, Model, Scalar, TableId};

/// What a model was built from.
#[derive(Debug)]
pub(super) struct Origin {
    catalog: Arc<Catalog>,
    metadata: Arc<Metadata>,
    /// Without what remote schemas said.
    extras: Extras,
}

/// How many scalars there were before the next stage began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stages {
    /// Of tables' columns.
    pub columns: usize,
    /// Of the database.
    pub database: usize,
}

impl Model {
    /// The model of a catalog and metadata, as [`Model::build`] builds it; faster where little has changed since
    /// `before`. It can be followed in turn.
    pub fn following(
        before: Option<&Self>,
        catalog: &Arc<Catalog>,
        metadata: &Arc<Metadata>,
        mut extras: Extras,
    ) -> Self {
        let followed = before.and_then(|before| before.follow(catalog, metadata, &extras));
        debug_assert!(
            followed.as_ref().is_none_or(|model| model.equals(&Self::build(catalog, metadata, &extras))),
            "a model that follows another is not what it would be if it were built from nothing"
        );
        let mut model = followed.unwrap_or_else(|| Self::build(catalog, metadata, &extras));
        extras.introspections.clear();
        let (catalog, metadata) = (Arc::clone(catalog), Arc::clone(metadata));
        model.origin = Some(Box::new(Origin { catalog, metadata, extras }));
        model
    }

    /// None where all must be built.
    fn follow(&self, catalog: &Arc<Catalog>, metadata: &Arc<Metadata>, extras: &Extras) -> Option<Self> {
        let origin = self.origin.as_deref().filter(|origin| origin.fits(catalog, metadata, extras))?;
        let mut builder = Builder::new(catalog, metadata, extras);
        builder.model.tables.clone_from(&self.tables);
        builder.model.tables_by_name.clone_from(&self.tables_by_name);
        builder.model.tables_by_relation.clone_from(&self.tables_by_relation);
        builder.set_scalars(&self.scalars[..self.stages.columns]);
        let mut tracked = builder.follow_tables(self, origin, metadata, extras)?;
        if builder.model.scalars.len() != self.stages.columns {
            return None;
        }
        builder.set_scalars(&self.scalars[..self.stages.database]);
        builder.model.stages.columns = self.stages.columns;
        builder.add_parts(&tracked, metadata);
        if builder.model.scalars.len() != self.stages.database {
            return None;
        }
        self.spread(&builder.model, &mut tracked);
        Some(builder.finish(&tracked, metadata, extras))
    }

    /// Permissions that look into a table whose relationships are others now are resolved again.
    fn spread(&self, now: &Self, tracked: &mut [Tracked<'_>]) {
        let same = |id: TableId| now.tables[id].relationships == self.tables[id].relationships;
        let built = tracked.iter().filter(|found| found.made == Made::Everything && found.id < self.tables.len());
        let changed: HashSet<TableId> = built.map(|found| found.id).filter(|&id| !same(id)).collect();
        if changed.is_empty() {
            return;
        }
        for found in tracked.iter_mut().filter(|found| found.made == Made::Nothing) {
            let mut touched = false;
            for role in self.tables[found.id].permissions.keys() {
                self.looked_into(found.id, role, &mut |table| touched |= changed.contains(&table));
            }
            if touched {
                found.made = Made::Permissions;
            }
        }
    }

    /// Whether both offer the same, at the same places. What is not the database's is left out: it is built from the rest
    /// alone.
    fn equals(&self, other: &Self) -> bool {
        let Self {
            tables,
            functions,
            scalars,
            naming,
            stringify_numeric,
            infer_function_permissions,
            inconsistencies,
            foreign: _,
            conflicts,
            hidden_from,
            roles,
            tables_by_name,
            tables_by_relation,
            scalars_by_name,
            roots,
            namespaced,
            stages,
            origin: _,
        } = self;
        *tables == other.tables
            && *functions == other.functions
            && *scalars == other.scalars
            && *naming == other.naming
            && *stringify_numeric == other.stringify_numeric
            && *infer_function_permissions == other.infer_function_permissions
            && *inconsistencies == other.inconsistencies
            && *conflicts == other.conflicts
            && *hidden_from == other.hidden_from
            && *roles == other.roles
            && *tables_by_name == other.tables_by_name
            && *tables_by_relation == other.tables_by_relation
            && *scalars_by_name == other.scalars_by_name
            && *roots == other.roots
            && *namespaced == other.namespaced
            && *stages == other.stages
    }
}

impl Origin {
    /// True where nothing has changed but entries of tables, and what is always built.
    fn fits(&self, catalog: &Arc<Catalog>, metadata: &Metadata, extras: &Extras) -> bool {
        let Extras {
            auto,
            enums,
            stringify_numeric,
            infer_function_permissions,
            remote_schema_permissions: _,
            introspections: _,
            naming_convention,
        } = extras;
        let (Some(old), Some(new)) = (self.metadata.source(SOURCE), metadata.source(SOURCE)) else { return false };
        Arc::ptr_eq(&self.catalog, catalog)
            && self.extras.auto == *auto
            && self.extras.enums == *enums
            && self.extras.stringify_numeric == *stringify_numeric
            && self.extras.infer_function_permissions == *infer_function_permissions
            && self.extras.naming_convention == *naming_convention
            && self.metadata.inherited_roles == metadata.inherited_roles
            && same_parents(&self.metadata, metadata)
            && old.customization == new.customization
            && old.functions == new.functions
    }
}

impl<'a> Builder<'a> {
    fn set_scalars(&mut self, scalars: &[Scalar]) {
        self.model.scalars = scalars.to_vec();
        let names = scalars.iter().enumerate().map(|(id, scalar)| (scalar.name.clone(), id));
        self.model.scalars_by_name = names.collect();
    }

    /// The tables of the model before at their places, and new ones behind them. None where that is not the order in
    /// which the metadata has them.
    fn follow_tables(
        &mut self,
        before: &Model,
        origin: &Origin,
        metadata: &'a Metadata,
        extras: &Extras,
    ) -> Option<Vec<Tracked<'a>>> {
        let entries = &origin.metadata.source(SOURCE)?.tables;
        let entries: HashMap<&QualifiedName, &Arc<metadata::Table>> =
            entries.iter().map(|entry| (&entry.table, entry)).collect();
        let (mut tracked, mut mentioned) = (Vec::new(), HashSet::new());
        for entry in &metadata.source(SOURCE)?.tables {
            let name = &entry.table;
            if !mentioned.insert(name) {
                return None;
            }
            let source = self.catalog.table(&name.schema, &name.name);
            let (id, made) = match before.tables_by_relation.get(name) {
                Some(&id) => (id, self.follow_table(before, id, source?, entries.get(name)?, entry, extras)?),
                None => match self.new_table(name, source, entry, extras)? {
                    Some(id) => (id, Made::Everything),
                    None => continue,
                },
            };
            if id != tracked.len() {
                return None;
            }
            tracked.push(Tracked { id, source: source?, metadata: Some(entry), made });
        }
        if extras.auto.is_some() && entries.keys().any(|name| !mentioned.contains(name)) {
            return None;
        }
        for id in tracked.len()..self.model.tables.len() {
            let name = self.model.tables[id].qualified();
            let source = self.catalog.table(&name.schema, &name.name)?;
            if entries.contains_key(&name) {
                return None;
            }
            tracked.push(Tracked { id, source, metadata: None, made: Made::Nothing });
        }
        Some(tracked)
    }

    /// A table that was there before.
    fn follow_table(
        &mut self,
        before: &Model,
        id: TableId,
        source: &catalog::Table,
        old: &Arc<metadata::Table>,
        new: &Arc<metadata::Table>,
        extras: &Extras,
    ) -> Option<Made> {
        if Arc::ptr_eq(old, new) && !before.tables[id].flawed && new.remote_relationships.is_empty() {
            return Some(Made::Nothing);
        }
        if old.is_enum || new.is_enum || old.computed_fields != new.computed_fields {
            return None;
        }
        let table = self.table(source, Some(new), extras).ok()?;
        if table.name != before.tables[id].name {
            return None;
        }
        self.model.tables[id] = Arc::new(table);
        Some(Made::Everything)
    }

    /// A table that was not there, or could not be served. Some(None) if it still cannot.
    fn new_table(
        &mut self,
        name: &QualifiedName,
        source: Option<&catalog::Table>,
        entry: &metadata::Table,
        extras: &Extras,
    ) -> Option<Option<TableId>> {
        let added = match source {
            None => Err(format!("no such table/view exists in source: \"{name}\"")),
            Some(source) => self.add_table(source, Some(entry), extras),
        };
        match added {
            // The rows of an enum table give scalars to others; tables that are tracked by themselves come last.
            Ok(_) if entry.is_enum || extras.auto.is_some() => None,
            Ok(id) => Some(Some(id)),
            Err(reason) => {
                self.model.inconsistencies.push(Inconsistency::of_table(name, reason));
                Some(None)
            }
        }
    }
}
