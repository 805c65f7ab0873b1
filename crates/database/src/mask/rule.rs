//! What happens to a column's values, as a person writes it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Kind;

/// Days by which dates move at most, unless the rule says otherwise.
const SHIFT_DAYS: u32 = 365;
/// Per cent by which numbers change at most, unless the rule says otherwise.
const NOISE_PERCENT: f64 = 10.0;

/// A rule for a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    /// As it is.
    Keep,
    /// NULL.
    Null,
    /// An invented value of the kind, or of the one that the column's name and type suggest.
    Fake {
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<Kind>,
    },
    /// `#` for digits and `x` for letters; other digits and letters where the column is unique or a number.
    Mask {
        /// How many characters at the end stay.
        keep_last: usize,
    },
    /// HMAC-SHA-256 as hexadecimal digits.
    Hash {
        #[serde(skip_serializing_if = "Option::is_none")]
        length: Option<usize>,
    },
    /// Dates move by 1 to `days` days, in a row all by as many.
    Shift {
        days: u32,
        /// The column whose value decides by how many; the primary key unless given.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Numbers change by up to `percent`.
    Noise { percent: f64 },
    /// One text for all.
    Redact {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// A text with `{hash}`, `{hash:8}`, `{digits:4}`, `{letters:4}` or `{<kind>}` in it.
    Template { text: String },
    /// The hash of one password that is known, or NULL.
    Password,
    /// For JSON: rules for paths (`owner.email`, `tags[]`), and one for everything else.
    Json { paths: Vec<(String, Rule)>, rest: Box<Rule> },
}

/// The rules' names, for messages.
pub const RULES: &str = "fake, mask, hash, null, keep, shift, noise, redact, template, json, password";

impl Rule {
    /// From what stands in the rules file: a name, null, or a map with `rule:` and its options.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::String(name) => Self::named(name, &Map::new()),
            Value::Object(options) => match options.get("rule").or_else(|| options.get("type")) {
                Some(Value::String(name)) => Self::named(name, options),
                Some(Value::Null) => Ok(Self::Null),
                _ => Err(format!("a rule with options names itself by `rule:`; rules are {RULES}")),
            },
            _ => Err(format!("that is not a rule; rules are {RULES}")),
        }
    }

    fn named(name: &str, options: &Map<String, Value>) -> Result<Self, String> {
        let allowed: &[&str] = match name {
            "fake" => &["kind"],
            "mask" => &["keep_last"],
            "hash" => &["length"],
            "shift" => &["days", "by"],
            "noise" => &["percent"],
            "redact" | "template" => &["text"],
            "json" => &["paths", "rest"],
            _ => &[],
        };
        let unknown =
            options.keys().find(|key| !matches!(key.as_str(), "rule" | "type") && !allowed.contains(&key.as_str()));
        if let Some(unknown) = unknown {
            return Err(format!("`{name}` has no option `{unknown}`"));
        }
        match name {
            "keep" => Ok(Self::Keep),
            "null" => Ok(Self::Null),
            "password" => Ok(Self::Password),
            "fake" => Ok(Self::Fake { kind: text(options, "kind")?.map(|kind| kind_named(&kind)).transpose()? }),
            "mask" => Ok(Self::Mask { keep_last: number(options, "keep_last")?.unwrap_or(0.0) as usize }),
            "hash" => Ok(Self::Hash { length: number(options, "length")?.map(|length| length as usize) }),
            "shift" => shift(options),
            "noise" => noise(options),
            "redact" => Ok(Self::Redact { text: text(options, "text")? }),
            "template" => template(options),
            "json" => json(options),
            _ => match Kind::parse(name) {
                // `email: phone` can only mean one thing.
                Some(kind) => Ok(Self::Fake { kind: Some(kind) }),
                None => Err(format!("`{name}` is not a rule; rules are {RULES}")),
            },
        }
    }

    /// As the rules file has it.
    pub fn written(&self) -> Value {
        let named = |name: &str| Value::String(name.to_owned());
        match self {
            Self::Keep => named("keep"),
            Self::Null => Value::Null,
            Self::Password => named("password"),
            Self::Fake { kind: None } => named("fake"),
            Self::Mask { keep_last: 0 } => named("mask"),
            Self::Hash { length: None } => named("hash"),
            Self::Redact { text: None } => named("redact"),
            Self::Shift { days: SHIFT_DAYS, by: None } => named("shift"),
            Self::Json { paths, rest } => {
                let paths: Map<String, Value> =
                    paths.iter().map(|(path, rule)| (path.clone(), rule.written())).collect();
                serde_json::json!({"rule": "json", "paths": paths, "rest": rest.written()})
            }
            _ => serde_json::to_value(self).expect("a rule is plain data"),
        }
    }

    /// True where values become others, so that originals must not be found again.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

