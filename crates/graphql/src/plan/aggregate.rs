//! `<table>_aggregate`.

use crate::failure::{Failure, Path};
use crate::schema::{AggregateOp, Member, TableId, TypeId};
use crate::validate::Selected;

use super::function::Callee;
use super::{
    AggregateOutput, AggregateSelect, AggregateValue, Field, FieldOutput, FieldValue, OpColumn, Planner, unknown_field,
};

impl<'a> Planner<'a> {
    pub(crate) fn aggregate_select(
        &mut self,
        table: TableId,
        callee: Callee,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<AggregateSelect, Failure> {
        let rows = self.rows(table, callee, selected.field, path)?;
        let node_limit = self.permitted_limit(table).filter(|limit| rows.limit.is_none_or(|wanted| wanted > *limit));
        let type_name = self.type_name(TypeId::Aggregate(table));
        let fields = self.validator.inside(selected, &type_name, path)?;
        let path = path.key("selectionSet");
        let mut output = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            self.validator.arguments(selected.field, &[], &path)?;
            let value = match selected.field.name.as_str() {
                "__typename" => {
                    self.validator.leaf(selected, &path)?;
                    AggregateValue::TypeName(type_name.clone())
                }
                "nodes" => {
                    let rows_type = self.type_name(TypeId::Table(table));
                    let inside = self.validator.inside(selected, &rows_type, &path)?;
                    AggregateValue::Nodes(self.output(table, &inside, &path.key("selectionSet"))?)
                }
                "aggregate" => AggregateValue::Fields(self.aggregate_fields(table, selected, &path)?),
                other => return Err(unknown_field(other, &type_name, &path)),
            };
            output.push(AggregateOutput { key: selected.key.to_owned(), value });
        }
        Ok(AggregateSelect { table, rows, node_limit, output })
    }

    fn aggregate_fields(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<FieldOutput>, Failure> {
        let type_name = self.type_name(TypeId::AggregateFields(table));
        let fields = self.validator.inside(selected, &type_name, path)?;
        let path = path.key("selectionSet");
        let mut output = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            let name = selected.field.name.as_str();
            let op = self.schema.aggregate_named(name).filter(|&op| self.schema.has_aggregate(table, op));
            let value = match (name, op) {
                ("__typename", _) => {
                    self.validator.leaf(selected, &path)?;
                    FieldValue::TypeName(type_name.clone())
                }
                ("count", _) => self.count(table, selected, &path)?,
                (_, Some(op)) => FieldValue::Op { op, columns: self.op_columns(table, op, selected, &path)? },
                _ => return Err(unknown_field(name, &type_name, &path)),
            };
            output.push(FieldOutput { key: selected.key.to_owned(), value });
        }
        Ok(output)
    }

    fn count(&mut self, table: TableId, selected: &Selected<'a>, path: &Path<'_>) -> Result<FieldValue, Failure> {
        self.validator.leaf(selected, path)?;
        let fields = self.schema.describe(TypeId::AggregateFields(table)).fields;
        let defined = fields.iter().find(|field| field.name == "count").map(|field| field.arguments.as_slice());
        let arguments = self.validator.arguments(selected.field, defined.unwrap_or_default(), path)?;
        let path = path.key("args");
        let (mut columns, mut distinct) = (Vec::new(), false);
        for (name, value) in arguments {
            let path = path.key(name);
            if self.validator.variables.is_null(&value) {
                continue;
            }
            match name {
                "columns" => columns = self.columns(table, value, &path)?,
                _ => distinct = self.validator.boolean(&value, &path)?,
            }
        }
        Ok(FieldValue::Count { columns, distinct })
    }

    fn op_columns(
        &mut self,
        table: TableId,
        op: AggregateOp,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<(String, OpColumn)>, Failure> {
        self.validator.arguments(selected.field, &[], path)?;
        let type_name = self.type_name(TypeId::OpFields(table, op));
        let fields = self.validator.inside(selected, &type_name, path)?;
        let path = path.key("selectionSet");
        let mut columns = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            let found = self.op_column(table, op, &type_name, selected, &path)?;
            columns.push((selected.key.to_owned(), found));
        }
        Ok(columns)
    }

    fn op_column(
        &mut self,
        table: TableId,
        op: AggregateOp,
        type_name: &str,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<OpColumn, Failure> {
        let name = selected.field.name.as_str();
        let member = self.schema.member(table, name);
        if let Some(Member::Computed(computed)) = member
            && self.schema.aggregated_computed(table, op).any(|found| found == computed)
        {
            let (call, _) = self.computed_value(table, computed, false, selected, path)?;
            return Ok(OpColumn::Computed { computed, call });
        }
        self.validator.leaf(selected, path)?;
        self.validator.arguments(selected.field, &[], path)?;
        match member {
            Some(Member::Column(column)) if op.takes(self.schema.scalar_of(table, column).family) => {
                self.see(table, Field::Column(column))?;
                Ok(OpColumn::Column(column))
            }
            _ if name == "__typename" => Ok(OpColumn::TypeName(type_name.to_owned())),
            _ => Err(unknown_field(name, type_name, path)),
        }
    }
}
