//! What a mutation shows of the rows it wrote.

use std::fmt::Write as _;

use crate::plan::mutation::{Response, ResponseField, ResponseValue};
use crate::plan::{Output, OutputValue};
use crate::sql::{Alias, ROW, Writer, fits_columns, sql};

use super::{Argument, CHANGED};

/// Where the written rows are.
#[derive(Debug, Clone)]
pub(super) enum Written {
    /// In the same statement.
    Here,
    /// In the arrays that these steps gave.
    Steps { rows: Vec<usize>, count: Argument },
    /// Nowhere: nothing was to be written.
    Nothing,
}

/// True when the response reads more than the written rows' own columns.
pub(super) fn reads_others(response: &Response) -> bool {
    let reads = |output: &[Output]| {
        output.iter().any(|found| !matches!(found.value, OutputValue::Column { .. } | OutputValue::TypeName(_)))
    };
    match response {
        Response::Row(output) => reads(output),
        Response::Fields(fields) => {
            fields.iter().any(|field| matches!(&field.value, ResponseValue::Returning(output) if reads(output)))
        }
    }
}

impl Writer<'_> {
    /// The response as one value of type JSON.
    pub(super) fn response(&mut self, table: usize, response: &Response, written: &Written) {
        match response {
            Response::Row(output) => self.one_written(table, output, written),
            Response::Fields(fields) => {
                let write =
                    |writer: &mut Self, field: &ResponseField| writer.response_value(table, &field.value, written);
                self.object_of(fields, |field| &field.key, write, |_| {});
            }
        }
    }

    fn response_value(&mut self, table: usize, value: &ResponseValue, written: &Written) {
        match (value, written) {
            (ResponseValue::TypeName(name), _) => self.type_name(name),
            (ResponseValue::AffectedRows, Written::Here) => sql!(self, "(SELECT count(*) FROM {CHANGED})"),
            (ResponseValue::AffectedRows, Written::Steps { count, .. }) => {
                self.argument(*count);
                self.out.push_str("::int8");
            }
            (ResponseValue::AffectedRows, Written::Nothing) => self.out.push('0'),
            (ResponseValue::Returning(output), _) => self.all_written(table, output, written),
        }
    }

    fn all_written(&mut self, table: usize, output: &[Output], written: &Written) {
        let alias = self.alias();
        if fits_columns(output) {
            sql!(self, "(SELECT coalesce(json_agg({ROW}), '[]') FROM (");
            self.select_output(table, output, alias);
            self.written_rows(table, written, alias);
            sql!(self, ") AS {ROW})");
        } else {
            self.out.push_str("(SELECT coalesce(json_agg(");
            self.build_object(table, output, alias);
            self.out.push_str("), '[]')");
            self.written_rows(table, written, alias);
            self.out.push(')');
        }
    }

    fn one_written(&mut self, table: usize, output: &[Output], written: &Written) {
        let alias = self.alias();
        if fits_columns(output) {
            sql!(self, "(SELECT row_to_json({ROW}) FROM (");
            self.select_output(table, output, alias);
            self.written_rows(table, written, alias);
            sql!(self, " LIMIT 1) AS {ROW})");
        } else {
            self.out.push_str("(SELECT ");
            self.build_object(table, output, alias);
            self.written_rows(table, written, alias);
            self.out.push_str(" LIMIT 1)");
        }
    }

    fn written_rows(&mut self, table: usize, written: &Written, alias: Alias) {
        let relation = self.schema.tables[table].relation.as_str();
        match written {
            Written::Here => sql!(self, " FROM {CHANGED} AS \"{alias}\""),
            Written::Nothing => sql!(self, " FROM {relation} AS \"{alias}\" WHERE false"),
            Written::Steps { rows, .. } => {
                self.out.push_str(" FROM unnest(");
                for (index, &step) in rows.iter().enumerate() {
                    self.out.push_str(if index == 0 { "" } else { " || " });
                    self.argument(Argument::Rows(step));
                    sql!(self, "::{relation}[]");
                }
                sql!(self, ") AS \"{alias}\"");
            }
        }
    }
}
