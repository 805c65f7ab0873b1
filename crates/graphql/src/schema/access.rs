//! What the role may see and do.

use std::sync::Arc;

use crate::model::{
    ColumnSet, Delete, Insert, Level, Member, Operation, Permissions, Preset, Returned, Root, RootField, Roots, Select,
    TableId, Update,
};
use crate::plan::Filter;
use crate::vetting::Webhook;

use super::{Role, Schema};

/// A role's permission of one kind on a table.
#[derive(Debug)]
pub enum Access<'s, T> {
    /// The administrator's.
    Full,
    Limited(&'s T),
}

impl<T> Clone for Access<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Access<'_, T> {}

impl<'s, T> Access<'s, T> {
    /// The permission, unless everything is allowed.
    pub fn limited(self) -> Option<&'s T> {
        match self {
            Self::Full => None,
            Self::Limited(found) => Some(found),
        }
    }

    fn allows(self, columns: impl FnOnce(&'s T) -> &'s ColumnSet, position: usize) -> bool {
        self.limited().is_none_or(|found| columns(found).contains(position))
    }
}

impl<'s> Access<'s, Select> {
    pub fn column(self, column: usize) -> bool {
        self.allows(|found| &found.columns, column)
    }

    pub fn computed(self, computed: usize) -> bool {
        self.allows(|found| &found.computed, computed)
    }

    /// Which rows; none for all.
    pub fn filter(self) -> Option<&'s Filter> {
        self.limited().map(|found| &*found.filter).filter(|filter| !filter.is_everything())
    }

    /// Rows one answer may have.
    pub fn limit(self) -> Option<u32> {
        self.limited().and_then(|found| found.limit)
    }

    pub fn aggregations(self) -> bool {
        self.limited().is_none_or(|found| found.aggregations)
    }

    /// Of an inherited role: rows that do not pass show null in this column.
    pub fn condition(self, column: usize) -> Option<&'s Filter> {
        let conditions = &self.limited()?.conditions;
        conditions.iter().find(|(found, _)| *found == column).map(|(_, filter)| &**filter)
    }

    pub fn computed_condition(self, computed: usize) -> Option<&'s Filter> {
        let conditions = &self.limited()?.computed_conditions;
        conditions.iter().find(|(found, _)| *found == computed).map(|(_, filter)| &**filter)
    }

    fn shows(self, operation: Operation, field: RootField) -> bool {
        let listed = |found: &'s Select| match operation {
            Operation::Subscription => found.subscription_root_fields.as_ref(),
            _ => found.query_root_fields.as_ref(),
        };
        self.limited().and_then(listed).is_none_or(|fields| fields.contains(&field))
    }
}

impl<'s> Access<'s, Insert> {
    /// Who looks at what is given.
    pub fn webhook(self) -> Option<&'s Arc<Webhook>> {
        self.limited().and_then(|found| found.webhook.as_ref())
    }

    pub fn column(self, column: usize) -> bool {
        self.allows(|found| &found.columns, column)
    }

    /// What a new row must satisfy; none for anything.
    pub fn check(self) -> Option<&'s Filter> {
        self.limited().map(|found| &*found.check).filter(|filter| !filter.is_everything())
    }

    pub fn presets(self) -> &'s [Preset] {
        self.limited().map_or(&[], |found| &found.presets)
    }
}

impl<'s> Access<'s, Update> {
    pub fn webhook(self) -> Option<&'s Arc<Webhook>> {
        self.limited().and_then(|found| found.webhook.as_ref())
    }

    pub fn column(self, column: usize) -> bool {
        self.allows(|found| &found.columns, column)
    }

    pub fn filter(self) -> Option<&'s Filter> {
        self.limited().map(|found| &*found.filter).filter(|filter| !filter.is_everything())
    }

    /// What a changed row must satisfy; none for anything.
    pub fn check(self) -> Option<&'s Filter> {
        self.limited().and_then(|found| found.check.as_deref()).filter(|filter| !filter.is_everything())
    }

    pub fn presets(self) -> &'s [Preset] {
        self.limited().map_or(&[], |found| &found.presets)
    }
}

impl<'s> Access<'s, Delete> {
    pub fn webhook(self) -> Option<&'s Arc<Webhook>> {
        self.limited().and_then(|found| found.webhook.as_ref())
    }

    pub fn filter(self) -> Option<&'s Filter> {
        self.limited().map(|found| &*found.filter).filter(|filter| !filter.is_everything())
    }
}

