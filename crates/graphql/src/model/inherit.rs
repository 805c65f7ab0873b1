//! Inherited roles: what any of several roles may.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use metadata::{InheritedRole, Metadata, QualifiedName};

use crate::plan::Filter;

use super::inconsistency::Inconsistency;
use super::{Model, Permissions, RootField, Select, TableId};

impl Model {
    /// Gives every inherited role its permissions on `tables`, those of roles that others inherit from first. What the
    /// metadata gives an inherited role itself stays.
    pub(super) fn inherit(&mut self, metadata: &Metadata, tables: &[TableId]) {
        let roles = self.with_parents(metadata);
        let by_name: BTreeMap<&str, &InheritedRole> =
            roles.into_iter().map(|role| (role.role_name.as_str(), role)).collect();
        let mut order = Vec::new();
        let (mut done, mut open) = (HashSet::new(), HashSet::new());
        for name in by_name.keys() {
            visit(name, &by_name, &mut done, &mut open, &mut order);
        }
        for role in order {
            let name: Arc<str> = role.role_name.as_str().into();
            for &table in tables {
                self.inherit_table(&name, &role.role_set, table);
            }
            for function in &mut self.functions {
                if role.role_set.iter().any(|parent| function.permissions.contains(parent.as_str())) {
                    function.permissions.insert(Arc::clone(&name));
                }
            }
            self.roles.insert(name);
        }
    }

    /// Those whose parents are all there; the others are told.
    fn with_parents<'m>(&mut self, metadata: &'m Metadata) -> Vec<&'m InheritedRole> {
        if metadata.inherited_roles.is_empty() {
            return Vec::new();
        }
        let known = known_roles(metadata);
        let mut good = Vec::new();
        for role in &metadata.inherited_roles {
            let missing: Vec<&str> =
                role.role_set.iter().map(String::as_str).filter(|parent| !known.contains(parent)).collect();
            if missing.is_empty() {
                good.push(role);
                continue;
            }
            let (name, missing) = (&role.role_name, missing.join(", "));
            let reason = format!(
                "in inherited role {name}: the following parent role(s) are not found: {missing} which are required to \
                 construct the inherited role: \"{name}\""
            );
            let definition = serde_json::to_value(role).unwrap_or_default();
            let object = format!("inherited_role inherited role {name}");
            self.inconsistencies.push(Inconsistency::new("inherited_role", object, reason, definition));
        }
        good
    }

    fn inherit_table(&mut self, role: &Arc<str>, parents: &[String], id: TableId) {
        let table = &self.tables[id];
        let found: Vec<&Permissions> =
            parents.iter().filter_map(|parent| table.permissions.get(parent.as_str())).collect();
        if found.is_empty() {
            return;
        }
        let own = table.permissions.get(role).cloned().unwrap_or_default();
        let name = QualifiedName::new(&table.schema_name, &table.table_name);
        let mut problems = Vec::new();
        let mut conflict = |kind: &str| problems.push(Inconsistency::of_inherited(role, kind, &name));
        let selects: Vec<&Arc<Select>> = found.iter().filter_map(|found| found.select.as_ref()).collect();
        let merged = Permissions {
            select: own.select.or_else(|| merge(&selects)),
            insert: own
                .insert
                .or_else(|| agreed(found.iter().filter_map(|found| found.insert.as_ref()), || conflict("insert"))),
            update: own
                .update
                .or_else(|| agreed(found.iter().filter_map(|found| found.update.as_ref()), || conflict("update"))),
            delete: own
                .delete
                .or_else(|| agreed(found.iter().filter_map(|found| found.delete.as_ref()), || conflict("delete"))),
        };
        let table = Arc::make_mut(&mut self.tables[id]);
        table.flawed |= !problems.is_empty();
        table.permissions.insert(Arc::clone(role), merged);
        self.inconsistencies.extend(problems);
    }
}

/// Whether the same inherited roles, which both have, come about.
pub(super) fn same_parents(old: &Metadata, new: &Metadata) -> bool {
    if new.inherited_roles.is_empty() {
        return true;
    }
    let (old, known) = (known_roles(old), known_roles(new));
    let mut parents = new.inherited_roles.iter().flat_map(|role| &role.role_set);
    parents.all(|parent| old.contains(parent.as_str()) == known.contains(parent.as_str()))
}

