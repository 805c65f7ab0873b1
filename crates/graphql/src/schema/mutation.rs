//! Types of mutations: what can be written, and what is shown of it.

use crate::plan::Cast;
use crate::value::Encoding;

use super::{EnumValue, Family, FieldDef, InputDef, Kind, Root, Schema, Table, TableId, TypeId, TypeRef};

/// Stands in `<table>_update_column` where there is no column to name, since GraphQL knows no empty enum.
pub const PLACEHOLDER: &str = "_PLACEHOLDER";

/// The sort of a table's type that only mutations use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MutationType {
    InsertInput,
    ObjectInput,
    ArrayInput,
    OnConflict,
    Constraint,
    UpdateColumn,
    Changes(UpdateOp),
    KeyInput,
    Updates,
    Response,
}

/// A way to change columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpdateOp {
    Append,
    DeleteAtPath,
    DeleteElem,
    DeleteKey,
    Inc,
    Prepend,
    Set,
}

impl UpdateOp {
    /// In order of name.
    pub const ALL: [Self; 7] =
        [Self::Append, Self::DeleteAtPath, Self::DeleteElem, Self::DeleteKey, Self::Inc, Self::Prepend, Self::Set];

    /// The argument's name.
    pub fn field(self) -> &'static str {
        match self {
            Self::Append => "_append",
            Self::DeleteAtPath => "_delete_at_path",
            Self::DeleteElem => "_delete_elem",
            Self::DeleteKey => "_delete_key",
            Self::Inc => "_inc",
            Self::Prepend => "_prepend",
            Self::Set => "_set",
        }
    }

    pub fn of_field(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.field() == name)
    }

    fn takes(self, family: Family) -> bool {
        match self {
            Self::Set => true,
            Self::Inc => family.is_number(),
            _ => family == Family::Jsonb,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Append => "append existing jsonb value of filtered columns with new jsonb value",
            Self::DeleteAtPath => {
                "delete the field or element with specified path (for JSON arrays, negative integers count from the end)"
            }
            Self::DeleteElem => {
                "delete the array element with specified index (negative integers count from the end). throws an error if top level container is not an array"
            }
            Self::DeleteKey => {
                "delete key/value pair or string element. key/value pairs are matched based on their key value"
            }
            Self::Inc => "increments the numeric columns with given value of the filtered values",
            Self::Prepend => "prepend existing jsonb value of filtered columns with new jsonb value",
            Self::Set => "sets the columns of the filtered rows to the given values",
        }
    }
}

impl MutationType {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let plain = [
            Self::InsertInput,
            Self::ObjectInput,
            Self::ArrayInput,
            Self::OnConflict,
            Self::Constraint,
            Self::UpdateColumn,
            Self::KeyInput,
            Self::Updates,
            Self::Response,
        ];
        plain.into_iter().chain(UpdateOp::ALL.map(Self::Changes))
    }

    /// What follows the table's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::InsertInput => "_insert_input",
            Self::ObjectInput => "_obj_rel_insert_input",
            Self::ArrayInput => "_arr_rel_insert_input",
            Self::OnConflict => "_on_conflict",
            Self::Constraint => "_constraint",
            Self::UpdateColumn => "_update_column",
            Self::KeyInput => "_pk_columns_input",
            Self::Updates => "_updates",
            Self::Response => "_mutation_response",
            Self::Changes(UpdateOp::Append) => "_append_input",
            Self::Changes(UpdateOp::DeleteAtPath) => "_delete_at_path_input",
            Self::Changes(UpdateOp::DeleteElem) => "_delete_elem_input",
            Self::Changes(UpdateOp::DeleteKey) => "_delete_key_input",
            Self::Changes(UpdateOp::Inc) => "_inc_input",
            Self::Changes(UpdateOp::Prepend) => "_prepend_input",
            Self::Changes(UpdateOp::Set) => "_set_input",
        }
    }
}

impl Table {
    /// As Hasura's texts name it: the schema is left out where it is `public`. Quoted.
    pub fn display_name(&self) -> String {
        match self.schema_name.as_str() {
            "public" => format!("\"{}\"", self.table_name),
            schema => format!("\"{schema}.{}\"", self.table_name),
        }
    }
}

