//! From an expression to what it asks: a list of branches, of which one must hold.

use std::collections::BTreeMap;

use super::{
    constraint::{Bound, Conditions, Literal, Match},
    literal,
    parse::Expr,
};

/// How two columns of a row must compare.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    pub left: String,
    /// `<`, `<=`, `>`, `>=`, `=` or `<>`.
    pub operator: String,
    pub right: String,
    /// Added to the right column: a number, or an interval.
    pub plus: Option<String>,
}

/// One way to meet a check.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Branch {
    pub columns: BTreeMap<String, Conditions>,
    pub relations: Vec<Relation>,
}

/// More branches than this are cut: each one alone is enough.
const MAX_BRANCHES: usize = 4_096;

impl Branch {
    pub fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (column, conditions) in &other.columns {
            let joined = match both.columns.get(column) {
                Some(mine) => mine.and(conditions)?,
                None => conditions.clone(),
            };
            both.columns.insert(column.clone(), joined);
        }
        both.relations.extend(other.relations.iter().cloned());
        Some(both)
    }

    fn one(column: &str, conditions: Conditions) -> Vec<Self> {
        vec![Self { columns: BTreeMap::from([(column.to_owned(), conditions)]), relations: Vec::new() }]
    }
}

/// The ways to meet an expression, or its negation; None when it is not understood.
pub fn branches(expression: &Expr, negated: bool) -> Option<Vec<Branch>> {
    match expression {
        Expr::Not(inner) => branches(inner, !negated),
        Expr::And(items) if !negated => all(items, false),
        Expr::Or(items) if negated => all(items, true),
        Expr::And(items) | Expr::Or(items) => {
            let found: Vec<Branch> =
                items.iter().filter_map(|item| branches(item, negated)).flatten().take(MAX_BRANCHES).collect();
            (!found.is_empty()).then_some(found)
        }
        Expr::Boolean(value) => (*value != negated).then(|| vec![Branch::default()]),
        Expr::Null => Some(vec![Branch::default()]),
        Expr::Column(name) => Some(Branch::one(name, equal(if negated { "false" } else { "true" }))),
        Expr::Is(inner, value, inverted) => branches(inner, (*value == *inverted) != negated),
        Expr::IsNull(inner, null) => match &**inner {
            Expr::Column(name) => {
                Some(Branch::one(name, Conditions { null: Some(*null != negated), ..Conditions::default() }))
            }
            _ => None,
        },
        Expr::Binary(operator, left, right) => {
            let operator = if negated { opposite(operator)? } else { operator.as_str() };
            comparison(operator, left, right)
        }
        Expr::Quantified { operator, left, right, all } => quantified(operator, left, right, *all, negated),
        Expr::Call(name, arguments) => call(name, arguments, negated),
        Expr::Text(_) | Expr::Number(_) | Expr::Array(_) => None,
    }
}

fn all(items: &[Expr], negated: bool) -> Option<Vec<Branch>> {
    let mut product = vec![Branch::default()];
    for item in items {
        let next = branches(item, negated)?;
        product = product
            .iter()
            .flat_map(|mine| next.iter().filter_map(|theirs| mine.and(theirs)))
            .take(MAX_BRANCHES)
            .collect();
    }
    (!product.is_empty()).then_some(product)
}

fn opposite(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "=" => "<>",
        "<>" => "=",
        "<" => ">=",
        ">=" => "<",
        ">" => "<=",
        "<=" => ">",
        "~" => "!~",
        "!~" => "~",
        "~*" => "!~*",
        "!~*" => "~*",
        "~~" => "!~~",
        "!~~" => "~~",
        "~~*" => "!~~*",
        "!~~*" => "~~*",
        _ => return None,
    })
}

/// The operator with its sides exchanged.
fn flipped(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "=" => "=",
        "<>" => "<>",
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        _ => return None,
    })
}

