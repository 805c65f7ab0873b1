//! One column's rule, made ready for its values.

use std::sync::Arc;

use super::detect;
use super::invent::{self, Bounds};
use super::json::{self, Leaf, Replace};
use super::key::{Key, Prf, hexadecimal};
use super::shape::Shape;
use super::template::Template;
use super::{Kind, Rule, array, number};

/// What stands for a text that is gone.
const REDACTED: &str = "[redacted]";

/// Functions for every purpose, made once.
pub(super) struct Maker {
    key: Key,
    fakes: Vec<Prf>,
    hash: Prf,
    shift: Prf,
    noise: Prf,
    template: Prf,
    number: Prf,
    /// The hash of the password that everybody gets; none: no password.
    pub password: Option<String>,
}

impl Maker {
    pub fn new(key: Key, password: Option<String>) -> Self {
        let purpose = |name: &str| key.purpose(name);
        let fakes = (0..=Kind::Scramble as usize).map(|kind| purpose(&format!("fake {kind}"))).collect();
        let (hash, shift, noise) = (purpose("hash"), purpose("shift"), purpose("noise"));
        let (template, number) = (purpose("template"), purpose("number"));
        Self { fakes, hash, shift, noise, template, number, password, key }
    }

    fn fake(&self, kind: Kind) -> &Prf {
        &self.fakes[kind as usize]
    }
}

/// What a column demands of its values.
#[derive(Debug, Clone)]
pub(super) struct Demands {
    pub shape: Shape,
    pub unique: bool,
    /// Capital and small letters count as the same.
    pub fold: bool,
    pub nullable: bool,
    /// What its values are, by name and content.
    pub kind: Option<Kind>,
}

/// A rule that is ready to be applied.
pub(super) struct Cell {
    maker: Arc<Maker>,
    step: Step,
    bounds: Bounds,
    /// Capital letters become small before the value is replaced.
    fold: bool,
    padded: bool,
}

enum Step {
    Null,
    Fixed(String),
    Fake(Kind),
    Mask { keep_last: usize },
    Hash { length: usize },
    Template(Template),
    Shift { days: u32 },
    Noise { percent: f64, limit: Option<i128> },
    Integer { largest: i64 },
    Decimal,
    Point { limit: u32, scale: Option<usize> },
    Uuid,
    Bytes,
    Hardware { bytes: usize },
    Document { paths: Vec<(String, Leaves)>, rest: Leaves },
    EmptyDocument,
    Elements(Box<Cell>),
}

/// A rule for the strings of a document and the same for its numbers.
enum Leaves {
    Keep,
    Null,
    Guess,
    Ready { string: Option<Box<Cell>>, number: Option<Box<Cell>> },
}

impl Cell {
    /// # Errors
    /// Why the rule does not suit the column.
    pub fn new(maker: &Arc<Maker>, rule: &Rule, demands: &Demands) -> Result<Self, String> {
        let longest = match demands.shape {
            Shape::Text { longest, .. } => longest,
            _ => None,
        };
        let padded = matches!(demands.shape, Shape::Text { padded: true, .. });
        let bounds = Bounds { longest, unique: demands.unique };
        let step = step(maker, rule, demands, bounds)?;
        let personal = matches!(step, Step::Fake(Kind::Email | Kind::Username));
        // `Ann@shop.com` and `ann@shop.com` are one address, unless the column tells them apart.
        let fold = demands.fold || (personal && !demands.unique);
        Ok(Self { maker: Arc::clone(maker), step, bounds, fold, padded })
    }

