//! The values of columns: about a hundred kinds, a guess of the kind that a column means, and generators that keep to
//! the column's type, length, precision and checks.
//!
//! It is not: the plan of tables and rows, foreign keys, or the choice of which row gets which unique value
//! ([`super`]'s). A value is a function of the stream and the row that it is given, of nothing else: no clock, no
//! hash map's order, no function of a C library. The same bytes come out on every machine for one [`VERSION`].
//!
//! Key types: [`Spec`] (a column's entry in the configuration), [`Planner`] (guesses and compiles), [`Column`] (a
//! compiled one), [`Kind`] and [`KINDS`].

mod auto;
mod checkdigit;
mod checks;
mod civil;
mod compound;
pub mod distribution;
mod encode;
mod guess;
mod json;
mod kinds;
mod lists;
mod names;
mod numeric;
mod pattern;
mod people;
mod planner;
mod prose;
mod recipe;
mod reference;
mod scalar;
mod span;
mod special;
mod stream;
mod target;
mod text;
mod words;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use kinds::{COMMON, KINDS, Kind};
pub use planner::{Guess, Planner, Settings, TableChecks};
use recipe::{Made, Recipe};
pub use reference::page;
pub use words::locales;

/// The generator of one value.
pub type Pcg = rand_pcg::Pcg64Mcg;

/// Raised when the bytes of any kind change.
pub const VERSION: u32 = 2;

/// A column's entry in the configuration: `{ type: sentence, words: 5 }`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(flatten)]
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// What is wrong with a column's entry.
#[derive(Debug, Clone, PartialEq)]
pub struct SpecError {
    pub message: String,
    pub hint: Option<String>,
}

/// One row that is being written.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub index: u64,
    /// The same for all columns of the row, and different for each row.
    pub key: u64,
    /// Where in the buffer the row's earlier cells are.
    pub cells: &'a [Range<usize>],
}

/// Makes values as PostgreSQL's input function of the type reads them, not yet escaped.
trait Generate: std::fmt::Debug + Send + Sync {
    fn write(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>);

    /// How many different values [`Generate::nth`] has; None for more than anybody needs.
    fn distinct(&self) -> Option<u64>;

    /// A value of its own for each index below that, whatever the stream says.
    fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>);

    fn reads_cells(&self) -> bool {
        false
    }
}

/// A compiled column.
#[derive(Debug)]
pub struct Column {
    generator: Box<dyn Generate>,
    /// Threshold of [`stream::hit`].
    nulls: u64,
}

impl Column {
    /// Appends the row's value in COPY's text form, or `\N`.
    #[inline]
    pub fn text(&self, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        if stream::hit(rng, self.nulls) {
            out.extend_from_slice(b"\\N");
            return;
        }
        let start = out.len();
        self.generator.write(row, rng, out);
        encode::copy(start, out);
    }

    /// How many different values there are; None for more than anybody needs.
    pub fn distinct(&self) -> Option<u64> {
        self.generator.distinct()
    }

    /// Appends value number `index`, which is like no other's below [`Column::distinct`] even without regard to case;
    /// ranges do not overlap either. Never null.
    pub fn nth(&self, index: u64, row: &Row<'_>, rng: &mut Pcg, out: &mut Vec<u8>) {
        let start = out.len();
        self.generator.nth(index, row, rng, out);
        encode::copy(start, out);
    }

    /// From now on no value is null: for keys.
    pub fn never_null(&mut self) {
        self.nulls = 0;
    }

    /// True when values compare with earlier cells of their row, so that [`Row::cells`] must be there.
    pub fn reads_cells(&self) -> bool {
        self.generator.reads_cells()
    }
}

/// The generator of an entry.
fn make(recipe: &Recipe<'_>, spec: &Spec) -> Made {
    let kind = kinds::find(&spec.kind).ok_or_else(|| unknown(&spec.kind))?;
    for option in spec.options.keys() {
        let known = kind.options.iter().chain(COMMON).map(|(name, _)| *name);
        if !known.clone().any(|name| name == option) {
            let near = names::nearest(option, known.clone());
            let hint = if near.is_empty() { known.collect::<Vec<_>>() } else { near };
            return Err(SpecError {
                message: format!("`{}` has no option `{option}`", kind.name),
                hint: Some(format!("it has: {}", hint.join(", "))),
            });
        }
    }
    kind.make(&recipe.with(kind, &spec.options))
}

fn unknown(name: &str) -> SpecError {
    let all = KINDS.iter().flat_map(|kind| kind.aliases.iter().chain([&kind.name]).copied());
    let near = names::nearest(name, all);
    SpecError {
        message: format!("there is no kind `{name}`"),
        hint: Some(if near.is_empty() {
            "nself mock config lists all kinds".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
