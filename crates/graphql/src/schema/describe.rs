//! Writing a type down: what introspection and SDL show.

use std::borrow::Cow;

use crate::model::{EnumTableValue, Returned};
use crate::plan::Field;

use super::{AggregateOp, FunctionId, Level, Member, Meta, MutationType, Operation, Root, Schema, TableId, TypeId};

/// `__TypeKind`, without the kinds that wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Scalar,
    Object,
    Enum,
    InputObject,
    Interface,
    Union,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "SCALAR",
            Self::Object => "OBJECT",
            Self::Enum => "ENUM",
            Self::InputObject => "INPUT_OBJECT",
            Self::Interface => "INTERFACE",
            Self::Union => "UNION",
        }
    }
}

/// The use of a type: `[users!]!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeRef {
    Named(TypeId),
    List(Box<TypeRef>),
    NonNull(Box<TypeRef>),
}

impl From<TypeId> for TypeRef {
    fn from(id: TypeId) -> Self {
        Self::Named(id)
    }
}

impl TypeRef {
    #[must_use]
    pub fn required(self) -> Self {
        Self::NonNull(Box::new(self))
    }

    #[must_use]
    pub fn required_if(self, required: bool) -> Self {
        if required { self.required() } else { self }
    }

    /// `[T!]`.
    pub fn list_of(item: impl Into<Self>) -> Self {
        Self::List(Box::new(item.into().required()))
    }

    pub fn named(&self) -> TypeId {
        match self {
            Self::Named(id) => *id,
            Self::List(inner) | Self::NonNull(inner) => inner.named(),
        }
    }

    pub fn is_required(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }

    /// The innermost type's name.
    pub fn named_text(&self, schema: &Schema) -> String {
        schema.type_name(self.named())
    }

    /// As GraphQL writes it.
    pub fn text(&self, schema: &Schema) -> String {
        match self {
            Self::Named(id) => schema.type_name(*id),
            Self::List(inner) => format!("[{}]", inner.text(schema)),
            Self::NonNull(inner) => format!("{}!", inner.text(schema)),
        }
    }
}

#[derive(Debug, Clone)]
pub struct TypeDef {
    pub kind: Kind,
    pub name: String,
    pub description: Option<String>,
    pub fields: Vec<FieldDef>,
    pub inputs: Vec<InputDef>,
    pub values: Vec<EnumValue>,
}

#[derive(Debug, Clone)]
pub struct FieldDef {
    pub name: String,
    pub description: Option<String>,
    pub arguments: Vec<InputDef>,
    pub r#type: TypeRef,
}

#[derive(Debug, Clone)]
pub struct InputDef {
    pub name: String,
    pub description: Option<String>,
    pub r#type: TypeRef,
    /// As GraphQL writes it.
    pub default: Option<Cow<'static, str>>,
}

#[derive(Debug, Clone)]
pub struct EnumValue {
    pub name: String,
    pub description: Option<String>,
}

