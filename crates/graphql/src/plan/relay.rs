//! Relay: `node`, `<table>_connection`, cursors and global ids, as Hasura makes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::failure::{Failure, Path};
use crate::schema::{InputDef, Level, Member, Operation as Surface, Root as RootField, TableId, TypeId, TypeRef};
use crate::validate::Selected;
use crate::value::{Datum, Encoding, Source, Value, View};

use super::function::Callee;
use super::{
    Connection, ConnectionOutput, ConnectionValue, Direction, EdgeOutput, EdgeValue, Field, Filter, Order, OrderTarget,
    OrderValue, OutputValue, Over, PageInfo, PageOutput, Parameter, ParameterId, Place, Planner, RootValue, Rows,
    Select, Split, unknown_field,
};

const INVALID_CURSOR: &str = "the \"after\" or \"before\" cursor is invalid";

/// A slice of a connection's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    First(u32),
    Last(u32),
}

impl<'a> Planner<'a> {
    /// A root field of the Relay API.
    pub(super) fn relay_root(
        &mut self,
        place: Place<'_>,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let name = selected.field.name.as_str();
        if name == "node" && place.level == Level::Top {
            return self.node(selected, path);
        }
        match self.schema.connection_root(place.level, place.surface, name) {
            Some(RootField::Rows(table)) => {
                self.connection(table, Callee::Nothing, selected, path).map(RootValue::Connection)
            }
            Some(RootField::Function(function)) => {
                let table = self.schema.functions[function].returns;
                self.connection(table, Callee::Function(function), selected, path).map(RootValue::Connection)
            }
            _ => Err(unknown_field(name, place.type_name, path)),
        }
    }

