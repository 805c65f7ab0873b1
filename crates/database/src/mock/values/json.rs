//! JSON by a hint of its shape: a kind for each key, and what nests.

use serde_json::{Map, Value};

use super::{
    Generate, Made, Pcg, Recipe, Row, SpecError, auto,
    checks::Constraint,
    compound::Parts,
    encode,
    target::{Resolved, Target},
};

/// A JSON value of the configured schema, or a small object.
pub fn make(recipe: &Recipe<'_>) -> Made {
    if !matches!(recipe.resolved.target, Target::Json | Target::Text { max: usize::MAX, .. }) {
        return Err(recipe.misfit());
    }
    let conditions = recipe.constraint.first();
    if let Some(schema) = recipe.options.get("schema") {
        return value(recipe, schema);
    }
    match conditions.json_type.as_deref() {
        Some("array") => return list(recipe, &Value::String("tag".to_owned()), 0, 4),
        Some("string") => return value(recipe, &Value::String("title".to_owned())),
        Some("number") => return value(recipe, &Value::String("integer".to_owned())),
        Some("boolean") => return value(recipe, &Value::String("boolean".to_owned())),
        _ => {}
    }
    let mut schema = Map::new();
    for key in &conditions.json_keys {
        schema.insert(key.clone(), Value::String("word".to_owned()));
    }
    if schema.is_empty() {
        for (key, kind) in [("label", "title"), ("count", "count"), ("enabled", "boolean")] {
            schema.insert(key.to_owned(), Value::String(kind.to_owned()));
        }
    }
    value(recipe, &Value::Object(schema))
}

/// A schema is a kind's name, an entry with a `type`, a list of one element's schema, or an object of keys.
fn value(recipe: &Recipe<'_>, schema: &Value) -> Made {
    match schema {
        Value::Object(keys) if !is_entry(keys) => {
            let mut parts = Vec::new();
            for (index, (key, schema)) in keys.iter().enumerate() {
                let mut literal = if index == 0 { b"{".to_vec() } else { b", ".to_vec() };
                encode::json_string(key.as_bytes(), &mut literal);
                literal.extend_from_slice(b": ");
                parts.push((String::from_utf8_lossy(&literal).into_owned(), Some(value(recipe, schema)?)));
            }
            parts.push((if keys.is_empty() { "{}" } else { "}" }.to_owned(), None));
            Ok(Box::new(Parts { parts, template: false }))
        }
        Value::Array(items) => match items.as_slice() {
            [element] => list(recipe, element, 1, 3),
            _ => Err(recipe.wrong("schema", "a list of exactly one element's kind, where it is a list")),
        },
        Value::String(_) | Value::Object(_) => {
            let spec = auto::entry(schema).ok_or_else(|| recipe.wrong("schema", "made of kinds"))?;
            if spec.kind == "array" {
                let element = spec.options.get("of").cloned().unwrap_or_else(|| Value::String("word".to_owned()));
                let size = |option: &str, own: u64| spec.options.get(option).and_then(Value::as_u64).unwrap_or(own);
                return list(recipe, &element, size("min", 0), size("max", 4));
            }
            if spec.kind == "json" {
                let inner = spec.options.get("schema").cloned().unwrap_or_else(|| Value::Object(Map::new()));
                return value(recipe, &inner);
            }
            leaf(recipe, &spec)
        }
        // Anything else stands for itself.
        other => Ok(Box::new(Parts { parts: vec![(other.to_string(), None)], template: false })),
    }
}

fn is_entry(keys: &Map<String, Value>) -> bool {
    matches!(keys.get("type"), Some(Value::String(name)) if super::kinds::find(name).is_some())
}

fn leaf(recipe: &Recipe<'_>, spec: &super::Spec) -> Made {
    let resolved = Resolved {
        target: Target::Json,
        constraint: Constraint::default(),
        not_null: true,
        sql: "jsonb".to_owned(),
        fraction: None,
    };
    if spec.kind == "null" {
        return Ok(Box::new(Parts { parts: vec![("null".to_owned(), None)], template: false }));
    }
    if matches!(spec.kind.as_str(), "oneOf" | "constant") {
        return literals(recipe, spec);
    }
    super::make(&recipe.inner(&resolved), spec)
}

/// Listed values keep their JSON type.
fn literals(recipe: &Recipe<'_>, spec: &super::Spec) -> Made {
    let listed = match (spec.options.get("values"), spec.options.get("value")) {
        (Some(Value::Array(values)), _) if !values.is_empty() => values.clone(),
        (_, Some(value)) => vec![value.clone()],
        _ => {
            let message = format!("`{}` inside `schema` needs its values", spec.kind);
            return Err(SpecError { message, hint: None });
        }
    };
    let values: Vec<String> = listed.iter().map(Value::to_string).collect();
    let weights = match spec.options.get("weights").and_then(Value::as_array) {
        Some(weights) => {
            let numbers: Vec<f64> = weights.iter().filter_map(Value::as_f64).collect();
            let made = super::distribution::Weighted::new(&numbers).filter(|_| numbers.len() == values.len());
            Some(made.ok_or_else(|| recipe.wrong("weights", "a number for each value"))?)
        }
        None => None,
    };
    Ok(Box::new(super::compound::Choice { values, weights }))
}

fn list(recipe: &Recipe<'_>, element: &Value, min: u64, max: u64) -> Made {
    Ok(Box::new(List { element: value(recipe, element)?, min, max: max.max(min).min(1_000) }))
}

/// `[a, b]`.
#[derive(Debug)]
struct List {
    element: Box<dyn Generate>,
    min: u64,
    max: u64,
}

impl Generate for List {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        out.push(b'[');
        for position in 0..super::stream::between(rng, self.min as i64, self.max as i64) as u64 {
            if position > 0 {
                out.extend_from_slice(b", ");
            }
            let row = &Row { index: row.index, key: super::stream::mix(row.key ^ position), cells: row.cells };
            self.element.write(row, rng, out);
        }
        out.push(b']');
    }

    fn distinct(&self) -> Option<u64> {
        if self.max == 0 { Some(1) } else { self.element.distinct() }
    }

    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        out.push(b'[');
        if self.max > 0 {
            self.element.nth(index, row, rng, out);
        }
        out.push(b']');
    }
}
