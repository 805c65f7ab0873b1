//! Boolean expressions of permissions.

use metadata::QualifiedName;
use serde_json::Value as Json;

use crate::plan::{Cast, Filter, Operand, Subject};
use crate::session::is_variable;
use crate::value::{Datum, Encoding};

use super::{Family, Model, Operator, Returned, ScalarId, Shape, ShapeType, TableId, Takes, sibling_type};

/// Nesting of one expression.
const DEPTH_LIMIT: usize = 100;

/// Resolves one permission's expressions.
pub(super) struct Resolver<'m> {
    model: &'m Model,
    /// The table of the permission, which `$` means.
    root: TableId,
    depth: usize,
    /// `$` was met.
    rooted: bool,
}

/// The left-hand side of a comparison.
struct Side {
    table: TableId,
    subject: Subject,
    family: Family,
    encoding: Encoding,
    cast: String,
}

impl Side {
    fn new(model: &Model, table: TableId, subject: Subject, scalar: ScalarId, cast: &str) -> Self {
        let encoding = Encoding::of_scalar(model, scalar);
        Self { table, subject, family: model.scalars[scalar].family, encoding, cast: cast.to_owned() }
    }

    fn compare(&self, operator: &'static Operator, operand: Operand) -> Filter {
        let cast = Cast::beside(operator.takes, self.family, &self.cast);
        Filter::Compare { subject: self.subject.clone(), operator, operand, cast }
    }
}

/// The condition that an expression states, for rows of `table`.
///
/// # Errors
/// What is wrong with it, in Hasura's words.
pub(crate) fn resolve(model: &Model, table: TableId, expression: &Json) -> Result<Filter, String> {
    let mut resolver = Resolver { model, root: table, depth: 0, rooted: false };
    let filter = resolver.expression(table, expression)?;
    Ok(if resolver.rooted { Filter::Rooted(Box::new(filter)) } else { filter })
}

