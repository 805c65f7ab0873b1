//! Rows to insert, with rows of other tables at any depth.

use crate::failure::{Failure, Path};
use crate::plan::{Cast, Parameter, ParameterId, Planner, RootValue, mismatch, unknown_field};
use crate::schema::{Insertion, MutationType, Root as Field, TableId, TypeId, TypeRef};
use crate::validate::Selected;
use crate::value::{Encoding, Value};

use super::{Cell, Insert, Mutation, Nested, NewRows, Object, Objects};

/// A column, the values of all rows, and how they are read.
type NewColumn = (usize, ParameterId, Cast);

/// Columns of a row that the row around it determines.
#[derive(Debug, Clone, Copy, Default)]
struct Around<'p> {
    columns: &'p [usize],
}

impl<'a> Planner<'a> {
    pub(super) fn insert_field(
        &mut self,
        table: TableId,
        one: bool,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let field = if one { Field::InsertOne(table) } else { Field::Insert(table) };
        let arguments = self.validator.arguments(selected.field, &self.schema.mutation_arguments(field), path)?;
        let rows = self.new_rows(table, arguments, one, Around::default(), &path.key("args"))?;
        self.vet_rows(&rows);
        let response = match one {
            true => self.response_row(table, selected, path)?,
            false => self.response_fields(table, selected, path)?,
        };
        if matches!(&rows.objects, Objects::Each(objects) if objects.is_empty()) {
            return Ok(RootValue::Ready(response.of_nothing()));
        }
        Ok(RootValue::Mutation(Box::new(Mutation::Insert(Box::new(Insert { rows, response })))))
    }

    /// `objects` (`object`, `data`) and `on_conflict`.
    fn new_rows(
        &mut self,
        table: TableId,
        arguments: Vec<(&'a str, Value<'a>)>,
        one: bool,
        around: Around<'_>,
        path: &Path<'_>,
    ) -> Result<NewRows, Failure> {
        let access = self.schema.insert(table);
        let presets = self.presets(table, access.map_or(&[], |access| access.presets()))?;
        let check = self.condition(access.and_then(|access| access.check()))?;
        let mut rows = NewRows {
            table,
            objects: Objects::Each(Vec::new()),
            presets,
            check,
            conflict: None,
            path: path.to_string(),
        };
        for (name, value) in arguments {
            let path = path.key(name);
            match &*self.schema.naming.plain_word(name) {
                "on_conflict" if self.validator.variables.is_null(&value) => {}
                "on_conflict" => rows.conflict = Some(self.conflict(table, value, &path)?),
                _ => {
                    rows.objects = self.objects(table, value, one, around, &path)?;
                    rows.path = path.to_string();
                }
            }
        }
        Ok(rows)
    }

    fn objects(
        &mut self,
        table: TableId,
        value: Value<'a>,
        one: bool,
        around: Around<'_>,
        path: &Path<'_>,
    ) -> Result<Objects, Failure> {
        if one {
            return Ok(Objects::Each(vec![self.new_object(table, value, around, path)?]));
        }
        // A webhook is shown row by row.
        if around.columns.is_empty()
            && self.insert_webhook(table).is_none()
            && let Some(columns) = self.columns_of_objects(table, &value, path)?
        {
            return Ok(Objects::Columns(columns));
        }
        let items = self.validator.items(value);
        let items = items.ok_or_else(|| Failure::invalid(path, "expected a list, but found null"))?;
        let objects = items.into_iter().enumerate();
        let objects = objects.map(|(index, item)| self.new_object(table, item, around, &path.index(index)));
        Ok(Objects::Each(objects.collect::<Result<_, _>>()?))
    }

    /// For rows from a variable that all have the same columns and nothing else: their columns.
    fn columns_of_objects(
        &mut self,
        table: TableId,
        value: &Value<'a>,
        path: &Path<'_>,
    ) -> Result<Option<Vec<NewColumn>>, Failure> {
        let Some((keys, sources)) = self.validator.variables.table(value) else { return Ok(None) };
        let columns: Option<Vec<usize>> = keys
            .iter()
            .map(|key| self.schema.inserted_columns(table).find(|&at| self.schema.column(table, at).name == *key))
            .collect();
        // What cannot be is told where it stands.
        let Some(columns) = columns else { return Ok(None) };
        self.validator.variables.touch_table(value, &keys);
        let mut found = Vec::with_capacity(columns.len());
        for (column, source) in columns.into_iter().zip(sources) {
            let item = Box::new(self.schema.column_encoding(table, column));
            let required = self.schema.column(table, column).not_null;
            let encoding = Encoding::Column { item, required };
            let name = self.schema.column(table, column).name.as_str();
            let text = source.value(self.provided, self.session).and_then(|datum| encoding.encode(&datum));
            text.map_err(|found| match found.index {
                Some(index) => Failure::new(found.code, path.index(index).key(name), found.message.clone()),
                None => mismatch(&found, path),
            })?;
            let parameter = self.push(Parameter { source, encoding, constant: None });
            found.push((column, parameter, self.schema.column_cast(table, column)));
        }
        Ok(Some(found))
    }

