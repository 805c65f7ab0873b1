//! `<table>_stream`: rows after a cursor, a batch at a time.

use crate::failure::{Failure, Path};
use crate::schema::{TableId, TypeId, TypeRef};
use crate::validate::Selected;
use crate::value::{Encoding, Value};

use super::rows::unknown_value;
use super::{
    Cast, Direction, Field, Filter, Operand, Order, OrderTarget, Planner, Rows, Select, Stream, StreamCursor, Subject,
    unknown_field,
};

impl<'a> Planner<'a> {
    pub(super) fn stream(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Stream, Failure> {
        let defined = self.schema.stream_arguments(table);
        let arguments = self.validator.arguments(selected.field, &defined, path)?;
        let path_to_arguments = path.key("args");
        let (mut filters, mut cursor, mut batch) = (Vec::new(), None, 0);
        for (name, value) in arguments {
            let path = path_to_arguments.key(name);
            match &*self.schema.naming.plain_word(name) {
                "batch_size" => batch = self.limit(&value, &path)?,
                "cursor" => cursor = Some(self.stream_cursor(table, value, &path)?),
                _ if self.validator.variables.is_null(&value) => {}
                _ => filters.push(self.bool_exp(table, value, &path)?),
            }
        }
        let (cursor, after) = cursor.unwrap_or_else(|| unreachable!("the argument is required"));
        filters.push(after);
        let direction = if cursor.descending { Direction::Desc } else { Direction::Asc };
        let rows = Rows {
            filter: self.visible(table, Filter::All(filters))?,
            order: vec![Order { joined: None, target: OrderTarget::Column(cursor.column), direction }],
            limit: [Some(batch), self.permitted_limit(table)].into_iter().flatten().min(),
            ..Rows::every()
        };
        let output = self.output_inside(table, selected, path)?;
        Ok(Stream { select: Select { table, rows, output }, cursor })
    }

    /// The only cursor, and the condition that a row comes after it.
    fn stream_cursor(
        &mut self,
        table: TableId,
        value: Value<'a>,
        path: &Path<'_>,
    ) -> Result<(StreamCursor, Filter), Failure> {
        let items = self.validator.items(value).unwrap_or_default();
        let Ok([item]) = <[Value<'a>; 1]>::try_from(items) else {
            return Err(Failure::invalid(path, "only one cursor is expected"));
        };
        let path = path.index(0);
        let type_id = TypeId::StreamCursor(table);
        let fields = self.required_object(type_id, item, &path)?;
        let start = self.schema.naming.word("initial_value");
        let (mut initial, mut descending) = (None, false);
        for (name, value) in fields {
            let path = path.key(name);
            match name {
                _ if name == start => initial = Some(self.cursor_value(table, value, &path)?),
                "ordering" => descending = self.cursor_ordering(value, &path)?,
                _ => return Err(unknown_field(name, &self.type_name(type_id), &path)),
            }
        }
        let Some((column, operand)) = initial else {
            return Err(Failure::invalid(path.key(&start), format!("missing required field '{start}'")));
        };
        let found = self.schema.column(table, column);
        let family = self.schema.scalar_of(table, column).family;
        let operator = family.operator(if descending { "_lt" } else { "_gt" });
        let Some(operator) = operator else {
            return Err(Failure::invalid(path, format!("rows cannot be sorted by '{}'", found.name)));
        };
        let parameter = match operand {
            Operand::Parameter(id) => Some(id),
            _ => None,
        };
        let cast = Cast { sql: found.cast.clone(), reader: family.reader() };
        let filter = Filter::Compare { subject: Subject::Column(column), operator, operand, cast };
        Ok((StreamCursor { column, parameter, descending }, filter))
    }

    /// The column of the only field, and its value.
    fn cursor_value(&mut self, table: TableId, value: Value<'a>, path: &Path<'_>) -> Result<(usize, Operand), Failure> {
        let type_id = TypeId::StreamCursorValue(table);
        let fields = self.required_object(type_id, value, path)?;
        let (name, value) = match <[_; 1]>::try_from(fields) {
            Ok([field]) => field,
            Err(fields) if fields.is_empty() => {
                return Err(Failure::invalid(path, "one streaming column field is expected"));
            }
            Err(_) => return Err(Failure::invalid(path, "multiple column cursors are not supported yet")),
        };
        let path = path.key(name);
        let column = self.schema.column_named(table, name);
        let column = column.ok_or_else(|| unknown_field(name, &self.type_name(type_id), &path))?;
        self.see(table, Field::Column(column))?;
        let scalar = self.schema.column(table, column).scalar;
        let expected = self.schema.scalar_type(scalar);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, &path)?;
        if self.validator.variables.is_null(&value) {
            // No row comes after nothing.
            return Ok((column, Operand::Null));
        }
        let encoding = Encoding::of_scalar(self.schema, scalar);
        Ok((column, Operand::Parameter(self.parameter(value, &expected, encoding, &path)?)))
    }

    /// True for descending.
    fn cursor_ordering(&mut self, value: Value<'a>, path: &Path<'_>) -> Result<bool, Failure> {
        let expected = TypeRef::from(TypeId::CursorOrdering);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            return Ok(false);
        }
        let type_name = self.type_name(TypeId::CursorOrdering);
        match self.validator.enum_name(&value, &type_name, path)?.as_str() {
            "ASC" => Ok(false),
            "DESC" => Ok(true),
            other => Err(unknown_value(other, &type_name, ["ASC", "DESC"].into_iter(), path)),
        }
    }
}
