//! Looking at some of a table's values.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use postgres::Ident;
use postgres::catalog::{Column, Table};
use tokio_postgres::Client;

use super::content;
use crate::mask::shape::Shape;
use crate::mask::{Kind, array, json};

/// As many rows are looked at, at most.
const ROWS: usize = 10_000;
/// Characters of a value that are read.
const CHARACTERS: usize = 4_000;
/// Values longer than this on average are texts.
const LONG: u64 = 80;

/// What the values of a column looked like.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Not counting NULL and empty ones.
    pub values: u64,
    characters: u64,
    /// Recognised by form: one is enough.
    strong: BTreeMap<Kind, u64>,
    /// Likely: many are needed.
    likely: BTreeMap<Kind, u64>,
}

impl Tally {
    fn add(&mut self, shape: &Shape, text: &str) {
        if text.is_empty() {
            return;
        }
        self.values += 1;
        self.characters += text.chars().count() as u64;
        match shape {
            Shape::Json => self.add_document(text),
            Shape::Array(_) => {
                let mut elements = Vec::new();
                array::each(text, &mut |element| elements.push(element.to_owned()));
                self.note_first(elements.iter().map(String::as_str));
            }
            Shape::Bytes => self.add_bytes(text),
            Shape::Integer { .. } | Shape::Decimal { .. } => {
                if content::strong(text) == Some(Kind::CreditCard) {
                    *self.likely.entry(Kind::CreditCard).or_default() += 1;
                }
            }
            _ => self.note_first(std::iter::once(text)),
        }
    }

    /// Counts the first recognised one: a value counts once.
    fn note_first<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        for text in texts {
            if let Some(kind) = content::strong(text) {
                *self.strong.entry(kind).or_default() += 1;
                return;
            }
            if let Some(kind) = content::likely(text) {
                *self.likely.entry(kind).or_default() += 1;
                return;
            }
        }
    }

    fn add_document(&mut self, text: &str) {
        let mut named = None;
        let mut strings = Vec::new();
        let read = json::rewrite::<&'static str>(text, &mut |path, leaf| {
            match leaf {
                json::Leaf::String("") => {}
                json::Leaf::String(string) => {
                    named = named.or_else(|| super::kind(json::last(path)));
                    strings.push(string.to_owned());
                }
                json::Leaf::Number(_) => named = named.or_else(|| super::kind(json::last(path))),
                json::Leaf::Key(name) => strings.push(name.to_owned()),
            }
            Ok(json::Replace::Keep)
        });
        match (named, read) {
            (Some(kind), _) => *self.strong.entry(kind).or_default() += 1,
            (None, Ok(_)) => self.note_first(strings.iter().map(String::as_str)),
            // Cut off in the middle.
            (None, Err(_)) => self.note_first(std::iter::once(text)),
        }
    }

    /// Hexadecimal digits of the first bytes.
    fn add_bytes(&mut self, text: &str) {
        const PICTURES: &[&str] =
            &["89504e47", "ffd8ff", "47494638", "52494646", "25504446", "504b0304", "49492a00", "4d4d002a"];
        if PICTURES.iter().any(|start| text.starts_with(start)) {
            *self.strong.entry(Kind::Url).or_default() += 1;
            return;
        }
        let bytes: Vec<u8> =
            (0..text.len() / 2).filter_map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect();
        if let Ok(text) = std::str::from_utf8(&bytes) {
            self.note_first(std::iter::once(text));
        }
    }

    /// What the column holds, and how many values showed it.
    pub fn verdict(&self, shape: &Shape) -> Option<(Kind, u64)> {
        let most = |counts: &BTreeMap<Kind, u64>| {
            counts.iter().max_by_key(|(_, hits)| **hits).map(|(kind, hits)| (*kind, *hits))
        };
        if let Some(found) = most(&self.strong) {
            return Some(found);
        }
        let (kind, hits) = most(&self.likely)?;
        // In per cent of the values.
        let needed = match (kind, shape) {
            (Kind::FirstName, _) => 30,
            (Kind::Phone | Kind::CreditCard, _) => 80,
            _ => 3,
        };
        (hits * 100 >= self.values * needed).then_some((kind, hits))
    }

    pub fn is_long(&self) -> bool {
        self.characters > self.values * LONG
    }
}

/// True for columns whose values say more than their name.
pub(super) fn is_worth(shape: &Shape) -> bool {
    match shape {
        Shape::Integer { largest } => *largest == i64::MAX,
        Shape::Decimal { precision } => precision.is_none_or(|(digits, scale)| digits >= 13 && scale == 0),
        _ => shape.holds_text(),
    }
}

/// Reads some rows of a table, spread over it when it is large.
pub(super) async fn tallies(
    client: &Client,
    table: &Table,
    columns: &[(&Column, &Shape)],
) -> Result<Vec<Tally>, tokio_postgres::Error> {
    let mut tallies: Vec<Tally> = columns.iter().map(|_| Tally::default()).collect();
    if columns.is_empty() {
        return Ok(tallies);
    }
    let name = Ident::new(&table.schema).dot(&table.name);
    let expressions: Vec<String> = columns.iter().map(|(column, shape)| expression(column, shape)).collect();
    let sample = match table.estimated_rows {
        Some(rows) if rows > ROWS as f64 * 2.0 => {
            // Pages are not equally full: half as many again.
            format!(" TABLESAMPLE SYSTEM ({:.6}) REPEATABLE (1)", (150.0 * ROWS as f64 / rows).min(100.0))
        }
        _ => String::new(),
    };
    let sql = format!("SELECT {} FROM {name}{sample} LIMIT {ROWS}", expressions.join(", "));
    let rows = client.query_raw(&sql, std::iter::empty::<&str>()).await?;
    futures::pin_mut!(rows);
    while let Some(row) = rows.try_next().await? {
        for (at, (tally, (_, shape))) in tallies.iter_mut().zip(columns).enumerate() {
            if let Some(text) = row.get::<_, Option<&str>>(at) {
                tally.add(shape, text);
            }
        }
    }
    Ok(tallies)
}

fn expression(column: &Column, shape: &Shape) -> String {
    let name = Ident::new(&column.name);
    match shape {
        Shape::Bytes => format!("pg_catalog.encode(pg_catalog.substr({name}, 1, 512), 'hex')"),
        _ => format!("pg_catalog.left({name}::pg_catalog.text, {CHARACTERS})"),
    }
}