    /// What only the Relay API has in a table's type.
    pub(super) fn relay_field(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Option<OutputValue>, Failure> {
        let name = selected.field.name.as_str();
        if name == "id" && self.schema.is_node(table) {
            self.validator.leaf(selected, path)?;
            self.validator.arguments(selected.field, &[], path)?;
            for &column in &self.schema.tables[table].primary_key {
                self.see(table, Field::Column(column))?;
            }
            return Ok(Some(OutputValue::NodeId));
        }
        let Some(relationship) = self.schema.connection_member(table, name) else { return Ok(None) };
        let target = self.schema.tables[table].relationships[relationship].target;
        let connection = self.connection(target, Callee::Nothing, selected, path)?;
        Ok(Some(OutputValue::Connection { relationship, connection }))
    }

    /// `node(id: …)`: a row by its global id.
    fn node(&mut self, selected: &Selected<'a>, path: &Path<'_>) -> Result<RootValue, Failure> {
        let id = InputDef::new("id", TypeRef::from(TypeId::BuiltIn("ID")).required());
        let mut arguments = self.validator.arguments(selected.field, &[id], path)?;
        let (_, value) = arguments.pop().unwrap_or_else(|| unreachable!("the argument is required"));
        let path_to_arguments = path.key("args");
        let View::Scalar(Datum::String(text)) = self.validator.variables.view(&value) else {
            return Err(Failure::invalid(path_to_arguments.key("id"), "expected a string for type 'ID'"));
        };
        let (table, key) = self.node_row(&text).ok_or_else(|| Failure::invalid(path, "the node id is invalid"))?;
        let mut filters = Vec::with_capacity(key.len());
        for (column, value) in self.schema.tables[table].primary_key.clone().into_iter().zip(key) {
            let text = json_text(&value).ok_or_else(|| Failure::invalid(path, "the node id is invalid"))?;
            let id = self.constant(&text);
            self.see(table, Field::Column(column))?;
            filters.push(self.key_equals(table, column, id));
        }
        let rows = Rows { filter: self.visible(table, Filter::All(filters))?, ..Rows::every() };
        let output = self.output_inside(table, selected, path)?;
        Ok(RootValue::One(Select { table, rows, output }))
    }

    /// `[1, "public", "author", 2]` in base64.
    fn node_row(&self, id: &str) -> Option<(TableId, Vec<Json>)> {
        let compact: String = id.split_ascii_whitespace().collect();
        let decoded = STANDARD.decode(compact).ok()?;
        let Json::Array(mut parts) = serde_json::from_slice(&decoded).ok()? else { return None };
        if parts.len() < 4 || parts[0] != 1 {
            return None;
        }
        let key = parts.split_off(3);
        let table = self.schema.table_of_sql(parts[1].as_str()?, parts[2].as_str()?)?;
        let fits = self.schema.is_node(table) && self.schema.tables[table].primary_key.len() == key.len();
        fits.then_some((table, key))
    }

    fn connection(
        &mut self,
        table: TableId,
        callee: Callee,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Connection, Failure> {
        let mut defined = self.schema.callee_arguments(callee);
        defined.extend(self.schema.connection_arguments(table));
        let arguments = self.validator.arguments(selected.field, &defined, path)?;
        let path_to_arguments = path.key("args");
        let mut rows = Rows::every();
        let (mut call, mut slices, mut cursors) = (None, Vec::new(), Vec::new());
        for (name, value) in arguments {
            let path = path_to_arguments.key(name);
            if self.validator.variables.is_null(&value) {
                continue;
            }
            match &*self.schema.naming.plain_word(name) {
                "where" => rows.filter = self.bool_exp(table, value, &path)?,
                "args" => call = Some(self.call(callee, value, &path)?),
                "order_by" => self.order_by(table, value, &path, &mut rows)?,
                "distinct_on" => rows.distinct = self.columns(table, value, &path)?,
                "first" => slices.push(Slice::First(self.limit(&value, &path)?)),
                "last" => slices.push(Slice::Last(self.limit(&value, &path)?)),
                _ => cursors.push((name == "after", value)),
            }
        }
        let both = |names: &str| Failure::invalid(path, format!("{names} are not allowed at once"));
        if slices.len() > 1 {
            return Err(both("\"first\" and \"last\""));
        }
        if cursors.len() > 1 {
            return Err(both("\"after\" and \"before\""));
        }
        self.check_distinct(&rows, &path_to_arguments)?;
        self.order_by_key(table, &mut rows)?;
        rows.filter = self.visible(table, rows.filter)?;
        let call = call.unwrap_or_else(|| self.default_call(callee));
        rows.from = self.from(callee, call);
        let cursor: Vec<Vec<String>> = rows.order.iter().map(|order| self.order_path(table, &rows, order)).collect();
        if let Some((after, value)) = cursors.pop() {
            let values = cursor.iter().map(|keys| self.cursor_part(&value, keys, path)).collect::<Result<_, _>>()?;
            rows.split = Some(Split { after, values });
        }
        let mut slice = slices.pop();
        if let Some(limit) = self.permitted_limit(table) {
            slice = Some(match slice {
                Some(Slice::First(wanted)) => Slice::First(wanted.min(limit)),
                Some(Slice::Last(wanted)) => Slice::Last(wanted.min(limit)),
                None => Slice::First(limit),
            });
        }
        rows.reversed = matches!(slice, Some(Slice::Last(_)));
        let output = self.connection_output(table, selected, path)?;
        Ok(Connection { table, rows, slice, cursor, output })
    }

    /// Rows are told apart by their key, whatever else they are sorted by.
    fn order_by_key(&mut self, table: TableId, rows: &mut Rows) -> Result<(), Failure> {
        for &column in &self.schema.tables[table].primary_key {
            let is_sorted = rows.order.iter().any(|order| {
                order.joined.is_none() && matches!(order.target, OrderTarget::Column(found) if found == column)
            });
            if !is_sorted {
                self.see(table, Field::Column(column))?;
                let target = OrderTarget::Column(column);
                rows.order.push(Order { joined: None, target, direction: Direction::Asc });
            }
        }
        Ok(())
    }

    /// Where a cursor has the value that rows are sorted by.
    fn order_path(&self, table: TableId, rows: &Rows, order: &Order) -> Vec<String> {
        let mut keys = Vec::new();
        let (mut owner, mut joined) = (table, order.joined);
        if let Some(position) = joined {
            let join = &rows.joins[position];
            owner = self.schema.tables[join.table].relationships[join.relationship].target;
        }
        let found = &self.schema.tables[owner];
        match &order.target {
            OrderTarget::Column(column) => keys.push(found.columns[*column].sql_name.clone()),
            OrderTarget::Computed { computed, .. } => keys.push(found.computed[*computed].name.clone()),
            OrderTarget::Aggregate { over, value, .. } => {
                let (name, target) = match over {
                    Over::Relationship(index) => {
                        (&found.relationships[*index].name, found.relationships[*index].target)
                    }
                    Over::Computed { computed, .. } => (&found.computed[*computed].name, owner),
                };
                match value {
                    OrderValue::Count => keys.push("count".to_owned()),
                    OrderValue::Op(op, column) => {
                        keys.push(self.schema.tables[target].columns[*column].sql_name.clone());
                        keys.push(op.name().to_owned());
                    }
                }
                keys.push(format!("{name}_aggregate"));
            }
        }
        while let Some(position) = joined {
            let join = &rows.joins[position];
            keys.push(self.schema.tables[join.table].relationships[join.relationship].name.clone());
            joined = join.outer;
        }
        keys.reverse();
        keys
    }

    /// One value of a cursor; none where it is null.
    fn cursor_part(
        &mut self,
        value: &Value<'a>,
        keys: &[String],
        path: &Path<'_>,
    ) -> Result<Option<ParameterId>, Failure> {
        let expected = TypeRef::from(self.schema.built_in("String"));
        let invalid = || Failure::invalid(path, INVALID_CURSOR);
        let inner = self.validator.variables.source(value.clone(), Some(&expected), self.schema, path)?;
        let found = {
            let datum = inner.value(self.provided, self.session).map_err(|_| invalid())?;
            decode(&datum).and_then(|json| walk(&json, keys).cloned()).ok_or_else(invalid)?
        };
        if found.is_null() {
            // Which values are null decides what the statement looks like.
            let _ = self.validator.variables.view(value);
            return Ok(None);
        }
        let constant = if inner.is_constant() { Some(json_text(&found).ok_or_else(invalid)?) } else { None };
        let source = Source::Cursor { inner: Box::new(inner), keys: keys.to_vec() };
        self.parameters.push(Parameter { source, encoding: Encoding::Verbatim, constant });
        Ok(Some(self.parameters.len() - 1))
    }

    fn connection_output(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Vec<ConnectionOutput>, Failure> {
        let type_name = self.type_name(TypeId::Connection(table));
        let fields = self.validator.inside(selected, &type_name, path)?;
        let path = path.key("selectionSet");
        let mut output = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            self.validator.arguments(selected.field, &[], &path)?;
            let value = match selected.field.name.as_str() {
                "__typename" => {
                    self.validator.leaf(selected, &path)?;
                    ConnectionValue::TypeName(type_name.clone())
                }
                "edges" => ConnectionValue::Edges(self.edges(table, selected, &path)?),
                "pageInfo" => ConnectionValue::PageInfo(self.page_info(selected, &path)?),
                other => return Err(unknown_field(other, &type_name, &path)),
            };
            output.push(ConnectionOutput { key: selected.key.to_owned(), value });
        }
        Ok(output)
    }

    fn edges(&mut self, table: TableId, selected: &Selected<'a>, path: &Path<'_>) -> Result<Vec<EdgeOutput>, Failure> {
        let type_name = self.type_name(TypeId::Edge(table));
        let fields = self.validator.inside(selected, &type_name, path)?;
        let path = path.key("selectionSet");
        let mut output = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            self.validator.arguments(selected.field, &[], &path)?;
            let value = match selected.field.name.as_str() {
                "__typename" => EdgeValue::TypeName(type_name.clone()),
                "cursor" => EdgeValue::Cursor,
                "node" => EdgeValue::Node(self.output_inside(table, selected, &path)?),
                other => return Err(unknown_field(other, &type_name, &path)),
            };
            if !matches!(value, EdgeValue::Node(_)) {
                self.validator.leaf(selected, &path)?;
            }
            output.push(EdgeOutput { key: selected.key.to_owned(), value });
        }
        Ok(output)
    }

    fn page_info(&mut self, selected: &Selected<'a>, path: &Path<'_>) -> Result<Vec<PageOutput>, Failure> {
        let fields = self.validator.inside(selected, "PageInfo", path)?;
        let path = path.key("selectionSet");
        let mut output = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            self.validator.arguments(selected.field, &[], &path)?;
            self.validator.leaf(selected, &path)?;
            let value = match selected.field.name.as_str() {
                "__typename" => PageInfo::TypeName,
                "hasNextPage" => PageInfo::HasNext,
                "hasPreviousPage" => PageInfo::HasPrevious,
                "startCursor" => PageInfo::Start,
                "endCursor" => PageInfo::End,
                other => return Err(unknown_field(other, "PageInfo", &path)),
            };
            output.push(PageOutput { key: selected.key.to_owned(), value });
        }
        Ok(output)
    }
}

