//! `FROM`, `WHERE`, `ORDER BY`, `LIMIT`.

use std::fmt::Write as _;

use crate::plan::{Offset, Order, OrderTarget, Rows};

use super::{Alias, Join, Writer, sql};

impl<'s> Writer<'s> {
    /// The rows under the name `alias`. What limits them goes into a sub-select, so that relationships are read for
    /// the rows that are left only.
    pub(super) fn from(&mut self, table: usize, rows: &Rows, join: Option<Join<'s>>, alias: Alias) {
        let relation = &self.schema.tables[table].relation;
        let plain = rows.distinct.is_empty() && rows.order.is_empty() && rows.limit.is_none() && rows.offset.is_none();
        if plain {
            sql!(self, " FROM {relation} AS \"{alias}\"");
            self.conditions(table, rows, join, alias);
            return;
        }
        self.out.push_str(" FROM (SELECT ");
        self.distinct(table, rows, alias);
        sql!(self, "\"{alias}\".* FROM {relation} AS \"{alias}\"");
        self.conditions(table, rows, join, alias);
        self.order(table, rows, alias);
        if let Some(limit) = rows.limit {
            sql!(self, " LIMIT {limit}");
        }
        match rows.offset {
            Some(Offset::Fixed(offset)) => sql!(self, " OFFSET {offset}"),
            Some(Offset::Parameter(id)) => {
                self.out.push_str(" OFFSET ");
                self.parameter(id);
                self.out.push_str("::int8");
            }
            None => {}
        }
        sql!(self, ") AS \"{alias}\"");
    }

    fn conditions(&mut self, table: usize, rows: &Rows, join: Option<Join<'s>>, alias: Alias) {
        let mut keyword = " WHERE ";
        if let Some(join) = join {
            self.out.push_str(keyword);
            self.join(join, alias);
            keyword = " AND ";
        }
        if !rows.filter.is_everything() {
            self.out.push_str(keyword);
            self.filter(table, &rows.filter, alias);
        }
    }

    pub(super) fn join(&mut self, join: Join<'_>, inner: Alias) {
        for (index, (here, there)) in join.relationship.join.iter().enumerate() {
            let and = if index == 0 { "" } else { " AND " };
            sql!(self, "{and}\"{inner}\".{there} = \"{}\".{here}", join.outer);
        }
    }

    fn distinct(&mut self, table: usize, rows: &Rows, alias: Alias) {
        if rows.distinct.is_empty() {
            return;
        }
        self.out.push_str("DISTINCT ON (");
        for (index, &column) in rows.distinct.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            sql!(self, "{comma}\"{alias}\".{}", self.schema.column(table, column).ident);
        }
        self.out.push_str(") ");
    }

    fn order(&mut self, table: usize, rows: &Rows, alias: Alias) {
        for (index, order) in rows.order.iter().enumerate() {
            self.out.push_str(if index == 0 { " ORDER BY " } else { ", " });
            self.order_item(table, order, alias);
        }
    }

    fn order_item(&mut self, table: usize, order: &Order, alias: Alias) {
        self.order_target(table, &order.target, alias);
        sql!(self, " {}", order.direction.sql());
    }

    fn order_target(&mut self, table: usize, target: &OrderTarget, alias: Alias) {
        let schema = self.schema;
        let (relationship, expression) = match target {
            OrderTarget::Column(column) => {
                sql!(self, "\"{alias}\".{}", schema.column(table, *column).ident);
                return;
            }
            OrderTarget::Related { relationship, .. } => (*relationship, None),
            OrderTarget::Count { relationship } => (*relationship, Some(None)),
            OrderTarget::Op { relationship, op, column } => (*relationship, Some(Some((*op, *column)))),
        };
        let relationship = &schema.tables[table].relationships[relationship];
        let inner = self.alias();
        self.out.push_str("(SELECT ");
        match (expression, target) {
            (Some(None), _) => self.out.push_str("count(*)"),
            (Some(Some((op, column))), _) => self.op(relationship.target, op, column, inner),
            (None, OrderTarget::Related { target, .. }) => self.order_target(relationship.target, target, inner),
            (None, _) => {}
        }
        sql!(self, " FROM {} AS \"{inner}\" WHERE ", schema.tables[relationship.target].relation);
        self.join(Join { relationship, outer: alias }, inner);
        self.out.push(')');
    }
}
