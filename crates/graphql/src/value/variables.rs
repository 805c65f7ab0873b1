//! A request's variables, and a record of what a plan learnt from them.
//!
//! Planning looks at some values (`order_by: $order`, `where: $filter`) and only passes others on (`id: $id`). What it
//! looked at is recorded as [`Touch`]es, so that a kept plan is known to fit another request: same touches, same plan.

use std::cell::RefCell;
use std::collections::HashSet;

use apollo_compiler::ast::{self, OperationDefinition};
use serde_json::Value as Json;

use crate::failure::{Failure, Path};
use crate::schema::{Schema, TypeRef};

use super::datum::walk;
use super::{Datum, Provided, Segment, Source};

/// One thing a plan knows about the variables it was made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Touch {
    pub variable: String,
    pub path: Vec<Segment>,
    pub check: Check,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// Not given at all.
    Absent,
    /// Given, and not null.
    Present,
    /// Of the same JSON kind.
    Kind(u8),
    /// The same value.
    Exact(Json),
    /// An object with these keys, in this order.
    Keys(Vec<String>),
    /// A list this long.
    Length(usize),
    /// A list of several objects, each with these keys and no others.
    Table(Vec<String>),
}

fn kind(json: &Json) -> u8 {
    match json {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(_) => 2,
        Json::String(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    }
}

impl Touch {
    /// True when it holds for `provided` too.
    pub fn holds(&self, provided: &Provided) -> bool {
        let found = walk(provided, &self.variable, &self.path);
        match (&self.check, found) {
            (Check::Absent, found) => found.is_none(),
            (_, None) => false,
            (Check::Present, Some(found)) => !found.is_null(),
            (Check::Kind(wanted), Some(found)) => kind(found) == *wanted,
            (Check::Exact(wanted), Some(found)) => found == wanted,
            (Check::Keys(wanted), Some(Json::Object(map))) => map.len() == wanted.len() && map.keys().eq(wanted),
            (Check::Length(wanted), Some(Json::Array(items))) => items.len() == *wanted,
            (Check::Table(keys), Some(Json::Array(items))) => is_table(items, keys.iter().map(String::as_str)),
            (Check::Keys(_) | Check::Length(_) | Check::Table(_), Some(_)) => false,
        }
    }
}

fn is_table<'k>(items: &[Json], keys: impl Iterator<Item = &'k str> + Clone) -> bool {
    let row = |item: &Json| match item {
        Json::Object(map) => map.len() == keys.clone().count() && keys.clone().all(|key| map.contains_key(key)),
        _ => false,
    };
    items.len() > 1 && items.iter().all(row)
}

/// A value in the query or in its variables.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    Literal(&'a ast::Value),
    Json { json: &'a Json, variable: &'a str, path: Vec<Segment> },
}

/// What a value is, once looked at.
#[derive(Debug)]
pub enum View<'a> {
    Null,
    List(Vec<Value<'a>>),
    Object(Vec<(&'a str, Value<'a>)>),
    Scalar(Datum<'a>),
}

impl View<'_> {
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Scalar(datum) => datum.describe(),
        }
    }
}

#[derive(Debug)]
struct Declared<'a> {
    name: &'a str,
    ty: &'a ast::Type,
    has_default: bool,
    value: Value<'a>,
}

/// The variables of one request against their declarations.
#[derive(Debug)]
pub struct Variables<'a> {
    declared: Vec<Declared<'a>>,
    touches: RefCell<Vec<Touch>>,
}

static NULL: ast::Value = ast::Value::Null;

impl<'a> Variables<'a> {
    /// # Errors
    /// A value is missing, null where it may not be, or declared nowhere.
    pub fn new(operation: &'a OperationDefinition, provided: &'a Provided) -> Result<Self, Failure> {
        let mut found = Self { declared: Vec::new(), touches: RefCell::default() };
        let mut names = HashSet::new();
        for definition in &operation.variables {
            let name = definition.name.as_str();
            if !names.insert(name) {
                return Err(Failure::invalid("$", format!("multiple definitions for variable \"{name}\"")));
            }
            found.declare(definition, provided)?;
        }
        let mut unexpected: Vec<&str> =
            provided.keys().map(String::as_str).filter(|key| !names.contains(key)).collect();
        if !unexpected.is_empty() {
            unexpected.sort_unstable();
            let message = format!("unexpected variables in variableValues: {}", unexpected.join(", "));
            return Err(Failure::invalid("$", message));
        }
        Ok(found)
    }

