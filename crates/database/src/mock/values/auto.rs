//! Makers of the kinds that follow the column's type, and of those with a shape of their own.

use serde_json::{Map, Value};

use super::{
    Made, Recipe, Spec, SpecError,
    compound::{Array, Boolean, Composite, Coordinate, Parts, Quoted, Range, Sequence},
    kinds,
    numeric::{Fall, Moments, Numbers},
    pattern::Pattern,
    people, prose,
    recipe::plain,
    scalar::{Format, Scalar},
    special::{Bits, Bytes, Special, Uuid},
    stream,
    target::Target,
    text::{Mark, Text},
};

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// The recipe for another kind without options.
fn plainly<'a>(recipe: &Recipe<'a>, kind: &str) -> Recipe<'a> {
    recipe.with(kinds::find(kind).unwrap_or(recipe.kind), &EMPTY)
}

/// Whatever the column's type takes.
pub fn any(recipe: &Recipe<'_>) -> Made {
    let like = |kind: &str| plainly(recipe, kind);
    match &recipe.resolved.target {
        Target::Boolean => boolean(&like("boolean")),
        Target::Integer { .. } => {
            recipe.number(Numbers { low: 1, high: 1_000, scale: 0, fall: Fall::Even, open: true })
        }
        Target::Decimal { .. } | Target::Float | Target::Money => {
            recipe.number(Numbers { low: 0, high: 100_000, scale: 2, fall: Fall::Even, open: true })
        }
        Target::Text { .. } => recipe.text(prose::title(&recipe.shared.words, None)),
        Target::Uuid => uuid(&like("uuid")),
        Target::Date => recipe.moment(Moments { from: -5 * 365, to: 0, day: true }),
        Target::Timestamp { .. } => recipe.moment(Moments { from: -2 * 365, to: 0, day: false }),
        Target::Time { .. } => recipe.clock(0, 86_399),
        Target::Interval => recipe.clock(60, 86_400),
        Target::Json => super::json::make(&like("json")),
        Target::Bytea => bytes(&like("bytes")),
        Target::Bits { .. } => bits(&like("bits")),
        Target::Enum(_) => enumeration(&like("enum")),
        Target::Array(_) => array(&like("array")),
        Target::Range(_) | Target::Multirange(_) => range(&like("range")),
        Target::Composite(fields) => {
            let field = |field| any(&recipe.inner(field));
            Ok(Box::new(Composite { fields: fields.iter().map(field).collect::<Result<_, _>>()? }))
        }
        Target::Special { name, modifier } => Ok(Box::new(Special { name: name.clone(), modifier: modifier.clone() })),
        Target::Unknown => Err(SpecError {
            message: format!("no kind knows the type {}", recipe.resolved.sql),
            hint: Some(
                "write `type: oneOf` with values, or `type: default` to leave the column to the database".to_owned(),
            ),
        }),
    }
}

pub fn boolean(recipe: &Recipe<'_>) -> Made {
    let words = match recipe.resolved.target {
        Target::Boolean => ["f", "t"],
        Target::Integer { .. } | Target::Decimal { .. } => ["0", "1"],
        Target::Text { .. } | Target::Json => ["false", "true"],
        Target::Bits { .. } => ["0", "1"],
        _ => return Err(recipe.misfit()),
    };
    let probability = match recipe.constraint.values().as_deref() {
        Some(["true" | "t" | "1"]) => 1.0,
        Some(["false" | "f" | "0"]) => 0.0,
        _ => recipe.fraction("probability")?.unwrap_or(0.5),
    };
    Ok(Box::new(Boolean { probability: stream::threshold(probability), words }))
}

pub fn email(recipe: &Recipe<'_>) -> Result<Text, SpecError> {
    let domains = recipe.list_of("domains")?.unwrap_or_default();
    if domains.iter().any(|domain| domain.is_empty() || domain.contains(['@', ' '])) {
        return Err(recipe.wrong("domains", "a list of domains such as example.com"));
    }
    Ok(people::email(&recipe.shared.words, recipe.group, domains))
}

pub fn characters(recipe: &Recipe<'_>, alphabet: &'static [u8]) -> Result<Text, SpecError> {
    let own = if alphabet.len() == 16 { 64 } else { 32 };
    let length = recipe.count("length")?.unwrap_or(own) as usize;
    Ok(prose::characters(alphabet, length))
}

