//! `UPDATE` and `DELETE`.

use std::fmt::Write as _;

use crate::plan::mutation::{Batch, Cell, Change, Delete, Update};
use crate::sql::{Alias, Writer, sql};

use super::response::{Written, reads_others};
use super::{Argument, CHANGED, Check, Context, Gives, Step};

/// Errors of these statements are told of the whole request, as Hasura does.
const PATH: &str = "$";

pub(super) fn update(context: Context<'_>, update: &Update) -> Vec<Step> {
    if let ([batch], false, false) = (update.batches.as_slice(), update.many, reads_others(&update.response)) {
        let mut writer = Writer::for_step(context);
        let checked = writer.update(update, batch, false);
        writer.checked(checked, |writer| writer.response(update.table, &update.response, &Written::Here));
        return vec![writer.into_step(PATH.to_owned(), Gives::Answer)];
    }
    let mut steps = Vec::new();
    let mut written = Vec::new();
    for batch in &update.batches {
        if batch.changes.is_empty() {
            written.push(Written::Nothing);
            continue;
        }
        let mut writer = Writer::for_step(context);
        let checked = writer.update(update, batch, true);
        writer.give_rows(checked);
        written.push(Written::Steps { rows: vec![steps.len()], count: Argument::Count(steps.len()) });
        steps.push(writer.into_step(PATH.to_owned(), Gives::Rows { expected: None }));
    }
    let mut writer = Writer::for_step(context);
    writer.out.push_str("SELECT ");
    if update.many {
        writer.list_of(&written, |writer, written| writer.response(update.table, &update.response, written));
    } else if let [written] = written.as_slice() {
        writer.response(update.table, &update.response, written);
    }
    steps.push(writer.into_step(PATH.to_owned(), Gives::Answer));
    steps
}

pub(super) fn delete(context: Context<'_>, delete: &Delete) -> Vec<Step> {
    let whole = reads_others(&delete.response);
    let mut writer = Writer::for_step(context);
    let alias = writer.alias();
    let relation = &context.schema.tables[delete.table].relation;
    sql!(writer, "WITH {CHANGED} AS (DELETE FROM {relation} AS \"{alias}\" WHERE ");
    writer.filter(delete.table, &delete.filter, alias);
    writer.returning(delete.table, alias, whole, None);
    if !whole {
        writer.checked(false, |writer| writer.response(delete.table, &delete.response, &Written::Here));
        return vec![writer.into_step(PATH.to_owned(), Gives::Answer)];
    }
    writer.give_rows(false);
    let first = writer.into_step(PATH.to_owned(), Gives::Rows { expected: None });
    let mut writer = Writer::for_step(context);
    writer.out.push_str("SELECT ");
    let written = Written::Steps { rows: vec![0], count: Argument::Count(0) };
    writer.response(delete.table, &delete.response, &written);
    vec![first, writer.into_step(PATH.to_owned(), Gives::Answer)]
}

impl Writer<'_> {
    /// `WITH "$changed" AS (UPDATE …)`; true when its rows are checked.
    fn update(&mut self, update: &Update, batch: &Batch, whole: bool) -> bool {
        let alias = self.alias();
        let table = update.table;
        let relation = &self.schema.tables[table].relation;
        sql!(self, "WITH {CHANGED} AS (UPDATE {relation} AS \"{alias}\" SET ");
        for (index, (column, change)) in batch.changes.iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            sql!(self, "{} = ", self.schema.column(table, *column).ident);
            self.change(table, *column, change, alias);
        }
        self.out.push_str(" WHERE ");
        self.filter(table, &batch.filter, alias);
        let check = Check::of(&update.check);
        self.returning(table, alias, whole, check.as_ref());
        check.is_some()
    }

    fn change(&mut self, table: usize, column: usize, change: &Change, alias: Alias) {
        let schema = self.schema;
        let ident = &schema.column(table, column).ident;
        let (operator, cell) = match change {
            Change::Set(cell) => return self.cell(cell),
            Change::Prepend(cell) => {
                self.cell(cell);
                sql!(self, " || \"{alias}\".{ident}");
                return;
            }
            Change::Add(cell) => ("+", cell),
            Change::Multiply(cell) => ("*", cell),
            Change::Append(cell) => ("||", cell),
            Change::Remove(operator, cell) => (*operator, cell),
        };
        sql!(self, "\"{alias}\".{ident} {operator} ");
        self.cell(cell);
    }

    pub(super) fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Parameter(id, cast) => self.value(*id, cast),
            Cell::Null => self.out.push_str("NULL"),
            Cell::Default => self.out.push_str("DEFAULT"),
        }
    }

    /// A JSON array of the values that `write` writes.
    fn list_of<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.out.push_str("(SELECT json_agg(\"$list\".\"value\") FROM (VALUES ");
        for (index, item) in items.iter().enumerate() {
            self.out.push_str(if index == 0 { "(" } else { ", (" });
            write(self, item);
            self.out.push(')');
        }
        self.out.push_str(") AS \"$list\"(\"value\"))");
    }
}
