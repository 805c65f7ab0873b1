//! Whether an object means the same in two models, wherever it stands in them: then what was planned with the one
//! fits the other. Comments are left out; only introspection shows them.
//!
//! Every structure is taken apart whole, so that a field added to one is not forgotten here.

use std::sync::Arc;

use super::{
    Column, ComputedField, Delete, Function, FunctionArgument, Insert, Model, Permissions, Relationship, Returned,
    ScalarId, Select, Table, TableId, Update,
};
use crate::plan::Filter;

/// Two models that are compared: what was, and what is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'m> {
    pub old: &'m Model,
    pub new: &'m Model,
}

impl Pair<'_> {
    /// What every plan depends on.
    pub fn same_rules(self) -> bool {
        let (old, new) = (self.old, self.new);
        old.naming == new.naming
            && old.stringify_numeric == new.stringify_numeric
            && old.infer_function_permissions == new.infer_function_permissions
    }

    /// The same table of the database, however it looks.
    pub fn same_relation(self, old: TableId, new: TableId) -> bool {
        let (old, new) = (&self.old.tables[old], &self.new.tables[new]);
        old.schema_name == new.schema_name && old.table_name == new.table_name
    }

    /// One and the same, taken over from the old model; then its neighbours are where they were, too.
    fn is_shared(self, old: TableId, new: TableId) -> bool {
        Arc::ptr_eq(&self.old.tables[old], &self.new.tables[new])
    }

    /// The table as the administrator sees it.
    pub fn same_table(self, old: TableId, new: TableId) -> bool {
        if self.is_shared(old, new) {
            return true;
        }
        let Table {
            name,
            given,
            schema_name,
            table_name,
            relation,
            comment: _,
            columns,
            primary_key,
            unique_keys,
            relationships,
            computed,
            mutability,
            enum_values,
            root_names,
            root_comments: _,
            permissions: _,
            members,
            flawed: _,
        } = &*self.old.tables[old];
        let new = &self.new.tables[new];
        *name == new.name
            && *given == new.given
            && *schema_name == new.schema_name
            && *table_name == new.table_name
            && *relation == new.relation
            && *primary_key == new.primary_key
            && *unique_keys == new.unique_keys
            && *mutability == new.mutability
            && *enum_values == new.enum_values
            && *root_names == new.root_names
            && *members == new.members
            && all(columns, &new.columns, |old, new| self.same_column(old, new))
            && all(relationships, &new.relationships, |old, new| self.same_relationship(old, new))
            && all(computed, &new.computed, |old, new| self.same_computed(old, new))
    }

    fn same_column(self, old: &Column, new: &Column) -> bool {
        let Column {
            name,
            sql_name,
            ident,
            comment: _,
            not_null,
            has_default,
            generated,
            identity,
            scalar,
            cast,
            enum_of,
            visible,
        } = old;
        let same_enum = match (*enum_of, new.enum_of) {
            (None, None) => true,
            (Some(old), Some(new)) => {
                let values = &self.old.tables[old].enum_values;
                self.same_relation(old, new) && *values == self.new.tables[new].enum_values
            }
            _ => false,
        };
        *name == new.name
            && *sql_name == new.sql_name
            && *ident == new.ident
            && *not_null == new.not_null
            && *has_default == new.has_default
            && *generated == new.generated
            && *identity == new.identity
            && *cast == new.cast
            && *visible == new.visible
            && same_enum
            && self.same_scalar(*scalar, new.scalar)
    }

    fn same_scalar(self, old: ScalarId, new: ScalarId) -> bool {
        let (old, new) = (&self.old.scalars[old], &self.new.scalars[new]);
        let same_item = match (old.item, new.item) {
            (None, None) => true,
            (Some(old), Some(new)) => self.same_scalar(old, new),
            _ => false,
        };
        old.name == new.name && old.family == new.family && old.values == new.values && same_item
    }

    fn same_relationship(self, old: &Relationship, new: &Relationship) -> bool {
        let Relationship { name, comment: _, target, join, columns, single, not_null, insertion } = old;
        *name == new.name
            && self.same_relation(*target, new.target)
            && *join == new.join
            && *columns == new.columns
            && *single == new.single
            && *not_null == new.not_null
            && *insertion == new.insertion
    }

    fn same_computed(self, old: &ComputedField, new: &ComputedField) -> bool {
        let ComputedField { name, comment: _, function, arguments, table_argument, session_argument, returns } = old;
        let same_returns = match (returns, &new.returns) {
            (Returned::Scalar { scalar: old, cast }, Returned::Scalar { scalar: new, cast: new_cast }) => {
                cast == new_cast && self.same_scalar(*old, *new)
            }
            (Returned::Table { table: old, set }, Returned::Table { table: new, set: new_set }) => {
                set == new_set && self.same_relation(*old, *new)
            }
            _ => false,
        };
        *name == new.name
            && *function == new.function
            && *table_argument == new.table_argument
            && *session_argument == new.session_argument
            && same_returns
            && all(arguments, &new.arguments, |old, new| self.same_argument(old, new))
    }

    fn same_argument(self, old: &FunctionArgument, new: &FunctionArgument) -> bool {
        let FunctionArgument { name, place, scalar, cast, has_default } = old;
        *name == new.name
            && *place == new.place
            && *cast == new.cast
            && *has_default == new.has_default
            && self.same_scalar(*scalar, new.scalar)
    }

    /// Roles' right to call it is left to [`crate::schema::Schema::root`].
    pub fn same_function(self, old: &Function, new: &Function) -> bool {
        let Function {
            name,
            schema_name,
            function_name,
            sql,
            comment: _,
            arguments,
            session_argument,
            returns,
            returns_set,
            is_mutation,
            root_names,
            permissions: _,
        } = old;
        *name == new.name
            && *schema_name == new.schema_name
            && *function_name == new.function_name
            && *sql == new.sql
            && *session_argument == new.session_argument
            && self.same_relation(*returns, new.returns)
            && *returns_set == new.returns_set
            && *is_mutation == new.is_mutation
            && *root_names == new.root_names
            && all(arguments, &new.arguments, |old, new| self.same_argument(old, new))
    }

    /// What a role may do with a table, given that the table is the same.
    pub fn same_permissions(self, role: &str, old: TableId, new: TableId) -> bool {
        if self.is_shared(old, new) {
            return true;
        }
        let old = self.old.tables[old].permissions.get(role);
        let new = self.new.tables[new].permissions.get(role);
        let (Some(old), Some(new)) = (old, new) else { return old.is_none() && new.is_none() };
        let Permissions { select, insert, update, delete } = old;
        both(select.as_deref(), new.select.as_deref(), |old, new| self.same_select(old, new))
            && both(insert.as_deref(), new.insert.as_deref(), |old, new| {
                let Insert { columns, check, presets, backend_only, webhook } = old;
                *columns == new.columns
                    && self.same_filter(check, &new.check)
                    && *presets == new.presets
                    && *backend_only == new.backend_only
                    && *webhook == new.webhook
            })
            && both(update.as_deref(), new.update.as_deref(), |old, new| {
                let Update { columns, filter, check, presets, backend_only, webhook } = old;
                *columns == new.columns
                    && self.same_filter(filter, &new.filter)
                    && both(check.as_deref(), new.check.as_deref(), |old, new| self.same_filter(old, new))
                    && *presets == new.presets
                    && *backend_only == new.backend_only
                    && *webhook == new.webhook
            })
            && both(delete.as_deref(), new.delete.as_deref(), |old, new| {
                let Delete { filter, backend_only, webhook } = old;
                self.same_filter(filter, &new.filter) && *backend_only == new.backend_only && *webhook == new.webhook
            })
    }

    fn same_select(self, old: &Select, new: &Select) -> bool {
        let Select {
            columns,
            computed,
            filter,
            limit,
            aggregations,
            query_root_fields,
            subscription_root_fields,
            conditions,
            computed_conditions,
        } = old;
        let same_conditions = |old: &[(usize, Arc<Filter>)], new: &[(usize, Arc<Filter>)]| {
            all(old, new, |old, new| old.0 == new.0 && self.same_filter(&old.1, &new.1))
        };
        *columns == new.columns
            && *computed == new.computed
            && self.same_filter(filter, &new.filter)
            && *limit == new.limit
            && *aggregations == new.aggregations
            && *query_root_fields == new.query_root_fields
            && *subscription_root_fields == new.subscription_root_fields
            && same_conditions(conditions, &new.conditions)
            && same_conditions(computed_conditions, &new.computed_conditions)
    }

    /// Only [`Filter::Exists`] names a table by its place, which may be another by now.
    fn same_filter(self, old: &Filter, new: &Filter) -> bool {
        match (old, new) {
            (Filter::All(old), Filter::All(new)) | (Filter::Any(old), Filter::Any(new)) => {
                all(old, new, |old, new| self.same_filter(old, new))
            }
            (Filter::Not(old), Filter::Not(new)) | (Filter::Rooted(old), Filter::Rooted(new)) => {
                self.same_filter(old, new)
            }
            (Filter::Exists { table: a, filter: old }, Filter::Exists { table: b, filter: new }) => {
                self.same_relation(*a, *b) && self.same_filter(old, new)
            }
            (Filter::Related { relationship: a, filter: old }, Filter::Related { relationship: b, filter: new }) => {
                a == b && self.same_filter(old, new)
            }
            (
                Filter::ComputedRows { computed: a, session: own, filter: old },
                Filter::ComputedRows { computed: b, session, filter: new },
            ) => a == b && own == session && self.same_filter(old, new),
            (
                Filter::Folded { relationship: a, fold: own, filter: old, predicate: was },
                Filter::Folded { relationship: b, fold, filter: new, predicate },
            ) => a == b && own == fold && self.same_filter(old, new) && self.same_filter(was, predicate),
            // Two of a kind that hold no others; two of different kinds are never equal.
            _ => old == new,
        }
    }
}

