//! Boolean expressions.

use std::fmt::Write as _;

use crate::plan::{Filter, Fold, Operand, Subject};
use crate::schema::OperandKind;

use super::{Alias, Join, Writer, sql};

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Scope<'f> {
    /// The row it is about.
    alias: Alias,
    /// The aggregate that [`Subject::Fold`] stands for.
    fold: Option<&'f Fold>,
    /// Table and row around the whole condition.
    root: (usize, Alias),
}

impl Writer<'_> {
    pub(super) fn filter(&mut self, table: usize, filter: &Filter, alias: Alias) {
        self.filter_of(table, filter, Scope { alias, fold: None, root: (table, alias) });
    }

    fn filter_of(&mut self, table: usize, filter: &Filter, scope: Scope<'_>) {
        match filter {
            Filter::All(filters) => self.connected(table, filters, scope, " AND ", "true"),
            Filter::Any(filters) => self.connected(table, filters, scope, " OR ", "false"),
            Filter::Not(filter) => {
                self.out.push_str("(NOT ");
                self.filter_of(table, filter, scope);
                self.out.push(')');
            }
            Filter::IsNull { subject, wanted } => {
                self.out.push('(');
                self.subject(table, *subject, scope);
                self.out.push_str(if *wanted { " IS NULL)" } else { " IS NOT NULL)" });
            }
            Filter::Compare { subject, operator, operand, cast } => {
                self.out.push('(');
                self.subject(table, *subject, scope);
                let operand = self.operand(table, operand, scope);
                match operator.operand {
                    OperandKind::Same | OperandKind::Flag => sql!(self, " {} ({operand})::{cast})", operator.sql),
                    OperandKind::List => sql!(self, " {} (({operand})::{cast}[]))", operator.sql),
                    OperandKind::Text => sql!(self, " {} ({operand})::text)", operator.sql),
                    OperandKind::TextList => sql!(self, " {} ({operand})::text[])", operator.sql),
                }
            }
            Filter::Exists { table, filter } => {
                let inner = self.alias();
                sql!(self, "EXISTS (SELECT 1 FROM {} AS \"{inner}\" WHERE ", self.schema.tables[*table].relation);
                self.filter_of(*table, filter, Scope { alias: inner, fold: None, ..scope });
                self.out.push(')');
            }
            Filter::Rooted(filter) => self.filter_of(table, filter, Scope { root: (table, scope.alias), ..scope }),
            Filter::Related { relationship, filter } => self.related(table, *relationship, filter, scope),
            Filter::Folded { relationship, fold, filter, predicate } => {
                self.folded(table, *relationship, fold, (filter, predicate), scope);
            }
        }
    }

    fn connected(&mut self, table: usize, filters: &[Filter], scope: Scope<'_>, connective: &str, empty: &str) {
        if filters.is_empty() {
            self.out.push_str(empty);
            return;
        }
        self.out.push('(');
        for (index, filter) in filters.iter().enumerate() {
            if index > 0 {
                self.out.push_str(connective);
            }
            self.filter_of(table, filter, scope);
        }
        self.out.push(')');
    }

    fn related(&mut self, table: usize, relationship: usize, filter: &Filter, scope: Scope<'_>) {
        let schema = self.schema;
        let relationship = &schema.tables[table].relationships[relationship];
        let inner = self.alias();
        sql!(self, "EXISTS (SELECT 1 FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship, outer: scope.alias }, inner);
        if !filter.is_everything() {
            self.out.push_str(" AND ");
            self.filter_of(relationship.target, filter, Scope { alias: inner, fold: None, ..scope });
        }
        self.out.push(')');
    }

    fn folded(
        &mut self,
        table: usize,
        relationship: usize,
        fold: &Fold,
        (filter, predicate): (&Filter, &Filter),
        scope: Scope<'_>,
    ) {
        let schema = self.schema;
        let relationship = &schema.tables[table].relationships[relationship];
        let inner = self.alias();
        self.out.push_str("(SELECT ");
        self.filter_of(relationship.target, predicate, Scope { alias: inner, fold: Some(fold), ..scope });
        sql!(self, " FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship, outer: scope.alias }, inner);
        if !filter.is_everything() {
            self.out.push_str(" AND ");
            self.filter_of(relationship.target, filter, Scope { alias: inner, fold: None, ..scope });
        }
        self.out.push(')');
    }

    /// A parameter, or another column.
    fn operand(&mut self, table: usize, operand: &Operand, scope: Scope<'_>) -> String {
        let column = |table: usize, column: usize, alias: Alias| {
            format!("\"{alias}\".{}", self.schema.column(table, column).ident)
        };
        match operand {
            Operand::Parameter(id) => format!("${}", id + 1),
            Operand::Column { root: false, column: found } => column(table, *found, scope.alias),
            Operand::Column { root: true, column: found } => column(scope.root.0, *found, scope.root.1),
            Operand::Session(_) | Operand::Literal(_) => unreachable!("planning makes parameters of them"),
        }
    }

    fn subject(&mut self, table: usize, subject: Subject, scope: Scope<'_>) {
        let Scope { alias, fold, .. } = scope;
        match (subject, fold) {
            (Subject::Column(column), _) => sql!(self, "\"{alias}\".{}", self.schema.column(table, column).ident),
            (Subject::ColumnText(column), _) => {
                sql!(self, "\"{alias}\".{}::text", self.schema.column(table, column).ident);
            }
            (Subject::Fold, Some(Fold::Count { columns, distinct })) => self.count(table, columns, *distinct, alias),
            (Subject::Fold, Some(Fold::Boolean { fold, column, distinct })) => {
                let distinct = if *distinct { "DISTINCT " } else { "" };
                let column = &self.schema.column(table, *column).ident;
                sql!(self, "{}({distinct}\"{alias}\".{column})", fold.name());
            }
            (Subject::Computed(computed), _) => {
                let function = &self.schema.tables[table].computed[computed].function;
                sql!(self, "{function}(\"{alias}\")");
            }
            (Subject::Fold, None) => unreachable!("only a predicate over an aggregate has this subject"),
        }
    }
}
