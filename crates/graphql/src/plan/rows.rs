//! `where`, `order_by`, `distinct_on`, `limit` and `offset`.

use apollo_compiler::ast::Field;

use crate::failure::{Failure, Path};
use crate::schema::{TableId, TypeId, TypeRef};
use crate::value::{Datum, Encoding, Value, View};

use super::function::Callee;
use super::{Field as RowField, Filter, From, Offset, Order, OrderTarget, Planner, Rows};

impl Rows {
    pub(crate) fn every() -> Self {
        Self {
            from: From::Table,
            filter: Filter::All(Vec::new()),
            distinct: Vec::new(),
            joins: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
            split: None,
            reversed: false,
        }
    }
}

impl<'a> Planner<'a> {
    /// The rows a field asks for, and only such as the role may select. The permission's limit is left to the caller.
    pub(super) fn rows(
        &mut self,
        table: TableId,
        callee: Callee,
        field: &'a Field,
        path: &Path<'_>,
    ) -> Result<Rows, Failure> {
        let mut rows = Rows::every();
        if field.arguments.is_empty() && matches!(callee, Callee::Nothing) {
            rows.filter = self.visible(table, rows.filter)?;
            return Ok(rows);
        }
        let mut defined = self.schema.callee_arguments(callee);
        defined.extend(self.schema.select_arguments(table));
        let arguments = self.validator.arguments(field, &defined, path)?;
        let mut call = None;
        let path = path.key("args");
        for (name, value) in arguments {
            let path_here = path.key(name);
            if self.validator.variables.is_null(&value) {
                continue;
            }
            match &*self.schema.naming.plain_word(name) {
                "where" => rows.filter = self.bool_exp(table, value, &path_here)?,
                "args" => call = Some(self.call(callee, value, &path_here)?),
                "order_by" => self.order_by(table, value, &path_here, &mut rows)?,
                "distinct_on" => rows.distinct = self.columns(table, value, &path_here)?,
                "limit" => rows.limit = Some(self.limit(&value, &path_here)?),
                "offset" => rows.offset = Some(self.offset(value, &path_here)?),
                other => unreachable!("no such argument is defined: {other}"),
            }
        }
        self.check_distinct(&rows, &path)?;
        rows.filter = self.visible(table, rows.filter)?;
        let call = call.unwrap_or_else(|| self.default_call(callee));
        rows.from = self.from(callee, call);
        Ok(rows)
    }

    /// How many rows of a table the role may be shown at once.
    pub(super) fn permitted_limit(&self, table: TableId) -> Option<u32> {
        self.schema.select(table).and_then(|access| access.limit())
    }

    /// A list of `<table>_select_column`.
    pub(super) fn columns(&mut self, table: TableId, value: Value<'a>, path: &Path<'_>) -> Result<Vec<usize>, Failure> {
        let item_type = TypeRef::from(TypeId::SelectColumn(table)).required();
        let mut columns = Vec::new();
        for (index, item) in self.validator.items(value).unwrap_or_default().into_iter().enumerate() {
            let path = path.index(index);
            let item = self.validator.variables.resolve(item, Some(&item_type), self.schema, &path)?;
            let column = self.select_column(table, TypeId::SelectColumn(table), &item, &path)?;
            self.see(table, RowField::Column(column))?;
            columns.push(column);
        }
        Ok(columns)
    }

    pub(super) fn select_column(
        &self,
        table: TableId,
        enum_type: TypeId,
        value: &Value<'a>,
        path: &Path<'_>,
    ) -> Result<usize, Failure> {
        let type_name = self.type_name(enum_type);
        let name = self.validator.enum_name(value, &type_name, path)?;
        let values = || self.schema.describe(enum_type).values;
        self.schema
            .column_named(table, &name)
            .filter(|_| matches!(enum_type, TypeId::SelectColumn(_)) || values().iter().any(|value| value.name == name))
            .ok_or_else(|| unknown_value(&name, &type_name, values().iter().map(|value| value.name.as_str()), path))
    }

    /// The number itself stands in the statement: PostgreSQL plans a `LIMIT 20` much better than a `LIMIT $1`.
    pub(super) fn limit(&self, value: &Value<'a>, path: &Path<'_>) -> Result<u32, Failure> {
        let found = self.validator.variables.view(value);
        let parsed = match &found {
            View::Scalar(Datum::Number(digits)) => digits.parse::<u32>().ok().filter(|limit| *limit <= i32::MAX as u32),
            _ => None,
        };
        parsed.ok_or_else(|| {
            let found = found.describe();
            Failure::invalid(path, format!("expected a non-negative 32-bit integer for type 'Int', but found {found}"))
        })
    }

    fn offset(&mut self, value: Value<'a>, path: &Path<'_>) -> Result<Offset, Failure> {
        let expected = TypeRef::from(self.schema.built_in("Int"));
        let id = self.parameter(value, &expected, Encoding::Offset, path)?;
        let fixed = self.parameters[id].constant.as_deref().and_then(|text| text.parse().ok());
        Ok(match fixed {
            Some(offset) => {
                self.parameters.pop();
                Offset::Fixed(offset)
            }
            None => Offset::Parameter(id),
        })
    }

    /// PostgreSQL's own rule, told before it has to.
    pub(super) fn check_distinct(&self, rows: &Rows, path: &Path<'_>) -> Result<(), Failure> {
        let mut left = rows.distinct.clone();
        left.sort_unstable();
        left.dedup();
        for order in &rows.order {
            if left.is_empty() {
                break;
            }
            match order {
                &Order { joined: None, target: OrderTarget::Column(column), .. } if rows.distinct.contains(&column) => {
                    left.retain(|other| *other != column);
                }
                _ => {
                    let message = "\"distinct_on\" columns must match initial \"order_by\" columns";
                    return Err(Failure::invalid(path, message));
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn unknown_value<'n>(
    name: &str,
    type_name: &str,
    values: impl Iterator<Item = &'n str>,
    path: &Path<'_>,
) -> Failure {
    let mut values: Vec<String> = values.map(|value| format!("'{value}'")).collect();
    values.sort_unstable();
    let values = values.join(", ");
    Failure::invalid(path, format!("expected one of the values [{values}] for type '{type_name}', but found '{name}'"))
}
