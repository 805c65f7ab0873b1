//! Tables whose rows are the values of a GraphQL enum.

use metadata::QualifiedName;
use postgres::catalog::{self, TypeKind};

use super::EnumTableValue;
use super::naming::is_name;

/// Why a table cannot be an enum, or none when it can. The words are Hasura's.
pub(super) fn objection(name: &QualifiedName, table: &catalog::Table, values: &[EnumTableValue]) -> Option<String> {
    let mut reasons = Vec::new();
    let key = table.primary_key.as_ref().map(|key| key.columns.as_slice());
    match key {
        None => reasons.push("the table must have a primary key".to_owned()),
        Some([column]) => {
            let found = table.column(column);
            if let Some(found) = found.filter(|found| !is_text(found)) {
                let sql = &found.r#type.sql;
                reasons.push(format!(
                    "the table’s primary key (\"{column}\") must have type \"text\", not type \"{sql}\""
                ));
            }
        }
        Some(columns) => {
            let list: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
            let list = list.join(", ");
            reasons.push(format!("the table’s primary key must not span multiple columns ({list})"));
        }
    }
    if table.columns.len() > 2 {
        let mut names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        names.sort_unstable();
        let (count, names) = (names.len(), names.join(", "));
        reasons.push(format!(
            "the table must have exactly one primary key and optionally one comment column, not {count} columns ({names})"
        ));
    } else if let Some(found) = comment_column(table).filter(|found| !is_text(found)) {
        let (column, sql) = (&found.name, &found.r#type.sql);
        reasons.push(format!("the table’s comment column (\"{column}\") must have type \"text\", not type \"{sql}\""));
    }
    if reasons.is_empty() {
        if values.is_empty() {
            reasons.push("the table must have at least one row".to_owned());
        }
        let bad: Vec<String> =
            values.iter().filter(|value| !is_value(&value.value)).map(|value| format!("\"{}\"", value.value)).collect();
        match bad.as_slice() {
            [] => {}
            [one] => reasons.push(format!("the value {one} is not a valid GraphQL enum value name")),
            many => {
                let many = super::grant::english_list(many);
                reasons.push(format!("the values {many} are not valid GraphQL enum value names"));
            }
        }
    }
    let told = match reasons.as_slice() {
        [] => return None,
        [one] => format!("because {one}"),
        many => {
            let lines: String = many.iter().map(|reason| format!("\n  • {reason}")).collect();
            format!("for the following reasons:{lines}")
        }
    };
    Some(format!("the table \"{name}\" cannot be used as an enum {told}"))
}

/// The column beside the primary key, of a table of two.
fn comment_column(table: &catalog::Table) -> Option<&catalog::Column> {
    let key = table.primary_key.as_ref()?;
    table.columns.iter().find(|column| !key.columns.contains(&column.name))
}

fn is_text(column: &catalog::Column) -> bool {
    column.r#type.kind == TypeKind::Base
        && matches!(column.r#type.name.as_str(), "text" | "varchar" | "citext" | "bpchar")
}

fn is_value(text: &str) -> bool {
    is_name(text) && !matches!(text, "true" | "false" | "null")
}
