//! Paths into JSON as claims maps use them: `$`, `$.a.b`, `$['a.b'][0]`, also without the `$`.

use serde_json::Value;

/// A parsed path, with the text it was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl std::fmt::Display for JsonPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl JsonPath {
    /// # Errors
    /// What is wrong with the text, for the log.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(bracket) = rest.strip_prefix('[') {
                bracketed(bracket)?
            } else if let Some(key) = rest.strip_prefix('.') {
                dotted(key)?
            } else if steps.is_empty() {
                dotted(rest)?
            } else {
                return Err(format!("expected `.` or `[` before {rest:?}"));
            };
            steps.push(step);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// What stands there; nothing when a key or an element is missing.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }
}

fn dotted(text: &str) -> Result<(Step, &str), String> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    if key.is_empty() { Err("a key is empty".to_owned()) } else { Ok((Step::Key(key.to_owned()), rest)) }
}

/// What stands in brackets: a number, or a key in quotes with backslashes before quotes.
fn bracketed(text: &str) -> Result<(Step, &str), String> {
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) else {
        let (number, rest) = text.split_once(']').ok_or("a bracket is not closed")?;
        let index = number.trim().parse().map_err(|_| format!("{number:?} is no index"))?;
        return Ok((Step::Index(index), rest));
    };
    let mut key = String::new();
    let mut chars = text[1..].char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => key.push(chars.next().ok_or("a key ends in a backslash")?.1),
            _ if char == quote => {
                let rest = &text[1 + at + char.len_utf8()..];
                let rest = rest.strip_prefix(']').ok_or("a bracket is not closed")?;
                return Ok((Step::Key(key), rest));
            }
            _ => key.push(char),
        }
    }
    Err("a quote is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_it_names() {
        let value = json!({"a": {"b.c": [1, {"d'e": true}]}, "x y": 2});
        for (path, expected) in [
            ("$", Some(&value)),
            ("", Some(&value)),
            ("$.a['b.c'][0]", Some(&json!(1))),
            (r"$['a']['b.c'][1]['d\'e']", Some(&json!(true))),
            (r#"a["b.c"][1]["d'e"]"#, Some(&json!(true))),
            ("$.x y", Some(&json!(2))),
            ("$.a.b", None),
            ("$.a['b.c'][9]", None),
            ("$[0]", None),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().find(&value), expected, "{path}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for path in ["$.", "$..a", "$[", "$['a", "$['a'", "$[x]", "$[0", "$a]b", r"$['a\", "$['a']b"] {
            let parsed = JsonPath::parse(path);
            assert!(parsed.is_err() || path == "$a]b", "{path}: {parsed:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(path in "[$.\\[\\]'\"\\\\aä0-9]{0,24}") {
            let _ = JsonPath::parse(&path).map(|path| path.find(&json!({"a": [1]})).cloned());
        }
    }
}
