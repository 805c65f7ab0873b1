//! What a role may do with a table, with every expression resolved.

use std::sync::Arc;

use crate::plan::Filter;
use crate::vetting::Webhook;

/// A role's permissions on one table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Permissions {
    pub select: Option<Arc<Select>>,
    pub insert: Option<Arc<Insert>>,
    pub update: Option<Arc<Update>>,
    pub delete: Option<Arc<Delete>>,
}

/// Positions of columns (or computed fields) of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ColumnSet(Vec<u64>);

impl ColumnSet {
    pub fn contains(&self, column: usize) -> bool {
        self.0.get(column / 64).is_some_and(|bits| bits >> (column % 64) & 1 == 1)
    }

    pub fn insert(&mut self, column: usize) {
        if self.0.len() <= column / 64 {
            self.0.resize(column / 64 + 1, 0);
        }
        self.0[column / 64] |= 1 << (column % 64);
    }

    pub fn remove(&mut self, column: usize) {
        if let Some(bits) = self.0.get_mut(column / 64) {
            *bits &= !(1 << (column % 64));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len() * 64).filter(|&column| self.contains(column))
    }
}

impl FromIterator<usize> for ColumnSet {
    fn from_iter<T: IntoIterator<Item = usize>>(columns: T) -> Self {
        let mut set = Self::default();
        columns.into_iter().for_each(|column| set.insert(column));
        set
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    pub columns: ColumnSet,
    /// Scalar computed fields.
    pub computed: ColumnSet,
    pub filter: Arc<Filter>,
    pub limit: Option<u32>,
    pub aggregations: bool,
    /// Names of [`RootField`]s; none for all.
    pub query_root_fields: Option<Vec<RootField>>,
    pub subscription_root_fields: Option<Vec<RootField>>,
    /// For inherited roles: a column is null in rows that do not pass.
    pub conditions: Vec<(usize, Arc<Filter>)>,
    pub computed_conditions: Vec<(usize, Arc<Filter>)>,
}

/// The root fields a select permission can hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootField {
    Select,
    SelectByPk,
    SelectAggregate,
    SelectStream,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    pub columns: ColumnSet,
    pub check: Arc<Filter>,
    pub presets: Vec<Preset>,
    pub backend_only: bool,
    /// Who looks at what is given.
    pub webhook: Option<Arc<Webhook>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    pub columns: ColumnSet,
    pub filter: Arc<Filter>,
    /// What a changed row must satisfy.
    pub check: Option<Arc<Filter>>,
    pub presets: Vec<Preset>,
    pub backend_only: bool,
    pub webhook: Option<Arc<Webhook>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    pub filter: Arc<Filter>,
    pub backend_only: bool,
    pub webhook: Option<Arc<Webhook>>,
}

/// A column that the permission sets itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    pub column: usize,
    pub value: PresetValue,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PresetValue {
    /// A session variable, in lower case.
    Session(String),
    /// The value as metadata gives it.
    Literal(serde_json::Value),
}