fn comparison(operator: &str, left: &Expr, right: &Expr) -> Option<Vec<Branch>> {
    if let Some(relation) = relation(operator, left, right) {
        return Some(vec![Branch { columns: BTreeMap::new(), relations: vec![relation] }]);
    }
    if let (Expr::IsNull(..), Expr::IsNull(..)) = (left, right) {
        // `(a IS NULL) = (b IS NULL)`: both, or neither; the row with values first.
        let same = operator == "=";
        let pair = |first: bool| all_of([branches(left, first)?, branches(right, first == same)?]);
        return Some([pair(true), pair(false)].into_iter().flatten().flatten().collect());
    }
    if let Some(branch) = own_form(operator, left, right).or_else(|| own_form(flipped(operator)?, right, left)) {
        return Some(branch);
    }
    if let ("<@", Expr::Column(column), Some(values)) = (operator, left, literal::list(right)) {
        // Of an array column: each element is one of the list.
        return Some(Branch::one(column, Conditions { one_of: Some(values), ..Conditions::default() }));
    }
    if let Some(value) = literal::value(right) {
        return against(operator, left, value);
    }
    against(flipped(operator)?, right, literal::value(left)?)
}

/// `a < b`, `a < b + 1` and `a - b < 1`.
fn relation(operator: &str, left: &Expr, right: &Expr) -> Option<Relation> {
    flipped(operator)?;
    let of = |left: &str, operator: &str, right: &str, plus: Option<String>| {
        Some(Relation { left: left.to_owned(), operator: operator.to_owned(), right: right.to_owned(), plus })
    };
    match (left, right) {
        (Expr::Column(left), Expr::Column(right)) => of(left, operator, right, None),
        (Expr::Column(left), Expr::Binary(sign, base, distance)) => {
            let Expr::Column(right) = &**base else { return None };
            of(left, operator, right, Some(signed(sign, distance)?))
        }
        (Expr::Binary(sign, base, distance), Expr::Column(right)) => match (&**base, &**distance, sign.as_str()) {
            // `a + 1 < b` is `b > a + 1`.
            (Expr::Column(left), _, _) => of(right, flipped(operator)?, left, Some(signed(sign, distance)?)),
            _ => None,
        },
        (Expr::Binary(sign, one, other), distance) if sign == "-" => match (&**one, &**other) {
            (Expr::Column(left), Expr::Column(right)) => of(left, operator, right, Some(literal::text(distance)?)),
            _ => None,
        },
        _ => None,
    }
}

fn signed(sign: &str, distance: &Expr) -> Option<String> {
    let distance = literal::text(distance)?;
    match sign {
        "+" => Some(distance),
        "-" => Some(format!("-{distance}")),
        _ => None,
    }
}

fn all_of(parts: [Vec<Branch>; 2]) -> Option<Vec<Branch>> {
    let [first, second] = parts;
    Some(first.iter().flat_map(|mine| second.iter().filter_map(|theirs| mine.and(theirs))).collect())
}

/// `lower(c) = c`, `upper(c) = c`, `round(c, 2) = c` and `trim(c) = c`.
fn own_form(operator: &str, left: &Expr, right: &Expr) -> Option<Vec<Branch>> {
    let (Expr::Call(function, arguments), Expr::Column(column)) = (left, right) else { return None };
    if operator != "=" || arguments.first() != Some(right) {
        return None;
    }
    let mut conditions = Conditions::default();
    match function.as_str() {
        "lower" => conditions.lower = true,
        "upper" => conditions.upper = true,
        "btrim" | "ltrim" | "rtrim" => {}
        "round" | "trunc" | "floor" | "ceil" | "ceiling" => {
            let digits = arguments.get(1).and_then(literal::number).unwrap_or(0);
            conditions.scale = Some(u32::try_from(digits).ok()?);
        }
        _ => return None,
    }
    Some(Branch::one(column, conditions))
}

/// Something made of a column against a value.
fn against(operator: &str, left: &Expr, value: Literal) -> Option<Vec<Branch>> {
    match left {
        Expr::Column(column) => Some(Branch::one(column, compared(operator, value)?)),
        Expr::Call(function, arguments) => {
            let Literal::Text(text) = value else { return None };
            of_function(function, arguments, operator, &text)
        }
        Expr::Binary(inner, column, modulus) if inner == "%" => {
            let (Expr::Column(column), "=", Literal::Text(rest)) = (&**column, operator, value) else { return None };
            let modulus = (literal::number(modulus)?, rest.parse().ok()?);
            Some(Branch::one(column, Conditions { modulus: Some(modulus), ..Conditions::default() }))
        }
        _ => None,
    }
}

pub fn equal(value: &str) -> Conditions {
    Conditions { one_of: Some(vec![value.to_owned()]), ..Conditions::default() }
}

