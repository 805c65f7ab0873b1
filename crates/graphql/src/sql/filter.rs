//! Boolean expressions.

use std::fmt::Write as _;

use crate::model::Returned;
use crate::plan::{Cast, Field, Filter, Fold, Operand, Reader, Subject};
use crate::schema::{Operator, Syntax, Takes, sibling_type};

use super::{Alias, Join, Writer, sql};

/// The row a filter is about.
#[derive(Debug, Clone, Copy)]
struct Row<'f> {
    table: usize,
    alias: Alias,
    /// The row that the outermost filter is about, which a permission may compare with.
    root: (usize, Alias),
    /// The aggregate that [`Subject::Fold`] stands for.
    fold: Option<&'f Fold>,
    /// Inside a permission's condition, which compares what is there and not what the role sees of it.
    plain: bool,
}

impl Row<'_> {
    /// A row inside a sub-select.
    fn inner(self, table: usize, alias: Alias) -> Self {
        Self { table, alias, fold: None, ..self }
    }
}

impl Writer<'_> {
    pub(super) fn filter(&mut self, table: usize, filter: &Filter, alias: Alias) {
        self.filter_of(filter, Row { table, alias, root: (table, alias), fold: None, plain: false });
    }

    fn filter_of(&mut self, filter: &Filter, row: Row<'_>) {
        match filter {
            Filter::All(filters) => self.connected(filters, row, " AND ", "true"),
            Filter::Any(filters) => self.connected(filters, row, " OR ", "false"),
            Filter::Not(filter) => {
                self.out.push_str("(NOT ");
                self.filter_of(filter, row);
                self.out.push(')');
            }
            Filter::IsNull { subject, wanted } => {
                self.out.push('(');
                self.subject(subject, row);
                self.out.push_str(if *wanted { " IS NULL)" } else { " IS NOT NULL)" });
            }
            Filter::Compare { subject, operator, operand, cast } => self.compare(subject, operator, operand, cast, row),
            Filter::Rooted(filter) => {
                self.filter_of(filter, Row { root: (row.table, row.alias), plain: true, ..row });
            }
            Filter::ComputedRows { computed, session, filter } => {
                self.computed_rows(*computed, session.as_ref(), filter, row);
            }
            Filter::Call { subject, operator, arguments } => self.call(subject, operator, arguments, row),
            Filter::Exists { table, filter } => {
                let inner = self.alias();
                sql!(self, "EXISTS (SELECT 1 FROM {} AS \"{inner}\" WHERE ", self.schema.tables[*table].relation);
                self.filter_of(filter, row.inner(*table, inner));
                self.out.push(')');
            }
            Filter::Related { relationship, filter } => self.related(*relationship, filter, row),
            Filter::Folded { relationship, fold, filter, predicate } => {
                self.folded(*relationship, fold, filter, predicate, row);
            }
        }
    }

    fn compare(&mut self, subject: &Subject, operator: &Operator, value: &Operand, cast: &Cast, row: Row<'_>) {
        match operator.syntax {
            Syntax::Infix(sql) => {
                self.out.push('(');
                self.subject(subject, row);
                sql!(self, " {sql} ");
            }
            Syntax::Call(function) => {
                sql!(self, "{}(", sibling_type(&cast.sql, function));
                self.subject(subject, row);
                self.out.push_str(", ");
            }
        }
        match (operator.takes, value) {
            (Takes::List | Takes::TextList(_), Operand::Parameter(_)) => {
                // `= ANY` wants a second pair of parentheses around anything but a plain parameter.
                self.out.push('(');
                self.list(value, cast, row);
                self.out.push(')');
            }
            _ => self.operand(value, cast, row),
        }
        self.out.push(')');
    }

    /// `"public"."st_dwithin"("_1"."place", …, …)`
    fn call(&mut self, subject: &Subject, operator: &Operator, arguments: &[(Operand, Cast)], row: Row<'_>) {
        let Syntax::Call(function) = operator.syntax else {
            unreachable!("an operator over several values is a function");
        };
        let scope = arguments.iter().map(|(_, cast)| cast).find(|cast| cast.reader != Reader::Text);
        let name = scope.map_or_else(|| function.to_owned(), |cast| sibling_type(&cast.sql, function));
        sql!(self, "{name}(");
        self.subject(subject, row);
        for (value, cast) in arguments {
            self.out.push_str(", ");
            self.operand(value, cast, row);
        }
        self.out.push(')');
    }

    fn operand(&mut self, value: &Operand, cast: &Cast, row: Row<'_>) {
        match value {
            Operand::Parameter(id) => self.value(*id, cast),
            Operand::Column { root, column } => {
                let (table, alias) = if *root { row.root } else { (row.table, row.alias) };
                self.compared(*column, Row { table, alias, ..row });
            }
            Operand::Null => sql!(self, "NULL::{}", cast.sql),
            Operand::Session(_) | Operand::WholeSession | Operand::Literal(_) => {
                unreachable!("planning puts a parameter in the place of a permission's value")
            }
        }
    }

    fn list(&mut self, value: &Operand, cast: &Cast, row: Row<'_>) {
        let Operand::Parameter(id) = *value else { return self.operand(value, cast, row) };
        match cast.reader {
            Reader::Text => {
                self.parameter(id);
                sql!(self, "::{}[]", cast.sql);
            }
            reader => {
                self.out.push_str("ARRAY(SELECT ");
                self.read(reader, cast, |writer| writer.out.push_str("\"value\""));
                self.out.push_str(" FROM unnest(");
                self.parameter(id);
                self.out.push_str("::text[]) AS \"value\")");
            }
        }
    }

    fn connected(&mut self, filters: &[Filter], row: Row<'_>, connective: &str, empty: &str) {
        if filters.is_empty() {
            self.out.push_str(empty);
            return;
        }
        self.out.push('(');
        for (index, filter) in filters.iter().enumerate() {
            if index > 0 {
                self.out.push_str(connective);
            }
            self.filter_of(filter, row);
        }
        self.out.push(')');
    }

    fn related(&mut self, relationship: usize, filter: &Filter, row: Row<'_>) {
        let schema = self.schema;
        let relationship = &schema.tables[row.table].relationships[relationship];
        let inner = self.alias();
        sql!(self, "EXISTS (SELECT 1 FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship: Some(relationship), outer: row.alias }, inner);
        if !filter.is_everything() {
            self.out.push_str(" AND ");
            self.filter_of(filter, row.inner(relationship.target, inner));
        }
        self.out.push(')');
    }

    fn folded(&mut self, relationship: usize, fold: &Fold, filter: &Filter, predicate: &Filter, row: Row<'_>) {
        let schema = self.schema;
        let relationship = &schema.tables[row.table].relationships[relationship];
        let inner = self.alias();
        let inside = row.inner(relationship.target, inner);
        self.out.push_str("(SELECT ");
        self.filter_of(predicate, Row { fold: Some(fold), ..inside });
        sql!(self, " FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship: Some(relationship), outer: row.alias }, inner);
        if !filter.is_everything() {
            self.out.push_str(" AND ");
            self.filter_of(filter, inside);
        }
        // One row comes out even where the predicate, being empty, folds nothing.
        self.out.push_str(" HAVING true)");
    }

    /// A row that the function gives for this row passes.
    fn computed_rows(&mut self, computed: usize, session: Option<&Operand>, filter: &Filter, row: Row<'_>) {
        let Returned::Table { table: target, .. } = self.schema.tables[row.table].computed[computed].returns else {
            unreachable!("only a computed field of rows is filtered this way");
        };
        let inner = self.alias();
        self.out.push_str("EXISTS (SELECT 1 FROM ");
        self.computed_of_row(row.table, computed, session, row.alias);
        sql!(self, " AS \"{inner}\" WHERE ");
        self.filter_of(filter, row.inner(target, inner));
        self.out.push(')');
    }

    fn compared(&mut self, column: usize, row: Row<'_>) {
        if row.plain {
            sql!(self, "\"{}\".{}", row.alias, self.schema.column(row.table, column).ident);
        } else {
            self.seen(row.table, column, row.alias);
        }
    }

    fn computed_subject(&mut self, computed: usize, session: Option<&Operand>, row: Row<'_>) {
        let Row { table, alias, .. } = row;
        let value = |writer: &mut Self| writer.computed_of_row(table, computed, session, alias);
        if row.plain {
            value(self);
        } else {
            self.conditional(table, Field::Computed(computed), alias, value);
        }
    }

    fn subject(&mut self, subject: &Subject, row: Row<'_>) {
        let Row { table, alias, fold, .. } = row;
        match (subject, fold) {
            (Subject::Column(column), _) => self.compared(*column, row),
            (Subject::Cast(column, cast), _) => {
                self.compared(*column, row);
                sql!(self, "::{cast}");
            }
            (Subject::Computed { computed, session }, _) => self.computed_subject(*computed, session.as_ref(), row),
            (Subject::Fold, Some(Fold::Count { columns, distinct })) => self.count(table, columns, *distinct, alias),
            (Subject::Fold, Some(Fold::Of { function, columns, distinct })) => {
                let distinct = if *distinct { "DISTINCT " } else { "" };
                sql!(self, "{}({distinct}", function.name());
                for (index, column) in columns.iter().enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    self.compared(*column, row);
                }
                self.out.push(')');
            }
            (Subject::Fold, None) => unreachable!("only a predicate over an aggregate has this subject"),
        }
    }
}
