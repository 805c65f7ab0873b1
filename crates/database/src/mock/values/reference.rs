//! The page docs/reference/mock-kinds.md, from the table of kinds.

use std::{collections::BTreeMap, fmt::Write as _};

use postgres::catalog::{Catalog, Table};

use super::{COMMON, KINDS, Kind, Pcg, Planner, Row, Settings, Spec, locales, stream};

/// 2026-01-01.
const NOW: i64 = 1_767_225_600_000_000;

/// Markdown; written to a file by `nself reference`, compared with it by a test.
pub fn page() -> String {
    let mut page = String::from(
        "# Kinds of mock data\n\nWhat `type` of a column may say in `nself/mock/mock.config.yaml`. `nself mock init` \
         guesses it from the column's name, type and\nchecks. Values keep to the column's length, precision and checks; \
         all columns of a row that speak of the same person\nor place agree (`billing_city` and `billing_country` do, \
         `shipping_city` is another one).\n\n",
    );
    let known: Vec<&str> = locales().collect();
    let _ = writeln!(page, "Locales: {}.\n", known.join(", "));
    page.push_str("Options of every kind: ");
    let common: Vec<String> = COMMON.iter().map(|(name, meaning)| format!("`{name}` ({meaning})")).collect();
    let _ = writeln!(page, "{}.", common.join(", "));
    let mut groups: Vec<&str> = Vec::new();
    for kind in KINDS {
        if !groups.contains(&kind.group) {
            groups.push(kind.group);
        }
    }
    let texts = Examples::new();
    for group in groups {
        let _ = writeln!(page, "\n## {group}\n\n| `type` | What it is | Example |\n| --- | --- | --- |");
        let mut options: BTreeMap<&[(&str, &str)], Vec<&str>> = BTreeMap::new();
        for kind in KINDS.iter().filter(|kind| kind.group == group) {
            let others: Vec<String> = kind.aliases.iter().map(|alias| format!("`{alias}`")).collect();
            let also = if others.is_empty() { String::new() } else { format!(" Also {}.", others.join(", ")) };
            let example = texts.of(kind).map(|text| format!("`{text}`")).unwrap_or_default();
            let _ = writeln!(page, "| `{}` | {}{also} | {example} |", kind.name, kind.description.replace('|', "\\|"));
            if !kind.options.is_empty() {
                options.entry(kind.options).or_default().push(kind.name);
            }
        }
        for (list, kinds) in options {
            let names: Vec<String> = kinds.iter().map(|name| format!("`{name}`")).collect();
            let _ = writeln!(page, "\nOptions of {}:\n", names.join(", "));
            for (name, meaning) in list {
                let _ = writeln!(page, "- `{name}`: {meaning}");
            }
        }
    }
    page
}

/// One column of each text kind.
struct Examples {
    catalog: Catalog,
    table: Option<Table>,
}

/// Longer examples are cut.
const SHOWN: usize = 60;

impl Examples {
    fn new() -> Self {
        let table = serde_json::from_value(serde_json::json!({
            "schema": "public", "name": "example", "kind": "table", "owner": "owner",
            "columns": [{ "name": "value", "position": 1, "type": {
                "schema": "pg_catalog", "name": "text", "kind": "base", "category": "S", "sql": "text",
            } }],
        }));
        Self { catalog: Catalog::default(), table: table.ok() }
    }

    /// The kind's first value as a text; none for kinds that need options or a type of their own.
    fn of(&self, kind: &Kind) -> Option<String> {
        let planner = Planner::new(&self.catalog, Settings { locale: "en".to_owned(), now: NOW });
        let table = self.table.as_ref()?;
        let spec = Spec { kind: kind.name.to_owned(), options: serde_json::Map::new() };
        let column = planner.column(table, table.columns.first()?, &spec, &[], &[]).ok()?;
        let key = stream::hash(b"example");
        let (mut rng, mut out): (Pcg, Vec<u8>) = (stream::shared(key, 1), Vec::new());
        column.text(&Row { index: 0, key, cells: &[] }, &mut rng, &mut out);
        let text = String::from_utf8(out).ok()?;
        let line = text.split("\\n").next().unwrap_or_default();
        let shown: String = line.chars().take(SHOWN).collect();
        let cut = shown.len() < text.len();
        Some(if cut { format!("{}…", shown.trim_end()) } else { shown }.replace('|', "\\|"))
    }
}
