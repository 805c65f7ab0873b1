//! Updates and deletions.

use crate::failure::{Failure, Path};
use crate::plan::{Cast, Filter, Planner, RootValue, unknown_field};
use crate::schema::{Family, MutationType, Root as Field, TableId, TypeId, UpdateOp};
use crate::validate::Selected;
use crate::value::{Encoding, Value};

use super::{Batch, Cell, Change, Delete, Mutation, Response, Update};

impl<'a> Planner<'a> {
    pub(super) fn update_field(
        &mut self,
        table: TableId,
        by_key: bool,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let field = if by_key { Field::UpdateByPrimaryKey(table) } else { Field::Update(table) };
        let arguments = self.validator.arguments(selected.field, &self.schema.mutation_arguments(field), path)?;
        let batch = self.batch(table, arguments, &path.key("args"))?;
        let webhook = self.schema.update(table).and_then(|access| access.webhook().cloned());
        self.vet_arguments(webhook, selected, None, &path.key("args"))?;
        let response = match by_key {
            true => self.response_row(table, selected, path)?,
            false => self.response_fields(table, selected, path)?,
        };
        if batch.changes.is_empty() {
            return Ok(RootValue::Ready(response.of_nothing()));
        }
        self.update(table, vec![batch], false, response)
    }

    pub(super) fn update_many_field(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let defined = self.schema.mutation_arguments(Field::UpdateMany(table));
        let arguments = self.validator.arguments(selected.field, &defined, path)?;
        let type_id = TypeId::Mutation(table, MutationType::Updates);
        let path_to_updates = path.key("args");
        let path_to_updates = path_to_updates.key("updates");
        let mut batches = Vec::new();
        for (_, value) in arguments {
            let items = self.validator.items(value);
            let items = items.ok_or_else(|| Failure::invalid(path_to_updates, "expected a list, but found null"))?;
            for (index, item) in items.into_iter().enumerate() {
                let path = path_to_updates.index(index);
                let fields = self.input_fields(type_id, item, &path)?;
                batches.push(self.batch(table, fields, &path)?);
            }
        }
        let webhook = self.schema.update(table).and_then(|access| access.webhook().cloned());
        self.vet_updates(webhook, selected, &path.key("args"))?;
        let response = self.response_fields(table, selected, path)?;
        if batches.is_empty() {
            return Ok(RootValue::Ready("[]".to_owned()));
        }
        self.update(table, batches, true, response)
    }

    fn update(
        &mut self,
        table: TableId,
        batches: Vec<Batch>,
        many: bool,
        response: Response,
    ) -> Result<RootValue, Failure> {
        let check = self.schema.update(table).and_then(|access| access.check());
        let check = self.condition(check)?;
        Ok(RootValue::Mutation(Box::new(Mutation::Update(Update { table, batches, many, check, response }))))
    }

    /// `where` (or `pk_columns`) and the operators.
    fn batch(&mut self, table: TableId, fields: Vec<(&'a str, Value<'a>)>, path: &Path<'_>) -> Result<Batch, Failure> {
        let access = self.schema.update(table);
        let mut filters = Vec::with_capacity(2);
        if let Some(permission) = access.and_then(|access| access.filter()) {
            filters.push(self.rooted(permission)?);
        }
        let presets = self.presets(table, access.map_or(&[], |access| access.presets()))?;
        let mut changes: Vec<(usize, Change)> =
            presets.into_iter().map(|(column, cell)| (column, Change::Set(cell))).collect();
        let mut operators = false;
        let mut twice: Vec<usize> = Vec::new();
        for (name, value) in fields {
            let path = path.key(name);
            let plain = self.schema.naming.plain_word(name);
            let Some(op) = UpdateOp::of_field(&plain) else {
                filters.push(self.chosen(table, &plain, value, &path)?);
                continue;
            };
            operators |= !self.validator.variables.is_null(&value);
            for (column, change) in self.changes(table, op, value, &path)? {
                if changes.iter().any(|(other, _)| *other == column) {
                    twice.push(column);
                } else {
                    changes.push((column, change));
                }
            }
        }
        if !twice.is_empty() {
            let names: Vec<String> =
                twice.iter().map(|&column| format!("'{}'", self.schema.column(table, column).sql_name)).collect();
            let message = format!("Column found in multiple operators: [{}].", names.join(", "));
            return Err(Failure::invalid(path, message));
        }
        if !operators && changes.is_empty() {
            let names: Vec<_> = UpdateOp::ALL
                .into_iter()
                .filter(|&op| self.schema.changed_columns(table, op).next().is_some())
                .map(|op| self.schema.naming.word(op.field()))
                .collect();
            let message = format!("at least any one of {} is expected", names.join(", "));
            return Err(Failure::invalid(path, message));
        }
        Ok(Batch { filter: Filter::all(filters), changes })
    }