/// A cursor's or an id's value as PostgreSQL reads it; none for null.
fn json_text(json: &Json) -> Option<String> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn decode(datum: &Datum<'_>) -> Option<Json> {
    let Datum::String(text) = datum else { return None };
    let compact: String = text.split_ascii_whitespace().collect();
    serde_json::from_slice(&STANDARD.decode(compact).ok()?).ok()
}

fn walk<'j>(json: &'j Json, keys: &[String]) -> Option<&'j Json> {
    keys.iter().try_fold(json, |json, key| json.get(key))
}

/// The text of a cursor's value; none where there is none.
pub(crate) fn cursor_text(cursor: &Datum<'_>, keys: &[String]) -> Option<String> {
    json_text(walk(&decode(cursor)?, keys)?)
}

impl crate::schema::Schema {
    /// True for a table whose rows have a global id.
    pub fn is_node(&self, table: TableId) -> bool {
        self.is_relay() && !self.tables[table].primary_key.is_empty() && self.select(table).is_some()
    }

    /// The root field whose rows a connection of that name has.
    pub fn connection_root(&self, level: Level, surface: Surface, name: &str) -> Option<RootField> {
        let found = self.root_at(level, surface, self.naming.base_of(name, "_connection")?)?;
        match found {
            RootField::Rows(table) if self.is_node(table) => Some(found),
            RootField::Function(function) => {
                let function = &self.functions[function];
                (function.returns_set && self.is_node(function.returns)).then_some(found)
            }
            _ => None,
        }
    }

    /// The array relationship whose rows a connection of that name has.
    pub fn connection_member(&self, table: TableId, name: &str) -> Option<usize> {
        match self.member(table, name.strip_suffix("_connection")?)? {
            Member::Relationship(index) => {
                let found = &self.tables[table].relationships[index];
                (!found.single && self.is_node(found.target)).then_some(index)
            }
            _ => None,
        }
    }
}