fn both<T>(old: Option<&T>, new: Option<&T>, same: impl FnOnce(&T, &T) -> bool) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => same(old, new),
        _ => false,
    }
}

fn all<T>(old: &[T], new: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new))
}

impl Permissions {
    /// Every condition there is.
    fn filters(&self, visit: &mut dyn FnMut(&Filter)) {
        if let Some(select) = &self.select {
            visit(&select.filter);
            select.conditions.iter().chain(&select.computed_conditions).for_each(|(_, filter)| visit(filter));
        }
        if let Some(insert) = &self.insert {
            visit(&insert.check);
        }
        if let Some(update) = &self.update {
            visit(&update.filter);
            update.check.iter().for_each(|filter| visit(filter));
        }
        if let Some(delete) = &self.delete {
            visit(&delete.filter);
        }
    }
}

impl Model {
    /// Tables that the conditions of a role's permissions on a table look into.
    pub(crate) fn looked_into(&self, table: TableId, role: &str, visit: &mut dyn FnMut(TableId)) {
        if let Some(found) = self.tables[table].permissions.get(role) {
            found.filters(&mut |filter| self.filter_tables(table, filter, visit));
        }
    }

    fn filter_tables(&self, table: TableId, filter: &Filter, visit: &mut dyn FnMut(TableId)) {
        match filter {
            Filter::All(filters) | Filter::Any(filters) => {
                filters.iter().for_each(|filter| self.filter_tables(table, filter, visit));
            }
            Filter::Not(filter) | Filter::Rooted(filter) => self.filter_tables(table, filter, visit),
            Filter::Compare { .. } | Filter::Call { .. } | Filter::IsNull { .. } => {}
            Filter::Exists { table, filter } => {
                visit(*table);
                self.filter_tables(*table, filter, visit);
            }
            Filter::Related { relationship, filter } => {
                let target = self.tables[table].relationships[*relationship].target;
                visit(target);
                self.filter_tables(target, filter, visit);
            }
            Filter::ComputedRows { computed, filter, .. } => {
                if let Returned::Table { table: target, .. } = self.tables[table].computed[*computed].returns {
                    visit(target);
                    self.filter_tables(target, filter, visit);
                }
            }
            Filter::Folded { relationship, filter, predicate, .. } => {
                let target = self.tables[table].relationships[*relationship].target;
                visit(target);
                self.filter_tables(target, filter, visit);
                self.filter_tables(target, predicate, visit);
            }
        }
    }
}
