//! Fields of `query_root`, `mutation_root` and `subscription_root`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use metadata::{CustomRootFields, RootField as Custom};

use super::inconsistency::SOURCE;
use super::naming::is_name;
use super::{FunctionId, Model, Naming, Table, TableId};

/// What a field of a root type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Rows(TableId),
    ByPrimaryKey(TableId),
    Aggregate(TableId),
    Stream(TableId),
    Function(FunctionId),
    FunctionAggregate(FunctionId),
    Insert(TableId),
    InsertOne(TableId),
    Update(TableId),
    UpdateByPrimaryKey(TableId),
    UpdateMany(TableId),
    Delete(TableId),
    DeleteByPrimaryKey(TableId),
    /// Position in [`crate::foreign::registry::Registry::actions`].
    Action(usize),
    /// The outcome of an asynchronous action, by its id.
    ActionResult(usize),
    /// Position in [`crate::foreign::registry::Registry::remote_roots`].
    Remote(usize),
    /// The object of all fields of the database, where the source has a namespace.
    Namespace,
}

impl Root {
    /// The table a field reads or writes, and what the metadata calls the field; none for functions.
    pub fn metadata_key(self) -> Option<(TableId, &'static str)> {
        Some(match self {
            Self::Rows(table) => (table, "select"),
            Self::ByPrimaryKey(table) => (table, "select_by_pk"),
            Self::Aggregate(table) => (table, "select_aggregate"),
            Self::Stream(table) => (table, "select_stream"),
            Self::Insert(table) => (table, "insert"),
            Self::InsertOne(table) => (table, "insert_one"),
            Self::Update(table) => (table, "update"),
            Self::UpdateByPrimaryKey(table) => (table, "update_by_pk"),
            Self::UpdateMany(table) => (table, "update_many"),
            Self::Delete(table) => (table, "delete"),
            Self::DeleteByPrimaryKey(table) => (table, "delete_by_pk"),
            Self::Function(_)
            | Self::FunctionAggregate(_)
            | Self::Action(_)
            | Self::ActionResult(_)
            | Self::Remote(_)
            | Self::Namespace => return None,
        })
    }
}

/// Where a root field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// In the root type itself.
    Top,
    /// In the object of the source's namespace.
    Namespace,
}

/// The fields of all root types, by name.
#[derive(Debug, Default, PartialEq)]
pub struct Roots {
    pub queries: HashMap<String, Root>,
    pub mutations: HashMap<String, Root>,
    pub subscriptions: HashMap<String, Root>,
}

impl Roots {
    pub fn of(&self, operation: Operation) -> &HashMap<String, Root> {
        match operation {
            Operation::Query => &self.queries,
            Operation::Mutation => &self.mutations,
            Operation::Subscription => &self.subscriptions,
        }
    }

    pub fn of_mut(&mut self, operation: Operation) -> &mut HashMap<String, Root> {
        match operation {
            Operation::Query => &mut self.queries,
            Operation::Mutation => &mut self.mutations,
            Operation::Subscription => &mut self.subscriptions,
        }
    }
}

/// Which root type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Query,
    Mutation,
    Subscription,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::Query, Self::Mutation, Self::Subscription];

    pub fn root_type(self) -> &'static str {
        match self {
            Self::Query => "query_root",
            Self::Mutation => "mutation_root",
            Self::Subscription => "subscription_root",
        }
    }
}

/// The names of a table's root fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootNames {
    pub select: String,
    pub select_by_pk: String,
    pub select_aggregate: String,
    pub select_stream: String,
    pub insert: String,
    pub insert_one: String,
    pub update: String,
    pub update_by_pk: String,
    pub update_many: String,
    pub delete: String,
    pub delete_by_pk: String,
}