impl Schema {
    /// Columns that the role may give values when it inserts.
    pub fn inserted_columns(&self, table: TableId) -> impl Iterator<Item = usize> {
        let access = self.insert(table);
        let columns = &self.tables[table].columns;
        (0..columns.len()).filter(move |&at| {
            let column = &columns[at];
            let writable = column.visible && !column.generated && column.identity != Some(true);
            writable
                && access.is_some_and(|access| {
                    access.column(at) && access.presets().iter().all(|preset| preset.column != at)
                })
        })
    }

    /// Columns that the role may change.
    pub fn updated_columns(&self, table: TableId) -> impl Iterator<Item = usize> {
        let access = self.update(table);
        let columns = &self.tables[table].columns;
        (0..columns.len()).filter(move |&at| {
            let column = &columns[at];
            let writable = column.visible && !column.generated && column.identity != Some(true);
            writable
                && access.is_some_and(|access| {
                    access.column(at) && access.presets().iter().all(|preset| preset.column != at)
                })
        })
    }

    /// Those of them that the operator can work on.
    pub fn changed_columns(&self, table: TableId, op: UpdateOp) -> impl Iterator<Item = usize> {
        self.updated_columns(table).filter(move |&column| op.takes(self.scalar_of(table, column).family))
    }

    /// The relationship of that name over which the role may insert.
    pub fn inserted_relationship(&self, table: TableId, name: &str) -> Option<usize> {
        let relationships = &self.tables[table].relationships;
        let found = relationships.iter().position(|relationship| relationship.name == name)?;
        self.insert(relationships[found].target).is_some().then_some(found)
    }

    /// The type of a value for a column.
    pub fn input_type(&self, table: TableId, column: usize) -> TypeRef {
        self.scalar_type(self.column(table, column).scalar)
    }

    pub fn column_encoding(&self, table: TableId, column: usize) -> Encoding {
        Encoding::of_scalar(self, self.column(table, column).scalar)
    }

    /// How a column's value is read from its text.
    pub fn column_cast(&self, table: TableId, column: usize) -> Cast {
        let found = self.column(table, column);
        Cast { sql: found.cast.clone(), reader: self.scalars[found.scalar].family.reader() }
    }

    /// The type of an operator's argument that is not the column's own.
    pub fn change_type(&self, op: UpdateOp) -> TypeRef {
        match op {
            UpdateOp::DeleteElem => self.built_in("Int").into(),
            UpdateOp::DeleteAtPath => TypeRef::list_of(self.built_in("String")),
            _ => self.built_in("String").into(),
        }
    }

    /// Types of mutations are there for who may use them.
    pub(super) fn mutation_type_exists(&self, table: TableId, found: MutationType) -> bool {
        let keys = !self.tables[table].unique_keys.is_empty();
        match found {
            MutationType::InsertInput | MutationType::ObjectInput | MutationType::ArrayInput => {
                self.insert(table).is_some()
            }
            MutationType::OnConflict | MutationType::Constraint | MutationType::UpdateColumn => {
                self.insert(table).is_some() && keys
            }
            MutationType::Changes(op) => self.changed_columns(table, op).next().is_some(),
            MutationType::KeyInput => self.shows(super::Operation::Mutation, Root::UpdateByPrimaryKey(table)),
            MutationType::Updates => self.update(table).is_some(),
            MutationType::Response => {
                self.insert(table).is_some() || self.update(table).is_some() || self.delete(table).is_some()
            }
        }
    }

    pub(super) fn mutation_type_head(&self, table: TableId, found: MutationType) -> (Kind, Option<String>) {
        let name = self.tables[table].display_name();
        let kind = match found {
            MutationType::Constraint | MutationType::UpdateColumn => Kind::Enum,
            MutationType::Response => Kind::Object,
            _ => Kind::InputObject,
        };
        let text = match found {
            MutationType::InsertInput => format!("input type for inserting data into table {name}"),
            MutationType::ObjectInput => format!("input type for inserting object relation for remote table {name}"),
            MutationType::ArrayInput => format!("input type for inserting array relation for remote table {name}"),
            MutationType::OnConflict => format!("on_conflict condition type for table {name}"),
            MutationType::Constraint => format!("unique or primary key constraints on table {name}"),
            MutationType::UpdateColumn if self.updated_columns(table).next().is_none() => {
                format!("placeholder for update columns of table {name} (current role has no relevant permissions)")
            }
            MutationType::UpdateColumn => format!("update columns of table {name}"),
            MutationType::Changes(UpdateOp::Set) => format!("input type for updating data in table {name}"),
            MutationType::Changes(UpdateOp::Inc) => {
                format!("input type for incrementing numeric columns in table {name}")
            }
            MutationType::Changes(op) => op.description().to_owned(),
            MutationType::KeyInput => format!("primary key columns input for table: {}", name.trim_matches('"')),
            MutationType::Response => format!("response of any mutation on the table {name}"),
            MutationType::Updates => return (kind, None),
        };
        (kind, Some(text))
    }