    fn declare(&mut self, definition: &'a ast::VariableDefinition, provided: &'a Provided) -> Result<(), Failure> {
        let name = definition.name.as_str();
        let required = definition.ty.is_non_null();
        let default = definition.default_value.as_deref();
        let (value, check) = match (provided.get(name), default) {
            (Some(Json::Null), _) if required => {
                let message = format!("null value found for non-nullable type: \"{}\"", definition.ty);
                return Err(Failure::invalid("$", message));
            }
            (Some(json), _) => {
                let check = if json.is_null() { Check::Kind(kind(json)) } else { Check::Present };
                (Value::Json { json, variable: name, path: Vec::new() }, check)
            }
            (None, Some(default)) => (Value::Literal(default), Check::Absent),
            (None, None) if required => {
                let message = format!("expecting a value for non-nullable variable: \"{name}\"");
                return Err(Failure::invalid("$", message));
            }
            (None, None) => (Value::Literal(&NULL), Check::Absent),
        };
        self.touch(name, &[], check);
        self.declared.push(Declared {
            name,
            ty: &definition.ty,
            has_default: default.is_some_and(|default| !default.is_null()),
            value,
        });
        Ok(())
    }

    /// What was looked at; a plan holds for every request in which all of it is the same.
    pub fn into_touches(self) -> Vec<Touch> {
        self.touches.into_inner()
    }

    fn touch(&self, variable: &str, path: &[Segment], check: Check) {
        let touch = Touch { variable: variable.to_owned(), path: path.to_vec(), check };
        let mut touches = self.touches.borrow_mut();
        // Twice does no harm, and a long list of rows has many.
        let last = touches.len().saturating_sub(64);
        if !touches[last..].contains(&touch) {
            touches.push(touch);
        }
    }

    /// The value behind a variable, after checking that it may stand where `expected` is; any other value itself.
    ///
    /// # Errors
    /// The variable is declared nowhere or with another type.
    pub fn resolve(
        &self,
        value: Value<'a>,
        expected: Option<&TypeRef>,
        schema: &Schema,
        path: &Path<'_>,
    ) -> Result<Value<'a>, Failure> {
        let Value::Literal(ast::Value::Variable(name)) = value else { return Ok(value) };
        let Some(declared) = self.declared.iter().find(|declared| declared.name == name.as_str()) else {
            return Err(Failure::invalid(path, format!("unbound variable \"{name}\"")));
        };
        if let Some(expected) = expected
            && !fits(declared.ty, declared.has_default, expected, schema)
        {
            let wanted = expected.text(schema);
            let message =
                format!("variable '{name}' is declared as '{}', but used where '{wanted}' is expected", declared.ty);
            return Err(Failure::invalid(path, message));
        }
        Ok(declared.value.clone())
    }

    /// Looks at a value. It must have gone through [`Variables::resolve`].
    pub fn view(&self, value: &Value<'a>) -> View<'a> {
        match value {
            Value::Literal(ast::Value::Object(fields)) => {
                let given = fields.iter().filter(|(_, value)| !self.is_absent(value));
                View::Object(given.map(|(key, value)| (key.as_str(), Value::Literal(value))).collect())
            }
            Value::Literal(literal) => view_literal(literal),
            Value::Json { json, variable, path } => self.view_json(json, variable, path),
        }
    }

    fn view_json(&self, json: &'a Json, variable: &'a str, path: &[Segment]) -> View<'a> {
        let inner = |json, segment| {
            let path = path.iter().cloned().chain([segment]).collect();
            Value::Json { json, variable, path }
        };
        match json {
            Json::Null => {
                self.touch(variable, path, Check::Kind(kind(json)));
                View::Null
            }
            Json::Array(items) => {
                self.touch(variable, path, Check::Length(items.len()));
                View::List(items.iter().enumerate().map(|(at, item)| inner(item, Segment::Index(at))).collect())
            }
            Json::Object(map) => {
                self.touch(variable, path, Check::Keys(map.keys().cloned().collect()));
                View::Object(
                    map.iter().map(|(key, value)| (key.as_str(), inner(value, Segment::Key(key.clone())))).collect(),
                )
            }
            scalar => {
                self.touch(variable, path, Check::Exact(scalar.clone()));
                View::Scalar(Datum::from_json(scalar))
            }
        }
    }

    /// A variable that was not given and has no default: a field with it is as good as not there.
    fn is_absent(&self, value: &ast::Value) -> bool {
        let ast::Value::Variable(name) = value else { return false };
        let declared = self.declared.iter().find(|declared| declared.name == name.as_str());
        declared
            .is_some_and(|found| matches!(found.value, Value::Literal(value) if std::ptr::eq(value, &raw const NULL)))
    }

    /// For a list of several objects with the same keys, from a variable: the keys, and each one's values in all of
    /// them. Nothing is recorded before [`Variables::touch_table`].
    pub fn table(&self, value: &Value<'a>) -> Option<(Vec<&'a str>, Vec<Source>)> {
        let Value::Json { json: Json::Array(items), variable, path } = value else { return None };
        let keys: Vec<&str> = items.first()?.as_object()?.keys().map(String::as_str).collect();
        if keys.is_empty() || !is_table(items, keys.iter().copied()) {
            return None;
        }
        let source =
            |key: &&str| Source::Column { name: (*variable).to_owned(), path: path.clone(), key: (*key).to_owned() };
        let sources = keys.iter().map(source).collect();
        Some((keys, sources))
    }

    /// Records that [`Variables::table`] was used.
    pub fn touch_table(&self, value: &Value<'a>, keys: &[&str]) {
        if let Value::Json { variable, path, .. } = value {
            self.touch(variable, path, Check::Table(keys.iter().map(|key| (*key).to_owned()).collect()));
        }
    }

    /// Looks at no more than whether the value is null.
    pub fn is_null(&self, value: &Value<'a>) -> bool {
        match value {
            Value::Literal(literal) => literal.is_null(),
            Value::Json { json, variable, path } => {
                self.touch(variable, path, Check::Kind(kind(json)));
                json.is_null()
            }
        }
    }

    /// Passes a value on without looking at more than its kind.
    ///
    /// # Errors
    /// As [`Variables::resolve`], for a variable in a list too. Variables inside JSON literals may have any type.
    pub fn source(
        &self,
        value: Value<'a>,
        expected: Option<&TypeRef>,
        schema: &Schema,
        path: &Path<'_>,
    ) -> Result<Source, Failure> {
        let literal = match self.resolve(value, expected, schema, path)? {
            Value::Literal(literal) => literal,
            Value::Json { json, variable, path } => {
                self.touch(variable, &path, Check::Kind(kind(json)));
                return Ok(Source::Variable { name: variable.to_owned(), path });
            }
        };
        let inner = |item: &'a ast::Value, expected: Option<&TypeRef>, path: &Path<'_>| {
            self.source(Value::Literal(item), expected, schema, path)
        };
        Ok(match literal {
            ast::Value::List(items) => {
                let expected = expected.and_then(item_type);
                let items = items.iter().enumerate().map(|(at, item)| inner(item, expected, &path.index(at)));
                Source::List(items.collect::<Result<_, _>>()?)
            }
            ast::Value::Object(fields) => {
                let fields =
                    fields.iter().map(|(key, value)| Ok((key.to_string(), inner(value, None, &path.key(key))?)));
                Source::Object(fields.collect::<Result<_, Failure>>()?)
            }
            scalar => Source::Literal(literal_datum(scalar)),
        })
    }
}

