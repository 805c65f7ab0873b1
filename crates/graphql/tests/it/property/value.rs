//! Values of random columns: as SQL writes them, as requests and answers have them, and how they compare.

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

/// SplitMix64: the same numbers for the same seed, everywhere.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 where there is nothing to choose from.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    pub fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    pub fn shuffled<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
        items
    }

    /// Some of them, in any order.
    pub fn some<T: Clone>(&mut self, items: &[T], most: usize) -> Vec<T> {
        let mut items = self.shuffled(items);
        items.truncate(self.below(most + 1));
        items
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Bool,
    Numeric,
    Time,
    Json,
    Mood,
    Ints,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Bool(bool),
    /// Hundredths.
    Numeric(i64),
    /// Position in [`TIMES`].
    Time(usize),
    Json(Json),
    /// Position in [`MOODS`].
    Mood(usize),
    Ints(Vec<i64>),
}

/// As SQL and as JSON has them.
const TIMES: [(&str, &str); 3] = [
    ("1999-12-31 23:59:59.5+00", "1999-12-31T23:59:59.5+00:00"),
    ("2024-02-29 00:00:00+00", "2024-02-29T00:00:00+00:00"),
    ("2024-02-29 12:30:00.000001+00", "2024-02-29T12:30:00.000001+00:00"),
];

pub const MOODS: [&str; 3] = ["sad", "so so", "ha'ppy"];

const TEXTS: [&str; 8] = ["", "a", "ab", "b'", "\"$1", "é\\", "NULL", "{%_}"];

impl Kind {
    pub const ALL: [Self; 8] =
        [Self::Int, Self::Text, Self::Bool, Self::Numeric, Self::Time, Self::Json, Self::Mood, Self::Ints];

    pub fn sql(self) -> &'static str {
        match self {
            Self::Int => "int4",
            Self::Text => "text COLLATE \"C\"",
            Self::Bool => "bool",
            Self::Numeric => "numeric(10, 2)",
            Self::Time => "timestamptz",
            Self::Json => "jsonb",
            Self::Mood => "public.mood",
            Self::Ints => "int4[]",
        }
    }

    /// The order of JSON and of arrays is not told here.
    pub fn sorts(self) -> bool {
        self != Self::Json
    }

    pub fn random(self, rng: &mut Rng) -> Value {
        match self {
            Self::Int => Value::Int(i64::try_from(rng.below(4)).unwrap()),
            Self::Text => Value::Text((*rng.pick(&TEXTS)).to_owned()),
            Self::Bool => Value::Bool(rng.percent(50)),
            Self::Numeric => Value::Numeric(*rng.pick(&[-150, 0, 5, 100, 300])),
            Self::Time => Value::Time(rng.below(TIMES.len())),
            Self::Json => {
                let pool = [
                    json!(1),
                    json!("a"),
                    json!({}),
                    json!({ "a": 1 }),
                    json!({ "a": { "b": [1, 2] } }),
                    json!([1, "a"]),
                ];
                Value::Json(rng.pick(&pool).clone())
            }
            Self::Mood => Value::Mood(rng.below(MOODS.len())),
            Self::Ints => Value::Ints((0..rng.below(3)).map(|_| i64::try_from(rng.below(3)).unwrap()).collect()),
        }
    }
}

impl Value {
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub fn sql(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Text(text) => quoted(text),
            Self::Bool(flag) => flag.to_string(),
            Self::Numeric(hundredths) => decimal(*hundredths),
            Self::Time(at) => quoted(TIMES[*at].0),
            Self::Json(json) => quoted(&json.to_string()),
            Self::Mood(at) => quoted(MOODS[*at]),
            Self::Ints(items) => format!("'{{{}}}'", items.iter().map(i64::to_string).collect::<Vec<_>>().join(",")),
        }
    }

    pub fn json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Int(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Bool(flag) => json!(flag),
            Self::Numeric(hundredths) => serde_json::from_str(&decimal(*hundredths)).unwrap(),
            Self::Time(at) => json!(TIMES[*at].1),
            Self::Json(json) => json.clone(),
            Self::Mood(at) => json!(MOODS[*at]),
            Self::Ints(items) => json!(items),
        }
    }

    /// None beside null.
    pub fn compared(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Int(a), Self::Int(b)) | (Self::Numeric(a), Self::Numeric(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) | (Self::Mood(a), Self::Mood(b)) => Some(a.cmp(b)),
            (Self::Ints(a), Self::Ints(b)) => Some(a.cmp(b)),
            // Equal or not is all that is asked.
            (Self::Json(a), Self::Json(b)) => Some(if a == b { Ordering::Equal } else { Ordering::Less }),
            _ => panic!("{self:?} and {other:?} are of one column's kind"),
        }
    }
}

fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// PostgreSQL's `@>` of JSON.
pub fn contains(whole: &Json, part: &Json) -> bool {
    match (whole, part) {
        (Json::Object(whole), Json::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Json::Array(whole), Json::Array(part)) => {
            part.iter().all(|part| whole.iter().any(|whole| contains(whole, part)))
        }
        // An array holds a plain value, though only at the top.
        (Json::Array(whole), part) if !part.is_object() && !part.is_array() => whole.contains(part),
        _ => whole == part,
    }
}

pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
