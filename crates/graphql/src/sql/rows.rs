//! `FROM`, `WHERE`, `ORDER BY`, `LIMIT`.

use std::fmt::Write as _;

use crate::model::Returned;
use crate::plan::{Filter, Offset, Order, OrderJoin, OrderTarget, OrderValue, Over, Rows};
use crate::schema::{Relationship, Schema};

use super::{Alias, Join, Part, Writer, sql};

impl<'s> Writer<'s> {
    /// The rows under the name `alias`. What limits them goes into a sub-select, so that relationships are read for
    /// the rows that are left only.
    pub(super) fn from(&mut self, table: usize, rows: &Rows, part: Part, join: Option<Join<'s>>, alias: Alias) {
        let outer = join.map(|join| join.outer);
        let plain = rows.distinct.is_empty() && rows.order.is_empty() && part.limit.is_none() && rows.offset.is_none();
        if plain && rows.joins.is_empty() {
            self.out.push_str(" FROM ");
            self.source(table, &rows.from, outer);
            sql!(self, " AS \"{alias}\"");
            self.conditions(table, rows, join, alias, None);
            return;
        }
        self.out.push_str(" FROM (SELECT ");
        self.distinct(table, rows, alias);
        sql!(self, "\"{alias}\".* FROM ");
        self.source(table, &rows.from, outer);
        sql!(self, " AS \"{alias}\"");
        let joined = self.order_joins(rows, alias);
        self.conditions(table, rows, join, alias, Some((&joined, part.complement)));
        self.order_of(table, rows, &joined, alias, rows.reversed);
        if let Some(limit) = part.limit {
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

    fn conditions(
        &mut self,
        table: usize,
        rows: &Rows,
        join: Option<Join<'s>>,
        alias: Alias,
        ordered: Option<(&[Alias], bool)>,
    ) {
        let mut keyword = " WHERE ";
        if let Some(join) = join.filter(|join| join.relationship.is_some()) {
            self.out.push_str(keyword);
            self.join(join, alias);
            keyword = " AND ";
        }
        if !rows.filter.is_everything() {
            self.out.push_str(keyword);
            self.filter(table, &rows.filter, alias);
            keyword = " AND ";
        }
        if let (Some(split), Some((joined, complement))) = (&rows.split, ordered) {
            self.out.push_str(keyword);
            self.out.push_str(if complement { "(NOT " } else { "" });
            self.split(table, rows, split, joined, alias);
            self.out.push_str(if complement { ")" } else { "" });
        }
    }

    pub(super) fn join(&mut self, join: Join<'_>, inner: Alias) {
        let pairs = join.relationship.map_or(&[][..], |relationship| &relationship.join);
        for (index, (here, there)) in pairs.iter().enumerate() {
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
            self.out.push_str(if index == 0 { "" } else { ", " });
            self.seen(table, column, alias);
        }
        self.out.push_str(") ");
    }

    /// Joins the rows that the order looks at; none of them may multiply the rows that are sorted.
    fn order_joins(&mut self, rows: &Rows, alias: Alias) -> Vec<Alias> {
        let joined: Vec<Alias> = rows.joins.iter().map(|_| self.alias()).collect();
        self.order_joins_as(rows, &joined, alias);
        joined
    }

    pub(super) fn order_joins_as(&mut self, rows: &Rows, joined: &[Alias], alias: Alias) {
        let schema = self.schema;
        for (OrderJoin { outer, table, relationship, filter }, &inner) in rows.joins.iter().zip(joined) {
            let relationship = &schema.tables[*table].relationships[*relationship];
            let target = &schema.tables[relationship.target];
            let outer = outer.map_or(alias, |position| joined[position]);
            let is_unique = schema.is_unique(relationship);
            let start = if is_unique { " LEFT JOIN " } else { " LEFT JOIN LATERAL (SELECT * FROM " };
            sql!(self, "{start}{} AS \"{inner}\"", target.relation);
            self.out.push_str(if is_unique { " ON " } else { " WHERE " });
            self.join(Join { relationship: Some(relationship), outer }, inner);
            if !filter.is_everything() {
                self.out.push_str(" AND ");
                self.filter(relationship.target, filter, inner);
            }
            if !is_unique {
                sql!(self, " LIMIT 1) AS \"{inner}\" ON true");
            }
        }
    }

    pub(super) fn order_of(&mut self, table: usize, rows: &Rows, joined: &[Alias], alias: Alias, reversed: bool) {
        for (index, order) in rows.order.iter().enumerate() {
            self.out.push_str(if index == 0 { " ORDER BY " } else { ", " });
            self.order_value(table, rows, order, joined, alias);
            let direction = if reversed { order.direction.reversed() } else { order.direction };
            sql!(self, " {}", direction.sql());
        }
    }

    /// What rows are sorted by.
    pub(super) fn order_value(&mut self, table: usize, rows: &Rows, order: &Order, joined: &[Alias], alias: Alias) {
        let (table, alias) = match order.joined {
            Some(position) => {
                let OrderJoin { table, relationship, .. } = rows.joins[position];
                (self.schema.tables[table].relationships[relationship].target, joined[position])
            }
            None => (table, alias),
        };
        self.order_target(table, &order.target, alias);
    }

    fn order_target(&mut self, table: usize, target: &OrderTarget, alias: Alias) {
        match target {
            OrderTarget::Column(column) => self.seen(table, *column, alias),
            OrderTarget::Computed { computed, call } => self.seen_computed(table, *computed, call, alias),
            OrderTarget::Aggregate { over, filter, value } => self.order_aggregate(table, over, filter, *value, alias),
        }
    }

    fn order_aggregate(&mut self, table: usize, over: &Over, filter: &Filter, value: OrderValue, outer: Alias) {
        let schema = self.schema;
        let inner = self.alias();
        let relationship = match over {
            Over::Relationship(relationship) => Some(&schema.tables[table].relationships[*relationship]),
            Over::Computed { .. } => None,
        };
        let target = match (over, relationship) {
            (_, Some(relationship)) => relationship.target,
            (Over::Computed { computed, .. }, None) => match schema.tables[table].computed[*computed].returns {
                Returned::Table { table, .. } => table,
                Returned::Scalar { .. } => unreachable!("rows are aggregated, not a value"),
            },
            (Over::Relationship(_), None) => unreachable!("a relationship was found above"),
        };
        self.out.push_str("(SELECT ");
        match value {
            OrderValue::Count => self.out.push_str("count(*)"),
            OrderValue::Op(op, column) => self.op(target, op, column, inner),
        }
        self.out.push_str(" FROM ");
        match over {
            Over::Relationship(_) => self.out.push_str(&schema.tables[target].relation),
            Over::Computed { computed, call } => self.computed_call(table, *computed, call, outer),
        }
        sql!(self, " AS \"{inner}\"");
        let mut keyword = " WHERE ";
        if relationship.is_some() {
            self.out.push_str(keyword);
            self.join(Join { relationship, outer }, inner);
            keyword = " AND ";
        }
        if !filter.is_everything() {
            self.out.push_str(keyword);
            self.filter(target, filter, inner);
        }
        self.out.push(')');
    }
}

impl Schema {
    /// True when the database promises at most one row over the relationship.
    fn is_unique(&self, relationship: &Relationship) -> bool {
        let target = &self.tables[relationship.target];
        let covered = |key: &[usize]| {
            !key.is_empty() && key.iter().all(|column| relationship.columns.iter().any(|(_, there)| there == column))
        };
        covered(&target.primary_key) || target.unique_keys.iter().any(|key| covered(&key.columns))
    }
}