    fn new_object(
        &mut self,
        table: TableId,
        value: Value<'a>,
        around: Around<'_>,
        path: &Path<'_>,
    ) -> Result<Object, Failure> {
        let type_id = TypeId::Mutation(table, MutationType::InsertInput);
        let fields = self.object(type_id, value, path)?.ok_or_else(|| self.not_an_object(type_id, "null", path))?;
        let mut object = Object { cells: Vec::with_capacity(fields.len()), nested: Vec::new() };
        let mut relationships = Vec::new();
        for (name, value) in fields {
            let path = path.key(name);
            let column = self.schema.inserted_columns(table).find(|&at| self.schema.column(table, at).name == name);
            if let Some(column) = column {
                let cell = self.cell(table, column, value, &path)?;
                object.cells.push((column, cell));
            } else if let Some(relationship) = self.schema.inserted_relationship(table, name) {
                relationships.push((relationship, name, value));
            } else {
                return Err(unknown_field(name, &self.type_name(type_id), &path));
            }
        }
        self.check_around(table, &object.cells, around, path)?;
        for (relationship, name, value) in relationships {
            let path = path.key(name);
            let nested = self.nested(&path, |planner| {
                planner.nested_rows(table, relationship, value, &object.cells, around, &path)
            })?;
            object.nested.extend(nested);
        }
        Ok(object)
    }

    fn check_around(
        &self,
        table: TableId,
        cells: &[(usize, Cell)],
        around: Around<'_>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let twice = cells.iter().map(|(column, _)| *column).filter(|column| around.columns.contains(column));
        let names = self.column_names(table, twice);
        if names.is_empty() {
            return Ok(());
        }
        let message =
            format!("cannot insert {names} columns as their values are already being determined by parent insert");
        Err(Failure::invalid(path, message))
    }

    /// `"a", "b"`: the columns' names in the database.
    fn column_names(&self, table: TableId, columns: impl Iterator<Item = usize>) -> String {
        let names: Vec<String> =
            columns.map(|column| format!("\"{}\"", self.schema.column(table, column).sql_name)).collect();
        names.join(", ")
    }

    fn nested_rows(
        &mut self,
        table: TableId,
        relationship: usize,
        value: Value<'a>,
        cells: &[(usize, Cell)],
        around: Around<'_>,
        path: &Path<'_>,
    ) -> Result<Option<Nested>, Failure> {
        let schema = self.schema;
        let found = &schema.tables[table].relationships[relationship];
        let kind = if found.single { MutationType::ObjectInput } else { MutationType::ArrayInput };
        let type_id = TypeId::Mutation(found.target, kind);
        let value = self.validator.variables.resolve(value, Some(&TypeRef::from(type_id)), schema, path)?;
        if self.validator.variables.is_null(&value) {
            return Ok(None);
        }
        let arguments = self.input_fields(type_id, value, path)?;
        let here: Vec<usize> = found.columns.iter().map(|(here, _)| *here).collect();
        let there: Vec<usize> = found.columns.iter().map(|(_, there)| *there).collect();
        let before = found.single && found.insertion == Insertion::BeforeParent;
        if found.single {
            let taken = here
                .iter()
                .copied()
                .filter(|column| around.columns.contains(column) || cells.iter().any(|(other, _)| other == column));
            let names = if before { self.column_names(table, taken) } else { String::new() };
            if !names.is_empty() {
                let message = format!(
                    "cannot insert object relationship \"{}\" as {names} column values are already determined",
                    found.name
                );
                return Err(Failure::invalid(path, message));
            }
        }
        let inner = if before { Around::default() } else { Around { columns: &there } };
        let rows = self.new_rows(found.target, arguments, found.single, inner, path)?;
        let empty = matches!(&rows.objects, Objects::Each(objects) if objects.is_empty());
        Ok((!empty).then_some(Nested { relationship, rows }))
    }
}