    pub(super) fn mutation_type_inputs(&self, table: TableId, found: MutationType) -> Vec<InputDef> {
        match found {
            MutationType::InsertInput => self.insert_inputs(table),
            MutationType::ObjectInput | MutationType::ArrayInput => {
                let item = TypeRef::from(TypeId::Mutation(table, MutationType::InsertInput)).required();
                let data = match found {
                    MutationType::ArrayInput => TypeRef::List(Box::new(item)).required(),
                    _ => item,
                };
                self.conflict_input(table).into_iter().chain([InputDef::new("data", data)]).collect()
            }
            MutationType::OnConflict => {
                let of = |found| TypeRef::from(TypeId::Mutation(table, found)).required();
                let mut columns = InputDef::new(
                    self.naming.word("update_columns"),
                    TypeRef::List(Box::new(of(MutationType::UpdateColumn))).required(),
                );
                columns.default = Some("[]".into());
                let mut inputs = vec![InputDef::new("constraint", of(MutationType::Constraint)), columns];
                if self.exists(TypeId::BoolExp(table)) {
                    inputs.push(InputDef::new("where", TypeId::BoolExp(table)));
                }
                inputs
            }
            MutationType::Changes(op) => self
                .changed_columns(table, op)
                .map(|column| {
                    let r#type = match op {
                        UpdateOp::DeleteKey | UpdateOp::DeleteElem | UpdateOp::DeleteAtPath => self.change_type(op),
                        _ => self.input_type(table, column),
                    };
                    self.column_input(table, column, r#type)
                })
                .collect(),
            MutationType::KeyInput => self.key_arguments(table),
            MutationType::Updates => self.update_inputs(table, true),
            MutationType::Constraint | MutationType::UpdateColumn | MutationType::Response => Vec::new(),
        }
    }