fn item_type(list: &TypeRef) -> Option<&TypeRef> {
    match list {
        TypeRef::List(item) => Some(item),
        TypeRef::NonNull(inner) => item_type(inner),
        TypeRef::Named(_) => None,
    }
}

fn view_literal(literal: &ast::Value) -> View<'_> {
    match literal {
        ast::Value::Null => View::Null,
        ast::Value::List(items) => View::List(items.iter().map(|item| Value::Literal(item)).collect()),
        ast::Value::Object(fields) => {
            View::Object(fields.iter().map(|(key, value)| (key.as_str(), Value::Literal(value))).collect())
        }
        scalar => View::Scalar(literal_datum(scalar)),
    }
}

fn literal_datum(literal: &ast::Value) -> Datum<'static> {
    match literal {
        ast::Value::Boolean(value) => Datum::Boolean(*value),
        ast::Value::Int(number) => Datum::Number(number.as_str().to_owned().into()),
        ast::Value::Float(number) => Datum::Number(number.as_str().to_owned().into()),
        ast::Value::String(text) => Datum::String(text.clone().into()),
        ast::Value::Enum(name) => Datum::Enum(name.to_string().into()),
        // The callers take lists, objects and variables apart first.
        ast::Value::Null | ast::Value::List(_) | ast::Value::Object(_) | ast::Value::Variable(_) => Datum::Null,
    }
}

/// GraphQL specification, 5.8.5 "All Variable Usages Are Allowed".
fn fits(declared: &ast::Type, has_default: bool, expected: &TypeRef, schema: &Schema) -> bool {
    match (declared, expected) {
        (ast::Type::NonNullNamed(_) | ast::Type::NonNullList(_), TypeRef::NonNull(inner)) => {
            fits(&declared.clone().nullable(), false, inner, schema)
        }
        (_, TypeRef::NonNull(inner)) => has_default && fits(declared, false, inner, schema),
        (ast::Type::Named(name) | ast::Type::NonNullNamed(name), TypeRef::Named(id)) => {
            schema.type_name(*id) == name.as_str()
        }
        (ast::Type::List(item) | ast::Type::NonNullList(item), TypeRef::List(inner)) => {
            // Hasura takes a list of nullable items too; a null among them is found when it is read.
            let inner = match (&**inner, item.is_non_null()) {
                (TypeRef::NonNull(inner), false) => inner,
                _ => inner,
            };
            fits(item, false, inner, schema)
        }
        _ => false,
    }
}
