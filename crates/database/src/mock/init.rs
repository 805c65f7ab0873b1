//! The first configuration: every table and column with what nself would do about it, written for a person to change.

use std::fmt::Write;

use postgres::catalog::{Catalog, Column, ForeignKey, Table};
use serde_json::Value;

use super::{
    config::DEFAULT_COUNT,
    plan::{Present, display, is_candidate, is_service, name_of},
    values::{Planner, Settings, Spec},
};

const HEAD: &str = "\
# What `nself mock generate` puts into the tables. Commit this file and mock.seed: the same seed gives everybody the same rows.
# Every entry is a guess from names, types and checks; change what is wrong, and leave out what is right.
# `nself mock config --kinds` lists the kinds of values, `nself mock preview <table>` shows rows.
";

/// What the new configuration says about everything.
#[derive(Debug, Clone)]
pub struct Start {
    pub seed: u64,
    pub locale: String,
    /// The day that past and future are seen from: `2026-01-31`.
    pub today: String,
}

/// The text of a configuration for all tables of a schema.
///
/// # Errors
/// A sentence about a `today` that is no day.
pub(super) fn render(catalog: &Catalog, present: &Present, start: &Start) -> Result<String, String> {
    let config = super::config::Config { now: Some(start.today.clone()), ..Default::default() };
    let planner = Planner::new(catalog, Settings { locale: start.locale.clone(), now: config.now()? });
    let mut text = format!(
        "{HEAD}seed: {}\nlocale: {}\nnow: {} # past and future are seen from this day\n\ntables:\n",
        start.seed,
        scalar(&start.locale),
        start.today
    );
    let wanted = |table: &&Table| is_candidate(table) && !is_service(catalog, table);
    let tables: Vec<&Table> = catalog.tables.iter().filter(wanted).collect();
    if tables.is_empty() {
        text.truncate(text.len() - "tables:\n".len());
        text.push_str("tables: {} # the database has none yet\n");
    }
    for (index, table) in tables.into_iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let own = present.of(table).map_or(0, |present| present.own);
        let _ = writeln!(text, "  {}:", scalar(&display(&name_of(table))));
        match own {
            0 => {
                let _ = writeln!(text, "    count: {}", count(catalog, table));
            }
            own => {
                let _ = writeln!(text, "    count: 0 # it has {own} of its own; raise this to add mock rows to them");
            }
        }
        columns(&mut text, &planner, table);
    }
    Ok(text)
}

fn columns(text: &mut String, planner: &Planner<'_>, table: &Table) {
    let (generated, own): (Vec<&Column>, Vec<&Column>) =
        table.columns.iter().partition(|column| column.generated.is_some());
    let (shared, own): (Vec<&Column>, Vec<&Column>) = own.into_iter().partition(|column| is_shared(table, column));
    if !own.is_empty() {
        text.push_str("    columns:\n");
    }
    let line = |column: &Column| {
        let (spec, why) = guess(planner, table, column);
        (format!("      {}: {}", scalar(&column.name), flow(&spec)), why)
    };
    let lines: Vec<(String, String)> = own.into_iter().map(line).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width < 60).max().unwrap_or(0);
    for (line, why) in lines {
        let _ = writeln!(text, "{line:width$}  # {why}");
    }
    for column in shared {
        let keys: Vec<&str> = keys_of(table, column).iter().map(|key| key.name.as_str()).collect();
        let _ = writeln!(text, "      # {} follows {}", column.name, keys.join(" and "));
    }
    for column in generated {
        let _ = writeln!(text, "      # {} is computed by the database", column.name);
    }
}

fn keys_of<'t>(table: &'t Table, column: &Column) -> Vec<&'t ForeignKey> {
    table.foreign_keys.iter().filter(|key| key.columns.contains(&column.name)).collect()
}

/// Whether no entry of its own can say what the column is: rows get it together with other columns, or for several keys.
fn is_shared(table: &Table, column: &Column) -> bool {
    let keys = keys_of(table, column);
    keys.len() > 1 || keys.iter().any(|key| key.columns.len() > 1)
}

/// The column's entry and where it comes from.
fn guess(planner: &Planner<'_>, table: &Table, column: &Column) -> (Spec, String) {
    let keys = keys_of(table, column);
    match keys.first() {
        Some(key) => {
            let mut spec = Spec { kind: "foreignKey".to_owned(), ..Spec::default() };
            spec.options.insert("table".to_owned(), Value::String(display(&key.references)));
            (spec, format!("{} {}", column.r#type.sql, key.name))
        }
        None => {
            let guess = planner.guess(table, column);
            (guess.spec, format!("{}, by {}", column.r#type.sql, guess.why))
        }
    }
}

/// Rows for a start: tables that refer to others have more than those.
fn count(catalog: &Catalog, table: &Table) -> u64 {
    let parents = |table: &Table| {
        let name = name_of(table);
        let keys = table.foreign_keys.iter().filter(|key| key.references != name);
        keys.filter_map(|key| catalog.table(&key.references.schema, &key.references.name)).collect::<Vec<&Table>>()
    };
    // One row for each parent: there can be no more rows than parents have.
    let alone = table.foreign_keys.iter().any(|key| {
        let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
        key.references != name_of(table) && table.is_unique(&columns)
    });
    let direct = parents(table);
    match (direct.is_empty(), alone, direct.iter().any(|parent| !parents(parent).is_empty())) {
        (true, ..) | (_, true, false) => DEFAULT_COUNT,
        (_, true, true) | (_, false, false) => 5 * DEFAULT_COUNT,
        (_, false, true) => 20 * DEFAULT_COUNT,
    }
}

/// `{ type: sentence, words: 5 }`.
fn flow(spec: &Spec) -> String {
    let mut text = format!("{{ type: {}", scalar(&spec.kind));
    for (name, value) in &spec.options {
        // JSON is YAML's flow style, but for the quotes that a person would leave out.
        let value = match value {
            Value::String(value) => scalar(value),
            Value::Array(items) => {
                let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), scalar));
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        };
        let _ = write!(text, ", {}: {value}", scalar(name));
    }
    text.push_str(" }");
    text
}

/// A text as YAML: plain where nothing could be mistaken.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if plain && !words.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::mock::config;

    #[test]
    fn entries_read_as_they_were_written() {
        let options = serde_json::json!({
            "words": 5, "share": 0.25, "values": ["new", "on hold", "no", "ü"], "format": "a: b # c", "of": { "type": "word" }
        });
        let Value::Object(options) = options else { unreachable!() };
        let spec = Spec { kind: "sentence".to_owned(), options };
        let text = format!("tables: {{ t: {{ columns: {{ c: {} }} }} }}", flow(&spec));
        let read = config::Config::parse("x".as_ref(), &text).unwrap();
        assert_eq!(config::spec(&read.tables["t"].columns["c"]).unwrap(), spec);
    }

    #[test]
    fn words_of_yaml_are_quoted() {
        assert_eq!(
            ["users", "no", "1a", "Älter", "a b"].map(scalar),
            ["users", "\"no\"", "\"1a\"", "\"Älter\"", "\"a b\""]
        );
    }
}
