//! Literals of checks: numbers, texts, lists, LIKE patterns, and moments relative to now.

use super::{constraint::Literal, parse::Expr};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The value of an expression without columns.
pub fn value(expression: &Expr) -> Option<Literal> {
    match expression {
        Expr::Text(text) | Expr::Number(text) => Some(Literal::Text(text.clone())),
        Expr::Boolean(value) => Some(Literal::Text(value.to_string())),
        Expr::Call(name, arguments) if name == "-" => match arguments.as_slice() {
            [Expr::Text(text) | Expr::Number(text)] => Some(Literal::Text(format!("-{text}"))),
            _ => None,
        },
        Expr::Call(name, _) => {
            const CLOCKS: [&str; 7] = [
                "now",
                "current_date",
                "current_timestamp",
                "localtimestamp",
                "clock_timestamp",
                "statement_timestamp",
                "transaction_timestamp",
            ];
            CLOCKS.contains(&name.as_str()).then_some(Literal::Now(0))
        }
        Expr::Binary(operator, left, right) if matches!(operator.as_str(), "+" | "-") => {
            let Literal::Now(offset) = value(left)? else { return None };
            let distance = interval(&text(right)?)?;
            Some(Literal::Now(if operator == "+" { offset + distance } else { offset - distance }))
        }
        _ => None,
    }
}

/// A text literal, or a number as its text.
pub fn text(expression: &Expr) -> Option<String> {
    match value(expression)? {
        Literal::Text(text) => Some(text),
        Literal::Now(_) => None,
    }
}

pub fn number(expression: &Expr) -> Option<i64> {
    text(expression)?.parse().ok()
}

/// `ARRAY[…]`, or an array literal.
pub fn list(expression: &Expr) -> Option<Vec<String>> {
    match expression {
        Expr::Array(items) => items.iter().map(text).collect(),
        Expr::Text(literal) => array(literal),
        _ => None,
    }
}

/// The elements of a one-dimensional array literal: `{a,"b c"}`.
fn array(literal: &str) -> Option<Vec<String>> {
    let inner = literal.strip_prefix('{')?.strip_suffix('}')?;
    let (mut items, mut item, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut chars = inner.chars();
    while let Some(next) = chars.next() {
        any = true;
        match next {
            '"' => quoted = !quoted,
            '\\' => item.push(chars.next()?),
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            '{' | '}' if !quoted => return None,
            other => item.push(other),
        }
    }
    if any {
        items.push(item);
    }
    Some(items)
}

/// A LIKE pattern as a regular expression.
pub fn like(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        match next {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => regex.push_str(&regex::escape(&chars.next().map(String::from).unwrap_or_default())),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

/// Microseconds of an interval literal: `18 years`, `1 day 02:00:00`. Months and years count by their mean length.
pub fn interval(text: &str) -> Option<i64> {
    let mut total = 0i64;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            let (sign, word) = word.strip_prefix('-').map_or((1, word), |rest| (-1, rest));
            let mut parts = word.split(':');
            let mut part = || parts.next().unwrap_or("0").parse::<i64>().ok();
            let (hours, minutes, seconds) = (part()?, part()?, part()?);
            total = total.checked_add((hours * 3_600 + minutes * 60 + seconds).checked_mul(sign * 1_000_000)?)?;
            continue;
        }
        let count: i64 = word.parse().ok()?;
        let unit = words.next()?.trim_end_matches('s');
        let size = match unit {
            "year" | "yr" => DAY * 365 + DAY / 4,
            "mon" | "month" => DAY * 30 + DAY / 2,
            "week" => DAY * 7,
            "day" => DAY,
            "hour" => DAY / 24,
            "minute" | "min" => 60_000_000,
            "second" | "sec" => 1_000_000,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(size)?)?;
    }
    Some(total)
}