impl Schema {
    /// None where the role has no permission at all.
    pub fn select(&self, table: TableId) -> Option<Access<'_, Select>> {
        self.access(table, |found| found.select.as_deref(), |_| false)
    }

    pub fn insert(&self, table: TableId) -> Option<Access<'_, Insert>> {
        let access = self.access(table, |found| found.insert.as_deref(), |found| found.backend_only);
        access.filter(|_| self.tables[table].mutability.insertable)
    }

    pub fn update(&self, table: TableId) -> Option<Access<'_, Update>> {
        let access = self.access(table, |found| found.update.as_deref(), |found| found.backend_only);
        access.filter(|_| self.tables[table].mutability.updatable)
    }

    pub fn delete(&self, table: TableId) -> Option<Access<'_, Delete>> {
        let access = self.access(table, |found| found.delete.as_deref(), |found| found.backend_only);
        access.filter(|_| self.tables[table].mutability.deletable)
    }

    fn access<'s, T>(
        &'s self,
        table: TableId,
        kind: impl FnOnce(&'s Permissions) -> Option<&'s T>,
        backend_only: impl FnOnce(&T) -> bool,
    ) -> Option<Access<'s, T>> {
        if let Some(notes) = &self.notes {
            notes.table(table);
        }
        let Role::Named { name, backend } = &self.role else { return Some(Access::Full) };
        let found = kind(self.tables[table].permissions.get(name)?)?;
        (*backend || !backend_only(found)).then_some(Access::Limited(found))
    }

    /// The field of that name of a table's type.
    pub fn member(&self, table: TableId, name: &str) -> Option<Member> {
        self.tables[table].any_member(name).filter(|&member| self.sees(table, member))
    }

    /// Every field of a table's type, in no order.
    pub fn members(&self, table: TableId) -> impl Iterator<Item = (&str, Member)> {
        let members = self.tables[table].members.iter().map(|(name, &member)| (name.as_str(), member));
        members.filter(move |&(_, member)| self.sees(table, member))
    }

    /// The column of that name, if the role may select it.
    pub fn column_named(&self, table: TableId, name: &str) -> Option<usize> {
        match self.member(table, name)? {
            Member::Column(column) => Some(column),
            _ => None,
        }
    }

    /// Positions of the columns that the role may select.
    pub fn columns(&self, table: TableId) -> impl Iterator<Item = usize> {
        let columns = &self.tables[table].columns;
        let access = self.select(table);
        (0..columns.len())
            .filter(move |&column| columns[column].visible && access.is_some_and(|access| access.column(column)))
    }

    /// True when the role may see this member of a table.
    pub fn sees(&self, table: TableId, member: Member) -> bool {
        let Some(access) = self.select(table) else { return false };
        let found = &self.tables[table];
        match member {
            Member::Column(column) => found.columns[column].visible && access.column(column),
            Member::Relationship(index) => self.select(found.relationships[index].target).is_some(),
            Member::Aggregate(index) => {
                self.select(found.relationships[index].target).is_some_and(Access::aggregations)
            }
            Member::Computed(index) => match found.computed[index].returns {
                Returned::Scalar { .. } => access.computed(index),
                Returned::Table { table, .. } => self.select(table).is_some(),
            },
            Member::Remote(relation) => self.sees_relation(table, relation),
        }
    }

    /// The field of that name of a root type.
    pub fn root(&self, operation: Operation, name: &str) -> Option<Root> {
        self.root_at(Level::Top, operation, name)
    }

    /// The field of that name of a root type or of the source's namespace in it.
    pub fn root_at(&self, level: Level, operation: Operation, name: &str) -> Option<Root> {
        let found = self.root_map(level).of(operation).get(name).copied();
        let found = found.filter(|&root| self.shows(operation, root))?;
        if let Some(notes) = &self.notes {
            notes.root(level, operation, name);
        }
        Some(found)
    }

    /// Every field of a root type, in no order.
    pub fn roots(&self, operation: Operation) -> impl Iterator<Item = (&str, Root)> {
        self.roots_at(Level::Top, operation)
    }

    /// Every field of a root type or of the source's namespace in it, in no order.
    pub fn roots_at(&self, level: Level, operation: Operation) -> impl Iterator<Item = (&str, Root)> {
        let roots = self.root_map(level).of(operation).iter().map(|(name, &root)| (name.as_str(), root));
        roots.filter(move |&(_, root)| self.shows(operation, root))
    }

    fn root_map(&self, level: Level) -> &Roots {
        match level {
            Level::Top => &self.roots,
            Level::Namespace => &self.namespaced,
        }
    }

    /// True when the role may use this root field.
    pub fn shows(&self, operation: Operation, root: Root) -> bool {
        let select = |table: TableId, field: RootField, aggregate: bool| {
            let access = self.select(table);
            access.is_some_and(|access| access.shows(operation, field) && (!aggregate || access.aggregations()))
        };
        match root {
            Root::Rows(table) => select(table, RootField::Select, false),
            Root::ByPrimaryKey(table) => {
                let access = self.select(table);
                let visible = |access: Access<'_, Select>| {
                    self.tables[table].primary_key.iter().all(|&column| access.column(column))
                };
                access.is_some_and(visible) && select(table, RootField::SelectByPk, false)
            }
            Root::Aggregate(table) => select(table, RootField::SelectAggregate, true),
            Root::Stream(table) => select(table, RootField::SelectStream, false),
            Root::Function(function) => self.may_call(function),
            Root::FunctionAggregate(function) => {
                let table = self.functions[function].returns;
                self.may_call(function) && self.select(table).is_some_and(Access::aggregations)
            }
            Root::Insert(table) => self.insert(table).is_some(),
            // Its answer is the row.
            Root::InsertOne(table) => self.insert(table).is_some() && self.select(table).is_some(),
            Root::Update(table) | Root::UpdateMany(table) => self.update(table).is_some(),
            Root::UpdateByPrimaryKey(table) => self.update(table).is_some() && self.sees_key(table),
            Root::Delete(table) => self.delete(table).is_some(),
            Root::DeleteByPrimaryKey(table) => self.delete(table).is_some() && self.sees_key(table),
            Root::Action(action) | Root::ActionResult(action) => self.foreign.shows_action(action, self.role_name()),
            Root::Remote(root) => self.foreign.shows_remote(root, self.role_name()),
            Root::Namespace => self.namespaced.of(operation).values().any(|&inner| self.shows(operation, inner)),
        }
    }

    /// True when the role may select every column of a primary key there is.
    fn sees_key(&self, table: TableId) -> bool {
        let key = &self.tables[table].primary_key;
        !key.is_empty() && self.select(table).is_some_and(|access| key.iter().all(|&column| access.column(column)))
    }

    fn may_call(&self, function: usize) -> bool {
        let Role::Named { name, .. } = &self.role else { return true };
        let found = &self.functions[function];
        // A change is never allowed by the right to look.
        let allowed = (self.infer_function_permissions && !found.is_mutation) || found.permissions.contains(name);
        allowed && self.select(found.returns).is_some()
    }
}
