/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// `${name}` or `${name:-otherwise}`.
    Variable {
        name: String,
        otherwise: Option<Vec<Piece>>,
    },
}

/// One `KEY=value` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub value: Vec<Piece>,
    /// Counted from 1.
    pub line: u32,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u32,
    pub message: String,
}

/// What a file holds, in its order, with every line that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    pub entries: Vec<Entry>,
    pub faults: Vec<Fault>,
}

/// How deep `${A:-${B:-…}}` may go.
const DEEPEST: usize = 16;

/// Reads a whole file. Wrong lines are collected, not fatal.
pub fn parse(text: &str) -> File {
    let mut file = File::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.split('\n').enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match parse_line(line.strip_suffix('\r').unwrap_or(line)) {
            Ok(Some((name, value))) => file.entries.push(Entry { name: name.to_owned(), value, line: number }),
            Ok(None) => {}
            Err(message) => file.faults.push(Fault { line: number, message }),
        }
    }
    file
}

fn parse_line(line: &str) -> Result<Option<(&str, Vec<Piece>)>, String> {
    let Some((name, value)) = split_line(line)? else { return Ok(None) };
    Ok(Some((name, parse_value(value).map_err(|message| format!("{name}: {message}"))?)))
}

/// The name and the raw rest of a line; `None` for blank lines and comments.
pub(super) fn split_line(line: &str) -> Result<Option<(&str, &str)>, String> {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Ok(None);
    }
    let Some((name, value)) = trimmed.split_once('=') else {
        return Err("this line is no KEY=value".to_owned());
    };
    let name = name.trim();
    let name = name.strip_prefix("export ").or_else(|| name.strip_prefix("export\t")).unwrap_or(name).trim();
    if !is_variable(name) {
        return Err("a name is made of letters, digits and `_`, and does not start with a digit".to_owned());
    }
    Ok(Some((name, value.trim())))
}

pub(crate) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn parse_value(raw: &str) -> Result<Vec<Piece>, String> {
    match raw.chars().next() {
        Some('\'') => {
            let inner = &raw[1..closing_quote(raw, '\'')?];
            Ok(if inner.is_empty() { Vec::new() } else { vec![Piece::Text(inner.to_owned())] })
        }
        Some('"') => pieces(&raw[1..closing_quote(raw, '"')?], true),
        _ => pieces(strip_comment(raw), false),
    }
}

/// Where the quote that opened `raw` closes: at the first one after which only blanks or a comment follow.
pub(super) fn closing_quote(raw: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, c) in raw.char_indices().skip(1) {
        if c == quote && !escaped {
            let rest = &raw[at + 1..];
            if rest.trim().is_empty() || (rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')) {
                return Ok(at);
            }
        }
        escaped = c == '\\' && !escaped && quote == '"';
    }
    Err("the quote is not closed on this line".to_owned())
}

/// Cuts an unquoted value at the first `#` that stands after a blank.
pub(super) fn strip_comment(raw: &str) -> &str {
    if raw.starts_with('#') {
        return "";
    }
    let comment = raw.match_indices('#').find(|(at, _)| raw[..*at].ends_with([' ', '\t']));
    comment.map_or(raw, |(at, _)| raw[..at].trim_end())
}

/// Splits a value that may hold `${…}`, as it stands in defaults and between double quotes.
pub(crate) fn pieces(raw: &str, escapes: bool) -> Result<Vec<Piece>, String> {
    let mut reader = Reader { rest: raw, escapes };
    reader.read(0)
}

struct Reader<'a> {
    rest: &'a str,
    escapes: bool,
}

impl<'a> Reader<'a> {
    /// Reads up to the end or, inside `${NAME:-`, up to the closing brace, which stays.
    fn read(&mut self, depth: usize) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix("$${").or_else(|| self.rest.strip_prefix("\\${")) {
                text.push_str("${");
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix("${") {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                self.rest = rest;
                pieces.push(self.variable(depth + 1)?);
            } else if depth > 0 && self.rest.starts_with('}') {
                break;
            } else if let Some((c, rest)) = self.escape() {
                text.push(c);
                self.rest = rest;
            } else {
                let mut chars = self.rest.chars();
                let Some(c) = chars.next() else { break };
                text.push(c);
                self.rest = chars.as_str();
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(pieces)
    }

    fn escape(&self) -> Option<(char, &'a str)> {
        if !self.escapes {
            return None;
        }
        let mut chars = self.rest.strip_prefix('\\')?.chars();
        let c = match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            c @ ('"' | '\\' | '$') => c,
            _ => return None,
        };
        Some((c, &self.rest[2..]))
    }

    /// What stands after `${`.
    fn variable(&mut self, depth: usize) -> Result<Piece, String> {
        if depth > DEEPEST {
            return Err(format!("more than {DEEPEST} `${{…}}` inside each other"));
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let name = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        if !is_variable(&name) {
            return Err("`${` needs a name and `}`; write `$${` for the two characters themselves".to_owned());
        }
        let otherwise = match self.rest.strip_prefix(":-") {
            Some(rest) => {
                self.rest = rest;
                Some(self.read(depth)?)
            }
            None => None,
        };
        match self.rest.strip_prefix('}') {
            Some(rest) => {
                self.rest = rest;
                Ok(Piece::Variable { name, otherwise })
            }
            None => Err(format!("`${{{name}` goes on in a way that is neither `}}` nor `:-default}}`")),
        }
    }
}
