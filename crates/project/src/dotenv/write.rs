use super::parse::{Piece, split_line};

/// A value as it must be written so that reading gives it back.
pub fn quote(value: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=*~".contains(c);
    if value.chars().all(harmless) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n', '\r']) {
        return format!("'{value}'");
    }
    format!("\"{}\"", escape(value))
}

/// A value as it would stand unquoted: what [`pieces`](super::pieces) reads back.
pub(crate) fn plain(pieces: &[Piece]) -> String {
    let part = |piece: &Piece| match piece {
        Piece::Text(text) => text.replace("${", "$${"),
        Piece::Variable { name, otherwise: None } => format!("${{{name}}}"),
        Piece::Variable { name, otherwise: Some(otherwise) } => format!("${{{name}:-{}}}", plain(otherwise)),
    };
    pieces.iter().map(part).collect()
}

/// A value with its `${…}` as they were, to be written with [`set_source`].
pub(crate) fn source(pieces: &[Piece]) -> String {
    format!("\"{}\"", inside(pieces))
}

fn inside(pieces: &[Piece]) -> String {
    let part = |piece: &Piece| match piece {
        Piece::Text(text) => escape(text),
        Piece::Variable { name, otherwise: None } => format!("${{{name}}}"),
        Piece::Variable { name, otherwise: Some(otherwise) } => format!("${{{name}:-{}}}", inside(otherwise)),
    };
    pieces.iter().map(part).collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '"' | '\\' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// `text` with `name` set to `value`: its last line is changed in place (a comment behind it stays), earlier lines of
/// the same name go, and without any the variable is added at the end. Everything else, line ends included, stays.
pub fn set(text: &str, name: &str, value: &str) -> String {
    set_source(text, name, &quote(value))
}

/// Like [`set`], with a value that is quoted already.
pub(crate) fn set_source(text: &str, name: &str, value: &str) -> String {
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let names = |line: &&str| matches!(split_line(clean(line)), Ok(Some((found, _))) if found == name);
    let last = lines.iter().rposition(names);
    let mut changed = String::with_capacity(text.len() + name.len() + value.len() + 8);
    for (index, line) in lines.iter().enumerate() {
        if Some(index) == last {
            let mark = if line.starts_with('\u{feff}') { "\u{feff}" } else { "" };
            let exported =
                clean(line).trim_start().strip_prefix("export").is_some_and(|rest| rest.starts_with([' ', '\t']));
            let export = if exported { "export " } else { "" };
            let ending = &line[line.trim_end_matches(['\n', '\r']).len()..];
            changed.push_str(&format!("{mark}{export}{name}={value}{}{ending}", comment(clean(line))));
        } else if !names(line) {
            changed.push_str(line);
        }
    }
    if last.is_none() {
        if !changed.is_empty() && !changed.ends_with('\n') {
            changed.push_str(line_end);
        }
        changed.push_str(&format!("{name}={value}{line_end}"));
    }
    changed
}

/// `text` without the lines of `name`.
pub(crate) fn unset(text: &str, name: &str) -> String {
    let names = |line: &&str| matches!(split_line(clean(line)), Ok(Some((found, _))) if found == name);
    text.split_inclusive('\n').filter(|line| !names(line)).collect()
}

fn clean(line: &str) -> &str {
    line.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r'])
}

/// The comment behind a value, with a blank in front of it.
fn comment(line: &str) -> String {
    let Some(value_at) = line.find('=').map(|at| at + 1) else { return String::new() };
    let value = line[value_at..].trim_start();
    let from = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => match super::parse::closing_quote(value, quote) {
            Ok(at) => at + 1,
            Err(_) => return String::new(),
        },
        _ => super::parse::strip_comment(value.trim_end()).len(),
    };
    let comment = value[from..].trim_end();
    if comment.starts_with('#') { format!(" {comment}") } else { comment.to_owned() }
}
