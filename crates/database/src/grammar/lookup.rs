//! What a statement's text alone cannot tell, asked of the database that it will run on.

use serde::Serialize;
use tokio_postgres::{Client, types::Type};

use super::{LockMode, Loss, Name, Statement};
use crate::Error;

/// A statement's locks and losses on one database, as it is before the statement runs.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Those of [`Statement::locks`]; an index brings its table along.
    pub locks: Vec<(Name, LockMode)>,
    /// Those of [`Statement::destructive`] without changes of type that keep every value.
    pub losses: Vec<Loss>,
}

/// Asks the database about a statement. Changes nothing.
///
/// # Errors
/// [`Error::Database`].
pub async fn look(client: &Client, statement: &Statement) -> Result<Found, Error> {
    let mut locks = Vec::new();
    for (name, mode) in &statement.locks {
        locks.push((name.clone(), *mode));
        if let Some(table) = table_of(client, name).await? {
            locks.push((table, *mode));
        }
    }
    let mut losses = Vec::new();
    for loss in &statement.destructive {
        if loses(client, loss).await? {
            losses.push(loss.clone());
        }
    }
    Ok(Found { locks, losses })
}

/// The table of an index; none for any other relation.
async fn table_of(client: &Client, name: &Name) -> Result<Option<Name>, Error> {
    let row = client
        .query_typed(
            "SELECT n.nspname::text, c.relname::text FROM pg_index i
               JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE i.indexrelid = to_regclass($1)",
            &[(&name.to_string(), Type::TEXT)],
        )
        .await?;
    Ok(row.first().map(|row| {
        let schema: String = row.get(0);
        // As the statement writes it: without `public`, unless the index has it.
        Name { schema: (name.schema.is_some() || schema != "public").then_some(schema), name: row.get(1) }
    }))
}

async fn loses(client: &Client, loss: &Loss) -> Result<bool, Error> {
    let Loss::Type { table, column, to, computed: false } = loss else { return Ok(true) };
    let row = client
        .query_opt(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
             WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped",
            &[&table.to_string(), column],
        )
        .await?;
    // A column that is not there yet may have come by another name in this very run.
    Ok(row.is_none_or(|row| !widens(row.get(0), to)))
}

/// Whether every value of `from` (as `format_type` writes it) stays what it is in `to` (as a person wrote it).
fn widens(from: &str, to: &str) -> bool {
    let (from, to) = (Shape::of(from), Shape::of(to));
    match (from.base.as_str(), to.base.as_str()) {
        (a, b) if a == b => match (&from.size[..], &to.size[..]) {
            (_, []) => true,
            ([], _) => false,
            ([a], [b]) => a <= b,
            // numeric(precision, scale): neither the digits before the point nor those behind it may get fewer.
            ([p, s], [q, t]) => s <= t && p - s <= q - t,
            _ => false,
        },
        ("character varying" | "character", "text") => true,
        ("character", "character varying") => to.size.is_empty() || from.size <= to.size,
        ("smallint", "integer" | "bigint") | ("integer", "bigint") => true,
        ("smallint" | "integer" | "bigint", "numeric") => to.size.is_empty(),
        ("real", "double precision") | ("smallint", "real") | ("smallint" | "integer", "double precision") => true,
        ("cidr", "inet") | ("json", "jsonb") => true,
        _ => false,
    }
}

/// A type's name in its long form, and the numbers in its parentheses.
#[derive(Debug, PartialEq)]
struct Shape {
    base: String,
    size: Vec<i64>,
}

impl Shape {
    fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let (name, size) = match (text.find('('), text.rfind(')')) {
            (Some(open), Some(close)) if open < close => {
                let size = text[open + 1..close].split(',').filter_map(|part| part.trim().parse().ok()).collect();
                (format!("{} {}", &text[..open], &text[close + 1..]), size)
            }
            _ => (text.clone(), Vec::new()),
        };
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let (name, array) = match name.strip_suffix("[]") {
            Some(element) => (element.trim(), "[]"),
            None => (name.as_str(), ""),
        };
        let base = match name.strip_prefix("pg_catalog.").unwrap_or(name) {
            "varchar" | "character varying" => "character varying",
            "char" | "bpchar" => "character",
            "int" | "int4" => "integer",
            "int2" => "smallint",
            "int8" => "bigint",
            "decimal" | "dec" => "numeric",
            "float4" => "real",
            "float" | "float8" => "double precision",
            "bool" => "boolean",
            "timestamptz" => "timestamp with time zone",
            "timestamp" => "timestamp without time zone",
            "timetz" => "time with time zone",
            "time" => "time without time zone",
            other => other,
        };
        // `numeric(10)` has no digits behind the point, `character` is one long.
        let size = match (base, &size[..]) {
            ("numeric", [precision]) => vec![*precision, 0],
            ("character", []) if name != "bpchar" => vec![1],
            _ => size,
        };
        Self { base: format!("{base}{array}"), size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_type_loses_nothing() {
        for (from, to) in [
            ("integer", "bigint"),
            ("character varying(10)", "varchar(20)"),
            ("character varying(10)", "text"),
            ("numeric(8,2)", "numeric(12,4)"),
            ("numeric(8,2)", "decimal"),
            ("timestamp(3) without time zone", "timestamp"),
            ("integer[]", "int[]"),
            ("text", "text"),
        ] {
            assert!(widens(from, to), "{from} to {to}");
        }
        for (from, to) in [
            ("bigint", "int"),
            ("character varying(20)", "varchar(10)"),
            ("character varying", "varchar(10)"),
            ("numeric(8,2)", "numeric(8,3)"),
            ("numeric(8,2)", "numeric(8)"),
            ("text", "integer"),
            ("integer[]", "bigint[]"),
            ("timestamp with time zone", "date"),
            ("character(5)", "char"),
            ("mood", "humour"),
        ] {
            assert!(!widens(from, to), "{from} to {to}");
        }
    }
}
