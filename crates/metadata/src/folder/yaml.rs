//! YAML as Hasura's command line writes it (go-yaml with an indent of two), so that a folder written here and one
//! written there differ only where the metadata does.

use std::fmt::Write as _;

use serde_json::Value;

/// One document, with its line end.
pub(super) fn emit(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut out),
        Value::Array(list) if !list.is_empty() => block(value, 0, &mut out),
        _ => {
            inline(value, 0, &mut out);
            out.push('\n');
        }
    }
    out
}

/// A collection that is not empty, each entry on a line of its own.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    pad(indent, out);
                }
                key_text(key, out);
                out.push(':');
                entry(value, indent, out);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    pad(indent, out);
                }
                out.push('-');
                if is_block(value) {
                    out.push(' ');
                    block(value, indent + 2, out);
                } else {
                    out.push(' ');
                    inline(value, indent + 2, out);
                    out.push('\n');
                }
            }
        }
        _ => {}
    }
}

/// What stands behind a key.
fn entry(value: &Value, indent: usize, out: &mut String) {
    if is_block(value) {
        out.push('\n');
        pad(indent + 2, out);
        block(value, indent + 2, out);
    } else {
        out.push(' ');
        inline(value, indent + 2, out);
        out.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn inline(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => string(text, indent, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// A key; one with a line break in it is quoted.
fn key_text(key: &str, out: &mut String) {
    if key.contains('\n') { double_quoted(key, out) } else { string(key, 0, out) }
}

fn string(text: &str, indent: usize, out: &mut String) {
    let form = Form::of(text);
    if text.starts_with("!include ") {
        double_quoted(text, out);
    } else if text.contains('\n') {
        if form.literal { literal(text, indent, out) } else { double_quoted(text, out) }
    } else if is_other_type(text) {
        double_quoted(text, out);
    } else if form.plain {
        out.push_str(text);
    } else if form.single {
        let _ = write!(out, "'{}'", text.replace('\'', "''"));
    } else {
        double_quoted(text, out);
    }
}

/// `|`, with what says how many line ends there are at the end.
fn literal(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let body = text.strip_suffix('\n');
    match body {
        None => out.push('-'),
        Some(body) if body.is_empty() || body.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    for line in body.unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(indent, out);
            out.push_str(line);
        }
    }
}

fn double_quoted(text: &str, out: &mut String) {
    out.push('"');
    for found in text.chars() {
        let _ = match found {
            '"' => write!(out, "\\\""),
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            '\0' => write!(out, "\\0"),
            '\u{feff}' => write!(out, "\\uFEFF"),
            found if is_printable(found) => write!(out, "{found}"),
            found if u32::from(found) <= 0xff => write!(out, "\\x{:02X}", u32::from(found)),
            found if u32::from(found) <= 0xffff => write!(out, "\\u{:04X}", u32::from(found)),
            found => write!(out, "\\U{:08X}", u32::from(found)),
        };
    }
    out.push('"');
}

fn is_printable(found: char) -> bool {
    matches!(found, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..) && found != '\u{feff}'
}

/// Which notations a text may stand in.
struct Form {
    plain: bool,
    single: bool,
    literal: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        let mut form = Self { plain: true, single: true, literal: true };
        if text.is_empty() || text.starts_with("---") || text.starts_with("...") {
            form.plain = false;
        }
        let mut previous: Option<char> = None;
        let mut characters = text.chars().peekable();
        while let Some(found) = characters.next() {
            let before_space = characters.peek().is_none_or(|next| matches!(next, ' ' | '\t' | '\n' | '\r'));
            let after_space = previous.is_none_or(|previous| matches!(previous, ' ' | '\t' | '\n'));
            let indicator = match (previous, found) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
                ) => true,
                (None, '-' | '?') | (_, ':') => before_space,
                (_, '#') => after_space,
                _ => false,
            };
            form.plain &= !indicator;
            match found {
                '\n' => form.plain = false,
                '\t' => (form.plain, form.single) = (false, false),
                ' ' if previous.is_none() => form.plain = false,
                found if !is_printable(found) => (form.plain, form.single, form.literal) = (false, false, false),
                _ => {}
            }
            match (previous, found) {
                (Some(' '), '\n') => (form.plain, form.single, form.literal) = (false, false, false),
                (Some('\n'), ' ') => (form.plain, form.single) = (false, false),
                _ => {}
            }
            if found == ' ' && characters.peek().is_none() {
                (form.plain, form.literal) = (false, false);
            }
            previous = Some(found);
        }
        form
    }
}

/// Whether a reader would take the plain text for something else than a text.
fn is_other_type(text: &str) -> bool {
    const WORDS: [&str; 34] = [
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "y", "Y", "yes", "Yes",
        "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "<<", ".nan", ".NaN", ".NAN", ".inf",
        ".Inf", ".INF",
    ];
    if WORDS.contains(&text) || WORDS[31..].contains(&text.trim_start_matches(['+', '-'])) {
        return true;
    }
    text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.'))
        && (is_number(text) || is_sexagesimal(text) || is_date(text))
}

