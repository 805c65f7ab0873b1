//! From a kind, its options and a column's type and checks to a generator.

use std::sync::Arc;

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::{
    Generate, Kind, Spec, SpecError,
    checks::{Conditions, Constraint, Match},
    compound::{Choice, Quoted},
    distribution::Weighted,
    lists::List,
    pattern::{self, Pattern},
    people::City,
    scalar::Against,
    target::{Resolved, Target},
    text::{Fit, Guard, Mark, Text},
    words::Words,
};

/// What all columns of a run share.
#[derive(Debug, Clone)]
pub struct Shared {
    pub words: Arc<Words>,
    pub cities: Arc<Vec<City>>,
    /// Microseconds since 1970.
    pub now: i64,
}

pub type Made = Result<Box<dyn Generate>, SpecError>;

/// All that a generator is made from.
#[derive(Debug)]
pub struct Recipe<'a> {
    pub shared: &'a Shared,
    pub kind: &'static Kind,
    pub options: &'a Map<String, Value>,
    pub resolved: &'a Resolved,
    /// Of the column and of its domains.
    pub constraint: Constraint,
    /// The column's name.
    pub column: &'a str,
    /// Whose person or place the column speaks of.
    pub group: u64,
    pub against: Vec<Against>,
    /// For each column that must be greater: how many more must be greater than that one, and by how much it must.
    pub leads: Vec<(u32, Option<String>)>,
}

impl<'a> Recipe<'a> {
    /// The same for another type: an array's element, a composite's field.
    pub fn inner(&self, resolved: &'a Resolved) -> Recipe<'a> {
        Recipe {
            constraint: resolved.constraint.clone(),
            resolved,
            against: Vec::new(),
            leads: Vec::new(),
            shared: self.shared,
            kind: self.kind,
            options: self.options,
            column: self.column,
            group: self.group,
        }
    }

    /// The same column with another kind.
    pub fn with(&self, kind: &'static Kind, options: &'a Map<String, Value>) -> Recipe<'a> {
        Recipe {
            kind,
            options,
            shared: self.shared,
            resolved: self.resolved,
            constraint: self.constraint.clone(),
            column: self.column,
            group: self.group,
            against: self.against.clone(),
            leads: self.leads.clone(),
        }
    }

    /// The kind does not go with the column's type.
    pub fn misfit(&self) -> SpecError {
        SpecError {
            message: format!("`{}` gives no value for a column of type {}", self.kind.name, self.resolved.sql),
            hint: Some("write `type: auto` for any value that the column's type takes".to_owned()),
        }
    }

    pub fn wrong(&self, option: &str, wanted: &str) -> SpecError {
        SpecError { message: format!("`{option}` of `{}` must be {wanted}", self.kind.name), hint: None }
    }

