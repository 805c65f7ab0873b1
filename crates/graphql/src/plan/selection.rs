//! Selections: columns, relationships, rows by key.

use crate::failure::{Failure, Path};
use crate::schema::{InputDef, Member, TableId, TypeId};
use crate::validate::Selected;
use crate::value::{Encoding, Value};

use super::ceiling::check_width;
use super::function::Callee;
use super::{
    Cast, Field, Filter, Operand, Output, OutputValue, ParameterId, Planner, Rows, Select, Subject, unknown_field,
};

impl<'a> Planner<'a> {
    /// A list of rows: a query field, an array relationship or what a function gives.
    pub(crate) fn select(
        &mut self,
        table: TableId,
        callee: Callee,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Select, Failure> {
        let mut rows = self.rows(table, callee, selected.field, path)?;
        rows.limit = [rows.limit, self.permitted_limit(table)].into_iter().flatten().min();
        let output = self.output_inside(table, selected, path)?;
        Ok(Select { table, rows, output })
    }

    pub(super) fn by_primary_key(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Select, Failure> {
        let defined = self.schema.key_arguments(table);
        let arguments = self.validator.arguments(selected.field, &defined, path)?;
        let path_to_arguments = path.key("args");
        let mut key = Vec::new();
        for (name, value) in arguments {
            let path = path_to_arguments.key(name);
            let column =
                self.schema.column_named(table, name).ok_or_else(|| unknown_field(name, "query_root", &path))?;
            key.push(self.equals(table, column, value, &path)?);
        }
        let filter = self.visible(table, Filter::All(key))?;
        let rows = Rows { filter, ..Rows::every() };
        let output = self.output_inside(table, selected, path)?;
        Ok(Select { table, rows, output })
    }

    pub(super) fn equals(
        &mut self,
        table: TableId,
        column: usize,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let found = self.schema.column(table, column);
        let encoding = Encoding::of_scalar(self.schema, found.scalar);
        let parameter = self.parameter(value, &self.schema.scalar_type(found.scalar).required(), encoding, path)?;
        self.see(table, Field::Column(column))?;
        Ok(self.key_equals(table, column, parameter))
    }

    pub(super) fn key_equals(&self, table: TableId, column: usize, parameter: ParameterId) -> Filter {
        let found = self.schema.column(table, column);
        let family = self.schema.scalars[found.scalar].family;
        let operator = family.operator("_eq").expect("every type has equality");
        let cast = Cast { sql: found.cast.clone(), reader: family.reader() };
        Filter::Compare { subject: Subject::Column(column), operator, operand: Operand::Parameter(parameter), cast }
    }

    pub(crate) fn output_inside(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<Output>, Failure> {
        let type_name = self.type_name(TypeId::Table(table));
        let fields = self.validator.inside(selected, &type_name, path)?;
        self.output(table, &fields, &path.key("selectionSet"))
    }

    /// What each row shows.
    pub(super) fn output(
        &mut self,
        table: TableId,
        fields: &[Selected<'a>],
        path: &Path<'_>,
    ) -> Result<Vec<Output>, Failure> {
        check_width(fields.len(), path)?;
        self.inside_rows(path, |planner| {
            let mut output = Vec::with_capacity(fields.len());
            for selected in fields {
                if let Some(Member::Remote(relation)) = planner.schema.member(table, &selected.field.name) {
                    planner.table_relation(table, relation, selected, &mut output, &path.key(selected.key))?;
                    continue;
                }
                let value = planner.output_value(table, selected, &path.key(selected.key))?;
                output.push(Output { key: selected.key.to_owned(), value });
            }
            Ok(output)
        })
    }

    fn output_value(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<OutputValue, Failure> {
        let found = &self.schema.tables[table];
        let name = selected.field.name.as_str();
        if name == "__typename" {
            self.validator.leaf(selected, path)?;
            return Ok(OutputValue::TypeName(self.type_name(TypeId::Table(table))));
        }
        if self.schema.is_relay()
            && let Some(value) = self.relay_field(table, selected, path)?
        {
            return Ok(value);
        }
        match self.schema.member(table, name) {
            Some(Member::Column(column)) => {
                self.validator.leaf(selected, path)?;
                self.see(table, Field::Column(column))?;
                Ok(OutputValue::Column { column, path: self.column_path(table, column, selected, path)? })
            }
            Some(Member::Relationship(relationship)) => {
                let target = found.relationships[relationship].target;
                if !found.relationships[relationship].single {
                    let select = self.select(target, Callee::Nothing, selected, path)?;
                    return Ok(OutputValue::Array { relationship, select });
                }
                self.validator.arguments(selected.field, &[], path)?;
                let output = self.output_inside(target, selected, path)?;
                let rows = Rows { filter: self.visible(target, Rows::every().filter)?, ..Rows::every() };
                let select = Select { table: target, rows, output };
                Ok(OutputValue::Object { relationship, select })
            }
            Some(Member::Aggregate(relationship)) => {
                let target = found.relationships[relationship].target;
                let select = self.aggregate_select(target, Callee::Nothing, selected, path)?;
                Ok(OutputValue::Aggregate { relationship, select })
            }
            Some(Member::Computed(computed)) => self.computed(table, computed, selected, path),
            Some(Member::Remote(_)) | None => Err(unknown_field(name, &self.type_name(TypeId::Table(table)), path)),
        }
    }

    /// `path:` of a JSON column.
    fn column_path(
        &mut self,
        table: TableId,
        column: usize,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Option<usize>, Failure> {
        let is_json = self.schema.scalar_of(table, column).family.is_json();
        let defined: Vec<InputDef> = is_json.then(|| self.schema.path_argument()).into_iter().collect();
        let Some((_, value)) = self.validator.arguments(selected.field, &defined, path)?.pop() else { return Ok(None) };
        if self.validator.variables.is_null(&value) {
            return Ok(None);
        }
        self.json_path(value, &path.key("args").key("path")).map(Some)
    }

    pub(super) fn type_name(&self, id: TypeId) -> String {
        self.schema.type_name(id)
    }
}