/// A template of digits and letters, as a text of fixed form; as a pattern where it fits, so that unique ones keep it.
pub fn template(recipe: &Recipe<'_>, template: &'static str) -> Made {
    formed(recipe, Pattern::template(template), template.chars().count())
}

pub fn pattern(recipe: &Recipe<'_>, pattern: &'static str) -> Made {
    match Pattern::new(pattern, usize::MAX) {
        Some(made) => {
            let size = made.size();
            formed(recipe, made, size)
        }
        None => Err(recipe.misfit()),
    }
}

/// Text of a fixed form: by itself where nothing else is asked, else as any text, cut and checked.
fn formed(recipe: &Recipe<'_>, pattern: Pattern, length: usize) -> Made {
    let conditions = recipe.constraint.first();
    let free = conditions.matches.is_empty()
        && conditions.none_of.is_empty()
        && recipe.constraint.values().is_none()
        && conditions.min_length.is_none_or(|min| min <= length as u64)
        && conditions.max_length.is_none_or(|max| max >= length as u64)
        && !conditions.lower;
    match recipe.resolved.target {
        Target::Text { max, .. } if free && max >= length => Ok(Box::new(pattern)),
        Target::Integer { .. } => {
            recipe.number(Numbers { low: 1, high: 99_999, scale: 0, fall: Fall::Even, open: true })
        }
        _ => {
            recipe.text(Text::new(Mark::End("-"), move |row, rng, out| super::Generate::write(&pattern, row, rng, out)))
        }
    }
}

pub fn regex(recipe: &Recipe<'_>) -> Made {
    let Some(text) = recipe.text_of("pattern")? else { return Err(recipe.wrong("pattern", "given")) };
    let max = match recipe.resolved.target {
        Target::Text { max, .. } => max,
        _ => return Err(recipe.misfit()),
    };
    let pattern = Pattern::new(&text, max).ok_or_else(|| {
        recipe.wrong("pattern", "a regular expression without back references that leaves a text short enough")
    })?;
    let conditions = recipe.constraint.first();
    let same = conditions.matches.iter().all(|matched| matched.pattern == text && !matched.negated);
    if same && conditions.none_of.is_empty() && conditions.min_length.is_none() && conditions.max_length.is_none() {
        return Ok(Box::new(pattern));
    }
    recipe.text(Text::new(Mark::End(""), move |row, rng, out| super::Generate::write(&pattern, row, rng, out)))
}

/// `{kind}` in a text, with `#` and `?` for digits and letters outside of braces.
pub fn written_template(recipe: &Recipe<'_>) -> Made {
    let Some(text) = recipe.text_of("template")? else { return Err(recipe.wrong("template", "given")) };
    if !matches!(recipe.resolved.target, Target::Text { .. }) {
        return Err(recipe.misfit());
    }
    let mut parts: Vec<(String, Option<Box<dyn super::Generate>>)> = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        match rest.split_once('{') {
            Some((before, after)) => {
                if !before.is_empty() {
                    parts.push((String::new(), Some(Box::new(Pattern::template(before)))));
                }
                let (name, behind) =
                    after.split_once('}').ok_or_else(|| recipe.wrong("template", "closed with } after each {"))?;
                let kind = kinds::find(name.trim()).ok_or_else(|| super::unknown(name))?;
                let mut inner = recipe.with(kind, &EMPTY);
                inner.constraint = super::checks::Constraint::default();
                parts.push((String::new(), Some(kind.make(&inner)?)));
                rest = behind;
            }
            None => {
                parts.push((String::new(), Some(Box::new(Pattern::template(rest)))));
                rest = "";
            }
        }
    }
    let made = Parts { parts, template: true };
    let endless = matches!(recipe.resolved.target, Target::Text { max: usize::MAX, .. });
    if endless && recipe.constraint == super::checks::Constraint::default() {
        return Ok(Box::new(made));
    }
    recipe.text(Text::new(Mark::End(""), move |row, rng, out| super::Generate::write(&made, row, rng, out)))
}

pub fn country_code(recipe: &Recipe<'_>) -> Made {
    recipe.text(people::place(&recipe.shared.cities, recipe.group, |city| city.country_code))
}