    fn column_input(&self, table: TableId, column: usize, r#type: TypeRef) -> InputDef {
        let column = self.column(table, column);
        let found = InputDef::new(&column.name, r#type);
        match &column.comment {
            Some(comment) => found.described(comment),
            None => found,
        }
    }

    fn insert_inputs(&self, table: TableId) -> Vec<InputDef> {
        let columns = self.inserted_columns(table);
        let columns = columns.map(|column| self.column_input(table, column, self.input_type(table, column)));
        let relationships = self.tables[table].relationships.iter();
        let relationships = relationships.filter(|found| self.insert(found.target).is_some()).map(|found| {
            let kind = if found.single { MutationType::ObjectInput } else { MutationType::ArrayInput };
            InputDef::new(&found.name, TypeId::Mutation(found.target, kind))
        });
        columns.chain(relationships).collect()
    }

    fn conflict_input(&self, table: TableId) -> Option<InputDef> {
        let type_id = TypeId::Mutation(table, MutationType::OnConflict);
        let input = || InputDef::new(self.naming.word("on_conflict"), type_id).described("upsert condition");
        self.exists(type_id).then(input)
    }

    /// The operators, and `where`.
    fn update_inputs(&self, table: TableId, with_where: bool) -> Vec<InputDef> {
        let ops = UpdateOp::ALL.into_iter().map(|op| (op, TypeId::Mutation(table, MutationType::Changes(op))));
        let mut inputs: Vec<InputDef> = ops
            .filter(|&(_, type_id)| self.exists(type_id))
            .map(|(op, type_id)| InputDef::new(self.naming.word(op.field()), type_id).described(op.description()))
            .collect();
        if with_where {
            let filter = InputDef::new("where", TypeRef::from(TypeId::BoolExp(table)).required());
            inputs.push(filter.described("filter the rows which have to be updated"));
        }
        inputs
    }

    /// The arguments of a field of `mutation_root`.
    pub fn mutation_arguments(&self, root: Root) -> Vec<InputDef> {
        let of = |table, found| TypeRef::from(TypeId::Mutation(table, found)).required();
        match root {
            Root::Insert(table) => {
                let objects = TypeRef::List(Box::new(of(table, MutationType::InsertInput))).required();
                let objects = InputDef::new("objects", objects).described("the rows to be inserted");
                [objects].into_iter().chain(self.conflict_input(table)).collect()
            }
            Root::InsertOne(table) => {
                let object = InputDef::new("object", of(table, MutationType::InsertInput));
                [object.described("the row to be inserted")].into_iter().chain(self.conflict_input(table)).collect()
            }
            Root::Update(table) => self.update_inputs(table, true),
            Root::UpdateByPrimaryKey(table) => {
                let mut inputs = self.update_inputs(table, false);
                inputs.push(InputDef::new(self.naming.word("pk_columns"), of(table, MutationType::KeyInput)));
                inputs
            }
            Root::UpdateMany(table) => {
                let updates = TypeRef::List(Box::new(of(table, MutationType::Updates))).required();
                vec![InputDef::new("updates", updates).described("updates to execute, in order")]
            }
            Root::Delete(table) => {
                let filter = InputDef::new("where", TypeRef::from(TypeId::BoolExp(table)).required());
                vec![filter.described("filter the rows which have to be deleted")]
            }
            Root::DeleteByPrimaryKey(table) => self.key_arguments(table),
            _ => Vec::new(),
        }
    }

    /// A field of `mutation_root` that writes to a table; none for others.
    pub(super) fn mutation_field(&self, name: &str, root: Root) -> Option<FieldDef> {
        let response = |table| TypeRef::from(TypeId::Mutation(table, MutationType::Response));
        let row = |table| TypeRef::from(TypeId::Table(table));
        let (table, r#type, text) = match root {
            Root::Insert(table) => (table, response(table), "insert data into the table: "),
            Root::InsertOne(table) => (table, row(table), "insert a single row into the table: "),
            Root::Update(table) => (table, response(table), "update data of the table: "),
            Root::UpdateByPrimaryKey(table) => (table, row(table), "update single row of the table: "),
            Root::UpdateMany(table) => {
                (table, TypeRef::List(Box::new(response(table))), "update multiples rows of table: ")
            }
            Root::Delete(table) => (table, response(table), "delete data from the table: "),
            Root::DeleteByPrimaryKey(table) => (table, row(table), "delete single row from the table: "),
            _ => return None,
        };
        let description = Some(format!("{text}{}", self.tables[table].display_name()));
        Some(FieldDef { name: name.to_owned(), description, arguments: self.mutation_arguments(root), r#type })
    }

    pub(super) fn response_fields(&self, table: TableId) -> Vec<FieldDef> {
        let affected = FieldDef::new(self.naming.word("affected_rows"), TypeRef::from(self.built_in("Int")).required())
            .described("number of rows affected by the mutation");
        let mut fields = vec![affected];
        if self.select(table).is_some() {
            let rows = TypeRef::list_of(TypeId::Table(table)).required();
            fields.push(FieldDef::new("returning", rows).described("data from the rows affected by the mutation"));
        }
        fields
    }

    pub(super) fn mutation_type_values(&self, table: TableId, found: MutationType) -> Vec<EnumValue> {
        let value = |name: &str, text: String| EnumValue { name: name.to_owned(), description: Some(text) };
        match found {
            MutationType::Constraint => {
                let found = &self.tables[table];
                let column = |&at: &usize| format!("\"{}\"", found.columns[at].sql_name);
                let columns = |key: &[usize]| key.iter().map(column).collect::<Vec<_>>().join(", ");
                let text = |key| format!("unique or primary key constraint on columns {}", columns(key));
                found.unique_keys.iter().map(|key| value(&key.name, text(&key.columns))).collect()
            }
            MutationType::UpdateColumn => {
                let mut values: Vec<EnumValue> = self
                    .updated_columns(table)
                    .map(|column| value(&self.column(table, column).name, "column name".to_owned()))
                    .collect();
                if values.is_empty() {
                    values.push(value(PLACEHOLDER, "placeholder (do not use)".to_owned()));
                }
                values
            }
            _ => Vec::new(),
        }
    }
}
