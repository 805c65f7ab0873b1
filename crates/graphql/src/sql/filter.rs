//! Boolean expressions.

use std::fmt::Write as _;

use crate::plan::{Filter, Fold, Subject};
use crate::schema::Operand;

use super::{Alias, Join, Writer, sql};

impl Writer<'_> {
    pub(super) fn filter(&mut self, table: usize, filter: &Filter, alias: Alias) {
        self.filter_of(table, filter, alias, None);
    }

    /// `fold` is the aggregate that [`Subject::Fold`] stands for.
    fn filter_of(&mut self, table: usize, filter: &Filter, alias: Alias, fold: Option<&Fold>) {
        match filter {
            Filter::All(filters) => self.connected(table, filters, alias, fold, " AND ", "true"),
            Filter::Any(filters) => self.connected(table, filters, alias, fold, " OR ", "false"),
            Filter::Not(filter) => {
                self.out.push_str("(NOT ");
                self.filter_of(table, filter, alias, fold);
                self.out.push(')');
            }
            Filter::IsNull { subject, wanted } => {
                self.out.push('(');
                self.subject(table, *subject, alias, fold);
                self.out.push_str(if *wanted { " IS NULL)" } else { " IS NOT NULL)" });
            }
            Filter::Compare { subject, operator, parameter, cast } => {
                self.out.push('(');
                self.subject(table, *subject, alias, fold);
                let number = parameter + 1;
                match operator.operand {
                    Operand::Same | Operand::Flag => sql!(self, " {} (${number})::{cast})", operator.sql),
                    Operand::List => sql!(self, " {} ((${number})::{cast}[]))", operator.sql),
                    Operand::Text => sql!(self, " {} (${number})::text)", operator.sql),
                    Operand::TextList => sql!(self, " {} (${number})::text[])", operator.sql),
                }
            }
            Filter::Related { relationship, filter } => self.related(table, *relationship, filter, alias),
            Filter::Folded { relationship, fold, filter, predicate } => {
                self.folded(table, *relationship, fold, filter, predicate, alias);
            }
        }
    }

    fn connected(
        &mut self,
        table: usize,
        filters: &[Filter],
        alias: Alias,
        fold: Option<&Fold>,
        connective: &str,
        empty: &str,
    ) {
        if filters.is_empty() {
            self.out.push_str(empty);
            return;
        }
        self.out.push('(');
        for (index, filter) in filters.iter().enumerate() {
            if index > 0 {
                self.out.push_str(connective);
            }
            self.filter_of(table, filter, alias, fold);
        }
        self.out.push(')');
    }

    fn related(&mut self, table: usize, relationship: usize, filter: &Filter, outer: Alias) {
        let schema = self.schema;
        let relationship = &schema.tables[table].relationships[relationship];
        let inner = self.alias();
        sql!(self, "EXISTS (SELECT 1 FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship, outer }, inner);
        if !filter.is_everything() {
            self.out.push_str(" AND ");
            self.filter(relationship.target, filter, inner);
        }
        self.out.push(')');
    }

    fn folded(
        &mut self,
        table: usize,
        relationship: usize,
        fold: &Fold,
        filter: &Filter,
        predicate: &Filter,
        outer: Alias,
    ) {
        let schema = self.schema;
        let relationship = &schema.tables[table].relationships[relationship];
        let inner = self.alias();
        self.out.push_str("(SELECT ");
        self.filter_of(relationship.target, predicate, inner, Some(fold));
        sql!(self, " FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship, outer }, inner);
        if !filter.is_everything() {
            self.out.push_str(" AND ");
            self.filter(relationship.target, filter, inner);
        }
        self.out.push(')');
    }

    fn subject(&mut self, table: usize, subject: Subject, alias: Alias, fold: Option<&Fold>) {
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
            (Subject::Fold, None) => unreachable!("only a predicate over an aggregate has this subject"),
        }
    }
}