pub fn coordinate(recipe: &Recipe<'_>, latitude: bool) -> Made {
    let conditions = recipe.constraint.first();
    let free = conditions.low.len() <= 1 && conditions.high.len() <= 1 && recipe.against.is_empty();
    match recipe.resolved.target {
        // Rounding to fewer digits than four is PostgreSQL's work.
        Target::Float | Target::Decimal { .. } | Target::Text { .. } if free => {
            let (cities, group) = (std::sync::Arc::clone(&recipe.shared.cities), recipe.group);
            Ok(Box::new(Coordinate { cities, group, latitude }))
        }
        _ => {
            let end = if latitude { 850_000 } else { 1_800_000 };
            recipe.number(Numbers { low: -end, high: end, scale: 4, fall: Fall::Even, open: true })
        }
    }
}

/// A network address: of its own type, or as text.
pub fn address(recipe: &Recipe<'_>, name: &'static str) -> Made {
    let special = |name: &str| Special { name: name.to_owned(), modifier: String::new() };
    match &recipe.resolved.target {
        Target::Special { name: own, .. } if own == name || (name == "inet" && own == "cidr") || own == "macaddr8" => {
            Ok(Box::new(special(own)))
        }
        Target::Text { .. } => {
            let special = special(name);
            recipe.text(Text::new(Mark::End("."), move |row, rng, out| super::Generate::write(&special, row, rng, out)))
        }
        _ => Err(recipe.misfit()),
    }
}

pub fn ipv6(recipe: &Recipe<'_>) -> Made {
    let pattern = Pattern::new("2001:db8:[1-9a-f][0-9a-f]{3}:[1-9a-f][0-9a-f]{3}::[1-9a-f][0-9a-f]{3}", 40);
    match (&recipe.resolved.target, pattern) {
        (Target::Special { name, .. }, Some(pattern)) if name == "inet" || name == "cidr" => Ok(Box::new(pattern)),
        (Target::Text { .. }, Some(pattern)) => formed(recipe, pattern, 28),
        _ => Err(recipe.misfit()),
    }
}

pub fn uuid(recipe: &Recipe<'_>) -> Made {
    match recipe.resolved.target {
        Target::Uuid => Ok(Box::new(Uuid)),
        Target::Text { max, .. } if max >= 36 => Ok(Box::new(Uuid)),
        Target::Json => Ok(Box::new(Quoted(Box::new(Uuid)))),
        _ => Err(recipe.misfit()),
    }
}

pub fn sequence(recipe: &Recipe<'_>) -> Made {
    let number = |option: &str| -> Result<i64, SpecError> {
        match recipe.options.get(option) {
            None => Ok(1),
            Some(value) => value.as_i64().ok_or_else(|| recipe.wrong(option, "a whole number")),
        }
    };
    let (start, step) = (number("start")?, number("step")?);
    let (low, high) = match recipe.resolved.target {
        Target::Integer { low, high } => (low, high),
        Target::Decimal { precision, scale } => {
            let digits = precision.unwrap_or(18).saturating_sub(scale.unwrap_or(0)).min(18);
            let end = 10i64.pow(digits) - 1;
            (-end, end)
        }
        Target::Float | Target::Text { .. } | Target::Json | Target::Money => (i64::MIN, i64::MAX),
        _ => return Err(recipe.misfit()),
    };
    if step == 0 || !(low..=high).contains(&start) {
        return Err(recipe.wrong("start", "a number that the column's type holds, with a step that is not 0"));
    }
    let room = if step > 0 { high.abs_diff(start) } else { start.abs_diff(low) };
    let count = (room / step.unsigned_abs()).saturating_add(1);
    let mut sequence = Sequence { start, step, count };
    // A check's lower end moves the start, unless the configuration named one; its upper end is the last number.
    let conditions = recipe.constraint.first();
    let read = |bound: &super::checks::Bound| match &bound.value {
        super::checks::Literal::Text(text) => super::scalar::read_decimal(text, 0).map(|read| (read, bound.inclusive)),
        super::checks::Literal::Now(_) => None,
    };
    if !recipe.options.contains_key("start") {
        for ((value, exact), inclusive) in conditions.low.iter().filter_map(read) {
            sequence.start = sequence.start.max(value.saturating_add(i64::from(!exact || !inclusive)));
        }
    }
    for ((value, exact), inclusive) in conditions.high.iter().filter_map(read) {
        let last = value.saturating_sub(i64::from(exact && !inclusive));
        if step > 0 && last >= sequence.start {
            sequence.count = sequence.count.min(last.abs_diff(sequence.start) / step.unsigned_abs() + 1);
        }
    }
    Ok(Box::new(sequence))
}