impl RootNames {
    /// `name` is the table's own, before any convention, or the one that the metadata gives.
    pub(super) fn new(naming: &Naming, name: &str, given: bool, custom: &CustomRootFields) -> Self {
        let field = |custom: &Option<Custom>, before: &str, behind: &str| {
            let custom = custom.as_ref().and_then(|custom| custom.name.clone());
            naming.customized_root(&custom.unwrap_or_else(|| naming.root(before, name, given, behind)))
        };
        Self {
            select: field(&custom.select, "", ""),
            select_by_pk: field(&custom.select_by_pk, "", "by_pk"),
            select_aggregate: field(&custom.select_aggregate, "", "aggregate"),
            select_stream: field(&custom.select_stream, "", "stream"),
            insert: field(&custom.insert, "insert", ""),
            insert_one: field(&custom.insert_one, "insert", "one"),
            update: field(&custom.update, "update", ""),
            update_by_pk: field(&custom.update_by_pk, "update", "by_pk"),
            update_many: field(&custom.update_many, "update", "many"),
            delete: field(&custom.delete, "delete", ""),
            delete_by_pk: field(&custom.delete_by_pk, "delete", "by_pk"),
        }
    }
}

/// Comments that the metadata gives, by its own keys.
pub(super) fn comments(custom: &CustomRootFields) -> std::collections::BTreeMap<&'static str, String> {
    let all = [
        ("select", &custom.select),
        ("select_by_pk", &custom.select_by_pk),
        ("select_aggregate", &custom.select_aggregate),
        ("select_stream", &custom.select_stream),
        ("insert", &custom.insert),
        ("insert_one", &custom.insert_one),
        ("update", &custom.update),
        ("update_by_pk", &custom.update_by_pk),
        ("update_many", &custom.update_many),
        ("delete", &custom.delete),
        ("delete_by_pk", &custom.delete_by_pk),
    ];
    let comment = |field: &Option<Custom>| field.as_ref().and_then(|field| field.comment.clone());
    all.into_iter().filter_map(|(key, field)| Some((key, comment(field)?))).collect()
}

impl Table {
    fn queries(&self, id: TableId) -> Vec<(&str, Root)> {
        let names = &self.root_names;
        let mut roots = vec![(&*names.select, Root::Rows(id)), (&*names.select_aggregate, Root::Aggregate(id))];
        if !self.primary_key.is_empty() {
            roots.push((&names.select_by_pk, Root::ByPrimaryKey(id)));
        }
        roots
    }

    fn mutations(&self, id: TableId) -> Vec<(&str, Root)> {
        let (names, can) = (&self.root_names, self.mutability);
        let has_key = !self.primary_key.is_empty();
        let all = [
            (can.insertable, &names.insert, Root::Insert(id)),
            (can.insertable, &names.insert_one, Root::InsertOne(id)),
            (can.updatable, &names.update, Root::Update(id)),
            (can.updatable && has_key, &names.update_by_pk, Root::UpdateByPrimaryKey(id)),
            (can.updatable, &names.update_many, Root::UpdateMany(id)),
            (can.deletable, &names.delete, Root::Delete(id)),
            (can.deletable && has_key, &names.delete_by_pk, Root::DeleteByPrimaryKey(id)),
        ];
        all.into_iter().filter(|(there, ..)| *there).map(|(_, name, root)| (name.as_str(), root)).collect()
    }
}

/// The fields of one root type while they are gathered.
#[derive(Default)]
struct Fields {
    roots: HashMap<String, Root>,
    /// Names that were taken, with all who wanted them.
    taken: Vec<(String, Vec<String>)>,
}

impl Fields {
    fn add(&mut self, model: &Model, name: &str, root: Root) {
        if !is_name(name) {
            return;
        }
        match self.roots.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(root);
            }
            Entry::Occupied(first) => {
                let owners = [model.owner(*first.get()), model.owner(root)];
                match self.taken.iter_mut().find(|(taken, _)| taken == name) {
                    Some((_, found)) => found.push(owners[1].clone()),
                    None => self.taken.push((name.to_owned(), owners.into())),
                }
            }
        }
    }

    /// Hasura's sentence about names that several objects want.
    fn conflict(&self, operation: Operation) -> Option<String> {
        let fields: Vec<String> =
            self.taken.iter().map(|(name, owners)| format!("'{name}' defined in [{}]", owners.join(", "))).collect();
        let fields = match fields.as_slice() {
            [] => return None,
            [one] => format!("field {one}"),
            many => format!("fields: [{}]", many.join(", ")),
        };
        Some(sentence(operation, &fields))
    }
}

