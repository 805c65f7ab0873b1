//! Connections: edges with cursors, and what is told of the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{
    Connection, ConnectionOutput, ConnectionValue, Direction, EdgeOutput, EdgeValue, Order, PageInfo, PageOutput, Rows,
    Slice, Split,
};

use super::{Alias, Join, Part, Writer, sql};

impl<'s> Writer<'s> {
    pub(super) fn connection(&mut self, connection: &Connection, join: Option<Join<'s>>) {
        let (alias, result) = (self.alias(), self.alias());
        let mut edges = 0;
        let write = |writer: &mut Self, output: &ConnectionOutput| match &output.value {
            ConnectionValue::TypeName(name) => writer.type_name(name),
            ConnectionValue::Edges(_) => {
                edges += 1;
                sql!(writer, "\"{result}\".\"e{edges}\"");
            }
            ConnectionValue::PageInfo(fields) => {
                let write = |writer: &mut Self, field: &PageOutput| match field.value {
                    PageInfo::TypeName => writer.out.push_str("'PageInfo'::text"),
                    PageInfo::Start => sql!(writer, "\"{result}\".\"start\""),
                    PageInfo::End => sql!(writer, "\"{result}\".\"end\""),
                    PageInfo::HasNext => writer.has_more(connection, join, true),
                    PageInfo::HasPrevious => writer.has_more(connection, join, false),
                };
                writer.object_of(fields, |field| &field.key, write, |_| {});
            }
        };
        self.object_of(
            &connection.output,
            |output| &output.key,
            write,
            |writer| writer.page(connection, join, alias, result),
        );
    }

    /// The page's edges in one list for each selection of them, and its first and last cursor.
    fn page(&mut self, connection: &Connection, join: Option<Join<'s>>, alias: Alias, result: Alias) {
        let edges: Vec<&[EdgeOutput]> = connection
            .output
            .iter()
            .filter_map(|output| match &output.value {
                ConnectionValue::Edges(edges) => Some(edges.as_slice()),
                _ => None,
            })
            .collect();
        let rows = self.alias();
        self.out.push_str(
            " FROM (SELECT coalesce((array_agg(\"cursor\"))[1], '') AS \"start\", \
             coalesce((array_agg(\"cursor\"))[count(*)], '') AS \"end\"",
        );
        for index in 1..=edges.len() {
            sql!(self, ", coalesce(json_agg(\"e{index}\"), '[]') AS \"e{index}\"");
        }
        self.out.push_str(" FROM (SELECT ");
        let limit = match connection.slice {
            Some(Slice::First(limit) | Slice::Last(limit)) => Some(limit),
            None => None,
        };
        // The joins stand after the columns that need them; their names are known beforehand.
        let joined: Vec<Alias> = connection.rows.joins.iter().map(|_| self.alias()).collect();
        self.cursor(connection, &joined, alias);
        self.out.push_str(" AS \"cursor\"");
        for (index, edge) in edges.iter().enumerate() {
            self.out.push_str(", ");
            self.edge(connection, edge, &joined, alias);
            sql!(self, " AS \"e{}\"", index + 1);
        }
        self.from(connection.table, &connection.rows, Part { limit, complement: false }, join, alias);
        self.order_joins_as(&connection.rows, &joined, alias);
        self.order_of(connection.table, &connection.rows, &joined, alias, false);
        sql!(self, ") AS \"{rows}\") AS \"{result}\"");
    }

    fn edge(&mut self, connection: &Connection, edge: &[EdgeOutput], joined: &[Alias], alias: Alias) {
        let write = |writer: &mut Self, output: &EdgeOutput| match &output.value {
            EdgeValue::TypeName(name) => writer.type_name(name),
            EdgeValue::Cursor => writer.cursor(connection, joined, alias),
            EdgeValue::Node(output) => writer.row_object(connection.table, output, alias),
        };
        self.object_of(edge, |output| &output.key, write, |_| {});
    }

    /// `{"id" : 2}` in base64, the values that the rows are sorted by.
    fn cursor(&mut self, connection: &Connection, joined: &[Alias], alias: Alias) {
        self.out.push_str("translate(encode(convert_to(");
        let items: Vec<(&[String], &Order)> =
            connection.cursor.iter().map(Vec::as_slice).zip(&connection.rows.order).collect();
        self.cursor_object(connection, &items, joined, alias);
        self.out.push_str("::text, 'UTF8'), 'base64'), E'\\n', '')");
    }