pub fn year(recipe: &Recipe<'_>) -> Made {
    let (this, ..) = super::civil::civil(recipe.shared.now.div_euclid(super::civil::DAY));
    recipe.number(Numbers { low: 1_990, high: this, scale: 0, fall: Fall::Even, open: false })
}

pub fn enumeration(recipe: &Recipe<'_>) -> Made {
    let Target::Enum(values) = &recipe.resolved.target else { return Err(recipe.misfit()) };
    recipe.choice(values.clone(), weights(recipe, values.len())?)
}

pub fn one_of(recipe: &Recipe<'_>) -> Made {
    let values = recipe.list_of("values")?.filter(|values| !values.is_empty());
    let Some(values) = values else { return Err(recipe.wrong("values", "a list with at least one value")) };
    let weights = weights(recipe, values.len())?;
    recipe.choice(values, weights)
}

fn weights(recipe: &Recipe<'_>, count: usize) -> Result<Option<Vec<f64>>, SpecError> {
    let Some(Value::Array(items)) = recipe.options.get("weights") else {
        return if recipe.options.contains_key("weights") {
            Err(recipe.wrong("weights", "a list of numbers"))
        } else {
            Ok(None)
        };
    };
    let weights: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
    match weights {
        Some(weights) if weights.len() == count && weights.iter().all(|&weight| weight >= 0.0) => Ok(Some(weights)),
        _ => Err(recipe.wrong("weights", "a number of at least 0 for each value")),
    }
}

pub fn constant(recipe: &Recipe<'_>) -> Made {
    let value = recipe.options.get("value").ok_or_else(|| recipe.wrong("value", "given"))?;
    Ok(Box::new(super::compound::Choice { values: vec![plain(value)], weights: None }))
}

/// Null is written by the column itself; this is what it would be if it could not.
pub fn nothing(recipe: &Recipe<'_>) -> Made {
    any(recipe)
}

/// An element's or a bound's entry: a name, or a map with a `type`.
pub fn nested(recipe: &Recipe<'_>, option: &str) -> Result<Option<Spec>, SpecError> {
    match recipe.options.get(option) {
        None => Ok(None),
        Some(value) => {
            entry(value).map(Some).ok_or_else(|| recipe.wrong(option, "a kind's name, or an entry with a `type`"))
        }
    }
}

pub fn entry(value: &Value) -> Option<Spec> {
    match value {
        Value::String(name) => Some(Spec::kind(name)),
        Value::Object(_) => serde_json::from_value(value.clone()).ok(),
        _ => None,
    }
}

pub fn array(recipe: &Recipe<'_>) -> Made {
    let Target::Array(element) = &recipe.resolved.target else { return Err(recipe.misfit()) };
    let conditions = recipe.constraint.first();
    let size = |limit: Option<u64>, own: u64| limit.map_or(own, |limit| limit.min(10_000));
    let min = recipe.count("min")?.unwrap_or(0).max(size(conditions.min_length, 0));
    let max = recipe.count("max")?.unwrap_or_else(|| min.max(4)).min(size(conditions.max_length, 10_000));
    if min > max {
        return Err(recipe.wrong("min", "not above `max`, and within the column's checks"));
    }
    let mut inner = recipe.inner(element);
    if conditions.one_of.is_some() {
        let one_of = super::checks::Conditions { one_of: conditions.one_of.clone(), ..Default::default() };
        inner.constraint =
            inner.constraint.and(&super::checks::Constraint { alternatives: vec![one_of] }).unwrap_or(inner.constraint);
    }
    let element = match nested(recipe, "of")? {
        Some(spec) => super::make(&inner, &spec)?,
        None => match inner.constraint.values() {
            Some(values) => inner.choice(values.into_iter().map(str::to_owned).collect(), None)?,
            None => match element.target {
                Target::Text { .. } => inner.text(prose::joined(&[super::lists::TAGS], Mark::End("-")))?,
                _ => any(&inner)?,
            },
        },
    };
    Ok(Box::new(Array { element, min, max }))
}

