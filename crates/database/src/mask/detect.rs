//! Finding columns that hold personal data: by name, by type, and by looking at some of their values.

mod content;
mod names;
mod sample;

use std::fmt;

use postgres::catalog::{Catalog, Column, Table};
use serde::Serialize;
use tokio_postgres::Client;

pub(super) use content::{is_email, strong};
pub(super) use names::kind;

use super::shape::Shape;
use super::{ColumnName, Kind, Rule};
use names::Guess;
use sample::Tally;

/// A column that looks as if it held personal data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub column: ColumnName,
    /// What gave it away. Never a value.
    pub why: String,
    /// The rule that would suit it.
    pub suggestion: Rule,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.why)
    }
}

/// A column to look at.
#[derive(Debug, Clone)]
pub(super) struct Suspect<'a> {
    pub table: &'a Table,
    pub column: &'a Column,
    pub shape: Shape,
    /// The only question is what kind of value to invent.
    pub classified: bool,
}

/// What looking at a column gave.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub finding: Option<Finding>,
    pub kind: Option<Kind>,
}

/// Looks at the columns, whose order is kept. `strict`: what can hold text needs a rule, whatever it holds.
pub(super) async fn look(
    client: &Client,
    suspects: &[Suspect<'_>],
    strict: bool,
) -> Result<Vec<Verdict>, tokio_postgres::Error> {
    let mut verdicts: Vec<Verdict> = suspects.iter().map(by_name).collect();
    let mut start = 0;
    while start < suspects.len() {
        let table = suspects[start].table;
        let end = start + suspects[start..].iter().take_while(|suspect| std::ptr::eq(suspect.table, table)).count();
        let asked: Vec<usize> =
            (start..end).filter(|at| verdicts[*at].kind.is_none() && sample::is_worth(&suspects[*at].shape)).collect();
        let columns: Vec<(&Column, &Shape)> =
            asked.iter().map(|at| (suspects[*at].column, &suspects[*at].shape)).collect();
        let tallies = sample::tallies(client, table, &columns).await?;
        for (at, tally) in asked.into_iter().zip(tallies) {
            by_content(&suspects[at], &tally, &mut verdicts[at]);
        }
        start = end;
    }
    for (suspect, verdict) in suspects.iter().zip(&mut verdicts) {
        if strict && verdict.finding.is_none() && !suspect.classified && suspect.shape.holds_text() {
            let why = "it can hold text, and the rules are strict".to_owned();
            verdict.finding = Some(finding(suspect, why, None));
        }
    }
    Ok(verdicts)
}

/// The kind that a name suggests, for a rule that does not say which.
pub(super) fn named(table: &Table, column: &str, shape: &Shape) -> Option<Kind> {
    match names::guess(table, column, shape)? {
        Guess::Fake(kind) => Some(kind),
        Guess::Hash | Guess::Password => Some(Kind::Token),
        Guess::Shift => Some(Kind::Date),
        Guess::Noise | Guess::Null => None,
    }
}

fn by_name(suspect: &Suspect<'_>) -> Verdict {
    let Suspect { table, column, shape, classified } = suspect;
    let kind = named(table, &column.name, shape);
    if *classified {
        return Verdict { finding: None, kind };
    }
    let why = match (names::guess(table, &column.name, shape), shape.element()) {
        (Some(_), _) => "its name says so".to_owned(),
        (None, Shape::Address { .. } | Shape::HardwareAddress { .. }) => {
            "an address on a network points to a person".to_owned()
        }
        (None, Shape::Words) => "it holds the words of a text".to_owned(),
        _ => return Verdict { finding: None, kind: None },
    };
    let kind = kind.or(match shape.element() {
        Shape::Address { .. } => Some(Kind::Ip),
        Shape::HardwareAddress { .. } => Some(Kind::Mac),
        _ => None,
    });
    let mut finding = finding(suspect, why, kind);
    let nullable = !column.not_null;
    match names::guess(table, &column.name, shape) {
        Some(Guess::Password) if matches!(shape, Shape::Text { .. }) => finding.suggestion = Rule::Password,
        Some(Guess::Noise) if !matches!(shape.element(), Shape::Text { .. } | Shape::Json) => {
            finding.suggestion = Rule::Noise { percent: 10.0 };
        }
        Some(Guess::Null | Guess::Noise) if nullable => finding.suggestion = Rule::Null,
        Some(Guess::Hash) if matches!(shape, Shape::Text { .. }) => finding.suggestion = Rule::Hash { length: None },
        Some(Guess::Shift) if matches!(shape, Shape::Date | Shape::Timestamp) => {
            finding.suggestion = Rule::Shift { days: 365, by: None };
        }
        _ => {}
    }
    Verdict { finding: Some(finding), kind: kind.or(Some(Kind::Scramble)) }
}

fn by_content(suspect: &Suspect<'_>, tally: &Tally, verdict: &mut Verdict) {
    let Some((kind, hits)) = tally.verdict(suspect.shape.element()) else { return };
    verdict.kind = Some(kind);
    if suspect.classified || verdict.finding.is_some() {
        return;
    }
    let what = match kind {
        Kind::Url => "pictures or documents".to_owned(),
        _ => format!("{} values", kind.as_str().replace('_', " ")),
    };
    let why = format!("{hits} of {} values that were looked at hold {what}", tally.values);
    // A long text has more in it than what was recognised.
    let whole = if tally.is_long() { Kind::Text } else { kind };
    verdict.finding = Some(finding(suspect, why, Some(whole)));
}

/// With the suggestion that its type allows.
fn finding(suspect: &Suspect<'_>, why: String, kind: Option<Kind>) -> Finding {
    let Suspect { table, column, shape, .. } = suspect;
    let fake =
        Rule::Fake { kind: kind.filter(|kind| names::guess(table, &column.name, shape) != Some(Guess::Fake(*kind))) };
    let suggestion = match shape.element() {
        Shape::Words | Shape::Bytes => Rule::Redact { text: None },
        Shape::Json => Rule::Fake { kind: None },
        Shape::Choice | Shape::Other { .. } if column.not_null => Rule::Keep,
        Shape::Choice | Shape::Other { .. } => Rule::Null,
        _ if kind.is_none() => Rule::Fake { kind: Some(Kind::Text) },
        _ => fake,
    };
    Finding { column: ColumnName::new(&table.schema, &table.name, &column.name), why, suggestion }
}

/// True where a column's value is computed: what it is computed from has the rule.
pub(super) fn is_computed(column: &Column) -> bool {
    column.generated.is_some()
}

/// Columns of `catalog` that hold rows, in the order of its tables.
pub(super) fn shape(catalog: &Catalog, column: &Column) -> Shape {
    Shape::of(catalog, column)
}