    /// The new value; `None` is NULL. `subject` is what decides by how many days dates move.
    ///
    /// # Errors
    /// When the value is not what its type promises.
    pub fn apply(&self, original: &str, subject: &[u8]) -> Result<Option<String>, &'static str> {
        let original = if self.padded { original.trim_end_matches(' ') } else { original };
        let folded = self.fold.then(|| original.to_lowercase());
        let original = folded.as_deref().unwrap_or(original);
        if original.is_empty() && !matches!(self.step, Step::Null) {
            return Ok(Some(String::new()));
        }
        let maker = &*self.maker;
        Ok(Some(match &self.step {
            Step::Null => return Ok(None),
            Step::Fixed(text) => text.clone(),
            Step::Fake(kind) => invent::text(maker.fake(*kind), *kind, original, self.bounds),
            Step::Mask { keep_last } => masked(original, *keep_last),
            Step::Hash { length } => hexadecimal(&maker.hash.digest(&[original.as_bytes()]))[..*length].to_owned(),
            Step::Template(template) => template.fill(&maker.key, &maker.template, original),
            Step::Shift { days } => {
                let mut draws = maker.shift.stream(if subject.is_empty() { original.as_bytes() } else { subject });
                let days = i64::from(draws.below(*days) + 1) * if draws.byte().is_multiple_of(2) { 1 } else { -1 };
                number::moved(original, days).ok_or("it is not a date")?
            }
            Step::Noise { percent, limit } => {
                let mut draws = maker.noise.stream(original.as_bytes());
                match number::noise(&mut draws, original, *percent, *limit) {
                    Some(made) => made,
                    None if matches!(original, "NaN" | "Infinity" | "-Infinity") => original.to_owned(),
                    None => return Err("it has too many digits for noise"),
                }
            }
            Step::Integer { largest } => {
                number::integer(&maker.number, original.parse().map_err(|_| "it is not a whole number")?, *largest)
                    .to_string()
            }
            Step::Decimal => number::decimal(&maker.number, original),
            Step::Point { limit, scale } => {
                let made = invent::decimal(&mut maker.number.stream(original.as_bytes()), *limit);
                match (scale, made.split_once('.')) {
                    (Some(0), Some((whole, _))) => whole.to_owned(),
                    (Some(scale), Some((whole, part))) => format!("{whole}.{}", &part[..(*scale).min(part.len())]),
                    _ => made,
                }
            }
            Step::Uuid => invent::uuid(&mut maker.fake(Kind::Uuid).stream(original.as_bytes())),
            Step::Bytes => format!("\\x{}", hexadecimal(&maker.hash.digest(&[original.as_bytes()]))),
            Step::Hardware { bytes } => {
                let mut draws = maker.fake(Kind::Mac).stream(original.as_bytes());
                (1..*bytes).fold("02".to_owned(), |text, _| format!("{text}:{:02x}", draws.byte()))
            }
            Step::Document { paths, rest } => {
                json::rewrite(original, &mut |path, leaf| leaf_of(maker, paths, rest, path, leaf))?
            }
            Step::EmptyDocument => match original.trim_start().chars().next() {
                Some('{') => "{}".to_owned(),
                Some('[') => "[]".to_owned(),
                Some('"') => format!("\"{REDACTED}\""),
                _ => "null".to_owned(),
            },
            Step::Elements(element) => array::rewrite(original, &mut |text| element.apply(text, subject))?,
        }))
    }
}

fn step(maker: &Arc<Maker>, rule: &Rule, demands: &Demands, bounds: Bounds) -> Result<Step, String> {
    if let (Shape::Array(element), true) = (&demands.shape, !matches!(rule, Rule::Null | Rule::Json { .. })) {
        if let Rule::Redact { text: None } = rule {
            return Ok(Step::Fixed("{}".to_owned()));
        }
        // Two arrays of one element each must still differ where arrays are unique.
        let inner = Demands { shape: (**element).clone(), nullable: true, ..demands.clone() };
        return Ok(Step::Elements(Box::new(Cell::new(maker, rule, &inner)?)));
    }
    match rule {
        Rule::Keep => Err("`keep` changes nothing".to_owned()),
        Rule::Null if !demands.nullable => Err("it cannot be NULL; redact, hash or fake it".to_owned()),
        Rule::Null => Ok(Step::Null),
        Rule::Password => match (&maker.password, &demands.shape) {
            (Some(hash), Shape::Text { .. }) if !demands.unique => Ok(Step::Fixed(hash.clone())),
            (None, _) if demands.nullable => Ok(Step::Null),
            (None, Shape::Text { .. }) if !demands.unique => Ok(Step::Fixed("!".to_owned())),
            _ => Err("a password stands in a text column that is not unique".to_owned()),
        },
        Rule::Redact { text } => redact(text.as_deref(), demands, bounds),
        Rule::Shift { days, .. } => match demands.shape {
            Shape::Date | Shape::Timestamp => Ok(Step::Shift { days: *days }),
            _ => Err("only dates and times with a date can be shifted".to_owned()),
        },
        Rule::Noise { percent } => noise(*percent, demands),
        Rule::Template { text } => template(text, demands, bounds),
        Rule::Json { paths, rest } => document(maker, paths, rest, demands),
        Rule::Fake { kind } => replaced(maker, kind.or(demands.kind).unwrap_or(Kind::Scramble), demands),
        Rule::Mask { keep_last } => match demands.shape {
            Shape::Text { .. } if !demands.unique => Ok(Step::Mask { keep_last: *keep_last }),
            _ => replaced(maker, Kind::Scramble, demands),
        },
        Rule::Hash { length } => match demands.shape {
            Shape::Text { .. } => {
                let length = length.unwrap_or(64).min(bounds.longest.unwrap_or(64)).min(64);
                // Fewer digits could meet.
                Ok(if demands.unique && length < 16 { Step::Fake(Kind::Scramble) } else { Step::Hash { length } })
            }
            _ => replaced(maker, Kind::Token, demands),
        },
    }
}

