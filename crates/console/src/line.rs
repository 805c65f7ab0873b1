//! Log lines as the page shows them.

use std::fmt::Write;

use stack::log::{Level, Line};

/// Longest pairs that stand beside a message, in characters.
const SHORT_FIELDS: usize = 60;
/// Longest message shown, in characters; the rest is counted. A line of megabytes must not stop a browser.
const MOST_CHARS: usize = 4000;

pub(crate) struct LineView {
    pub(crate) time: String,
    pub(crate) service: String,
    pub(crate) level: &'static str,
    pub(crate) message: String,
    /// `name=value` pairs of structured lines.
    pub(crate) fields: String,
    /// The pairs would bury the message: shown on demand.
    pub(crate) long: bool,
}

impl LineView {
    pub(crate) fn new(line: &Line) -> Self {
        let mut fields = String::new();
        for (name, value) in &line.fields {
            let gap = if fields.is_empty() { "" } else { " " };
            match value {
                serde_json::Value::String(text) => write!(fields, "{gap}{name}={text}"),
                other => write!(fields, "{gap}{name}={other}"),
            }
            .expect("writing to a String cannot fail");
        }
        Self {
            time: line.ts.to_string(),
            service: line.service.clone(),
            level: word(line.level),
            message: cut(&plain(&line.message)),
            long: fields.chars().count() > SHORT_FIELDS,
            fields: cut(&plain(&fields)),
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// Without terminal colours and other control characters. Programs write `ESC [ ... letter` for colours and
/// `ESC ] ... BEL` for titles (ECMA-48, section 8.3.16 CSI and 8.3.89 OSC).
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    while chars.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {}
                }
                Some(']') => while chars.next().is_some_and(|c| c != '\u{7}') {},
                _ => {}
            },
            '\n' | '\t' => out.push(c),
            _ if c.is_control() => {}
            _ => out.push(c),
        }
    }
    out
}

fn cut(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(MOST_CHARS) else {
        return text.to_owned();
    };
    format!("{}… ({} more characters)", &text[..end], text[end..].chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_codes_and_control_characters_go() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\r\n"), "red");
        assert_eq!(plain("\u{1b}]0;title\u{7}text\u{0}\tend"), "text\tend");
        assert_eq!(plain("two\r\nlines"), "two\nlines");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }

    #[test]
    fn long_lines_are_cut_on_a_character() {
        let shown = cut(&"é".repeat(MOST_CHARS + 7));
        assert!(shown.ends_with("é… (7 more characters)"));
        assert_eq!(cut("short"), "short");
    }
}
