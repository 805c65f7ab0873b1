//! Aggregates. All functions stand in one flat select; the objects around them are built from its single row.

use std::fmt::Write as _;

use crate::model::Returned;
use crate::plan::{AggregateOutput, AggregateSelect, AggregateValue, FieldOutput, FieldValue, OpColumn, Output};
use crate::schema::{AggregateOp, Family};

use super::{Alias, ArraySelect, Join, NAME_LIMIT, ROW, Writer, sql};

impl<'s> Writer<'s> {
    pub(super) fn aggregate(&mut self, select: &AggregateSelect, join: Option<Join<'s>>) {
        let alias = self.alias();
        let result = self.alias();
        let mut folded = 0;
        let output = &select.output;
        let write = |writer: &mut Self, output: &AggregateOutput| match (&output.value, select.node_limit) {
            (AggregateValue::Nodes(nodes), Some(limit)) => {
                let nodes = ArraySelect { table: select.table, rows: &select.rows, output: nodes };
                writer.array_of(nodes, Some(limit), join);
            }
            _ => writer.aggregate_value(output, result, &mut folded),
        };
        self.object_of(
            output,
            |output| &output.key,
            write,
            |writer| writer.functions_from(select, join, alias, result),
        );
    }

    /// The row that all functions give: `f1`, `f2`, … in the order the response shows them.
    fn functions_from(&mut self, select: &AggregateSelect, join: Option<Join<'s>>, alias: Alias, result: Alias) {
        // An aggregate makes sure of the one row even where the response asks for type names alone.
        self.out.push_str(" FROM (SELECT count(*) AS \"f0\"");
        let mut folded = 0;
        for output in &select.output {
            match &output.value {
                AggregateValue::Fields(fields) => self.functions(select.table, fields, alias, &mut folded),
                AggregateValue::Nodes(_) if select.node_limit.is_some() => {}
                AggregateValue::Nodes(nodes) => {
                    folded += 1;
                    self.nodes(select.table, nodes, alias);
                    sql!(self, " AS \"f{folded}\"");
                }
                AggregateValue::TypeName(_) => {}
            }
        }
        self.from(select.table, &select.rows, select.rows.limit.into(), join, alias);
        sql!(self, ") AS \"{result}\"");
    }

    /// An object of the values `write` writes. `tail` writes the FROM they are read from, if any.
    pub(super) fn object_of<T>(
        &mut self,
        items: &[T],
        key: impl Fn(&T) -> &str,
        mut write: impl FnMut(&mut Self, &T),
        tail: impl FnOnce(&mut Self),
    ) {
        if items.iter().all(|item| key(item).len() <= NAME_LIMIT) {
            sql!(self, "(SELECT row_to_json({ROW}) FROM (SELECT ");
            for (index, item) in items.iter().enumerate() {
                self.out.push_str(if index == 0 { "" } else { ", " });
                write(self, item);
                self.key_as_column(key(item));
            }
            tail(self);
            sql!(self, ") AS {ROW})");
            return;
        }
        self.out.push_str("(SELECT ('{' || concat_ws(','");
        for item in items {
            self.key_in_json(key(item));
            write(self, item);
            self.out.push_str(")::text, 'null')");
        }
        self.out.push_str(") || '}')::json");
        tail(self);
        self.out.push(')');
    }

    fn aggregate_value(&mut self, output: &AggregateOutput, result: Alias, folded: &mut usize) {
        match &output.value {
            AggregateValue::Fields(fields) => {
                let write = |writer: &mut Self, field: &FieldOutput| writer.field_value(field, result, folded);
                self.object_of(fields, |field| &field.key, write, |_| {});
            }
            AggregateValue::Nodes(_) => self.reference(result, folded),
            AggregateValue::TypeName(name) => self.type_name(name),
        }
    }

