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

    /// The file with these columns' rules added.
    pub fn with(&self, found: &[super::Finding]) -> String {
        let mut tables = Map::new();
        for (name, rules) in &self.tables {
            let value = match rules {
                TableRules::Empty => Value::from("empty"),
                TableRules::Columns(columns) => {
                    columns.iter().map(|(column, rule)| (column.clone(), rule.written())).collect()
                }
            };
            tables.insert(name.clone(), value);
        }
        for finding in found {
            let name = spellings(&finding.column.schema, &finding.column.table)
                .into_iter()
                .flatten()
                .find(|name| tables.contains_key(name))
                .unwrap_or_else(|| table_name(&finding.column.schema, &finding.column.table));
            let columns = tables.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(columns) = columns {
                columns.insert(finding.column.column.clone(), finding.suggestion.written());
            }
        }
        let mut file = Map::new();
        file.insert("tables".to_owned(), Value::Object(tables));
        for (name, list) in [("skip", &self.skip), ("accept", &self.accept)] {
            if !list.is_empty() {
                file.insert(name.to_owned(), list.iter().cloned().collect());
            }
        }
        if self.strict {
            file.insert("strict".to_owned(), Value::Bool(true));
        }
        serde_saphyr::to_string(&Value::Object(file)).expect("a map has a YAML form")
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
    fn what_it_writes_it_reads() {
        let text = "tables:\n  log: empty\n  crm.people:\n    email: {rule: fake, kind: email}\n    born: null\naccept: [log.text]\nstrict: true\n";
        let rules = parse(text).unwrap();
        let again = parse(&rules.with(&[])).unwrap();
        assert_eq!((rules.tables.clone(), &rules.accept, rules.strict), (again.tables, &again.accept, again.strict));
        let Some(TableRules::Columns(people)) = rules.table("crm", "people") else { panic!("no people") };
        assert_eq!(people["email"], Rule::Fake { kind: Some(Kind::Email) });
        assert_eq!(rules.table("public", "log"), Some(&TableRules::Empty));
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
