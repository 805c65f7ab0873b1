//! Reading a command's arguments, with Hasura's words and paths where they do not fit.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::draft::SOURCE;
use crate::failure::{Code, Failure};

/// # Errors
/// `parse-failed`, with the place inside the arguments.
pub fn parse<T: DeserializeOwned>(arguments: &Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let path = error.path().to_string();
        let path = match path.as_str() {
            "." | "?" => "$".to_owned(),
            path => format!("$.{path}"),
        };
        Failure::new(Code::ParseFailed, path, words(&error.into_inner().to_string()))
    })
}

/// Serde's message in Hasura's words, where it has some.
fn words(message: &str) -> String {
    match message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => format!("key \"{field}\" not found"),
        None => message.to_owned(),
    }
}

/// For `#[serde(default = …)]`: the source of a command that names none.
pub fn default_source() -> String {
    SOURCE.to_owned()
}

/// A text that is not empty.
///
/// # Errors
/// Hasura's sentence about it.
pub fn filled<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    if text.is_empty() { Err(D::Error::custom("empty string not allowed")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Probe {
        #[serde(deserialize_with = "filled")]
        name: String,
        columns: Vec<u8>,
    }

    #[test]
    fn mistakes_are_told_as_hasura_does() {
        let told = |arguments: Value| {
            let failure = parse::<Probe>(&arguments).expect_err("it does not fit");
            (failure.path, failure.message)
        };
        let empty = told(serde_json::json!({"name": "", "columns": []}));
        assert_eq!(empty, ("$.name".to_owned(), "empty string not allowed".to_owned()));
        let missing = told(serde_json::json!({"name": "a"}));
        assert_eq!(missing, ("$".to_owned(), "key \"columns\" not found".to_owned()));
        assert_eq!(told(serde_json::json!({"name": "a", "columns": [1, "x"]})).0, "$.columns[1]");
    }
}