/// An invented value for a column of any shape.
fn replaced(maker: &Arc<Maker>, kind: Kind, demands: &Demands) -> Result<Step, String> {
    Ok(match &demands.shape {
        Shape::Text { .. } => Step::Fake(kind),
        Shape::Integer { .. } | Shape::Decimal { .. } | Shape::Float
            if matches!(kind, Kind::Latitude | Kind::Longitude) && !demands.unique =>
        {
            let limit = if kind == Kind::Latitude { 60 } else { 170 };
            let scale = match demands.shape {
                Shape::Integer { .. } => Some(0),
                Shape::Decimal { precision: Some((_, scale)) } => Some(scale as usize),
                _ => None,
            };
            Step::Point { limit, scale }
        }
        Shape::Integer { largest } => Step::Integer { largest: *largest },
        Shape::Decimal { .. } | Shape::Float => Step::Decimal,
        Shape::Uuid => Step::Uuid,
        Shape::Bytes => Step::Bytes,
        Shape::Json => Step::Document { paths: Vec::new(), rest: Leaves::Guess },
        Shape::Date | Shape::Timestamp => Step::Shift { days: 365 },
        Shape::Address { .. } => Step::Fake(Kind::Ip),
        Shape::HardwareAddress { bytes } => Step::Hardware { bytes: *bytes },
        Shape::Array(element) => {
            let inner = Demands { shape: (**element).clone(), nullable: true, ..demands.clone() };
            Step::Elements(Box::new(Cell::new(maker, &Rule::Fake { kind: Some(kind) }, &inner)?))
        }
        Shape::Words => {
            return Err("lexemes cannot be invented; redact them, or make the column a generated one".to_owned());
        }
        Shape::Choice => return Err("its type has a few values only; keep it, or null where it may be".to_owned()),
        Shape::Other { .. } => {
            return Err("values of its type cannot be invented; keep it, or null where it may be".to_owned());
        }
    })
}

fn redact(text: Option<&str>, demands: &Demands, bounds: Bounds) -> Result<Step, String> {
    if demands.unique {
        return Err("it is unique, and one text would stand in every row; hash or fake it".to_owned());
    }
    Ok(match &demands.shape {
        Shape::Text { .. } => {
            let text = text.unwrap_or(REDACTED);
            Step::Fixed(text.chars().take(bounds.longest.unwrap_or(usize::MAX)).collect())
        }
        Shape::Json => Step::EmptyDocument,
        Shape::Integer { .. } | Shape::Decimal { .. } | Shape::Float => Step::Fixed("0".to_owned()),
        Shape::Uuid => Step::Fixed("00000000-0000-0000-0000-000000000000".to_owned()),
        Shape::Bytes => Step::Fixed("\\x".to_owned()),
        Shape::Date | Shape::Timestamp => Step::Fixed("1970-01-01".to_owned()),
        Shape::Address { .. } => Step::Fixed("0.0.0.0/32".to_owned()),
        Shape::Words => Step::Fixed(String::new()),
        _ => return Err("its type has no empty value; null it".to_owned()),
    })
}

fn noise(percent: f64, demands: &Demands) -> Result<Step, String> {
    if demands.unique {
        return Err("it is unique, and noise makes numbers meet; fake it".to_owned());
    }
    let limit = match demands.shape {
        Shape::Integer { largest } => Some(i128::from(largest)),
        Shape::Decimal { precision: Some((digits, _)) } => 10_i128.checked_pow(digits).map(|limit| limit - 1),
        Shape::Decimal { precision: None } | Shape::Float => None,
        _ => return Err("only numbers take noise".to_owned()),
    };
    Ok(Step::Noise { percent, limit })
}

fn template(text: &str, demands: &Demands, bounds: Bounds) -> Result<Step, String> {
    let template = Template::parse(text)?;
    if !matches!(demands.shape, Shape::Text { .. }) {
        return Err("a template is for texts".to_owned());
    }
    if demands.unique && !template.is_unique() {
        return Err("it is unique; the template needs {hash:12} or more".to_owned());
    }
    match (template.longest(), bounds.longest) {
        (Some(longest), Some(room)) if longest > room => {
            Err(format!("the template makes {longest} characters, the column takes {room}"))
        }
        (None, Some(_)) => Err("the template's length is not known, and the column's is limited".to_owned()),
        _ => Ok(Step::Template(template)),
    }
}