pub fn range(recipe: &Recipe<'_>) -> Made {
    let (bound, multi) = match &recipe.resolved.target {
        Target::Range(bound) => (bound, false),
        Target::Multirange(bound) => (bound, true),
        _ => return Err(recipe.misfit()),
    };
    let (day, now) = (super::civil::DAY, recipe.shared.now);
    let (format, low, high, step, own_width) = match bound.target {
        Target::Integer { .. } => (Format::Decimal { scale: 0 }, 1, 1_000_000, 1, 100),
        Target::Decimal { scale, .. } => {
            let scale = scale.unwrap_or(2).min(9);
            let unit = 10i64.pow(scale);
            (Format::Decimal { scale }, 0, 1_000_000 * unit, unit, 100)
        }
        Target::Float => (Format::Decimal { scale: 2 }, 0, 100_000_000, 100, 100),
        Target::Date => (Format::Date, now.div_euclid(day) - 30_000, now.div_euclid(day) + 30_000, 1, 14),
        // Quarters of an hour over forty years: room for a million appointments that do not overlap.
        Target::Timestamp { zone } => {
            let quarter = 900 * super::civil::SECOND;
            (Format::Timestamp { zone }, now.div_euclid(day) * day - 7_300 * day, now + 7_300 * day, quarter, 16)
        }
        Target::Time { zone } => (Format::Time { zone }, 0, day - 1, 60 * super::civil::SECOND, 120),
        _ => return Err(recipe.misfit()),
    };
    let span =
        super::span::Span::new(&[(low, high)], step, low.rem_euclid(step), &[]).ok_or_else(|| recipe.misfit())?;
    let bound = Scalar::new(span, super::distribution::Shape::Uniform, format);
    let width = recipe.count("width")?.unwrap_or(own_width).max(1);
    Ok(Box::new(Range { bound, width, multi }))
}

pub fn bytes(recipe: &Recipe<'_>) -> Made {
    let conditions = recipe.constraint.first();
    let (least, most) =
        (conditions.min_length.max(conditions.min_bytes), conditions.max_length.or(conditions.max_bytes));
    let (min, max) = match recipe.count("length")? {
        Some(length) => (length, length),
        None => {
            (16.min(most.unwrap_or(16)).max(least.unwrap_or(0)), 64.min(most.unwrap_or(64)).max(least.unwrap_or(0)))
        }
    };
    match recipe.resolved.target {
        Target::Bytea => Ok(Box::new(Bytes { min: min as usize, max: max as usize })),
        Target::Text { .. } => recipe.text(prose::characters(b"0123456789abcdef", 2 * max as usize)),
        _ => Err(recipe.misfit()),
    }
}

pub fn bits(recipe: &Recipe<'_>) -> Made {
    let Target::Bits { length, varying } = recipe.resolved.target else { return Err(recipe.misfit()) };
    Ok(Box::new(Bits { length: length.unwrap_or(if varying { 16 } else { 1 }) }))
}

/// Digits with a check digit made of them.
fn checked(recipe: &Recipe<'_>, prefix: &'static str, digits: u32, check: fn(&[u8]) -> u8) -> Made {
    let length = prefix.len() + digits as usize + 1;
    match recipe.resolved.target {
        Target::Text { max, .. } if max >= length => Ok(Box::new(super::checkdigit::Checked { prefix, digits, check })),
        Target::Integer { high, .. } if high == i64::MAX => {
            Ok(Box::new(super::checkdigit::Checked { prefix, digits, check }))
        }
        _ => recipe.text(prose::characters(b"0123456789", length)),
    }
}

/// Payment services give their test cards numbers that begin so.
pub fn credit_card(recipe: &Recipe<'_>) -> Made {
    checked(recipe, "400000", 9, super::checkdigit::luhn)
}

/// 200 to 299 are for a shop's own use.
pub fn ean(recipe: &Recipe<'_>) -> Made {
    checked(recipe, "200", 9, super::checkdigit::ean)
}

pub fn isbn(recipe: &Recipe<'_>) -> Made {
    checked(recipe, "978", 9, super::checkdigit::ean)
}

pub fn iban(recipe: &Recipe<'_>) -> Made {
    match recipe.resolved.target {
        Target::Text { max, .. } if max >= 22 => Ok(Box::new(super::checkdigit::Iban)),
        _ => recipe.text(prose::characters(b"0123456789", 22)),
    }
}