fn sentence(operation: Operation, fields: &str) -> String {
    let root = operation.root_type();
    format!(
        "Encountered conflicting definitions in the selection set for '{root}' for {fields}. Fields must not be \
         defined more than once across all sources."
    )
}

impl Model {
    /// A table's own rows come first, so that no name made from another's takes theirs.
    pub(super) fn add_roots(&mut self) {
        let (mut queries, mut mutations, mut subscriptions) = (Fields::default(), Fields::default(), Fields::default());
        for (id, table) in self.tables.iter().enumerate() {
            queries.add(self, &table.root_names.select, Root::Rows(id));
            subscriptions.add(self, &table.root_names.select, Root::Rows(id));
        }
        for (id, table) in self.tables.iter().enumerate() {
            for (name, root) in table.queries(id).into_iter().skip(1) {
                queries.add(self, name, root);
                subscriptions.add(self, name, root);
            }
            subscriptions.add(self, &table.root_names.select_stream, Root::Stream(id));
            for (name, root) in table.mutations(id) {
                mutations.add(self, name, root);
            }
        }
        for (id, function) in self.functions.iter().enumerate() {
            let names = &function.root_names;
            if function.is_mutation {
                mutations.add(self, &names.function, Root::Function(id));
                continue;
            }
            for fields in [&mut queries, &mut subscriptions] {
                fields.add(self, &names.function, Root::Function(id));
                fields.add(self, &names.aggregate, Root::FunctionAggregate(id));
            }
        }
        let all = [
            (Operation::Mutation, &mutations),
            (Operation::Subscription, &subscriptions),
            (Operation::Query, &queries),
        ];
        self.conflicts = all.into_iter().filter_map(|(operation, fields)| fields.conflict(operation)).collect();
        self.roots = Roots { queries: queries.roots, mutations: mutations.roots, subscriptions: subscriptions.roots };
        if let Some(namespace) = self.naming.namespace.clone() {
            self.namespaced = std::mem::take(&mut self.roots);
            for operation in Operation::ALL {
                if !self.namespaced.of(operation).is_empty() {
                    self.roots.of_mut(operation).insert(namespace.clone(), Root::Namespace);
                }
            }
        }
    }

    /// Notes that an action wants a root field that something else has: `owner` is the action.
    pub(crate) fn contested(&mut self, operation: Operation, name: &str, owner: &str) {
        let other = self.roots.of(operation).get(name).map(|root| self.owner(*root)).unwrap_or_default();
        self.conflicts.push(sentence(operation, &format!("field '{name}' defined in [{owner}, {other}]")));
    }

    /// `table users in source default`.
    pub(crate) fn owner(&self, root: Root) -> String {
        let (kind, schema, name) = match (root, root.metadata_key()) {
            (_, Some((table, _))) => {
                let found = &self.tables[table];
                ("table", &found.schema_name, &found.table_name)
            }
            (Root::Function(id) | Root::FunctionAggregate(id), _) => {
                let found = &self.functions[id];
                ("function", &found.schema_name, &found.function_name)
            }
            (Root::Action(id) | Root::ActionResult(id), _) => {
                return format!("action {}", self.foreign.actions[id].name);
            }
            (Root::Remote(id), _) => {
                let remote = self.foreign.remote_roots[id].remote;
                return format!("remote_schema {}", self.foreign.remotes[remote].name);
            }
            (_, None) => return String::new(),
        };
        format!("{kind} {} in source {SOURCE}", metadata::QualifiedName::new(schema, name))
    }
}
