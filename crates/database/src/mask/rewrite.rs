//! Rows on their way: the [`Plan`] as what changes them.

use std::ops::Range;

use futures::future::BoxFuture;
use postgres::catalog::{Catalog, Table};
use tokio_postgres::Client;

use super::classes::root;
use super::originals::Notes;
use super::plan::{Action, ColumnPlan, Plan, TablePlan};
use super::shape::Shape;
use super::{ColumnName, MaskError, array, detect, json, rules};
use crate::Error;
use crate::copy::{Rewrite, RewriteRow};
use crate::text;

impl Rewrite for Plan {
    fn table<'a>(
        &'a self,
        schema: &str,
        table: &str,
        columns: &[String],
    ) -> Result<Option<Box<dyn RewriteRow + Send + 'a>>, Error> {
        let Some(plan) = self.table(schema, table) else {
            return Err(MaskError::UnknownTable { table: rules::table_name(schema, table) }.into());
        };
        match plan.action {
            Action::Keep => Ok(None),
            // Nobody should ask for its rows; if somebody does, there are none to be had.
            Action::Empty => Err(MaskError::UnknownTable { table: rules::table_name(schema, table) }.into()),
            Action::Rewrite => Ok(Some(Box::new(Rows::new(self, plan, schema, table, columns)?))),
        }
    }

    fn check<'a>(&'a self, target: &'a Client, tables: Vec<(String, String)>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let catalog = Catalog::read(target, &[]).await?;
            let named = |table: &Table| {
                let root = root(&catalog, table);
                tables.iter().any(|(schema, name)| *schema == root.schema && *name == root.name)
            };
            self.check_some(target, &catalog, &named).await?;
            Ok(())
        })
    }

    fn copies(&self, schema: &str, table: &str) -> bool {
        // Rows of extensions are nobody's to rewrite, and stay behind.
        self.table(schema, table).is_some_and(|plan| plan.action != Action::Empty)
    }
}

/// Changes the rows of one table.
pub(super) struct Rows<'a> {
    schema: String,
    table: String,
    /// In the order of the copy.
    columns: Vec<&'a ColumnPlan>,
    /// For each of them, the places of the columns that decide by how many days its dates move.
    subjects: Vec<Vec<usize>>,
    notes: Notes<'a>,
    fields: Vec<Range<usize>>,
}

impl<'a> Rows<'a> {
    pub fn new(
        plan: &'a Plan,
        table_plan: &'a TablePlan,
        schema: &str,
        table: &str,
        columns: &[String],
    ) -> Result<Self, MaskError> {
        let place = |name: &String| columns.iter().position(|column| column == name);
        let find = |name: &String| table_plan.columns.iter().find(|column| column.name == *name);
        let unknown = || MaskError::UnknownTable { table: rules::table_name(schema, table) };
        let found: Vec<&ColumnPlan> = columns.iter().map(find).collect::<Option<_>>().ok_or_else(unknown)?;
        let subjects = found.iter().map(|column| column.subject.iter().filter_map(place).collect()).collect();
        Ok(Self {
            schema: schema.to_owned(),
            table: table.to_owned(),
            columns: found,
            subjects,
            notes: plan.originals.notes(),
            fields: Vec::new(),
        })
    }

    fn name(&self, column: &ColumnPlan) -> ColumnName {
        ColumnName::new(&self.schema, &self.table, &column.name)
    }

    fn value(&mut self, at: usize, line: &[u8], out: &mut Vec<u8>) -> Result<(), MaskError> {
        let column = self.columns[at];
        let raw = &line[self.fields[at].clone()];
        if raw == text::NULL || (column.cell.is_none() && !column.watched) {
            out.extend_from_slice(raw);
            return Ok(());
        }
        let wrong = |problem| MaskError::Value { column: self.name(column), problem };
        let value = text::unescape(raw);
        let value = std::str::from_utf8(&value).map_err(|_| wrong("it is not UTF-8"))?;
        let Some(cell) = &column.cell else {
            if let Some(kind) = seen(&column.shape, value) {
                return Err(MaskError::Personal { column: self.name(column), kind });
            }
            out.extend_from_slice(raw);
            return Ok(());
        };
        let subject: Vec<u8> =
            self.subjects[at].iter().flat_map(|place| &line[self.fields[*place].clone()]).copied().collect();
        let made = cell.apply(value, &subject).map_err(wrong)?;
        if column.telling && made.as_deref() == Some(value) && value.chars().count() > 3 {
            return Err(wrong("its replacement would be the same"));
        }
        parts(&column.shape, value, &mut |part| self.notes.add(part));
        match made {
            Some(made) => text::escape(made.as_bytes(), out),
            None => out.extend_from_slice(text::NULL),
        }
        Ok(())
    }
}

impl RewriteRow for Rows<'_> {
    fn row(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.fields.clear();
        let mut start = 0;
        for (at, byte) in line.iter().enumerate() {
            if *byte == b'\t' {
                self.fields.push(start..at);
                start = at + 1;
            }
        }
        self.fields.push(start..line.len());
        if self.fields.len() != self.columns.len() && !(self.columns.is_empty() && line.is_empty()) {
            return Err(MaskError::UnknownTable { table: rules::table_name(&self.schema, &self.table) }.into());
        }
        for at in 0..self.columns.len() {
            if at > 0 {
                out.push(b'\t');
            }
            self.value(at, line, out)?;
        }
        Ok(())
    }
}

/// Something personal in a value that nobody has decided about.
fn seen(shape: &Shape, value: &str) -> Option<super::Kind> {
    let mut found = None;
    match shape {
        // Its bytes are hexadecimal digits here.
        Shape::Bytes => {}
        Shape::Json | Shape::Array(_) => {
            parts(shape, value, &mut |part| found = found.or_else(|| detect::strong(part)))
        }
        _ => found = detect::strong(value),
    }
    found
}

/// The texts that a value is made of: the strings of a document, the elements of an array, or itself.
pub(super) fn parts(shape: &Shape, value: &str, see: &mut dyn FnMut(&str)) {
    match shape {
        Shape::Array(element) => array::each(value, &mut |text| parts(element, text, see)),
        Shape::Json => {
            let read = json::rewrite::<&'static str>(value, &mut |_, leaf| {
                match leaf {
                    json::Leaf::String(text) | json::Leaf::Number(text) | json::Leaf::Key(text) => see(text),
                }
                Ok(json::Replace::Keep)
            });
            if read.is_err() {
                see(value);
            }
        }
        _ => see(value),
    }
}