/// Every role that something is permitted to, or that inherits.
fn known_roles(metadata: &Metadata) -> HashSet<&str> {
    let mut known = HashSet::from(["admin"]);
    for source in &metadata.sources {
        for table in &source.tables {
            known.extend(table.select_permissions.iter().map(|found| found.role.as_str()));
            known.extend(table.insert_permissions.iter().map(|found| found.role.as_str()));
            known.extend(table.update_permissions.iter().map(|found| found.role.as_str()));
            known.extend(table.delete_permissions.iter().map(|found| found.role.as_str()));
        }
        let functions = source.functions.iter().flat_map(|function| &function.permissions);
        known.extend(functions.map(|found| found.role.as_str()));
        let models = source.logical_models.iter().filter_map(|model| model.get("select_permissions")?.as_array());
        known.extend(models.flatten().filter_map(|found| found.get("role")?.as_str()));
    }
    known.extend(metadata.actions.iter().flat_map(|action| &action.permissions).map(|found| found.role.as_str()));
    let remote = metadata.remote_schemas.iter().flat_map(|schema| &schema.permissions);
    known.extend(remote.map(|found| found.role.as_str()));
    known.extend(metadata.inherited_roles.iter().map(|role| role.role_name.as_str()));
    known
}

/// Parents before children. Roles that inherit from each other stop where they meet themselves.
fn visit<'r>(
    name: &'r str,
    roles: &BTreeMap<&'r str, &'r InheritedRole>,
    done: &mut HashSet<&'r str>,
    open: &mut HashSet<&'r str>,
    order: &mut Vec<&'r InheritedRole>,
) {
    let Some(role) = roles.get(name) else { return };
    if done.contains(name) || !open.insert(name) {
        return;
    }
    for parent in &role.role_set {
        visit(parent, roles, done, open, order);
    }
    open.remove(name);
    done.insert(name);
    order.push(role);
}

/// The one permission, or what all agree on.
fn agreed<'p, T: PartialEq + 'p>(
    mut found: impl Iterator<Item = &'p Arc<T>>,
    conflict: impl FnOnce(),
) -> Option<Arc<T>> {
    let first = found.next()?;
    if found.all(|other| other == first) {
        return Some(Arc::clone(first));
    }
    conflict();
    None
}

/// The rows of any; a column shows where one role that has it may see the row.
fn merge(parents: &[&Arc<Select>]) -> Option<Arc<Select>> {
    match parents {
        [] => return None,
        [one] => return Some(Arc::clone(one)),
        [first, rest @ ..] if rest.iter().all(|other| other == first) => return Some(Arc::clone(first)),
        _ => {}
    }
    let any = |filters: &mut dyn Iterator<Item = Filter>| {
        let filters: Vec<Filter> = filters.collect();
        let everything = filters.iter().any(Filter::is_everything);
        Arc::new(if everything { Filter::All(Vec::new()) } else { Filter::Any(filters) })
    };
    let columns = parents.iter().flat_map(|parent| parent.columns.iter()).collect::<super::ColumnSet>();
    let computed = parents.iter().flat_map(|parent| parent.computed.iter()).collect::<super::ColumnSet>();
    let filter = any(&mut parents.iter().map(|parent| (*parent.filter).clone()));
    // A role of which the parent is itself inherited brings its own conditions with it.
    let condition = |has: &dyn Fn(&Select) -> bool, own: &dyn Fn(&Select) -> Option<Filter>| {
        let plain = parents.iter().all(|parent| has(parent) && own(parent).is_none());
        let mut holding = parents.iter().filter(|parent| has(parent)).map(|parent| match own(parent) {
            Some(condition) => Filter::All(vec![(*parent.filter).clone(), condition]),
            None => (*parent.filter).clone(),
        });
        (!plain).then(|| any(&mut holding)).filter(|filter| !filter.is_everything())
    };
    let conditions = columns.iter().filter_map(|column| {
        let own = |parent: &Select| conditioned(&parent.conditions, column);
        Some((column, condition(&|parent| parent.columns.contains(column), &own)?))
    });
    let computed_conditions = computed.iter().filter_map(|field| {
        let own = |parent: &Select| conditioned(&parent.computed_conditions, field);
        Some((field, condition(&|parent| parent.computed.contains(field), &own)?))
    });
    Some(Arc::new(Select {
        conditions: conditions.collect(),
        computed_conditions: computed_conditions.collect(),
        columns,
        computed,
        filter,
        limit: parents
            .iter()
            .map(|parent| parent.limit)
            .collect::<Option<Vec<u32>>>()
            .and_then(|all| all.into_iter().max()),
        aggregations: parents.iter().any(|parent| parent.aggregations),
        query_root_fields: fields(parents, |parent| parent.query_root_fields.as_ref()),
        subscription_root_fields: fields(parents, |parent| parent.subscription_root_fields.as_ref()),
    }))
}

fn conditioned(conditions: &[(usize, Arc<Filter>)], position: usize) -> Option<Filter> {
    conditions.iter().find(|(found, _)| *found == position).map(|(_, filter)| (**filter).clone())
}

fn fields(parents: &[&Arc<Select>], of: impl Fn(&Select) -> Option<&Vec<RootField>>) -> Option<Vec<RootField>> {
    let all: Option<Vec<&Vec<RootField>>> = parents.iter().map(|parent| of(parent)).collect();
    let mut union = Vec::new();
    for field in all?.into_iter().flatten() {
        if !union.contains(field) {
            union.push(*field);
        }
    }
    Some(union)
}