/// `fake email`, `shift 30 days by user_id`: for lists.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::Null => f.write_str("null"),
            Self::Password => f.write_str("password"),
            Self::Fake { kind: None } => f.write_str("fake"),
            Self::Fake { kind: Some(kind) } => write!(f, "fake {}", kind.as_str()),
            Self::Mask { keep_last: 0 } => f.write_str("mask"),
            Self::Mask { keep_last } => write!(f, "mask, keep the last {keep_last}"),
            Self::Hash { length: None } => f.write_str("hash"),
            Self::Hash { length: Some(length) } => write!(f, "hash of {length}"),
            Self::Shift { days, by: None } => write!(f, "shift {days} days"),
            Self::Shift { days, by: Some(by) } => write!(f, "shift {days} days by {by}"),
            Self::Noise { percent } => write!(f, "noise {percent} %"),
            Self::Redact { .. } => f.write_str("redact"),
            Self::Template { text } => write!(f, "template {text}"),
            Self::Json { paths, rest } => write!(f, "json, {} paths, the rest {rest}", paths.len()),
        }
    }
}

fn kind_named(name: &str) -> Result<Kind, String> {
    Kind::parse(name)
        .ok_or_else(|| format!("there is no kind `{name}`; kinds are {}", Kind::all().collect::<Vec<_>>().join(", ")))
}

fn text(options: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match options.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{key}` is a text")),
    }
}

fn number(options: &Map<String, Value>, key: &str) -> Result<Option<f64>, String> {
    match options.get(key) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if number > 0.0 && number <= 1e6 => Ok(Some(number)),
            _ => Err(format!("`{key}` is a number above zero")),
        },
    }
}

fn shift(options: &Map<String, Value>) -> Result<Rule, String> {
    let days = number(options, "days")?.map_or(SHIFT_DAYS, |days| days as u32);
    Ok(Rule::Shift { days: days.max(1), by: text(options, "by")? })
}

fn noise(options: &Map<String, Value>) -> Result<Rule, String> {
    let percent = number(options, "percent")?.unwrap_or(NOISE_PERCENT);
    if percent > 100.0 { Err("`percent` is at most 100".to_owned()) } else { Ok(Rule::Noise { percent }) }
}

fn template(options: &Map<String, Value>) -> Result<Rule, String> {
    let text = text(options, "text")?.ok_or("`template` needs `text:`")?;
    super::template::Template::parse(&text)?;
    Ok(Rule::Template { text })
}

fn json(options: &Map<String, Value>) -> Result<Rule, String> {
    let paths = match options.get("paths") {
        None => Vec::new(),
        Some(Value::Object(paths)) => paths
            .iter()
            .map(|(path, rule)| Ok((path.clone(), Rule::parse(rule).map_err(|problem| format!("{path}: {problem}"))?)))
            .collect::<Result<_, String>>()?,
        Some(_) => return Err("`paths` maps paths to rules".to_owned()),
    };
    let rest = options.get("rest").map_or(Ok(Rule::Fake { kind: None }), Rule::parse)?;
    let nested = |rule: &Rule| matches!(rule, Rule::Json { .. } | Rule::Password | Rule::Shift { by: Some(_), .. });
    if nested(&rest) || paths.iter().any(|(_, rule)| nested(rule)) {
        return Err("inside `json` stand rules for single values".to_owned());
    }
    Ok(Rule::Json { paths, rest: Box::new(rest) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn rules_are_read_and_written() {
        for value in [
            json!("keep"),
            json!(null),
            json!("fake"),
            json!("mask"),
            json!({"rule": "fake", "kind": "email"}),
            json!({"rule": "shift", "days": 30, "by": "user_id"}),
            json!({"rule": "noise", "percent": 5.0}),
            json!({"rule": "template", "text": "user-{hash:8}@example.com"}),
            json!({"rule": "json", "paths": {"owner.email": {"rule": "fake", "kind": "email"}}, "rest": "keep"}),
        ] {
            assert_eq!(Rule::parse(&value).unwrap().written(), value);
        }
        assert_eq!(Rule::parse(&json!("email")).unwrap(), Rule::Fake { kind: Some(Kind::Email) });
    }

    #[test]
    fn what_is_not_a_rule_is_refused() {
        for value in [
            json!("fke"),
            json!(7),
            json!({"rule": "fake", "colour": 1}),
            json!({"rule": "fake", "kind": "colour"}),
            json!({"rule": "noise", "percent": 500}),
            json!({"rule": "template", "text": "{nonsense}"}),
            json!({"kind": "email"}),
        ] {
            assert!(Rule::parse(&value).is_err(), "{value}");
        }
    }
}
