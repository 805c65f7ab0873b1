//! `{{NAME}}` in URLs and header values, filled in from the environment.

use crate::failure::{Code, Failure};

use super::Environment;

/// A text with every `{{NAME}}` replaced.
///
/// # Errors
/// A variable is not set, or a brace has no end.
pub fn resolve(environment: &Environment, text: &str) -> Result<String, Failure> {
    let mut out = String::with_capacity(text.len());
    let mut missing: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            return Err(Failure::new(Code::ParseFailed, "$", "Parsing URL template failed: no end of '{{'"));
        };
        let name = name.trim();
        match environment.get(name) {
            Some(value) => out.push_str(value),
            None if !missing.contains(&name) => missing.push(name),
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    if missing.is_empty() {
        return Ok(out);
    }
    let message = format!("Value for environment variables not found: {}", missing.join(", "));
    Err(Failure::new(Code::Unexpected, "$", message))
}

/// The value that a `…_from_env` names.
///
/// # Errors
/// It is not set.
pub fn variable<'e>(environment: &'e Environment, name: &str) -> Result<&'e str, Failure> {
    let found = environment.get(name).map(String::as_str);
    found.ok_or_else(|| Failure::new(Code::NotFound, "$", format!("environment variable '{name}' not set")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_are_replaced_and_missing_ones_listed() {
        let environment = Environment::from([("HOST".to_owned(), "http://h".to_owned())]);
        assert_eq!(resolve(&environment, "{{HOST}}/a{{ HOST }}").unwrap(), "http://h/ahttp://h");
        let failure = resolve(&environment, "{{A}}{{B}}{{A}}").unwrap_err();
        assert_eq!(failure.message, "Value for environment variables not found: A, B");
        assert!(resolve(&environment, "{{A").is_err());
    }
}