impl Resolver<'_> {
    fn expression(&mut self, table: TableId, expression: &Json) -> Result<Filter, String> {
        if self.depth >= DEPTH_LIMIT {
            return Err("the boolean expression is nested too deeply".to_owned());
        }
        let Json::Object(fields) = expression else {
            return Err("expected Object, but encountered ".to_owned() + kind(expression));
        };
        self.depth += 1;
        let filters = fields.iter().map(|(key, value)| self.field(table, key, value));
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        self.depth -= 1;
        Ok(Filter::all(filters))
    }

    fn field(&mut self, table: TableId, key: &str, value: &Json) -> Result<Filter, String> {
        let model = self.model;
        match key {
            "_and" | "$and" => return Ok(Filter::all(self.list(table, value)?)),
            "_or" | "$or" => return Ok(Filter::Any(self.list(table, value)?)),
            "_not" | "$not" => return Ok(Filter::Not(Box::new(self.expression(table, value)?))),
            "_exists" | "$exists" => return self.exists(value),
            _ => {}
        }
        let found = &model.tables[table];
        if let Some(column) = found.column_of_sql(key) {
            let (scalar, cast) = (found.columns[column].scalar, &found.columns[column].cast);
            return self.operators(&Side::new(model, table, Subject::Column(column), scalar, cast), value);
        }
        if let Some(relationship) = found.relationships.iter().position(|found| found.name == key) {
            let filter = self.expression(found.relationships[relationship].target, value)?;
            return Ok(Filter::Related { relationship, filter: Box::new(filter) });
        }
        if let Some(computed) = found.computed.iter().position(|found| found.name == key) {
            if !found.computed[computed].arguments.is_empty() {
                let message = "boolean expressions are not supported on computed fields with arguments";
                return Err(format!("computed field \"{key}\": {message}"));
            }
            let session = found.computed[computed].session_argument.as_ref().map(|_| Operand::WholeSession);
            return match &found.computed[computed].returns {
                Returned::Scalar { scalar, cast } => {
                    let subject = Subject::Computed { computed, session };
                    self.operators(&Side::new(model, table, subject, *scalar, cast), value)
                }
                Returned::Table { table, .. } => {
                    let filter = Box::new(self.expression(*table, value)?);
                    Ok(Filter::ComputedRows { computed, session, filter })
                }
            };
        }
        Err(format!("\"{key}\" does not exist"))
    }

    fn list(&mut self, table: TableId, value: &Json) -> Result<Vec<Filter>, String> {
        let Json::Array(items) = value else { return Err(format!("expected Array, but encountered {}", kind(value))) };
        items.iter().map(|item| self.expression(table, item)).collect()
    }

    fn exists(&mut self, value: &Json) -> Result<Filter, String> {
        let table: Option<QualifiedName> =
            value.get("_table").and_then(|table| serde_json::from_value(table.clone()).ok());
        let table = table.ok_or("expecting a table in '_exists'")?;
        let id = self.model.tables_by_relation.get(&table).copied();
        let id = id.ok_or_else(|| format!("table \"{table}\" does not exist in source: default"))?;
        let filter = self.expression(id, value.get("_where").ok_or("expecting '_where' in '_exists'")?)?;
        Ok(Filter::Exists { table: id, filter: Box::new(filter) })
    }

    /// `{_eq: …}`, or a value, which means the same.
    fn operators(&mut self, side: &Side, value: &Json) -> Result<Filter, String> {
        let Json::Object(operators) = value else { return self.operator(side, "_eq", value) };
        let filters = operators.iter().map(|(name, value)| self.operator(side, name, value));
        filters.collect::<Result<_, _>>().map(Filter::all)
    }

    fn operator(&mut self, side: &Side, name: &str, value: &Json) -> Result<Filter, String> {
        let plain = name.trim_start_matches(['_', '$']);
        let plain = match plain {
            "ne" => "neq",
            "cne" => "cneq",
            other => other,
        };
        if let Some(compared) = column_operator(plain) {
            return self.columns(side, compared, value);
        }
        match plain {
            "is_null" => {
                let wanted = value.as_bool().ok_or_else(|| "_is_null: expected a boolean".to_owned())?;
                return Ok(Filter::IsNull { subject: side.subject.clone(), wanted });
            }
            "cast" => return self.cast(side, value),
            _ => {}
        }
        let Some(operator) = side.family.operator(&format!("_{plain}")) else {
            return Err(format!("unexpected operator \"{name}\""));
        };
        if let Some(variable) = session_variable(value) {
            return Ok(side.compare(operator, Operand::Session(variable)));
        }
        if value.is_null() && !side.family.is_json() {
            return Err(format!("{name}: unexpected null value; use _is_null"));
        }
        match (operator.takes, side.family, value) {
            (Takes::Shape(shape), ..) => self.shaped(side, operator, shape, value),
            // PostgreSQL knows no array of arrays.
            (Takes::List, Family::Array, Json::Array(items)) => {
                let equal = side.family.operator("_eq").ok_or("no equality")?;
                let items = items.iter().map(|item| Ok(Operand::Literal(literal(&side.encoding, item)?)));
                let any = items.map(|item: Result<_, String>| Ok(side.compare(equal, item?)));
                let any = Filter::Any(any.collect::<Result<_, String>>()?);
                Ok(if plain == "nin" { Filter::Not(Box::new(any)) } else { any })
            }
            (Takes::List, _, found) if !found.is_array() => {
                Err(format!("parsing [] failed, expected Array, but encountered {}", kind(found)))
            }
            _ => {
                let encoding = Encoding::of_operand(operator.takes, side.encoding.clone());
                Ok(side.compare(operator, Operand::Literal(literal(&encoding, value)?)))
            }
        }
    }

    /// An operator that takes an object of values.
    fn shaped(
        &mut self,
        side: &Side,
        operator: &'static Operator,
        shape: Shape,
        value: &Json,
    ) -> Result<Filter, String> {
        let mut arguments = Vec::new();
        for field in shape.fields() {
            let (encoding, cast) = match field.r#type {
                ShapeType::BuiltIn(name, sql) => {
                    let family = Family::of(sql).map_or(Family::Other, |(family, _)| family);
                    (Encoding::Scalar(family, name.to_owned()), Cast::text(sql))
                }
                ShapeType::Sibling(name) => (Encoding::sibling(name), Cast::sibling(name, &side.cast)),
            };
            let operand = match value.get(field.name).filter(|found| !found.is_null()) {
                Some(found) => match session_variable(found) {
                    Some(variable) => Operand::Session(variable),
                    None => Operand::Literal(literal(&encoding, found)?),
                },
                None if field.required => return Err(format!("key \"{}\" not found", field.name)),
                None => field.default.map_or(Operand::Null, |text| Operand::Literal(text.to_owned())),
            };
            arguments.push((operand, cast));
        }
        Ok(Filter::Call { subject: side.subject.clone(), operator, arguments })
    }

    /// `_ceq: "column"`, `_ceq: ["$", "column"]`.
    fn columns(&mut self, side: &Side, operator: &'static str, value: &Json) -> Result<Filter, String> {
        let (root, name) = match value {
            Json::String(name) => (false, name.as_str()),
            Json::Array(path) => match path.as_slice() {
                [Json::String(name)] => (false, name.as_str()),
                [Json::String(root), Json::String(name)] if root == "$" => (true, name.as_str()),
                _ => return Err("Relationship references are not supported in column comparison RHS".to_owned()),
            },
            _ => return Err("expected a column's name".to_owned()),
        };
        let table = if root { self.root } else { side.table };
        self.rooted |= root;
        let column = self.model.tables[table].column_of_sql(name);
        let column = column.ok_or_else(|| {
            let found = &self.model.tables[table];
            let found = QualifiedName::new(&found.schema_name, &found.table_name);
            format!("column \"{name}\" does not exist in table \"{found}\"")
        })?;
        let operator = side.family.operator(operator).ok_or("the column's type cannot be compared")?;
        // Both have their types already.
        Ok(side.compare(operator, Operand::Column { root, column }))
    }

    /// `_cast: {String: {…}}`
    fn cast(&mut self, side: &Side, value: &Json) -> Result<Filter, String> {
        let (&Subject::Column(column), Some((target, sql))) = (&side.subject, side.family.casts_to()) else {
            return Err("_cast is not supported for this type".to_owned());
        };
        let Json::Object(targets) = value else { return Err("_cast: expected Object".to_owned()) };
        let inner = if target == "String" {
            let (subject, encoding) = (Subject::Cast(column, sql.to_owned()), Encoding::text());
            Side { table: side.table, subject, family: Family::Text, encoding, cast: sql.to_owned() }
        } else {
            let cast = sibling_type(&side.cast, sql);
            let family = Family::of(sql).map_or(Family::Other, |(family, _)| family);
            let (subject, encoding) = (Subject::Cast(column, cast.clone()), Encoding::sibling(target));
            Side { table: side.table, subject, family, encoding, cast }
        };
        let filters = targets.iter().map(|(name, value)| match name == target || name == sql {
            true => self.operators(&inner, value),
            false => Err(format!("cannot cast to \"{name}\"")),
        });
        filters.collect::<Result<_, _>>().map(Filter::all)
    }
}