    /// The rows that the client names.
    fn chosen(&mut self, table: TableId, name: &str, value: Value<'a>, path: &Path<'_>) -> Result<Filter, Failure> {
        if name != "pk_columns" {
            return self.bool_exp(table, value, path);
        }
        let type_id = TypeId::Mutation(table, MutationType::KeyInput);
        let fields = self.input_fields(type_id, value, path)?;
        self.key_filter(table, fields, path)
    }

    fn changes(
        &mut self,
        table: TableId,
        op: UpdateOp,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<(usize, Change)>, Failure> {
        let type_id = TypeId::Mutation(table, MutationType::Changes(op));
        let mut changes = Vec::new();
        for (name, value) in self.object(type_id, value, path)?.unwrap_or_default() {
            let path = path.key(name);
            let column = self.schema.changed_columns(table, op).find(|&at| self.schema.column(table, at).name == name);
            let column = column.ok_or_else(|| unknown_field(name, &self.type_name(type_id), &path))?;
            changes.push((column, self.one_change(table, column, op, value, &path)?));
        }
        Ok(changes)
    }

    fn one_change(
        &mut self,
        table: TableId,
        column: usize,
        op: UpdateOp,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Change, Failure> {
        Ok(match op {
            UpdateOp::Set => Change::Set(self.cell(table, column, value, path)?),
            UpdateOp::Inc => Change::Add(self.cell(table, column, value, path)?),
            UpdateOp::Append => Change::Append(self.cell(table, column, value, path)?),
            UpdateOp::Prepend => Change::Prepend(self.cell(table, column, value, path)?),
            UpdateOp::DeleteKey => Change::Remove("-", self.argument_cell(op, Encoding::text(), "text", value, path)?),
            UpdateOp::DeleteElem => {
                let encoding = Encoding::Scalar(Family::Int, "Int".to_owned());
                Change::Remove("-", self.argument_cell(op, encoding, "int4", value, path)?)
            }
            UpdateOp::DeleteAtPath => {
                let encoding = Encoding::Array { item: Box::new(Encoding::text()), as_text: false };
                Change::Remove("#-", self.argument_cell(op, encoding, "text[]", value, path)?)
            }
        })
    }

    /// An operator's argument that is not of the column's type; null changes the column to null, as SQL has it.
    fn argument_cell(
        &mut self,
        op: UpdateOp,
        encoding: Encoding,
        sql: &str,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Cell, Failure> {
        let expected = self.schema.change_type(op);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            return Ok(Cell::Null);
        }
        Ok(Cell::Parameter(self.parameter(value, &expected, encoding, path)?, Cast::text(sql)))
    }

    pub(super) fn delete_field(
        &mut self,
        table: TableId,
        by_key: bool,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let field = if by_key { Field::DeleteByPrimaryKey(table) } else { Field::Delete(table) };
        let arguments = self.validator.arguments(selected.field, &self.schema.mutation_arguments(field), path)?;
        let mut filters = Vec::with_capacity(2);
        if let Some(permission) = self.schema.delete(table).and_then(|access| access.filter()) {
            filters.push(self.rooted(permission)?);
        }
        let path_to_arguments = path.key("args");
        if by_key {
            filters.push(self.key_filter(table, arguments, &path_to_arguments)?);
        } else {
            for (name, value) in arguments {
                filters.push(self.bool_exp(table, value, &path_to_arguments.key(name))?);
            }
        }
        let webhook = self.schema.delete(table).and_then(|access| access.webhook().cloned());
        self.vet_arguments(webhook, selected, by_key.then_some("pk_columns"), &path_to_arguments)?;
        let response = match by_key {
            true => self.response_row(table, selected, path)?,
            false => self.response_fields(table, selected, path)?,
        };
        let delete = Delete { table, filter: Filter::all(filters), response };
        Ok(RootValue::Mutation(Box::new(Mutation::Delete(delete))))
    }

    /// The fields of an input object whose type requires some of them.
    pub(super) fn input_fields(
        &mut self,
        type_id: TypeId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<(&'a str, Value<'a>)>, Failure> {
        let fields = self.object(type_id, value, path)?.ok_or_else(|| self.not_an_object(type_id, "null", path))?;
        let defined = self.schema.describe(type_id).inputs;
        let mut found = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let Some(input) = defined.iter().find(|input| input.name == name) else {
                return Err(unknown_field(name, &self.type_name(type_id), &path.key(name)));
            };
            let value = self.validator.variables.resolve(value, Some(&input.r#type), self.schema, &path.key(name))?;
            found.push((name, value));
        }
        for input in defined.iter().filter(|input| input.r#type.is_required() && input.default.is_none()) {
            if !found.iter().any(|(name, _)| *name == input.name) {
                let message = format!("missing required field '{}'", input.name);
                return Err(Failure::invalid(path.key(&input.name), message));
            }
        }
        Ok(found)
    }
}
