//! The rules file, `nself/anonymize.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{MaskError, Rule};

/// What the file says, and where it was read.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// For messages.
    pub file: PathBuf,
    /// By table as the file writes it: `users`, `crm.contacts`.
    pub tables: BTreeMap<String, TableRules>,
    /// Tables that are copied as they are.
    pub skip: BTreeSet<String>,
    /// Columns (`table.column`) in which the leak check may find originals.
    pub accept: BTreeSet<String>,
    /// Every text, document and picture needs a rule, whatever it looks like.
    pub strict: bool,
}

/// What happens to a table.
#[derive(Debug, Clone, PartialEq)]
pub enum TableRules {
    /// No row of it is copied.
    Empty,
    /// Rules by column.
    Columns(BTreeMap<String, Rule>),
}

impl Rules {
    /// Reads the file; no rules when there is none.
    ///
    /// # Errors
    /// [`MaskError::Rules`].
    pub fn read(file: &Path) -> Result<Self, MaskError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text, file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { file: file.to_owned(), ..Self::default() })
            }
            Err(error) => Err(MaskError::Rules { file: file.to_owned(), problem: error.to_string() }),
        }
    }

    /// # Errors
    /// [`MaskError::Rules`], with the place in it.
    pub fn parse(text: &str, file: &Path) -> Result<Self, MaskError> {
        let wrong = |problem: String| MaskError::Rules { file: file.to_owned(), problem };
        let value: Option<Value> = serde_saphyr::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut rules = Self { file: file.to_owned(), ..Self::default() };
        let Some(value) = value else { return Ok(rules) };
        let map = value.as_object().ok_or_else(|| wrong("the file is a map with `tables:`".to_owned()))?;
        for (key, value) in map {
            match key.as_str() {
                "tables" => rules.read_tables(value).map_err(wrong)?,
                "skip" => rules.skip.extend(names(value).map_err(|problem| wrong(format!("skip: {problem}")))?),
                "accept" => rules.accept.extend(names(value).map_err(|problem| wrong(format!("accept: {problem}")))?),
                "strict" => rules.strict = value.as_bool().ok_or_else(|| wrong("strict: true or false".to_owned()))?,
                _ => return Err(wrong(format!("`{key}` is none of tables, skip, accept, strict"))),
            }
        }
        Ok(rules)
    }

    fn read_tables(&mut self, value: &Value) -> Result<(), String> {
        let empty = Map::new();
        let tables = match value {
            Value::Null => &empty,
            Value::Object(tables) => tables,
            _ => return Err("tables: maps tables to rules".to_owned()),
        };
        for (table, value) in tables {
            let rules = match value {
                // `skip` stands among the tables, as nself's Bash tool had it.
                Value::Array(_) if table == "skip" => {
                    self.skip.extend(names(value).map_err(|problem| format!("tables.skip: {problem}"))?);
                    continue;
                }
                Value::String(word) if word == "empty" => TableRules::Empty,
                Value::String(word) if word == "keep" => {
                    self.skip.insert(table.clone());
                    continue;
                }
                Value::Object(columns) => TableRules::Columns(
                    columns
                        .iter()
                        .map(|(column, rule)| match Rule::parse(rule) {
                            Ok(rule) => Ok((column.clone(), rule)),
                            Err(problem) => Err(format!("tables.{table}.{column}: {problem}")),
                        })
                        .collect::<Result<_, String>>()?,
                ),
                _ => return Err(format!("tables.{table}: a map of columns, `empty` or `keep`")),
            };
            self.tables.insert(table.clone(), rules);
        }
        Ok(())
    }

    /// What the file says about a table.
    pub fn table(&self, schema: &str, table: &str) -> Option<&TableRules> {
        spellings(schema, table).into_iter().flatten().find_map(|name| self.tables.get(&name))
    }

    pub fn skips(&self, schema: &str, table: &str) -> bool {
        spellings(schema, table).into_iter().flatten().any(|name| self.skip.contains(&name))
    }

    pub fn accepts(&self, schema: &str, table: &str, column: &str) -> bool {
        spellings(schema, table).into_iter().flatten().any(|name| self.accept.contains(&format!("{name}.{column}")))
    }

    /// The file's text with rules for these columns added; what stands in it stays, comments included.
    ///
    /// # Errors
    /// [`MaskError::Rules`] when the file is written in a way that lines cannot be added to.
    pub fn extended(&self, found: &[super::Finding]) -> Result<String, MaskError> {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(MaskError::Rules { file: self.file.clone(), problem: error.to_string() }),
        };
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // Each goes right below its table's line, so the last one first.
        for finding in found.iter().rev() {
            self.add(&mut lines, finding);
        }
        let text = lines.join("\n") + "\n";
        let wanted = found.iter().all(|finding| {
            let column = &finding.column;
            Self::parse(&text, &self.file).is_ok_and(|rules| match rules.table(&column.schema, &column.table) {
                Some(TableRules::Columns(columns)) => columns.get(&column.column) == Some(&finding.suggestion),
                _ => false,
            })
        });
        if wanted {
            return Ok(text);
        }
        let problem =
            "rules cannot be added to it by line; write tables as `  name:` with their columns below".to_owned();
        Err(MaskError::Rules { file: self.file.clone(), problem })
    }

    /// Puts one column's line below its table's, which is made where it is missing.
    fn add(&self, lines: &mut Vec<String>, finding: &super::Finding) {
        let (schema, table) = (&finding.column.schema, &finding.column.table);
        let names: Vec<String> = spellings(schema, table).into_iter().flatten().map(|name| scalar(&name)).collect();
        let indent = |line: &str| line.len() - line.trim_start().len();
        let start = match lines.iter().position(|line| content(line) == "tables:") {
            Some(start) => start,
            None => {
                lines.push("tables:".to_owned());
                lines.len() - 1
            }
        };
        let end = (start + 1..lines.len())
            .find(|at| indent(&lines[*at]) == 0 && !content(&lines[*at]).is_empty())
            .unwrap_or(lines.len());
        let inside =
            lines[start + 1..end].iter().filter(|line| !content(line).is_empty()).map(|line| indent(line)).min();
        let depth = inside.unwrap_or(2);
        let header = |line: &String| {
            indent(line) == depth
                && content(line).strip_suffix(':').is_some_and(|name| names.iter().any(|wanted| wanted == name))
        };
        let line = format!("{}: {}", scalar(&finding.column.column), flow(&finding.suggestion.written()));
        match (start + 1..end).find(|at| header(&lines[*at])) {
            Some(at) => {
                let below = lines.get(at + 1).map_or(0, |line| indent(line));
                let below = if below > depth { below } else { depth + 2 };
                lines.insert(at + 1, format!("{}{line}", " ".repeat(below)));
            }
            None => {
                let name = scalar(&table_name(schema, table));
                lines.insert(start + 1, format!("{}{name}:", " ".repeat(depth)));
                lines.insert(start + 2, format!("{}{line}", " ".repeat(depth + 2)));
            }
        }
    }
}

