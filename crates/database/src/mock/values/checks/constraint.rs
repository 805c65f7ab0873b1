//! What a check asks of one column, in terms that a generator can meet.

/// A value that a check compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A number, date or text as written; the column's type says how to read it.
    Text(String),
    /// The moment of the insert, moved by microseconds.
    Now(i64),
}

/// One end of an interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    pub value: Literal,
    pub inclusive: bool,
}

/// A regular expression of PostgreSQL that the text must match.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub pattern: String,
    pub ignore_case: bool,
    /// It must not match.
    pub negated: bool,
}

/// Conditions that hold together. The default asks for nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    /// All of them hold: which is the highest only the column's type can tell.
    pub low: Vec<Bound>,
    pub high: Vec<Bound>,
    pub one_of: Option<Vec<String>>,
    pub none_of: Vec<String>,
    /// In characters for text, in elements for arrays.
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    /// In bytes.
    pub max_bytes: Option<u64>,
    pub min_bytes: Option<u64>,
    pub matches: Vec<Match>,
    /// Letters must be small, or capital.
    pub lower: bool,
    pub upper: bool,
    /// `value % modulus = remainder`.
    pub modulus: Option<(i64, i64)>,
    /// Digits behind the point.
    pub scale: Option<u32>,
    /// Must be null, or must not be.
    pub null: Option<bool>,
    /// What `jsonb_typeof` must say.
    pub json_type: Option<String>,
    /// Keys that a JSON object must have.
    pub json_keys: Vec<String>,
}

impl Conditions {
    /// Both sets together; None when they contradict each other for all to see.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        both.low.extend(other.low.iter().cloned());
        both.high.extend(other.high.iter().cloned());
        both.one_of = match (&self.one_of, &other.one_of) {
            (Some(mine), Some(theirs)) => Some(mine.iter().filter(|value| theirs.contains(value)).cloned().collect()),
            (mine, theirs) => mine.clone().or_else(|| theirs.clone()),
        };
        both.none_of.extend(other.none_of.iter().cloned());
        if let Some(values) = &mut both.one_of {
            values.retain(|value| !both.none_of.contains(value));
            if values.is_empty() {
                return None;
            }
        }
        both.min_length = self.min_length.max(other.min_length);
        both.max_length = least(self.max_length, other.max_length);
        both.min_bytes = self.min_bytes.max(other.min_bytes);
        both.max_bytes = least(self.max_bytes, other.max_bytes);
        both.matches.extend(other.matches.iter().cloned());
        both.lower |= other.lower;
        both.upper |= other.upper;
        both.modulus = self.modulus.or(other.modulus);
        both.scale = least(self.scale, other.scale);
        both.null = match (self.null, other.null) {
            (Some(mine), Some(theirs)) if mine != theirs => return None,
            (mine, theirs) => mine.or(theirs),
        };
        both.json_type = self.json_type.clone().or_else(|| other.json_type.clone());
        both.json_keys.extend(other.json_keys.iter().cloned());
        Some(both)
    }
}

fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What is asked of one column: one of the alternatives, whichever.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// Never empty.
    pub alternatives: Vec<Conditions>,
}

impl Default for Constraint {
    fn default() -> Self {
        Self { alternatives: vec![Conditions::default()] }
    }
}

/// Beyond this many alternatives the rest is left out: any subset of them is as valid.
const MAX_ALTERNATIVES: usize = 4_096;

impl Constraint {
    /// None when no alternative is left.
    pub fn and(&self, other: &Self) -> Option<Self> {
        let pairs =
            self.alternatives.iter().flat_map(|mine| other.alternatives.iter().map(move |theirs| (mine, theirs)));
        let alternatives: Vec<Conditions> =
            pairs.filter_map(|(mine, theirs)| mine.and(theirs)).take(MAX_ALTERNATIVES).collect();
        (!alternatives.is_empty()).then_some(Self { alternatives })
    }

    /// The alternative that a generator without a notion of alternatives follows.
    pub fn first(&self) -> &Conditions {
        &self.alternatives[0]
    }

    /// Every value allowed, when all alternatives are lists.
    pub fn values(&self) -> Option<Vec<&str>> {
        let mut values: Vec<&str> = Vec::new();
        for alternative in &self.alternatives {
            for value in alternative.one_of.as_ref()? {
                if !values.contains(&value.as_str()) {
                    values.push(value);
                }
            }
        }
        Some(values)
    }

    /// True when null is ruled out, or false when only null is left.
    pub fn null(&self) -> Option<bool> {
        let first = self.first().null?;
        self.alternatives.iter().all(|alternative| alternative.null == Some(first)).then_some(first)
    }
}
