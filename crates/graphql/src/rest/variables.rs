//! From what a client sends to an endpoint to the variables of its query.

use apollo_compiler::Node;
use apollo_compiler::ast::{Type, VariableDefinition};
use serde_json::{Map, Value};

use super::Arguments;
use crate::failure::{Code, Failure};

/// The path counts before the body, the body before the query string.
///
/// # Errors
/// Something is sent that is no variable of the query, or a text for a list.
pub(super) fn resolve(
    expected: &[Node<VariableDefinition>],
    arguments: Arguments,
    path: Vec<(String, String)>,
) -> Result<Map<String, Value>, Failure> {
    let definition = |name: &str| {
        let found = expected.iter().find(|definition| definition.name == name);
        found.ok_or_else(|| Failure::new(Code::BadRequest, "$", format!("Unexpected variable {name}")))
    };
    let mut variables = Map::new();
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.as_bytes()[0].is_ascii_digit()
    };
    let mut take = |name: &str, text: &str| {
        // What cannot be the name of a variable is left out, as Hasura does.
        if !is_name(name) {
            return Ok(());
        }
        match coerced(name, &definition(name)?.ty, text)? {
            Some(value) => variables.insert(name.to_owned(), value),
            None => variables.remove(name),
        };
        Ok::<_, Failure>(())
    };
    for (name, text) in arguments.query.iter().filter(|(name, _)| !arguments.body.contains_key(name)) {
        take(name, text)?;
    }
    for (name, text) in &path {
        take(name, text)?;
    }
    for (name, value) in arguments.body {
        if is_name(&name) && !path.iter().any(|(own, _)| *own == name) {
            definition(&name)?;
            variables.insert(name, value);
        }
    }
    Ok(variables)
}

/// A text as a variable's value; none for nothing.
fn coerced(name: &str, expected: &Type, text: &str) -> Result<Option<Value>, Failure> {
    let (Type::Named(kind) | Type::NonNullNamed(kind)) = expected else {
        let message = format!(
            "List variables are not currently supported in URL or Query parameters. (Variable {name}, with value {})",
            Value::from(text)
        );
        return Err(Failure::new(Code::BadRequest, "$", message));
    };
    if text.is_empty() && kind == "Boolean" {
        return Ok(Some(Value::Bool(true)));
    }
    if text.is_empty() && !expected.is_non_null() {
        return Ok(None);
    }
    let value = match (serde_json::from_str::<Value>(text), kind.as_str()) {
        (Ok(value @ Value::Bool(_)), "Boolean" | "Bool") => value,
        (Ok(value @ Value::Number(_)), "Int" | "Float" | "Number" | "Double" | "float8" | "numeric") => value,
        _ => Value::from(text),
    };
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn given(query: &[(&str, &str)], body: Value, path: &[(&str, &str)]) -> Result<Value, String> {
        let text = "query ($i: Int, $i2: Int!, $b: Boolean, $s: String, $l: [Int], $u: uuid!, $n: numeric) { a }";
        let document = crate::parse::document(text).unwrap();
        let operation = document.definitions[0].as_operation_definition().unwrap();
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let Value::Object(body) = body else { panic!("an object") };
        let arguments = Arguments { query: owned(query), body };
        resolve(&operation.variables, arguments, owned(path)).map(Value::Object).map_err(|failure| failure.message)
    }

    #[test]
    fn texts_become_what_the_variable_is() {
        let query = [("i", "7"), ("b", "true"), ("s", "7"), ("n", "1.50"), ("u", "x")];
        assert_eq!(given(&query, json!({}), &[]), Ok(json!({"i": 7, "b": true, "s": "7", "n": 1.5, "u": "x"})));
        assert_eq!(given(&[("b", ""), ("i", ""), ("s", "")], json!({}), &[]), Ok(json!({"b": true})));
        assert_eq!(given(&[("i2", ""), ("u", "")], json!({}), &[]), Ok(json!({"i2": "", "u": ""})));
        assert_eq!(
            given(&[("i", "true"), ("b", "1"), ("s", "{")], json!({}), &[]),
            Ok(json!({"i": "true", "b": "1", "s": "{"}))
        );
    }

    #[test]
    fn the_path_counts_most() {
        let body = json!({"i": 2, "l": [1], "s": null});
        let expected = Ok(json!({"i": 3, "l": [1], "s": null}));
        assert_eq!(given(&[("i", "1"), ("l", "9")], body, &[("i", "3")]), expected);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let list =
            "List variables are not currently supported in URL or Query parameters. (Variable l, with value \"1\")";
        assert_eq!(given(&[("l", "1")], json!({}), &[]), Err(list.to_owned()));
        assert_eq!(given(&[("x", "1")], json!({}), &[]), Err("Unexpected variable x".to_owned()));
        assert_eq!(given(&[], json!({"x": 1}), &[]), Err("Unexpected variable x".to_owned()));
        assert_eq!(given(&[("a-b", "1"), ("", ""), ("1", "")], json!({"ä": 1}), &[]), Ok(json!({})));
    }
}