impl FieldDef {
    pub(super) fn new(name: impl Into<String>, r#type: impl Into<TypeRef>) -> Self {
        Self { name: name.into(), description: None, arguments: Vec::new(), r#type: r#type.into() }
    }

    pub(super) fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

impl InputDef {
    pub(crate) fn new(name: impl Into<String>, r#type: impl Into<TypeRef>) -> Self {
        Self { name: name.into(), description: None, r#type: r#type.into(), default: None }
    }

    pub(super) fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

impl Schema {
    /// The whole definition of a type; fields stand in order of name, as Hasura shows them.
    pub fn describe(&self, id: TypeId) -> TypeDef {
        if let TypeId::Foreign(id) = id {
            let mut definition = self.describe_foreign(id);
            definition.fields.sort_by(|a, b| a.name.cmp(&b.name));
            definition.inputs.sort_by(|a, b| a.name.cmp(&b.name));
            return definition;
        }
        let (kind, description) = self.head(id);
        let mut definition = TypeDef {
            kind,
            name: self.type_name(id),
            description,
            fields: self.fields(id),
            inputs: self.inputs(id),
            values: self.values(id),
        };
        definition.fields.sort_by(|a, b| a.name.cmp(&b.name));
        definition.inputs.sort_by(|a, b| a.name.cmp(&b.name));
        definition
    }

    fn head(&self, id: TypeId) -> (Kind, Option<String>) {
        let table = |id: TableId| self.tables[id].qualified();
        let (kind, text) = match id {
            TypeId::QueryRoot | TypeId::SubscriptionRoot | TypeId::Namespace(_) => return (Kind::Object, None),
            TypeId::MutationRoot => return (Kind::Object, Some("mutation root".to_owned())),
            TypeId::Mutation(t, found) => return self.mutation_type_head(t, found),
            TypeId::Table(t) => {
                let own = self.tables[t].comment.clone();
                return (
                    Kind::Object,
                    Some(own.unwrap_or_else(|| format!("columns and relationships of \"{}\"", table(t)))),
                );
            }
            TypeId::Aggregate(t) => (Kind::Object, format!("aggregated selection of \"{}\"", table(t))),
            TypeId::AggregateFields(t) => (Kind::Object, format!("aggregate fields of \"{}\"", table(t))),
            TypeId::OpFields(_, op) => (Kind::Object, format!("aggregate {} on columns", self.naming.word(op.name()))),
            TypeId::Scalar(s) => {
                let found = &self.scalars[s];
                let kind = if found.values.is_some() { Kind::Enum } else { Kind::Scalar };
                return (kind, found.comment.clone());
            }
            TypeId::BuiltIn(_) => return (Kind::Scalar, None),
            TypeId::SelectColumn(t) => (Kind::Enum, format!("select columns of table \"{}\"", table(t))),
            TypeId::FoldColumn(t, fold) => (
                Kind::Enum,
                format!(
                    "select \"{}\" columns of table \"{}\"",
                    self.naming.type_of(&self.type_name(TypeId::AggregateBoolExpFold(t, fold)), "_arguments_columns"),
                    table(t)
                ),
            ),
            TypeId::Connection(t) => (Kind::Object, format!("A Relay connection object on \"{}\"", table(t))),
            TypeId::Edge(_) | TypeId::PageInfo => return (Kind::Object, None),
            TypeId::Node => (Kind::Interface, "An object with globally unique ID".to_owned()),
            TypeId::CursorOrdering => (Kind::Enum, "ordering argument of a cursor".to_owned()),
            TypeId::OrderByEnum => (Kind::Enum, "column ordering options".to_owned()),
            TypeId::Meta(meta) => return (meta.kind(), meta.description().map(str::to_owned)),
            _ => return (Kind::InputObject, self.input_description(id)),
        };
        (kind, Some(text))
    }

    fn fields(&self, id: TypeId) -> Vec<FieldDef> {
        match id {
            TypeId::QueryRoot => self.root_fields(),
            TypeId::SubscriptionRoot => self.level_fields(Level::Top, Operation::Subscription),
            TypeId::Namespace(operation) => self.level_fields(Level::Namespace, operation),
            TypeId::Table(table) if self.is_relay() => self.relay_fields(table, self.table_fields(table)),
            TypeId::MutationRoot => self.level_fields(Level::Top, Operation::Mutation),
            TypeId::Mutation(table, MutationType::Response) => self.response_fields(table),
            TypeId::Table(table) => self.table_fields(table),
            TypeId::Connection(table) => self.connection_fields(table),
            TypeId::Edge(table) => self.edge_fields(table),
            TypeId::PageInfo => self.page_info_fields(),
            TypeId::Node => self.node_fields(),
            TypeId::Aggregate(table) => vec![
                FieldDef::new("aggregate", TypeId::AggregateFields(table)),
                FieldDef::new("nodes", TypeRef::list_of(TypeId::Table(table)).required()),
            ],
            TypeId::AggregateFields(table) => self.aggregate_fields(table),
            TypeId::OpFields(table, op) => self.op_fields(table, op),
            TypeId::Meta(meta) => meta.fields(self),
            _ => Vec::new(),
        }
    }

    fn root_fields(&self) -> Vec<FieldDef> {
        if self.is_empty() && !self.is_relay() {
            // GraphQL knows no empty object; this is what Hasura offers a role that may see nothing.
            return vec![FieldDef::new("no_queries_available", TypeRef::from(self.built_in("String")).required())
                .described("There are no queries available to the current role. Either there are no sources or remote schemas configured, or the current role doesn't have the required permissions.")];
        }
        self.level_fields(Level::Top, Operation::Query)
    }

    /// The fields of a root type or of a namespace.
    fn level_fields(&self, level: Level, operation: Operation) -> Vec<FieldDef> {
        if self.is_relay() && operation != Operation::Mutation {
            return self.relay_roots(level, operation);
        }
        let field = |(name, root)| self.mutation_field(name, root).or_else(|| self.root_field(name, root));
        let namespace = |root| matches!(root, Root::Namespace).then_some(TypeId::Namespace(operation));
        let roots = self.roots_at(level, operation);
        let field = |(name, root)| namespace(root).map(|id| FieldDef::new(name, id)).or_else(|| field((name, root)));
        roots.filter_map(field).collect()
    }

    fn root_field(&self, name: &str, root: Root) -> Option<FieldDef> {
        let table = |id: TableId| self.tables[id].qualified();
        let (r#type, arguments, made) = match root {
            Root::Rows(id) => {
                let rows = TypeRef::list_of(TypeId::Table(id)).required();
                (rows, self.select_arguments(id), format!("fetch data from the table: \"{}\"", table(id)))
            }
            Root::ByPrimaryKey(id) => (
                TypeId::Table(id).into(),
                self.key_arguments(id),
                format!("fetch data from the table: \"{}\" using primary key columns", table(id)),
            ),
            Root::Aggregate(id) => (
                TypeRef::from(TypeId::Aggregate(id)).required(),
                self.select_arguments(id),
                format!("fetch aggregated fields from the table: \"{}\"", table(id)),
            ),
            Root::Stream(id) => {
                let rows = TypeRef::list_of(TypeId::Table(id)).required();
                let made = format!("fetch data from the table in a streaming manner: \"{}\"", table(id));
                (rows, self.stream_arguments(id), made)
            }
            Root::Function(function) => return Some(self.function_field(name, function)),
            Root::FunctionAggregate(function) => {
                let found = &self.functions[function];
                let mut arguments = self.function_arguments(function);
                arguments.extend(self.select_arguments(found.returns));
                let (called, on) = (found.qualified(), table(found.returns));
                let made =
                    format!("execute function \"{called}\" and query aggregates on result of table type \"{on}\"");
                (TypeRef::from(TypeId::Aggregate(found.returns)).required(), arguments, made)
            }
            _ => return self.foreign_root_field(name, root),
        };
        let description = self.root_comment(root, made);
        Some(FieldDef { name: name.to_owned(), description, arguments, r#type })
    }

    /// The metadata's comment on a table's root field, else the one that is made for it.
    pub(super) fn root_comment(&self, root: Root, made: String) -> Option<String> {
        let given = root.metadata_key().and_then(|(table, key)| self.tables[table].root_comments.get(key));
        match given {
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            None => Some(made),
        }
    }

    fn table_fields(&self, id: TableId) -> Vec<FieldDef> {
        let table = &self.tables[id];
        let mut fields: Vec<FieldDef> = self
            .columns(id)
            .map(|position| {
                let column = &table.columns[position];
                let arguments =
                    if self.scalars[column.scalar].family.is_json() { vec![self.path_argument()] } else { Vec::new() };
                // An inherited role may see nulls where there are none.
                let always = self.condition(id, Field::Column(position)).is_none();
                let r#type = self.scalar_type(column.scalar).required_if(column.not_null && always);
                FieldDef { name: column.name.clone(), description: column.comment.clone(), arguments, r#type }
            })
            .collect();
        for (name, member) in self.members(id) {
            match member {
                Member::Column(_) => {}
                Member::Remote(relation) => fields.extend(self.relation_field(name, relation)),
                Member::Computed(index) => fields.push(self.computed_field(id, index)),
                Member::Relationship(index) => fields.push(self.relationship_field(id, index)),
                Member::Aggregate(index) => {
                    let target = table.relationships[index].target;
                    fields.push(FieldDef {
                        name: name.to_owned(),
                        description: Some("An aggregate relationship".to_owned()),
                        arguments: self.select_arguments(target),
                        r#type: TypeRef::from(TypeId::Aggregate(target)).required(),
                    });
                }
            }
        }
        fields
    }

    fn function_field(&self, name: &str, function: FunctionId) -> FieldDef {
        let found = &self.functions[function];
        let mut arguments = self.function_arguments(function);
        arguments.extend(self.select_arguments(found.returns));
        let row = TypeId::Table(found.returns);
        let r#type = if found.returns_set { TypeRef::list_of(row).required() } else { row.into() };
        let volatile = if found.is_mutation { "VOLATILE " } else { "" };
        let (called, on) = (found.qualified(), self.tables[found.returns].qualified());
        let made = || format!("execute {volatile}function \"{called}\" which returns \"{on}\"");
        let description = Some(found.comment.clone().unwrap_or_else(made));
        FieldDef { name: name.to_owned(), description, arguments, r#type }
    }

    fn computed_field(&self, table: TableId, index: usize) -> FieldDef {
        let found = &self.tables[table].computed[index];
        let mut arguments = self.computed_arguments(table, index);
        let r#type = match &found.returns {
            Returned::Scalar { scalar, .. } => {
                let is_json = self.scalars[*scalar].family.is_json();
                arguments.extend(is_json.then(|| self.path_argument()));
                self.scalar_type(*scalar)
            }
            Returned::Table { table: target, set } => {
                arguments.extend(self.select_arguments(*target));
                if *set { TypeRef::list_of(TypeId::Table(*target)) } else { TypeId::Table(*target).into() }
            }
        };
        FieldDef { name: found.name.clone(), description: found.comment.clone(), arguments, r#type }
    }

    fn relationship_field(&self, table: TableId, index: usize) -> FieldDef {
        let relationship = &self.tables[table].relationships[index];
        let target = relationship.target;
        if relationship.single {
            return FieldDef::new(
                &relationship.name,
                TypeRef::from(TypeId::Table(target)).required_if(relationship.not_null),
            )
            .described("An object relationship");
        }
        FieldDef {
            name: relationship.name.clone(),
            description: Some("An array relationship".to_owned()),
            arguments: self.select_arguments(target),
            r#type: TypeRef::list_of(TypeId::Table(target)).required(),
        }
    }

    fn aggregate_fields(&self, table: TableId) -> Vec<FieldDef> {
        let mut arguments = vec![InputDef::new("distinct", self.built_in("Boolean"))];
        if self.exists(TypeId::SelectColumn(table)) {
            arguments.insert(0, InputDef::new("columns", TypeRef::list_of(TypeId::SelectColumn(table))));
        }
        let count = FieldDef {
            name: "count".to_owned(),
            description: None,
            arguments,
            r#type: TypeRef::from(self.built_in("Int")).required(),
        };
        let ops = AggregateOp::ALL.into_iter().filter(|&op| self.has_aggregate(table, op));
        std::iter::once(count)
            .chain(ops.map(|op| FieldDef::new(self.naming.word(op.name()), TypeId::OpFields(table, op))))
            .collect()
    }

    /// What a function over rows can be asked of.
    fn op_fields(&self, table: TableId, op: AggregateOp) -> Vec<FieldDef> {
        let columns = self.aggregated_columns(table, op).map(|column| {
            let found = FieldDef::new(&self.column(table, column).name, self.op_type(table, column, op));
            match &self.column(table, column).comment {
                Some(comment) => found.described(comment),
                None => found,
            }
        });
        let computed = self.aggregated_computed(table, op).map(|at| {
            let found = self.computed_field(table, at);
            if op.keeps_type() { found } else { FieldDef { r#type: self.built_in("Float").into(), ..found } }
        });
        columns.chain(computed).collect()
    }

    /// The result type of an aggregate over a column.
    pub fn op_type(&self, table: TableId, column: usize, op: AggregateOp) -> TypeRef {
        if op.keeps_type() {
            self.scalar_type(self.column(table, column).scalar)
        } else {
            self.built_in("Float").into()
        }
    }

    /// A scalar, or the list an array column is.
    pub fn scalar_type(&self, scalar: super::ScalarId) -> TypeRef {
        match self.scalars[scalar].item {
            Some(item) => TypeRef::List(Box::new(self.scalar_type(item).required())),
            None => TypeId::Scalar(scalar).into(),
        }
    }

    fn values(&self, id: TypeId) -> Vec<EnumValue> {
        let value = |name: &str, description: &str| EnumValue {
            name: name.to_owned(),
            description: Some(description.to_owned()),
        };
        match id {
            TypeId::SelectColumn(table) => {
                self.columns(table).map(|column| value(&self.column(table, column).name, "column name")).collect()
            }
            TypeId::FoldColumn(table, fold) => self
                .fold_columns(table, fold)
                .map(|column| value(&self.column(table, column).name, "column name"))
                .collect(),
            TypeId::Scalar(scalar) => {
                let values = self.scalars[scalar].values.iter().flat_map(|values| values.iter());
                let value =
                    |found: &EnumTableValue| EnumValue { name: found.name.clone(), description: found.comment.clone() };
                values.map(value).collect()
            }
            TypeId::CursorOrdering => vec![
                value("ASC", "ascending ordering of the cursor"),
                value("DESC", "descending ordering of the cursor"),
            ],
            TypeId::Mutation(table, found) => self.mutation_type_values(table, found),
            TypeId::OrderByEnum => {
                let one = |found: crate::plan::Direction| value(&self.naming.value(found.name()), found.description());
                crate::plan::Direction::ALL.map(one).into()
            }
            TypeId::Meta(Meta::TypeKind | Meta::DirectiveLocation) => Meta::values(id),
            _ => Vec::new(),
        }
    }
}