    fn cursor_object(
        &mut self,
        connection: &Connection,
        items: &[(&[String], &Order)],
        joined: &[Alias],
        alias: Alias,
    ) {
        let mut keys: Vec<&str> = Vec::new();
        let mut grouped: BTreeMap<&str, Vec<(&[String], &Order)>> = BTreeMap::new();
        for (path, order) in items {
            let Some((first, rest)) = path.split_first() else { continue };
            if !grouped.contains_key(first.as_str()) {
                keys.push(first);
            }
            grouped.entry(first).or_default().push((rest, order));
        }
        self.out.push_str("json_build_object(");
        for (index, key) in keys.into_iter().enumerate() {
            self.out.push_str(if index == 0 { "" } else { ", " });
            self.literal(key);
            self.out.push_str("::text, ");
            let inner = &grouped[key];
            match inner.as_slice() {
                [([], order), ..] => {
                    self.order_value(connection.table, &connection.rows, order, joined, alias);
                }
                nested => self.cursor_object(connection, nested, joined, alias),
            }
        }
        self.out.push(')');
    }

    /// `WyIx…`: `[1, "public", "author", 2]` in base64.
    pub(super) fn node_id(&mut self, table: usize, alias: Alias) {
        let found = &self.schema.tables[table];
        self.out.push_str("translate(encode(convert_to(json_build_array(1, ");
        self.literal(&found.schema_name);
        self.out.push_str("::text, ");
        self.literal(&found.table_name);
        self.out.push_str("::text");
        for &column in &found.primary_key {
            self.out.push_str(", ");
            self.seen(table, column, alias);
        }
        self.out.push_str(")::text, 'UTF8'), 'base64'), E'\\n', '')");
    }

    /// Whether there are rows beyond the page at either end.
    fn has_more(&mut self, connection: &Connection, join: Option<Join<'s>>, next: bool) {
        let beyond = match (connection.slice, next) {
            (Some(Slice::First(limit)), true) | (Some(Slice::Last(limit)), false) => Some(limit),
            _ => None,
        };
        let alias = self.alias();
        let split = connection.rows.split.as_ref().is_some_and(|split| split.after != next);
        match beyond {
            Some(limit) => {
                sql!(self, "((SELECT count(*) > {limit} FROM (SELECT 1");
                let part = Part { limit: Some(limit.saturating_add(1)), complement: false };
                self.from(connection.table, &connection.rows, part, join, alias);
                let counted = self.alias();
                sql!(self, ") AS \"{counted}\"))");
            }
            None if split => {
                self.out.push_str("EXISTS (SELECT 1");
                self.from(connection.table, &connection.rows, Part { limit: Some(1), complement: true }, join, alias);
                self.out.push(')');
            }
            None => self.out.push_str("false"),
        }
    }

    /// Rows after a point in the order, or before it.
    pub(super) fn split(&mut self, table: usize, rows: &Rows, split: &Split, joined: &[Alias], alias: Alias) {
        self.out.push('(');
        for last in 0..rows.order.len() {
            self.out.push_str(if last == 0 { "(" } else { " OR (" });
            for (index, (order, value)) in rows.order.iter().zip(&split.values).enumerate().take(last + 1) {
                self.out.push_str(if index == 0 { "" } else { " AND " });
                let expression = |writer: &mut Self| writer.order_value(table, rows, order, joined, alias);
                if index < last {
                    expression(self);
                    match value {
                        Some(id) => {
                            self.out.push_str(" = ");
                            self.parameter(*id);
                        }
                        None => self.out.push_str(" IS NULL"),
                    }
                    continue;
                }
                let (ascending, nulls_first) = order.direction.parts();
                let nulls_follow = nulls_first != split.after;
                match value {
                    // Beside a null, everything else comes after or nothing does.
                    None if nulls_follow => self.out.push_str("false"),
                    None => {
                        expression(self);
                        self.out.push_str(" IS NOT NULL");
                    }
                    Some(id) => {
                        self.out.push('(');
                        expression(self);
                        self.out.push_str(if ascending == split.after { " > " } else { " < " });
                        self.parameter(*id);
                        if nulls_follow {
                            self.out.push_str(" OR ");
                            expression(self);
                            self.out.push_str(" IS NULL");
                        }
                        self.out.push(')');
                    }
                }
            }
            self.out.push(')');
        }
        self.out.push(')');
    }
}

impl Direction {
    /// Whether it ascends, and whether nulls come first.
    fn parts(self) -> (bool, bool) {
        match self {
            Self::Asc | Self::AscNullsLast => (true, false),
            Self::AscNullsFirst => (true, true),
            Self::Desc | Self::DescNullsFirst => (false, true),
            Self::DescNullsLast => (false, false),
        }
    }

    pub(super) fn reversed(self) -> Self {
        match self.parts() {
            (true, false) => Self::Desc,
            (true, true) => Self::DescNullsLast,
            (false, true) => Self::Asc,
            (false, false) => Self::AscNullsFirst,
        }
    }
}