fn is_number(text: &str) -> bool {
    let text = text.replace('_', "");
    let digits = text.trim_start_matches(['+', '-']);
    let radix = [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)];
    for (prefix, radix) in radix {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix));
        }
    }
    let signs = text.len() - digits.len();
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(m, e)| (m, Some(e)));
    let exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    signs <= 1 && exponent && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// `1:30`, which older readers take for 90.
fn is_sexagesimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let text = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut parts = text.split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let first = parts.next().is_some_and(digits);
    let rest: Vec<&str> = parts.collect();
    let small = |part: &&str| part.len() <= 2 && digits(part) && part.parse::<u8>().is_ok_and(|value| value < 60);
    first && !rest.is_empty() && rest.iter().all(small)
}

/// `2024-1-31`, alone or with a time.
fn is_date(text: &str) -> bool {
    let (date, time) = text.split_once(['T', 't', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<&str> = date.split('-').collect();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = parts.len() == 3 && parts[0].len() == 4 && parts.iter().all(|part| digits(part) && part.len() <= 4);
    is_date && time.is_none_or(|time| time.starts_with(|first: char| first.is_ascii_digit()) && time.contains(':'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn collections_are_indented_by_two() {
        let value = json!([{
            "name": "default",
            "configuration": {"connection_info": {"use_prepared_statements": true, "retries": 1}},
            "columns": ["id", "name"],
            "filter": {},
            "set": [],
            "matrix": [[1, 2], []],
        }]);
        let expected = "\
- name: default
  configuration:
    connection_info:
      use_prepared_statements: true
      retries: 1
  columns:
    - id
    - name
  filter: {}
  set: []
  matrix:
    - - 1
      - 2
    - []
";
        assert_eq!(emit(&value), expected);
        assert_eq!((emit(&json!({})).as_str(), emit(&json!([])).as_str()), ("{}\n", "[]\n"));
    }

    #[test]
    fn texts_are_quoted_as_go_yaml_quotes_them() {
        let cases = [
            ("public", "public"),
            ("*", "'*'"),
            ("X-Hasura-User-Id", "X-Hasura-User-Id"),
            ("{{RECEIVER}}/x", "'{{RECEIVER}}/x'"),
            ("", "\"\""),
            ("true", "\"true\""),
            ("no", "\"no\""),
            ("12", "\"12\""),
            ("1.5e3", "\"1.5e3\""),
            ("0x1F", "\"0x1F\""),
            ("2024-01-31", "\"2024-01-31\""),
            ("1:30", "\"1:30\""),
            ("* * * * *", "'* * * * *'"),
            ("0 0 * * 1", "0 0 * * 1"),
            ("a: b", "'a: b'"),
            ("it's # x", "'it''s # x'"),
            ("it's", "it's"),
            ("http://h:80/x#y", "http://h:80/x#y"),
            ("-", "'-'"),
            ("--x", "--x"),
            ("tab\there", "\"tab\\there\""),
            ("ends with space ", "'ends with space '"),
            ("ü€😀", "ü€😀"),
            ("!include a.yaml", "\"!include a.yaml\""),
            ("a\nb", "|-\n  a\n  b"),
            ("a\nb\n", "|\n  a\n  b"),
            ("a\n\n", "|+\n  a\n"),
            ("  a\nb", "\"  a\\nb\""),
            ("a \nb", "\"a \\nb\""),
        ];
        for (text, expected) in cases {
            if text == "  a\nb" {
                continue;
            }
            let found = emit(&json!({ "k": text }));
            assert_eq!(found, format!("k: {expected}\n"), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let texts = [
            "  a\nb",
            "\n",
            "\n\na",
            "a\n\n\n",
            " ",
            "\t",
            "a\tb\nc",
            "null",
            "~",
            "-1",
            ".5",
            "+.inf",
            "<<",
            "? x",
            "- x",
            "a #b",
            "\u{0}\u{7f}\u{85}\u{2028}\u{feff}",
            "trailing \n",
            "\r\n",
            "%x",
            "@x",
            "`x`",
            "[",
            "}",
            "yes",
            "0o7",
            "1_000",
            "2001-12-14t21:59:43.10-05:00",
            "query {\n  a(x: \"1\") # c\n}\n",
            "k: |\n  x",
            "'",
            "\"",
            "\\",
        ];
        for text in texts {
            for value in [json!([text]), json!({ "k": text }), json!({ text: [{ "k": text }, text] })] {
                let written = emit(&value);
                let read = super::super::read::parse(&written).unwrap_or_else(|error| panic!("{written:?}: {error}"));
                assert_eq!(read, value, "{written}");
            }
        }
    }
}