/// A value's text for PostgreSQL.
fn literal(encoding: &Encoding, value: &Json) -> Result<String, String> {
    encoding.encode(&datum(encoding, value)).map_err(|found| found.message)
}

/// Metadata cannot write a bare name, which is what values of PostgreSQL's enums are in GraphQL.
fn datum<'v>(encoding: &Encoding, value: &'v Json) -> Datum<'v> {
    match (encoding, value) {
        (Encoding::Scalar(Family::Enum, _), Json::String(text)) => Datum::Enum(text.into()),
        (Encoding::Array { item, .. }, Json::Array(items)) => {
            Datum::List(items.iter().map(|found| datum(item, found)).collect())
        }
        (_, other) => Datum::from_json(other),
    }
}

/// The operator that `_ceq` and its kin stand for.
fn column_operator(name: &str) -> Option<&'static str> {
    Some(match name {
        "ceq" => "_eq",
        "cneq" => "_neq",
        "cgt" => "_gt",
        "clt" => "_lt",
        "cgte" => "_gte",
        "clte" => "_lte",
        _ => return None,
    })
}

/// The session variable a value names, in lower case.
pub(super) fn session_variable(value: &Json) -> Option<String> {
    let text = value.as_str()?;
    if text == "REQ_USER_ID" {
        return Some("x-hasura-user-id".to_owned());
    }
    is_variable(text).then(|| text.to_ascii_lowercase())
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "Null",
        Json::Bool(_) => "Boolean",
        Json::Number(_) => "Number",
        Json::String(_) => "String",
        Json::Array(_) => "Array",
        Json::Object(_) => "Object",
    }
}