fn document(maker: &Arc<Maker>, paths: &[(String, Rule)], rest: &Rule, demands: &Demands) -> Result<Step, String> {
    if demands.shape != Shape::Json {
        return Err("`json` is for columns of that type".to_owned());
    }
    let paths =
        paths.iter().map(|(path, rule)| Ok((path.clone(), leaves(maker, rule)?))).collect::<Result<_, String>>()?;
    Ok(Step::Document { paths, rest: leaves(maker, rest)? })
}

fn leaves(maker: &Arc<Maker>, rule: &Rule) -> Result<Leaves, String> {
    let cell = |shape: Shape| {
        let demands = Demands { shape, unique: false, fold: false, nullable: true, kind: None };
        Cell::new(maker, rule, &demands).map(Box::new)
    };
    match rule {
        Rule::Keep => Ok(Leaves::Keep),
        Rule::Null => Ok(Leaves::Null),
        Rule::Fake { kind: None } => Ok(Leaves::Guess),
        _ => {
            let dates = matches!(rule, Rule::Shift { .. });
            let string =
                cell(if dates { Shape::Timestamp } else { Shape::Text { longest: None, fold: false, padded: false } });
            let number = cell(Shape::Decimal { precision: None });
            match (string, number) {
                (Err(problem), Err(_)) => Err(problem),
                (string, number) => Ok(Leaves::Ready { string: string.ok(), number: number.ok() }),
            }
        }
    }
}

fn leaf_of(
    maker: &Maker,
    paths: &[(String, Leaves)],
    rest: &Leaves,
    path: &str,
    leaf: Leaf<'_>,
) -> Result<Replace, &'static str> {
    let inside =
        |rule: &str| path.strip_prefix(rule).is_some_and(|behind| behind.is_empty() || behind.starts_with(['.', '[']));
    let leaves = paths
        .iter()
        .filter(|(rule, _)| inside(rule))
        .max_by_key(|(rule, _)| rule.len())
        .map_or(rest, |(_, leaves)| leaves);
    match (leaves, leaf) {
        // Names are the document's form, unless one is a value itself.
        (Leaves::Keep, _) => Ok(Replace::Keep),
        (_, Leaf::Key(name)) => Ok(match detect::strong(name) {
            Some(kind) => {
                Replace::String(invent::text(maker.fake(kind), kind, name, Bounds { longest: None, unique: true }))
            }
            None => Replace::Keep,
        }),
        (Leaves::Null, _) => Ok(Replace::Null),
        (Leaves::Guess, Leaf::String(text)) => {
            let kind = detect::kind(json::last(path)).or_else(|| detect::strong(text)).unwrap_or(Kind::Scramble);
            Ok(Replace::String(invented(maker, kind, text)))
        }
        (Leaves::Guess, Leaf::Number(text)) => Ok(guessed_number(maker, path, text)),
        (Leaves::Ready { string: Some(cell), .. }, Leaf::String(text)) => {
            Ok(cell.apply(text, &[])?.map_or(Replace::Null, Replace::String))
        }
        (Leaves::Ready { number: Some(cell), .. }, Leaf::Number(text)) => {
            Ok(cell.apply(text, &[])?.map_or(Replace::Null, Replace::Number))
        }
        (Leaves::Ready { .. }, _) => Ok(Replace::Null),
    }
}

/// A text inside a document; a date among them moves.
fn invented(maker: &Maker, kind: Kind, text: &str) -> String {
    let moved = (kind == Kind::Date).then(|| {
        let mut draws = maker.shift.stream(text.as_bytes());
        number::moved(text, i64::from(draws.below(365) + 1))
    });
    let fold = matches!(kind, Kind::Email | Kind::Username).then(|| text.to_lowercase());
    let text = fold.as_deref().unwrap_or(text);
    moved.flatten().unwrap_or_else(|| invent::text(maker.fake(kind), kind, text, Bounds::default()))
}

/// Numbers with the length of a phone's or an account's, and those whose name says that they are somebody's.
fn guessed_number(maker: &Maker, path: &str, text: &str) -> Replace {
    let long = text.chars().filter(char::is_ascii_digit).count() >= 7;
    if long || detect::kind(json::last(path)).is_some() {
        Replace::Number(number::decimal(&maker.number, text))
    } else {
        Replace::Keep
    }
}

/// `#` for digits, `x` for letters; what parts them stays.
fn masked(original: &str, keep_last: usize) -> String {
    let kept = original.chars().count().saturating_sub(keep_last);
    let mask = |(place, c): (usize, char)| match c {
        _ if place >= kept => c,
        _ if c.is_numeric() => '#',
        _ if c.is_alphabetic() => 'x',
        _ => c,
    };
    original.chars().enumerate().map(mask).collect()
}
