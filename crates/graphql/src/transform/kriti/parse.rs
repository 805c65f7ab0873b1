//! Text to expression, by recursive descent.

use serde_json::{Number, Value};

use super::{DEPTH_LIMIT, Error, Expression, Kind, Node, Operator};

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Inside `{{ … }}`, where bare names are variables.
    inside: bool,
}

/// Binary operators, loosest first.
const LEVELS: [&[(&str, Operator)]; 3] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("in", Operator::In),
    ],
];

pub(super) fn template(text: &str) -> Result<Expression, Error> {
    let mut parser = Parser { text, at: 0, depth: 0, inside: false };
    let found = parser.value()?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.unexpected("the end of the template"));
    }
    Ok(found)
}

pub(super) fn text(text: &str) -> Result<Expression, Error> {
    Parser { text, at: 0, depth: 0, inside: false }.text_until(None)
}

fn is_name(found: char, first: bool) -> bool {
    found.is_ascii_alphabetic() || matches!(found, '_' | '$') || (!first && (found.is_ascii_digit() || found == '-'))
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn unexpected(&self, wanted: &str) -> Error {
        let found = self.rest().chars().next().map_or("the end".to_owned(), |found| format!("'{found}'"));
        Error::new(Kind::Parse, self.at, format!("Parse Error: expected {wanted}, found {found}"))
    }

    /// Takes `token` when it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), Error> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(&format!("'{token}'"))) }
    }

    /// Takes `word` when it comes next as a whole word.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let after = self.rest().strip_prefix(word);
        let found = after.is_some_and(|after| !after.starts_with(|next| is_name(next, false)));
        if found {
            self.at += word.len();
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        self.space();
        let mut length = 0;
        for (at, found) in self.rest().char_indices() {
            if !is_name(found, at == 0) {
                break;
            }
            length = at + found.len_utf8();
        }
        let name = self.rest()[..length].to_owned();
        self.at += length;
        (length > 0).then_some(name)
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= DEPTH_LIMIT {
            return Err(Error::new(Kind::Parse, self.at, "Parse Error: the template is nested too deeply"));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// JSON, or a hole in it.
    fn value(&mut self) -> Result<Expression, Error> {
        self.nested(|parser| {
            parser.space();
            let at = parser.at;
            if parser.take("{{") {
                return parser.hole(at);
            }
            if parser.inside { parser.expression() } else { parser.literal() }
        })
    }

    /// What follows `{{`, up to and with its `}}` or `{{ end }}`.
    fn hole(&mut self, at: usize) -> Result<Expression, Error> {
        if self.word("if") {
            return self.condition(at);
        }
        if self.word("range") {
            return self.range(at);
        }
        let outer = std::mem::replace(&mut self.inside, true);
        let found = self.expression()?;
        self.inside = outer;
        self.expect("}}")?;
        Ok(found)
    }

    /// Parses what stands between tags, where JSON rules again.
    fn body(&mut self) -> Result<Box<Expression>, Error> {
        let outer = std::mem::replace(&mut self.inside, false);
        let found = self.value()?;
        self.inside = outer;
        Ok(Box::new(found))
    }

    fn head(&mut self) -> Result<Box<Expression>, Error> {
        let outer = std::mem::replace(&mut self.inside, true);
        let found = self.expression()?;
        self.inside = outer;
        self.expect("}}")?;
        Ok(Box::new(found))
    }

    fn condition(&mut self, at: usize) -> Result<Expression, Error> {
        let condition = self.head()?;
        let then = self.body()?;
        self.expect("{{")?;
        let next = self.at;
        let otherwise = if self.word("elif") {
            Some(Box::new(self.nested(|parser| parser.condition(next))?))
        } else if self.word("else") {
            self.expect("}}")?;
            let otherwise = self.body()?;
            self.expect("{{")?;
            self.end()?;
            Some(otherwise)
        } else {
            self.end()?;
            None
        };
        Ok(Expression { at, node: Node::If { condition, then, otherwise } })
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.word("end") { self.expect("}}") } else { Err(self.unexpected("'end'")) }
    }

    fn range(&mut self, at: usize) -> Result<Expression, Error> {
        let first = self.name().ok_or_else(|| self.unexpected("a name"))?;
        let (index, item) = if self.take(",") {
            let item = self.name().ok_or_else(|| self.unexpected("a name"))?;
            (Some(first).filter(|name| name != "_"), item)
        } else {
            (None, first)
        };
        self.expect(":=")?;
        let list = self.head()?;
        let body = self.body()?;
        self.expect("{{")?;
        self.end()?;
        Ok(Expression { at, node: Node::Range { index, item, list, body } })
    }

    fn expression(&mut self) -> Result<Expression, Error> {
        self.nested(|parser| parser.binary(0))
    }

    fn binary(&mut self, level: usize) -> Result<Expression, Error> {
        let Some(operators) = LEVELS.get(level) else { return self.default() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.binary(level + 1)?;
            left = Expression { at: left.at, node: Node::Binary(operator, Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let found = operators.iter().find(|(text, _)| match *text {
            "in" => self.word("in"),
            other => self.take(other),
        });
        found.map(|(_, operator)| *operator)
    }

    fn default(&mut self) -> Result<Expression, Error> {
        let mut left = self.primary()?;
        while self.take("??") {
            let right = self.primary()?;
            left = Expression { at: left.at, node: Node::Default(Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Expression, Error> {
        self.space();
        let at = self.at;
        let start = if self.take("{{") {
            self.nested(|parser| parser.hole(at))?
        } else if self.take("(") {
            let found = self.expression()?;
            self.expect(")")?;
            found
        } else {
            self.literal()?
        };
        self.accessors(start)
    }

    fn accessors(&mut self, mut found: Expression) -> Result<Expression, Error> {
        loop {
            let at = self.at;
            let rest = self.rest();
            let optional = rest.starts_with("?.") || rest.starts_with("?[");
            self.at += usize::from(optional);
            let key = if self.rest().starts_with('.') {
                self.at += 1;
                let name = self.name().ok_or_else(|| self.unexpected("a field's name"))?;
                Expression { at, node: Node::Literal(Value::String(name)) }
            } else if self.rest().starts_with('[') {
                self.at += 1;
                let key = self.expression()?;
                self.expect("]")?;
                key
            } else {
                return Ok(found);
            };
            found = Expression { at, node: Node::Field { of: Box::new(found), key: Box::new(key), optional } };
        }
    }

    fn literal(&mut self) -> Result<Expression, Error> {
        self.space();
        let at = self.at;
        let node = match self.rest().chars().next() {
            Some('{') => self.object()?,
            Some('[') => self.array()?,
            Some('"') => {
                self.at += 1;
                return self.text_until(Some('"'));
            }
            Some('\'') if self.inside => {
                self.at += 1;
                return self.text_until(Some('\''));
            }
            Some(found) if found == '-' || found.is_ascii_digit() => self.number()?,
            Some(found) if is_name(found, true) => {
                let name = self.name().unwrap_or_default();
                self.named(name, at)?
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Expression { at, node })
    }

    /// A keyword, a function's call or a variable.
    fn named(&mut self, name: String, at: usize) -> Result<Node, Error> {
        match name.as_str() {
            "true" => return Ok(Node::Literal(Value::Bool(true))),
            "false" => return Ok(Node::Literal(Value::Bool(false))),
            "null" => return Ok(Node::Literal(Value::Null)),
            _ if !self.inside => {
                self.at = at;
                return Err(self.unexpected("a value"));
            }
            _ => {}
        }
        if self.take("(") {
            let argument = self.expression()?;
            self.expect(")")?;
            return Ok(Node::Call(name, Box::new(argument)));
        }
        if name == "not" {
            return Ok(Node::Call(name, Box::new(self.nested(Self::primary)?)));
        }
        Ok(Node::Name(name))
    }

    fn number(&mut self) -> Result<Node, Error> {
        let is_part = |found: char| found.is_ascii_digit() || matches!(found, '-' | '+' | '.' | 'e' | 'E');
        let rest = self.rest();
        let length = rest.find(|found| !is_part(found)).unwrap_or(rest.len());
        let number = rest[..length].parse::<Number>().map_err(|_| self.unexpected("a number"))?;
        self.at += length;
        Ok(Node::Literal(Value::Number(number)))
    }

    fn array(&mut self) -> Result<Node, Error> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take("]") {
            return Ok(Node::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.take("]") {
                return Ok(Node::Array(items));
            }
            self.expect(",")?;
        }
    }

    fn object(&mut self) -> Result<Node, Error> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.take("}") {
            return Ok(Node::Object(fields));
        }
        loop {
            self.space();
            let quote = self.rest().chars().next().filter(|found| *found == '"' || (*found == '\'' && self.inside));
            let Some(quote) = quote else { return Err(self.unexpected("a key")) };
            self.at += 1;
            let key = self.text_until(Some(quote))?;
            self.expect(":")?;
            fields.push((key, self.value()?));
            if self.take("}") {
                return Ok(Node::Object(fields));
            }
            self.expect(",")?;
        }
    }

    /// A text with holes, up to `end` or to the end of the template.
    fn text_until(&mut self, end: Option<char>) -> Result<Expression, Error> {
        let start = self.at;
        let mut parts = Vec::new();
        let mut plain = String::new();
        loop {
            let at = self.at;
            let Some(found) = self.rest().chars().next() else {
                if end.is_some() {
                    return Err(self.unexpected("the end of the string"));
                }
                break;
            };
            if Some(found) == end {
                self.at += 1;
                break;
            }
            if self.rest().starts_with("{{") {
                self.at += 2;
                if !plain.is_empty() {
                    parts.push(Expression { at, node: Node::Literal(Value::String(std::mem::take(&mut plain))) });
                }
                parts.push(self.nested(|parser| parser.hole(at))?);
                continue;
            }
            self.at += found.len_utf8();
            plain.push(if found == '\\' && end.is_some() { self.escape()? } else { found });
        }
        if parts.is_empty() {
            return Ok(Expression { at: start, node: Node::Literal(Value::String(plain)) });
        }
        if !plain.is_empty() {
            parts.push(Expression { at: self.at, node: Node::Literal(Value::String(plain)) });
        }
        Ok(Expression { at: start, node: Node::Text(parts) })
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let Some(found) = self.rest().chars().next() else { return Err(self.unexpected("an escape")) };
        self.at += found.len_utf8();
        Ok(match found {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let first = self.hex()?;
                let pair = (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u");
                if pair {
                    self.at += 2;
                    let second = self.hex()?;
                    let combined = 0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff);
                    char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER)
                } else {
                    char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
            }
            other => other,
        })
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits = self.rest().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let found = digits.ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
        self.at += 4;
        Ok(found)
    }
}