/// A line without its comment.
fn content(line: &str) -> &str {
    line.split(" #").next().filter(|line| !line.trim_start().starts_with('#')).unwrap_or_default().trim()
}

/// A name as YAML takes it.
fn scalar(name: &str) -> String {
    const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n", "skip"];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
        && !WORDS.contains(&name.to_ascii_lowercase().as_str());
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}

/// On one line: JSON is YAML too.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        value => value.to_string(),
    }
}

/// How the file writes a table: the schema `public` is left out.
pub(super) fn table_name(schema: &str, table: &str) -> String {
    if schema == "public" { table.to_owned() } else { format!("{schema}.{table}") }
}

fn spellings(schema: &str, table: &str) -> [Option<String>; 2] {
    [Some(format!("{schema}.{table}")), (schema == "public").then(|| table.to_owned())]
}

fn names(value: &Value) -> Result<Vec<String>, String> {
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        _ => return Err("a list of names".to_owned()),
    };
    list.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(|| "a list of names".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::mask::Kind;

    /// The specification's example, letter by letter.
    const EXAMPLE: &str = "# nself/anonymize.yaml\ntables:\n  users:\n    email: fake          # Generate fake email\n    name: fake           # Generate fake name\n    phone: mask          # Mask: ###-###-####\n    ssn: hash            # SHA256 hash\n    address: fake        # Generate fake address\n\n  payments:\n    credit_card: null    # Remove entirely\n    billing_address: fake\n\n  # Keep these tables unchanged\n  skip:\n    - roles\n    - permissions\n    - app_config\n";

    fn parse(text: &str) -> Result<Rules, MaskError> {
        Rules::parse(text, Path::new("anonymize.yaml"))
    }

    #[test]
    fn the_example_is_read() {
        let rules = parse(EXAMPLE).unwrap();
        let Some(TableRules::Columns(users)) = rules.table("public", "users") else { panic!("no users") };
        assert_eq!(users["email"], Rule::Fake { kind: None });
        assert_eq!(users["phone"], Rule::Mask { keep_last: 0 });
        let Some(TableRules::Columns(payments)) = rules.table("public", "payments") else { panic!("no payments") };
        assert_eq!(payments["credit_card"], Rule::Null);
        assert!(rules.skips("public", "roles") && !rules.skips("auth", "roles"));
    }

    #[test]
    fn rules_are_added_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("anonymize.yaml");
        let finding = |schema: &str, table: &str, column: &str, suggestion| crate::mask::Finding {
            column: crate::mask::ColumnName::new(schema, table, column),
            why: String::new(),
            suggestion,
        };
        let found = [
            finding("public", "users", "avatar", Rule::Fake { kind: None }),
            finding("public", "payments", "iban", Rule::Fake { kind: Some(Kind::Iban) }),
            finding("crm", "Leads & Co", "e-mail", Rule::Null),
            finding("crm", "Leads & Co", "salary", Rule::Noise { percent: 10.0 }),
        ];
        for text in ["", EXAMPLE, "strict: true\ntables:\n    users:\n        email: fake\nskip: [roles]\n"] {
            std::fs::write(&file, text).unwrap();
            let rules = Rules::read(&file).unwrap();
            let made = rules.extended(&found).unwrap();
            assert!(text.lines().all(|line| made.contains(line)), "{made}");
            let again = Rules::parse(&made, &file).unwrap();
            let Some(TableRules::Columns(leads)) = again.table("crm", "Leads & Co") else { panic!("no leads") };
            assert_eq!(leads["e-mail"], Rule::Null);
            assert_eq!(again.skips("public", "roles"), rules.skips("public", "roles"));
        }
        std::fs::write(&file, "tables: {users: {email: fake}}\n").unwrap();
        assert!(Rules::read(&file).unwrap().extended(&found).is_err(), "nothing half-way");
    }

    #[test]
    fn whole_tables_and_lists_are_read() {
        let text = "tables:\n  log: empty\n  crm.people:\n    email: {rule: fake, kind: email}\n    born: null\naccept: [log.text]\nstrict: true\n";
        let rules = parse(text).unwrap();
        let Some(TableRules::Columns(people)) = rules.table("crm", "people") else { panic!("no people") };
        assert_eq!(people["email"], Rule::Fake { kind: Some(Kind::Email) });
        assert_eq!(rules.table("public", "log"), Some(&TableRules::Empty));
        assert!(rules.strict && rules.accepts("public", "log", "text"));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, place) in [
            ("tables:\n  users:\n    email: fke\n", "tables.users.email"),
            ("tables:\n  users: 7\n", "tables.users"),
            ("skp: [a]\n", "skp"),
            ("tables: [", "line"),
            ("skip: roles\n", "skip"),
        ] {
            let MaskError::Rules { problem, .. } = parse(text).unwrap_err() else { panic!("another error") };
            assert!(problem.contains(place), "{text}: {problem}");
        }
        assert!(parse("").unwrap().tables.is_empty());
    }
}
