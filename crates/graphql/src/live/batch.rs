//! One statement for many subscriptions: the statement of a single one, run for each row of a list of parameters.
//!
//! It is made from the statement's text, so that it is the same statement whatever wrote it. The text holds names in
//! double quotes, literals in single ones, and parameters as `$1`; nothing else has a meaning here.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::sql::Statement;

/// A relation's schema and name, as the catalog has them.
pub type Name = (String, String);

/// A statement over a list of parameter rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its parameters: the rows' numbers as `int4[]`, then each parameter of all rows as `text[]`. Its rows: the number,
    /// the columns of the single statement, and the snapshot it saw, as text.
    pub text: String,
    /// JSON columns, as in the single statement.
    pub columns: usize,
    /// How many parameters a row has.
    pub parameters: usize,
    pub mentions: Mentions,
}

/// What a statement reads, by its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Mentions {
    /// Qualified names. One that is no relation (a column of an alias) does no harm.
    pub names: BTreeSet<Name>,
    /// Qualified names that are called.
    pub functions: BTreeSet<Name>,
}

impl Batch {
    pub fn new(statement: &Statement, parameters: usize) -> Self {
        let (inner, mentions) = rewrite(&statement.text);
        let mut text = String::with_capacity(inner.len() + 256);
        text.push_str("SELECT \"_p\".\"n\"");
        for column in 1..=statement.columns {
            write(&mut text, format_args!(", \"_r\".\"c{column}\"::text"));
        }
        text.push_str(", pg_catalog.pg_current_snapshot()::text FROM unnest($1::int4[]");
        for parameter in 0..parameters {
            write(&mut text, format_args!(", ${}::text[]", parameter + 2));
        }
        text.push_str(") AS \"_p\"(\"n\"");
        for parameter in 1..=parameters {
            write(&mut text, format_args!(", \"p{parameter}\""));
        }
        write(&mut text, format_args!(") LEFT JOIN LATERAL ({inner}) AS \"_r\"("));
        for column in 1..=statement.columns {
            let comma = if column == 1 { "" } else { ", " };
            write(&mut text, format_args!("{comma}\"c{column}\""));
        }
        text.push_str(") ON true");
        Self { text, columns: statement.columns, parameters, mentions }
    }
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

/// The statement with its parameters taken from the row `_p`, and what it mentions.
fn rewrite(sql: &str) -> (String, Mentions) {
    let mut out = String::with_capacity(sql.len() + 64);
    let mut mentions = Mentions::default();
    let mut rest = sql;
    while let Some(at) = rest.find(['"', '\'', '$']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        rest = match found.as_bytes()[0] {
            b'$' => parameter(found, &mut out),
            b'\'' => {
                let length = quoted(found);
                out.push_str(&found[..length]);
                &found[length..]
            }
            _ => {
                let length = names(found, &mut mentions);
                out.push_str(&found[..length]);
                &found[length..]
            }
        };
    }
    out.push_str(rest);
    (out, mentions)
}

/// Rewrites the `$12` at the beginning; what follows it.
fn parameter<'a>(text: &'a str, out: &mut String) -> &'a str {
    let digits = text[1..].find(|found: char| !found.is_ascii_digit()).unwrap_or(text.len() - 1);
    let (number, rest) = text[1..].split_at(digits);
    if number.is_empty() {
        out.push('$');
    } else {
        write(out, format_args!("\"_p\".\"p{number}\""));
    }
    rest
}

/// Bytes of the quoted text at the beginning, with its quotes; doubled ones are inside.
fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == bytes[0] {
            if bytes.get(at + 1) != Some(&bytes[0]) {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

/// Bytes of the name at the beginning; notes it if it is a qualified one.
fn names(text: &str, mentions: &mut Mentions) -> usize {
    let first = quoted(text);
    let Some(second_at) = text[first..].strip_prefix('.').filter(|rest| rest.starts_with('"')) else { return first };
    let second = quoted(second_at);
    let name = (unquote(&text[..first]), unquote(&second_at[..second]));
    let end = first + 1 + second;
    match text[end..].starts_with('(') {
        true => mentions.functions.insert(name),
        false => mentions.names.insert(name),
    };
    end
}

fn unquote(name: &str) -> String {
    name.get(1..name.len().saturating_sub(1)).unwrap_or_default().replace("\"\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: &str, name: &str) -> Name {
        (schema.to_owned(), name.to_owned())
    }

    #[test]
    fn parameters_come_from_the_row_and_texts_stay() {
        let (sql, mentions) = rewrite("SELECT '$1 \"a\".\"b\" ''', \"$row\", ($12)::int4, \"x$2\".\"y\"\"z\"");
        assert_eq!(sql, "SELECT '$1 \"a\".\"b\" ''', \"$row\", (\"_p\".\"p12\")::int4, \"x$2\".\"y\"\"z\"");
        assert_eq!(mentions.names, BTreeSet::from([name("x$2", "y\"z")]));
    }

    #[test]
    fn functions_are_told_from_tables() {
        let (_, mentions) =
            rewrite("FROM \"public\".\"search\"($1) AS \"_1\", \"s\".\"T\" AS \"_2\" WHERE \"_2\".\"id\" = 1");
        assert_eq!(mentions.functions, BTreeSet::from([name("public", "search")]));
        assert_eq!(mentions.names, BTreeSet::from([name("s", "T"), name("_2", "id")]));
    }

    #[test]
    fn a_batch_has_a_row_for_each_list() {
        let batch = Batch::new(&Statement { text: "SELECT ($2)::text, ($1)::text".to_owned(), columns: 2 }, 2);
        assert_eq!(
            batch.text,
            "SELECT \"_p\".\"n\", \"_r\".\"c1\"::text, \"_r\".\"c2\"::text, pg_catalog.pg_current_snapshot()::text \
             FROM unnest($1::int4[], $2::text[], $3::text[]) AS \"_p\"(\"n\", \"p1\", \"p2\") \
             LEFT JOIN LATERAL (SELECT (\"_p\".\"p2\")::text, (\"_p\".\"p1\")::text) AS \"_r\"(\"c1\", \"c2\") ON true"
        );
    }
}
