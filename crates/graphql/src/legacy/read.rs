//! `select` and `count`.

use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use crate::failure::{Code, Failure};
use crate::plan::{
    AggregateOutput, AggregateSelect, AggregateValue, Direction, Field, FieldOutput, FieldValue, Filter, Offset, Order,
    OrderTarget, Output, OutputValue, RootValue, Rows, Select,
};
use crate::schema::TableId;

use super::{Reader, missing};

/// Nesting of `*.*.*` and of relationships.
const DEPTH_LIMIT: usize = 32;

/// `{"count": 3}` from what the aggregate gave.
pub(super) fn count_of(answer: &[u8]) -> Result<Bytes, Failure> {
    let found: Json =
        serde_json::from_slice(answer).map_err(|_| Failure::new(Code::Unexpected, "$.args", "internal error"))?;
    Ok(Bytes::from(json!({ "count": found["aggregate"]["count"] }).to_string()))
}

impl Reader<'_> {
    pub(super) fn select(&mut self, args: &Map<String, Json>) -> Result<RootValue, Failure> {
        Ok(RootValue::Rows(self.rows_of(self.table, args, "$.args", 0)?))
    }

    pub(super) fn count(&mut self, args: &Map<String, Json>) -> Result<RootValue, Failure> {
        let table = self.table;
        if self.planner.schema.select(table).is_none() {
            let more = "; \"count\" is only allowed if the role has \"select\" permissions on the table";
            return Err(self.denied(table, "select", more));
        }
        let mut rows = self.rows(table, args, "$.args")?;
        for (index, name) in args.get("distinct").and_then(Json::as_array).into_iter().flatten().enumerate() {
            let path = format!("$.args.distinct[{index}]");
            let column = self.selected_column(table, name.as_str().unwrap_or_default(), &path)?;
            self.planner.see(table, Field::Column(column))?;
            rows.distinct.push(column);
        }
        let count = FieldValue::Count { columns: Vec::new(), distinct: false };
        let fields = vec![FieldOutput { key: "count".to_owned(), value: count }];
        let output = vec![AggregateOutput { key: "aggregate".to_owned(), value: AggregateValue::Fields(fields) }];
        Ok(RootValue::Aggregate(AggregateSelect { table, rows, node_limit: None, output }))
    }

    fn rows_of(
        &mut self,
        table: TableId,
        query: &Map<String, Json>,
        path: &str,
        depth: usize,
    ) -> Result<Select, Failure> {
        if self.planner.schema.select(table).is_none() {
            return Err(self.denied(table, "select", ""));
        }
        let mut rows = self.rows(table, query, path)?;
        let permitted = self.planner.schema.select(table).and_then(|access| access.limit());
        rows.limit = [rows.limit, permitted].into_iter().flatten().min();
        let columns = query.get("columns").and_then(Json::as_array).ok_or_else(|| missing("columns", path))?;
        let mut output: Vec<Output> = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let path = format!("{path}.columns[{index}]");
            match column {
                Json::String(star) if star.starts_with('*') => self.star(table, star, &mut output, depth)?,
                Json::String(name) => {
                    let column = self.selected_column(table, name, &path)?;
                    self.planner.see(table, Field::Column(column))?;
                    push(&mut output, name, OutputValue::Column { column, path: None });
                }
                Json::Object(nested) => self.relationship(table, nested, &path, depth, &mut output)?,
                _ => return Err(Failure::new(Code::ParseFailed, path, "expected a column or a relationship")),
            }
        }
        Ok(Select { table, rows, output })
    }

    /// `*` is all columns, `*.*` those of the relationships too.
    fn star(&mut self, table: TableId, star: &str, output: &mut Vec<Output>, depth: usize) -> Result<(), Failure> {
        let schema = self.planner.schema;
        let access = schema.select(table);
        for (column, found) in schema.tables[table].columns.iter().enumerate() {
            if access.is_some_and(|access| access.column(column)) && !has(output, &found.sql_name) {
                self.planner.see(table, Field::Column(column))?;
                push(output, &found.sql_name, OutputValue::Column { column, path: None });
            }
        }
        let Some(rest) = star.strip_prefix("*.").filter(|_| depth < DEPTH_LIMIT) else { return Ok(()) };
        for (index, found) in schema.tables[table].relationships.iter().enumerate() {
            if schema.select(found.target).is_some() && !has(output, &found.name) {
                let query = Map::from_iter([("columns".to_owned(), json!([rest]))]);
                let select = self.rows_of(found.target, &query, "$.args", depth + 1)?;
                push(output, &found.name, related(index, found.single, select));
            }
        }
        Ok(())
    }

    fn relationship(
        &mut self,
        table: TableId,
        nested: &Map<String, Json>,
        path: &str,
        depth: usize,
        output: &mut Vec<Output>,
    ) -> Result<(), Failure> {
        if depth >= DEPTH_LIMIT {
            return Err(Failure::new(Code::BadRequest, path, "the query is nested too deeply"));
        }
        let schema = self.planner.schema;
        let name = nested.get("name").and_then(Json::as_str).ok_or_else(|| missing("name", path))?;
        let relationships = &schema.tables[table].relationships;
        let index = relationships.iter().position(|found| found.name == name).ok_or_else(|| {
            Failure::new(Code::NotExists, format!("{path}.name"), format!("relationship \"{name}\" does not exist"))
        })?;
        let found = &relationships[index];
        if schema.select(found.target).is_none() {
            let (role, target) = (&self.planner.session.role, schema.tables[found.target].display_name());
            let message = format!(
                "role \"{role}\" does not have permission to read relationship \"{name}\"; no permission on table {target}"
            );
            return Err(Failure::new(Code::PermissionDenied, path, message));
        }
        if found.single && ["where", "limit", "offset", "order_by"].iter().any(|key| nested.contains_key(*key)) {
            let message =
                "when selecting an 'obj_relationship' 'where', 'order_by', 'limit' and 'offset'  can't be used";
            return Err(Failure::new(Code::UnexpectedPayload, path, message));
        }
        let select = self.rows_of(found.target, nested, path, depth + 1)?;
        let key = nested.get("alias").and_then(Json::as_str).unwrap_or(name);
        push(output, key, related(index, found.single, select));
        Ok(())
    }

    fn rows(&mut self, table: TableId, query: &Map<String, Json>, path: &str) -> Result<Rows, Failure> {
        let mut rows = Rows::every();
        let filter = match query.get("where") {
            None | Some(Json::Null) => Filter::All(Vec::new()),
            Some(expression) => self.filter(table, expression, &format!("{path}.where"))?,
        };
        rows.filter = self.planner.visible(table, filter)?;
        if let Some(order) = query.get("order_by") {
            rows.order = self.order(table, order, &format!("{path}.order_by"))?;
        }
        rows.limit = whole(query, "limit", path)?.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        rows.offset = whole(query, "offset", path)?.map(Offset::Fixed);
        Ok(rows)
    }

    fn order(&mut self, table: TableId, order: &Json, path: &str) -> Result<Vec<Order>, Failure> {
        let single = std::slice::from_ref(order);
        let items = order.as_array().map_or(single, Vec::as_slice);
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let (name, direction) = order_item(item)
                .ok_or_else(|| Failure::new(Code::ParseFailed, path, "expected a column and a direction"))?;
            let column = self.selected_column(table, name, path)?;
            self.planner.see(table, Field::Column(column))?;
            found.push(Order { joined: None, target: OrderTarget::Column(column), direction });
        }
        Ok(found)
    }
}