    pub fn count(&self, option: &str) -> Result<Option<u64>, SpecError> {
        match self.options.get(option) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(count) if count <= 10_000 => Ok(Some(count)),
                _ => Err(self.wrong(option, "a whole number from 0 to 10000")),
            },
        }
    }

    pub fn fraction(&self, option: &str) -> Result<Option<f64>, SpecError> {
        match self.options.get(option) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if (0.0..=1.0).contains(&number) => Ok(Some(number)),
                _ => Err(self.wrong(option, "a number from 0 to 1")),
            },
        }
    }

    pub fn float(&self, option: &str) -> Result<Option<f64>, SpecError> {
        match self.options.get(option) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.wrong(option, "a number")),
        }
    }

    /// A scalar option as its text: numbers and dates may be quoted or not.
    pub fn text_of(&self, option: &str) -> Result<Option<String>, SpecError> {
        match self.options.get(option) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
            Some(_) => Err(self.wrong(option, "one value")),
        }
    }

    /// A list option, each item as its text.
    pub fn list_of(&self, option: &str) -> Result<Option<Vec<String>>, SpecError> {
        match self.options.get(option) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.iter().map(plain).collect())),
            Some(_) => Err(self.wrong(option, "a list")),
        }
    }

    /// A text kind, fitted to the column.
    pub fn text(&self, mut text: Text) -> Made {
        let (max, bytes) = match &self.resolved.target {
            Target::Text { max, bytes } => (*max, *bytes),
            Target::Json => {
                text.fit = Fit::default();
                return Ok(Box::new(Quoted(Box::new(text))));
            }
            _ => return Err(self.misfit()),
        };
        if let Some(values) = self.constraint.values() {
            return self.choice(values.into_iter().map(str::to_owned).collect(), None);
        }
        let conditions = self.constraint.first();
        let size = |limit: Option<u64>| limit.and_then(|limit| usize::try_from(limit).ok());
        text.fit = Fit {
            min: size(conditions.min_length.max(conditions.min_bytes)).unwrap_or(0),
            max: size(conditions.max_length).unwrap_or(usize::MAX).min(max),
            max_bytes: size(conditions.max_bytes).unwrap_or(usize::MAX).min(bytes),
            lower: conditions.lower,
            upper: conditions.upper,
            filler: if text.mark == Mark::End(" ") { "lorem ipsum " } else { "x" },
        };
        if text.fit.min > text.fit.max {
            return Err(SpecError {
                message: format!(
                    "the checks of {} leave no length: at least {} and at most {} characters",
                    self.column, text.fit.min, text.fit.max
                ),
                hint: None,
            });
        }
        text.guard = self.guard(conditions)?;
        text.fallback = self.fallback(conditions, text.fit.max);
        // The pattern is needed only where the kind's own text does not meet it.
        if let Some(fallback) = text.fallback.take() {
            match passes(&text) {
                SAMPLES => {}
                0 if reliable(&fallback, &text) => return Ok(Box::new(fallback)),
                _ => text.fallback = Some(fallback),
            }
        }
        Ok(Box::new(text))
    }

    pub fn guard(&self, conditions: &Conditions) -> Result<Guard, SpecError> {
        let mut guard = Guard { matches: Vec::new(), not: conditions.none_of.clone() };
        for Match { pattern, ignore_case, negated } in &conditions.matches {
            // One that this engine cannot read was reported as not understood.
            if let Some(regex) = compiled(pattern, *ignore_case) {
                guard.matches.push((regex, *negated));
            }
        }
        Ok(guard)
    }

    fn fallback(&self, conditions: &Conditions, max: usize) -> Option<Pattern> {
        let positive = conditions.matches.iter().filter(|matched| !matched.negated);
        let patterns = positive.filter_map(|matched| Pattern::new(&cased(&matched.pattern, conditions), max));
        // The one that says most is the one with the longest text.
        patterns.max_by_key(Pattern::size)
    }

    /// A choice of values as the type writes them; those that the column refuses are left out.
    pub fn choice(&self, values: Vec<String>, weights: Option<Vec<f64>>) -> Made {
        let fits = |value: &String| match &self.resolved.target {
            Target::Text { max, bytes } => value.chars().count() <= *max && value.len() <= *bytes,
            Target::Enum(known) => known.contains(value),
            _ => true,
        };
        let conditions = self.constraint.first();
        let guard = self.guard(conditions)?;
        let one_of = self.constraint.values();
        let allowed = |value: &String| {
            let length = value.chars().count() as u64;
            fits(value)
                && one_of.as_ref().is_none_or(|one_of| one_of.contains(&value.as_str()))
                && guard.allows(value.as_bytes())
                && (!matches!(self.resolved.target, Target::Text { .. })
                    || conditions.min_length.is_none_or(|min| length >= min)
                        && conditions.max_length.is_none_or(|max| length <= max))
        };
        let weights = weights.unwrap_or_else(|| vec![1.0; values.len()]);
        let even = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let (mut kept, mut kept_weights) = (Vec::new(), Vec::new());
        for (value, weight) in values.into_iter().zip(weights) {
            if allowed(&value) && !kept.contains(&value) {
                kept.push(value);
                kept_weights.push(weight);
            }
        }
        if kept.is_empty() {
            // The checks' own list goes before a kind that has nothing in common with it.
            kept = one_of.unwrap_or_default().into_iter().map(str::to_owned).filter(|value| fits(value)).collect();
            kept_weights = vec![1.0; kept.len()];
        }
        if kept.is_empty() {
            return Err(SpecError {
                message: format!(
                    "no value of `{}` fits {} ({}) and its checks",
                    self.kind.name, self.column, self.resolved.sql
                ),
                hint: Some("write `type: oneOf` with values that do".to_owned()),
            });
        }
        let weights = if even {
            None
        } else {
            Some(Weighted::new(&kept_weights).ok_or_else(|| self.wrong("weights", "numbers above 0"))?)
        };
        let choice = Choice { values: kept, weights };
        Ok(match self.resolved.target {
            Target::Json if self.kind.name != "oneOf" && self.kind.name != "constant" => {
                Box::new(Quoted(Box::new(choice)))
            }
            _ => Box::new(choice),
        })
    }

    pub fn list(&self, list: List) -> Made {
        match self.resolved.target {
            Target::Text { .. } | Target::Enum(_) | Target::Json | Target::Integer { .. } => {
                let values: Vec<String> = list.iter().map(|value| (*value).to_owned()).collect();
                let fitting = self.choice(values, None);
                // A column too short for any entry, such as char(1) for a gender: letters will do.
                match (fitting, &self.resolved.target) {
                    (Err(_), Target::Text { .. }) => self.text(super::prose::words(&self.shared.words, 1)),
                    (made, _) => made,
                }
            }
            _ => Err(self.misfit()),
        }
    }
}