fn compared(operator: &str, value: Literal) -> Option<Conditions> {
    let mut conditions = Conditions::default();
    match (operator, value) {
        ("<" | "<=", value) => conditions.high.push(Bound { value, inclusive: operator == "<=" }),
        (">" | ">=", value) => conditions.low.push(Bound { value, inclusive: operator == ">=" }),
        ("=", Literal::Text(text)) => return Some(equal(&text)),
        ("<>", Literal::Text(text)) => {
            if text.is_empty() {
                conditions.min_length = Some(1);
            }
            conditions.none_of.push(text);
        }
        ("~" | "~*" | "!~" | "!~*", Literal::Text(pattern)) => conditions.matches.push(Match {
            pattern,
            ignore_case: operator.ends_with('*'),
            negated: operator.starts_with('!'),
        }),
        ("~~" | "~~*" | "!~~" | "!~~*", Literal::Text(like)) => conditions.matches.push(Match {
            pattern: literal::like(&like),
            ignore_case: operator.ends_with('*'),
            negated: operator.starts_with('!'),
        }),
        ("?", Literal::Text(key)) => conditions.json_keys.push(key),
        _ => return None,
    }
    Some(conditions)
}

/// `length(c) > 3` and its like.
fn of_function(function: &str, arguments: &[Expr], operator: &str, value: &str) -> Option<Vec<Branch>> {
    if matches!(function, "num_nonnulls" | "num_nulls") {
        return counted(function == "num_nulls", arguments, operator, value.parse().ok()?);
    }
    let inner = match arguments.first()? {
        // Values of ours have no white space around them.
        Expr::Call(trim, inner) if matches!(trim.as_str(), "btrim" | "ltrim" | "rtrim") => inner.first()?,
        inner => inner,
    };
    if function == "date_part" {
        let (Expr::Text(field), Some(Expr::Column(column))) = (inner, arguments.get(1)) else { return None };
        let year: i64 = value.parse().ok()?;
        return (field == "year").then(|| Branch::one(column, years(operator, year)));
    }
    let Expr::Column(column) = inner else { return None };
    let conditions = match function {
        "char_length" | "character_length" | "length" | "cardinality" | "array_length" => {
            let (min, max) = interval(operator, value.parse().ok()?)?;
            Conditions { min_length: min, max_length: max, ..Conditions::default() }
        }
        "octet_length" => {
            let (min, max) = interval(operator, value.parse().ok()?)?;
            Conditions { min_bytes: min, max_bytes: max, ..Conditions::default() }
        }
        "abs" if matches!(operator, "<" | "<=") => {
            let mut both = compared(operator, Literal::Text(value.to_owned()))?;
            let mirrored =
                flipped(operator).and_then(|flipped| compared(flipped, Literal::Text(format!("-{value}"))))?;
            both.low = mirrored.low;
            both
        }
        "btrim" | "ltrim" | "rtrim" if operator == "<>" => compared("<>", Literal::Text(value.to_owned()))?,
        "lower" | "upper" if matches!(operator, "=" | "~" | "~~") => {
            compared(operator, Literal::Text(value.to_owned()))?
        }
        "jsonb_typeof" | "json_typeof" if operator == "=" => {
            Conditions { json_type: Some(value.to_owned()), ..Conditions::default() }
        }
        "position" | "strpos" => {
            let needle = arguments.get(1).and_then(literal::text)?;
            let negated = matches!((operator, value), ("=", "0") | ("<", "1"));
            let least = match operator {
                ">" => value.parse().ok()?,
                ">=" | "<>" => value.parse::<u16>().ok()?.saturating_sub(1),
                _ if negated => 0,
                _ => return None,
            };
            let before = if least == 0 { String::new() } else { format!("^.{{{least}}}.*") };
            let pattern = format!("{before}{}", regex::escape(&needle));
            Conditions { matches: vec![Match { pattern, ignore_case: false, negated }], ..Conditions::default() }
        }
        _ => return None,
    };
    Some(Branch::one(column, conditions))
}

/// The lengths that a comparison allows.
fn interval(operator: &str, value: i64) -> Option<(Option<u64>, Option<u64>)> {
    let at = |number: i64| Some(u64::try_from(number.max(0)).unwrap_or(0));
    Some(match operator {
        "=" => (at(value), at(value)),
        "<" => (None, at(value - 1)),
        "<=" => (None, at(value)),
        ">" => (at(value + 1), None),
        ">=" => (at(value), None),
        "<>" if value == 0 => (at(1), None),
        _ => return None,
    })
}

