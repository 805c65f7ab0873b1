//! Expression and context to JSON.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Context, Error, Expression, Kind, Node, Operator, STEP_LIMIT, function};

struct Scope<'c> {
    context: &'c Context,
    /// What ranges bind, innermost last.
    bound: Vec<(&'c str, Value)>,
    steps: usize,
}

pub(super) fn evaluate(expression: &Expression, context: &Context) -> Result<Value, Error> {
    let mut scope = Scope { context, bound: Vec::new(), steps: 0 };
    scope.value(expression)
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// The path as it was written.
fn path_text(expression: &Expression) -> String {
    match &expression.node {
        Node::Name(name) => name.clone(),
        Node::Field { of, key, optional } => {
            let mark = if *optional { "?" } else { "" };
            match &key.node {
                Node::Literal(Value::String(key)) => format!("{}{mark}.{key}", path_text(of)),
                Node::Literal(key) => format!("{}{mark}[{key}]", path_text(of)),
                _ => format!("{}{mark}[…]", path_text(of)),
            }
        }
        _ => "…".to_owned(),
    }
}

impl<'c> Scope<'c> {
    fn value(&mut self, expression: &'c Expression) -> Result<Value, Error> {
        let at = expression.at;
        self.steps += 1;
        if self.steps > STEP_LIMIT {
            return Err(Error::new(Kind::Range, at, "Range Error: the template takes too many steps"));
        }
        match &expression.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Text(parts) => self.text(parts).map(Value::String),
            Node::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Node::Object(fields) => {
                let mut object = Map::with_capacity(fields.len());
                for (key, value) in fields {
                    let key = self.text(std::slice::from_ref(key))?;
                    object.insert(key, self.value(value)?);
                }
                Ok(Value::Object(object))
            }
            Node::Name(name) => self.name(name, expression),
            Node::Field { of, key, optional } => self.field(expression, of, key, *optional),
            Node::Default(left, right) => match self.value(left)? {
                Value::Null => self.value(right),
                found => Ok(found),
            },
            Node::Binary(operator, left, right) => self.binary(*operator, left, right),
            Node::Call(name, argument) => {
                let argument = self.value(argument)?;
                let result = match (name.as_str(), &argument) {
                    ("getSessionVariable", Value::String(variable)) => self.session_variable(variable),
                    _ => function::call(name, argument),
                };
                result.map_err(|message| Error::new(Kind::Function, at, message))
            }
            Node::If { condition, then, otherwise } => match (self.boolean(condition)?, otherwise) {
                (true, _) => self.value(then),
                (false, Some(otherwise)) => self.value(otherwise),
                (false, None) => Ok(Value::Null),
            },
            Node::Range { index, item, list, body } => self.range(at, index.as_deref(), item, list, body),
        }
    }

    fn session_variable(&self, name: &str) -> Result<Value, String> {
        let variables = self.context.get("$session_variables");
        let found = variables.and_then(|variables| variables.get(name.to_lowercase()));
        found.cloned().ok_or_else(|| format!("Session variable \"{name}\" not found"))
    }

    fn text(&mut self, parts: &'c [Expression]) -> Result<String, Error> {
        let mut text = String::new();
        for part in parts {
            match self.value(part)? {
                Value::String(found) => text.push_str(&found),
                found @ (Value::Number(_) | Value::Bool(_) | Value::Null) => text.push_str(&found.to_string()),
                found => {
                    let message = format!("Type Error: Cannot interpolate type: '{}'.", type_name(&found));
                    return Err(Error::new(Kind::Type, part.at, message));
                }
            }
        }
        Ok(text)
    }

    fn name(&self, name: &str, expression: &Expression) -> Result<Value, Error> {
        let bound = self.bound.iter().rev().find(|(bound, _)| *bound == name).map(|(_, value)| value);
        bound.or_else(|| self.context.get(name)).cloned().ok_or_else(|| lost(expression))
    }

    fn field(
        &mut self,
        whole: &'c Expression,
        of: &'c Expression,
        key: &'c Expression,
        optional: bool,
    ) -> Result<Value, Error> {
        // After one `?` the rest of the path may be missing too.
        let optional = optional || is_optional(of);
        let mut base = match self.value(of) {
            Err(error) if optional && error.kind == Kind::Path => return Ok(Value::Null),
            other => other?,
        };
        let found = match (&mut base, self.value(key)?) {
            (Value::Object(fields), Value::String(key)) => fields.remove(&key),
            (Value::Array(items), Value::Number(index)) => {
                let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| items.get_mut(index)).map(Value::take)
            }
            (_, _) if optional => None,
            (_, Value::Number(_)) => return Err(Error::new(Kind::Type, whole.at, "Type Error: Expected array")),
            (_, _) => return Err(Error::new(Kind::Type, whole.at, "Type Error: Expected object")),
        };
        match found {
            Some(found) => Ok(found),
            None if optional => Ok(Value::Null),
            None => Err(lost(whole)),
        }
    }

    fn boolean(&mut self, expression: &'c Expression) -> Result<bool, Error> {
        match self.value(expression)? {
            Value::Bool(value) => Ok(value),
            other => Err(Error::new(Kind::Type, expression.at, format!("Type Error: '{other}' is not a boolean."))),
        }
    }

    fn binary(&mut self, operator: Operator, left: &'c Expression, right: &'c Expression) -> Result<Value, Error> {
        let result = match operator {
            Operator::Or => self.boolean(left)? | self.boolean(right)?,
            Operator::And => self.boolean(left)? & self.boolean(right)?,
            Operator::In => return self.contains(left, right).map(Value::Bool),
            _ => {
                let order = compare(&self.value(left)?, &self.value(right)?);
                match operator {
                    Operator::Equal => order.is_eq(),
                    Operator::Unequal => order.is_ne(),
                    Operator::Less => order.is_lt(),
                    Operator::LessOrEqual => order.is_le(),
                    Operator::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }
            }
        };
        Ok(Value::Bool(result))
    }

    fn contains(&mut self, left: &'c Expression, right: &'c Expression) -> Result<bool, Error> {
        match (self.value(left)?, self.value(right)?) {
            (Value::String(key), Value::Object(fields)) => Ok(fields.contains_key(&key)),
            (value, Value::Array(items)) => Ok(items.iter().any(|item| compare(item, &value).is_eq())),
            (value, Value::Object(_)) => {
                Err(Error::new(Kind::Type, left.at, format!("Type Error: {value} is not a String.")))
            }
            (_, value) => {
                let message = format!("Type Error: {value} is not an Object or Array.");
                Err(Error::new(Kind::Type, right.at, message))
            }
        }
    }

    fn range(
        &mut self,
        at: usize,
        index: Option<&'c str>,
        item: &'c str,
        list: &'c Expression,
        body: &'c Expression,
    ) -> Result<Value, Error> {
        let Value::Array(items) = self.value(list)? else {
            return Err(Error::new(Kind::Range, at, "Range Error: Can only range over an array"));
        };
        let depth = self.bound.len();
        let mut out = Vec::with_capacity(items.len());
        for (position, value) in items.into_iter().enumerate() {
            self.bound.extend(index.map(|index| (index, Value::from(position))));
            self.bound.push((item, value));
            let made = self.value(body);
            self.bound.truncate(depth);
            out.push(made?);
        }
        Ok(Value::Array(out))
    }
}

fn is_optional(expression: &Expression) -> bool {
    match &expression.node {
        Node::Field { of, optional, .. } => *optional || is_optional(of),
        _ => false,
    }
}

fn lost(expression: &Expression) -> Error {
    Error::new(Kind::Path, expression.at, format!("Path Lookup Error: \"{}\"", path_text(expression)))
}

/// A total order: by kind first, then within it. Numbers by value, whatever way they are written.
fn compare(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Object(_) => 0,
        Value::Array(_) => 1,
        Value::String(_) => 2,
        Value::Number(_) => 3,
        Value::Bool(_) => 4,
        Value::Null => 5,
    };
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().unwrap_or(f64::NAN).total_cmp(&b.as_f64().unwrap_or(f64::NAN)),
        },
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(_), Value::Object(_)) if a == b => Ordering::Equal,
        (Value::Object(_), Value::Object(_)) => a.to_string().cmp(&b.to_string()).then(Ordering::Less),
        _ => rank(a).cmp(&rank(b)),
    }
}