/// What the configuration's value is as a text; objects and lists as JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn compiled(pattern: &str, ignore_case: bool) -> Option<regex::Regex> {
    RegexBuilder::new(&pattern::translated(pattern)?)
        .case_insensitive(ignore_case)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .build()
        .ok()
}

/// The pattern with the letters that a check on the case leaves: what is generated from it is small by preference.
fn cased(pattern: &str, conditions: &Conditions) -> String {
    if conditions.upper { pattern.replace("a-z", "A-Z") } else { pattern.to_owned() }
}

/// How many of a kind's texts are tried against the checks before the kind counts as one that meets them.
const SAMPLES: u64 = 64;

/// How many of the samples, written and numbered, meet the checks.
fn passes(text: &Text) -> u64 {
    let sample = |index: &u64| {
        let key = super::stream::mix(*index);
        let (row, mut rng) = (super::Row { index: *index, key, cells: &[] }, super::stream::shared(key, 1));
        let (mut out, mut numbered) = (Vec::new(), Vec::new());
        text.plain(&row, &mut rng, &mut out);
        text.numbered_text(index * 997, &row, &mut rng, &mut numbered);
        text.guard.allows(&out) && text.guard.allows(&numbered)
    };
    (0..SAMPLES).filter(sample).count() as u64
}

/// True when the pattern alone meets all checks and lengths.
fn reliable(pattern: &Pattern, text: &Text) -> bool {
    (0..SAMPLES).all(|index| {
        let (row, mut rng) = (super::Row { index, key: index, cells: &[] }, super::stream::shared(index, 2));
        let mut out = Vec::new();
        pattern.write(&row, &mut rng, &mut out);
        let length = super::text::characters(&out);
        text.guard.allows(&out) && (text.fit.min..=text.fit.max).contains(&length) && !text.fit.lower && !text.fit.upper
    })
}

impl Spec {
    /// A kind without options.
    pub fn kind(name: &str) -> Self {
        Self { kind: name.to_owned(), options: Map::new() }
    }

    #[must_use]
    pub fn option(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.insert(name.to_owned(), value.into());
        self
    }
}