/// `"id"`, `"-id"`, `{"column": "id", "type": "desc", "nulls": "first"}`
fn order_item(item: &Json) -> Option<(&str, Direction)> {
    let (name, kind, nulls) = match item {
        Json::String(text) => match text.strip_prefix('-') {
            Some(name) => (name, "desc", None),
            None => (text.strip_prefix('+').unwrap_or(text), "asc", None),
        },
        Json::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Json::as_str);
            (text("column")?, text("type").unwrap_or("asc"), text("nulls"))
        }
        _ => return None,
    };
    let direction = match (kind, nulls) {
        ("asc", Some("first")) => Direction::AscNullsFirst,
        ("asc", _) => Direction::Asc,
        ("desc", Some("last")) => Direction::DescNullsLast,
        ("desc", _) => Direction::Desc,
        _ => return None,
    };
    Some((name, direction))
}

fn whole(query: &Map<String, Json>, key: &str, path: &str) -> Result<Option<u64>, Failure> {
    let path = || format!("{path}.{key}");
    match query.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => match number.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(Failure::new(Code::NotSupported, path(), "unexpected negative value")),
        },
        Some(_) => {
            let message = "parsing Int failed, expected Number, but encountered String";
            Err(Failure::new(Code::ParseFailed, path(), message))
        }
    }
}

fn related(relationship: usize, single: bool, select: Select) -> OutputValue {
    if single { OutputValue::Object { relationship, select } } else { OutputValue::Array { relationship, select } }
}

fn has(output: &[Output], key: &str) -> bool {
    output.iter().any(|found| found.key == key)
}

fn push(output: &mut Vec<Output>, key: &str, value: OutputValue) {
    output.push(Output { key: key.to_owned(), value });
}