fn years(operator: &str, year: i64) -> Conditions {
    let start = |year: i64, inclusive| Bound { value: Literal::Text(format!("{year:04}-01-01")), inclusive };
    let mut conditions = Conditions::default();
    if matches!(operator, "=" | ">" | ">=") {
        conditions.low.push(start(year + i64::from(operator == ">"), true));
    }
    if matches!(operator, "=" | "<" | "<=") {
        conditions.high.push(start(year + i64::from(operator != "<"), false));
    }
    conditions
}

/// `num_nonnulls(a, b) = 1` and its like: each way to choose the first columns that may be filled.
fn counted(nulls: bool, arguments: &[Expr], operator: &str, wanted: i64) -> Option<Vec<Branch>> {
    let columns: Option<Vec<&String>> =
        arguments.iter().map(|argument| if let Expr::Column(name) = argument { Some(name) } else { None }).collect();
    let columns = columns?;
    let count = i64::try_from(columns.len()).ok()?;
    let holds = |filled: i64| {
        let number = if nulls { count - filled } else { filled };
        match operator {
            "=" => number == wanted,
            "<=" => number <= wanted,
            "<" => number < wanted,
            ">=" => number >= wanted,
            ">" => number > wanted,
            "<>" => number != wanted,
            _ => false,
        }
    };
    let filled = (0..=count).rev().find(|&filled| holds(filled))?;
    let entry = |(index, column): (usize, &&String)| {
        let null = Some(index as i64 >= filled);
        ((*column).clone(), Conditions { null, ..Conditions::default() })
    };
    Some(vec![Branch { columns: columns.iter().enumerate().map(entry).collect(), relations: Vec::new() }])
}

fn quantified(operator: &str, left: &Expr, right: &Expr, all: bool, negated: bool) -> Option<Vec<Branch>> {
    let values = literal::list(right)?;
    if let (Some(column), "=", false, false) = (typeof_of(left), operator, all, negated) {
        let json_type = values.iter().find(|value| *value == "object").or(values.first()).cloned();
        return Some(Branch::one(column, Conditions { json_type, ..Conditions::default() }));
    }
    let column = quantified_column(left)?;
    let conditions = match (operator, all, negated) {
        ("=", false, false) | ("<>", true, true) => Conditions { one_of: Some(values), ..Conditions::default() },
        ("<>", true, false) | ("=", false, true) => Conditions { none_of: values, ..Conditions::default() },
        ("~" | "~~", false, false) => {
            let one = |value: &String| Some(Branch::one(column, compared(operator, Literal::Text(value.clone()))?));
            return Some(values.iter().filter_map(one).flatten().collect());
        }
        _ => return None,
    };
    Some(Branch::one(column, conditions))
}

/// The column itself, or in one case of letters.
fn quantified_column(left: &Expr) -> Option<&String> {
    match left {
        Expr::Column(column) => Some(column),
        Expr::Call(function, arguments) if matches!(function.as_str(), "lower" | "upper") => match arguments.first()? {
            Expr::Column(column) => Some(column),
            _ => None,
        },
        _ => None,
    }
}

/// The column of `jsonb_typeof(c)`.
fn typeof_of(left: &Expr) -> Option<&String> {
    match left {
        Expr::Call(function, arguments) if matches!(function.as_str(), "jsonb_typeof" | "json_typeof") => {
            match arguments.first()? {
                Expr::Column(column) => Some(column),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Functions that are conditions themselves.
fn call(name: &str, arguments: &[Expr], negated: bool) -> Option<Vec<Branch>> {
    match (name, arguments) {
        ("starts_with", [Expr::Column(column), prefix]) => {
            let pattern = format!("^{}", regex::escape(&literal::text(prefix)?));
            let matches = vec![Match { pattern, ignore_case: false, negated }];
            Some(Branch::one(column, Conditions { matches, ..Conditions::default() }))
        }
        // No generator makes an empty or unbounded range, or an infinite date.
        ("isempty" | "upper_inf" | "lower_inf", [Expr::Column(_)]) => negated.then(|| vec![Branch::default()]),
        ("isfinite", [Expr::Column(_)]) => (!negated).then(|| vec![Branch::default()]),
        _ => None,
    }
}