    fn field_value(&mut self, field: &FieldOutput, result: Alias, folded: &mut usize) {
        match &field.value {
            FieldValue::Count { .. } => self.reference(result, folded),
            FieldValue::TypeName(name) => self.type_name(name),
            FieldValue::Op { columns, .. } => {
                let write = |writer: &mut Self, (_, column): &(String, OpColumn)| match column {
                    OpColumn::Column(_) | OpColumn::Computed { .. } => writer.reference(result, folded),
                    OpColumn::TypeName(name) => writer.type_name(name),
                };
                self.object_of(columns, |(key, _)| key, write, |_| {});
            }
        }
    }

    /// The next function's result.
    fn reference(&mut self, result: Alias, folded: &mut usize) {
        *folded += 1;
        sql!(self, "\"{result}\".\"f{folded}\"");
    }

    /// In the order in which [`Writer::reference`] counts them.
    fn functions(&mut self, table: usize, fields: &[FieldOutput], alias: Alias, folded: &mut usize) {
        for field in fields {
            match &field.value {
                FieldValue::Count { columns, distinct } => {
                    *folded += 1;
                    self.out.push_str(", ");
                    self.count(table, columns, *distinct, alias);
                    sql!(self, " AS \"f{folded}\"");
                }
                FieldValue::Op { op, columns } => {
                    let found = columns.iter().map(|(_, column)| column);
                    for column in found.filter(|column| !matches!(column, OpColumn::TypeName(_))) {
                        *folded += 1;
                        self.out.push_str(", ");
                        self.op_output(table, *op, column, alias);
                        sql!(self, " AS \"f{folded}\"");
                    }
                }
                FieldValue::TypeName(_) => {}
            }
        }
    }

    fn nodes(&mut self, table: usize, nodes: &[Output], alias: Alias) {
        self.out.push_str(", coalesce(json_agg(");
        self.row_object(table, nodes, alias);
        self.out.push_str("), '[]')");
    }

    /// `count(*)`, `count("a")`, `count(DISTINCT ("a", "b"))`
    pub(super) fn count(&mut self, table: usize, columns: &[usize], distinct: bool, alias: Alias) {
        if columns.is_empty() {
            self.out.push_str("count(*)");
            return;
        }
        let several = columns.len() > 1;
        self.out.push_str(if distinct { "count(DISTINCT " } else { "count(" });
        self.out.push_str(if several { "(" } else { "" });
        for (index, &column) in columns.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            self.seen(table, column, alias);
        }
        self.out.push_str(if several { "))" } else { ")" });
    }

    /// `max("_1"."name")`
    pub(super) fn op(&mut self, table: usize, op: AggregateOp, column: usize, alias: Alias) {
        let family = self.schema.scalar_of(table, column).family;
        self.op_over(op, family, |writer| writer.seen(table, column, alias));
    }

    fn op_over(&mut self, op: AggregateOp, family: Family, value: impl FnOnce(&mut Self)) {
        sql!(self, "{}(", op.name());
        value(self);
        // PostgreSQL before 18 has no max(uuid); the text sorts the same.
        self.out.push_str(if family == Family::Uuid { "::text)" } else { ")" });
    }

    fn op_output(&mut self, table: usize, op: AggregateOp, column: &OpColumn, alias: Alias) {
        let family = match column {
            OpColumn::Column(column) => {
                self.op(table, op, *column, alias);
                self.schema.scalar_of(table, *column).family
            }
            OpColumn::Computed { computed, call } => {
                let family = match self.schema.tables[table].computed[*computed].returns {
                    Returned::Scalar { scalar, .. } => self.schema.scalars[scalar].family,
                    Returned::Table { .. } => Family::Other,
                };
                self.op_over(op, family, |writer| writer.seen_computed(table, *computed, call, alias));
                family
            }
            OpColumn::TypeName(_) => Family::Other,
        };
        if self.schema.stringify_numeric && family.is_big_number() {
            self.out.push_str("::text");
        }
    }
}
