use std::ops::Range;

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Whitespace,
    /// `-- …` without its line end, or `/* … */` with nested ones inside.
    Comment,
    /// A keyword or an unquoted name.
    Word,
    /// `"…"`.
    QuotedName,
    /// `'…'`, with its prefix (`E`, `B`, `X`, `N`, `U&`) left as a [`Kind::Word`] or symbol before it.
    String,
    /// `$tag$ … $tag$`.
    DollarString,
    Semicolon,
    Open,
    Close,
    /// Any other character: operators, digits, commas, parameters.
    Other,
}

/// A piece of a script. The tokens of a script stand end to end and cover all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    /// Byte range in the script.
    pub range: Range<usize>,
}

/// Cuts a script into [`Token`]s by the rules of PostgreSQL's `scan.l`, with `standard_conforming_strings` on.
///
/// A string or comment without an end reaches to the end of the script, so that the server can complain about it.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the prefix of an `E'…'` string ended: the quote at this place takes backslash escapes.
    escape_at: Option<usize>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0, escape_at: None }
    }

    /// Goes on at `byte`, a character's first, past something that is not SQL.
    pub(super) fn jump(&mut self, byte: usize) {
        self.at = byte;
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && wanted(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    fn line_comment(&mut self) {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// A quoted piece whose quote is doubled to stand for itself; `escapes` lets a backslash take the next byte along.
    fn quoted(&mut self, quote: u8, escapes: bool) {
        self.at += 1;
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            self.at += 1;
            if escapes && byte == b'\\' && self.at < self.bytes.len() {
                self.at += 1;
            } else if byte == quote {
                if self.peek(0) != quote {
                    return;
                }
                self.at += 1;
            }
        }
    }

    /// `E'a'`, a line end, `'b\'c'` is one string to PostgreSQL: its second part takes escapes too.
    fn continued_escape(&mut self) {
        let mut probe = self.clone();
        let mut line_end = false;
        loop {
            match (probe.peek(0), probe.peek(1)) {
                (b'\n' | b'\r', _) => {
                    line_end = true;
                    probe.at += 1;
                }
                (byte, _) if is_space(byte) => probe.at += 1,
                (b'-', b'-') if line_end => probe.line_comment(),
                (b'\'', _) if line_end => {
                    self.escape_at = Some(probe.at);
                    return;
                }
                _ => return,
            }
        }
    }

    /// The length of `$tag$` at this place, when one stands there.
    fn dollar_tag(&self) -> Option<usize> {
        let mut length = 1;
        while is_word(self.peek(length)) && self.peek(length) != b'$' {
            if length == 1 && self.peek(length).is_ascii_digit() {
                return None;
            }
            length += 1;
        }
        (self.peek(length) == b'$').then_some(length + 1)
    }

    fn dollar_string(&mut self, tag: usize) {
        let opening = &self.bytes[self.at..self.at + tag];
        self.at += tag;
        while self.at < self.bytes.len() {
            if self.bytes[self.at..].starts_with(opening) {
                self.at += tag;
                return;
            }
            self.at += 1;
        }
    }

    fn word(&mut self) {
        let start = self.at;
        self.skip_while(is_word);
        let escape = self.at - start == 1 && self.bytes[start].eq_ignore_ascii_case(&b'e');
        if escape && self.peek(0) == b'\'' {
            self.escape_at = Some(self.at);
        }
    }

    fn string(&mut self) {
        let escapes = self.escape_at == Some(self.at);
        self.quoted(b'\'', escapes);
        if escapes {
            self.continued_escape();
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let kind = match (first, self.peek(1)) {
            (byte, _) if is_space(byte) => {
                self.skip_while(is_space);
                Kind::Whitespace
            }
            (b'-', b'-') => {
                self.line_comment();
                Kind::Comment
            }
            (b'/', b'*') => {
                self.block_comment();
                Kind::Comment
            }
            (b'\'', _) => {
                self.string();
                Kind::String
            }
            (b'"', _) => {
                self.quoted(b'"', false);
                Kind::QuotedName
            }
            (b'$', _)
                if self.dollar_tag().is_some_and(|tag| {
                    self.dollar_string(tag);
                    true
                }) =>
            {
                Kind::DollarString
            }
            (byte, _) if is_word_start(byte) => {
                self.word();
                Kind::Word
            }
            (byte, _) if byte.is_ascii_digit() || (byte == b'$' && self.peek(1).is_ascii_digit()) => {
                // A number or parameter takes the letters behind it along, so that no `$` or `e` in it opens anything.
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Kind::Other
            }
            (byte, _) => {
                self.at += 1;
                match byte {
                    b';' => Kind::Semicolon,
                    b'(' | b'[' => Kind::Open,
                    b')' | b']' => Kind::Close,
                    _ => Kind::Other,
                }
            }
        };
        Some(Token { kind, range: start..self.at })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        Lexer::new(text)
            .filter(|token| token.kind != Kind::Whitespace)
            .map(|token| (token.kind, &text[token.range]))
            .collect()
    }

    #[test]
    fn a_backslash_is_itself_in_a_plain_string_and_an_escape_in_an_e_string() {
        assert_eq!(kinds(r"'a\';x"), [(Kind::String, r"'a\'"), (Kind::Semicolon, ";"), (Kind::Word, "x")]);
        assert_eq!(kinds(r"E'a\';x';"), [(Kind::Word, "E"), (Kind::String, r"'a\';x'"), (Kind::Semicolon, ";")]);
        // The `e` ends a longer name: no escape string.
        assert_eq!(kinds(r"date'a\';")[1], (Kind::String, r"'a\'"));
        assert_eq!(kinds("e'a'\n  -- and\n 'b\\';c';").last(), Some(&(Kind::Semicolon, ";")));
        assert_eq!(kinds("e'a'\n'b\\';c';").len(), 4);
    }

    #[test]
    fn doubled_quotes_stay_inside() {
        assert_eq!(kinds("'it''s;'"), [(Kind::String, "'it''s;'")]);
        assert_eq!(kinds("\"a\"\";\""), [(Kind::QuotedName, "\"a\"\";\"")]);
    }

    #[test]
    fn comments_nest() {
        assert_eq!(kinds("/* a /* b; */ c; */;").len(), 2);
        assert_eq!(kinds("-- a;\n;").len(), 2);
    }

    #[test]
    fn dollar_quotes_end_at_their_own_tag() {
        assert_eq!(kinds("$a$ $b$ ; $$ $a$")[0], (Kind::DollarString, "$a$ $b$ ; $$ $a$"));
        assert_eq!(kinds("$$;$$").len(), 1);
        // Part of a name, and parameters: no quote.
        assert_eq!(kinds("a$b$ ; c$b$").len(), 3);
        assert_eq!(kinds("$1;$2").len(), 3);
        assert_eq!(kinds("$1$;$1$").iter().filter(|(kind, _)| *kind == Kind::Semicolon).count(), 1);
        assert_eq!(kinds("$größe$;$größe$").len(), 1);
    }

    proptest! {
        /// Tokens cover the script from end to end, whatever stands in it, and never cut a character in two.
        #[test]
        fn tokens_join_to_the_script(text in r#"([a-zE0-9 ;'"$()\n\\é/*-]|\$\$|\$t\$|--|/\*|\*/|begin|end|create function){0,60}"#) {
            let mut at = 0;
            for token in Lexer::new(&text) {
                prop_assert_eq!(token.range.start, at);
                prop_assert!(token.range.end > at);
                prop_assert!(text.is_char_boundary(token.range.end));
                at = token.range.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
