//! A reader of CHECK expressions as `pg_get_expr` writes them: every cast spelled out, nearly every operation in
//! parentheses, one spelling for each construct (`BETWEEN` and `IN` never appear).
//!
//! It is not a SQL parser: what it does not know becomes None, and the constraint counts as not understood.

/// An expression, with casts and collations removed: they matter to types, not to values.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A column, or `VALUE` in a domain's check.
    Column(String),
    /// A quoted literal; numbers and dates may come as one too.
    Text(String),
    /// A numeric literal as written.
    Number(String),
    Boolean(bool),
    Null,
    /// Function name without its schema, in lower case.
    Call(String, Vec<Expr>),
    Array(Vec<Expr>),
    /// `left op right`.
    Binary(String, Box<Expr>, Box<Expr>),
    /// `left op ANY (right)`, or ALL.
    Quantified {
        operator: String,
        left: Box<Expr>,
        right: Box<Expr>,
        all: bool,
    },
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// `IS [NOT] NULL`.
    IsNull(Box<Expr>, bool),
    /// `IS [NOT] TRUE` and `IS [NOT] FALSE`: what it is tested for, and whether that is negated.
    Is(Box<Expr>, bool, bool),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A bare word, in lower case.
    Word(String),
    /// A quoted identifier.
    Quoted(String),
    Text(String),
    Number(String),
    Operator(String),
    Symbol(char),
}

/// Parses a whole expression; None where it holds something this reader does not know.
pub fn parse(text: &str) -> Option<Expr> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, position: 0, depth: 0 };
    let expression = parser.or()?;
    (parser.position == parser.tokens.len()).then_some(expression)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = chars[at];
        if start.is_whitespace() {
            at += 1;
        } else if start == '\'' || (matches!(start, 'E' | 'B' | 'X') && chars.get(at + 1) == Some(&'\'')) {
            let escapes = start == 'E';
            at += usize::from(start != '\'');
            found.push(Token::Text(quoted(&chars, &mut at, '\'', escapes)?));
        } else if start == '"' {
            found.push(Token::Quoted(quoted(&chars, &mut at, '"', false)?));
        } else if start.is_ascii_digit() || (start == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) {
            let from = at;
            while at < chars.len()
                && (chars[at].is_ascii_alphanumeric()
                    || chars[at] == '.'
                    || (matches!(chars[at], '+' | '-') && matches!(chars[at - 1], 'e' | 'E')))
            {
                at += 1;
            }
            found.push(Token::Number(chars[from..at].iter().collect()));
        } else if start.is_alphabetic() || start == '_' {
            let from = at;
            while at < chars.len() && (chars[at].is_alphanumeric() || matches!(chars[at], '_' | '$')) {
                at += 1;
            }
            found.push(Token::Word(chars[from..at].iter().collect::<String>().to_lowercase()));
        } else if "()[],.".contains(start) {
            found.push(Token::Symbol(start));
            at += 1;
        } else if "+-*/<>=~!@#%^&|`?:".contains(start) {
            let from = at;
            while at < chars.len() && "+-*/<>=~!@#%^&|`?:".contains(chars[at]) {
                at += 1;
            }
            found.push(Token::Operator(chars[from..at].iter().collect()));
        } else {
            return None;
        }
    }
    Some(found)
}

/// The content of a quoted token; `at` stands on its opening quote and ends behind its closing one.
fn quoted(chars: &[char], at: &mut usize, quote: char, escapes: bool) -> Option<String> {
    let mut content = String::new();
    *at += 1;
    loop {
        let next = *chars.get(*at)?;
        *at += 1;
        if next == quote {
            if chars.get(*at) != Some(&quote) {
                return Some(content);
            }
            *at += 1;
            content.push(quote);
        } else if next == '\\' && escapes {
            content.push(match *chars.get(*at)? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            });
            *at += 1;
        } else {
            content.push(next);
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    depth: u32,
}

/// Deeper than anybody writes, shallower than a thread's stack.
const MAX_DEPTH: u32 = 200;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn word(&mut self, wanted: &str) -> bool {
        self.take(&Token::Word(wanted.to_owned()))
    }

    fn symbol(&mut self, wanted: char) -> bool {
        self.take(&Token::Symbol(wanted))
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    fn or(&mut self) -> Option<Expr> {
        let mut items = vec![self.and()?];
        while self.word("or") {
            items.push(self.and()?);
        }
        if items.len() == 1 { items.pop() } else { Some(Expr::Or(items)) }
    }

    fn and(&mut self) -> Option<Expr> {
        let mut items = vec![self.not()?];
        while self.word("and") {
            items.push(self.not()?);
        }
        if items.len() == 1 { items.pop() } else { Some(Expr::And(items)) }
    }

    fn not(&mut self) -> Option<Expr> {
        if self.word("not") { Some(Expr::Not(Box::new(self.not()?))) } else { self.is() }
    }

    fn is(&mut self) -> Option<Expr> {
        let mut left = self.binary(0)?;
        while self.word("is") {
            let negated = self.word("not");
            left = if self.word("null") {
                Expr::IsNull(Box::new(left), !negated)
            } else if self.word("true") {
                Expr::Is(Box::new(left), true, negated)
            } else if self.word("false") {
                Expr::Is(Box::new(left), false, negated)
            } else {
                return None;
            };
        }
        Some(left)
    }

    /// Operators by precedence climbing, weakest first: comparison, others, `+ -`, `* / %`, `^`.
    fn binary(&mut self, weakest: u8) -> Option<Expr> {
        let mut left = self.unary()?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = operator.clone();
            let strength = match operator.as_str() {
                "=" | "<" | ">" | "<=" | ">=" | "<>" => 1,
                "+" | "-" => 3,
                "*" | "/" | "%" => 4,
                "^" => 5,
                _ => 2,
            };
            if strength <= weakest {
                break;
            }
            self.position += 1;
            let quantifier = ["any", "all"].into_iter().find(|word| self.word(word));
            left = if let Some(quantifier) = quantifier {
                if !self.symbol('(') {
                    return None;
                }
                let right = Box::new(self.or()?);
                if !self.symbol(')') {
                    return None;
                }
                Expr::Quantified { operator, left: Box::new(left), right, all: quantifier == "all" }
            } else {
                Expr::Binary(operator, Box::new(left), Box::new(self.binary(strength)?))
            };
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Expr> {
        let minus = Token::Operator("-".to_owned());
        if self.take(&minus) {
            return Some(match self.unary()? {
                Expr::Number(number) => Expr::Number(format!("-{number}")),
                other => Expr::Call("-".to_owned(), vec![other]),
            });
        }
        let mut value = self.primary()?;
        loop {
            if self.take(&Token::Operator("::".to_owned())) {
                self.type_name()?;
            } else if self.word("collate") {
                self.name()?;
            } else if self.symbol('[') {
                let index = self.or()?;
                if !self.symbol(']') {
                    return None;
                }
                value = Expr::Call("[]".to_owned(), vec![value, index]);
            } else {
                return Some(value);
            }
        }
    }

    /// An identifier with its schema, of which the last part is returned.
    fn name(&mut self) -> Option<String> {
        loop {
            let name = match self.tokens.get(self.position)? {
                Token::Word(name) | Token::Quoted(name) => name.clone(),
                _ => return None,
            };
            self.position += 1;
            if !self.symbol('.') {
                return Some(name);
            }
        }
    }

    /// Skips a type: `character varying(10)[]`, `timestamp(3) with time zone`, `"My Type"`.
    fn type_name(&mut self) -> Option<()> {
        const CONTINUATIONS: [&str; 6] = ["varying", "precision", "without", "with", "time", "zone"];
        self.name()?;
        loop {
            let continues = matches!(self.peek(), Some(Token::Word(word)) if CONTINUATIONS.contains(&word.as_str()));
            if continues {
                self.position += 1;
            } else if self.symbol('(') {
                while !self.symbol(')') {
                    self.peek()?;
                    self.position += 1;
                }
            } else if self.peek() == Some(&Token::Symbol('['))
                && self.tokens.get(self.position + 1) == Some(&Token::Symbol(']'))
            {
                self.position += 2;
            } else {
                return Some(());
            }
        }
    }

    fn primary(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = self.primary_within_depth();
        self.depth -= 1;
        value
    }

    fn primary_within_depth(&mut self) -> Option<Expr> {
        let token = self.peek()?.clone();
        self.position += 1;
        match token {
            Token::Text(text) => Some(Expr::Text(text)),
            Token::Number(number) => Some(Expr::Number(number)),
            Token::Symbol('(') => {
                let inner = self.or()?;
                self.symbol(')').then_some(inner)
            }
            Token::Word(word) => match word.as_str() {
                "true" => Some(Expr::Boolean(true)),
                "false" => Some(Expr::Boolean(false)),
                "null" => Some(Expr::Null),
                "current_date" | "current_timestamp" | "localtimestamp" => Some(Expr::Call(word, Vec::new())),
                "array" if self.symbol('[') => Some(Expr::Array(self.list(']')?)),
                "extract" if self.symbol('(') => {
                    let field = self.name()?;
                    if !self.word("from") {
                        return None;
                    }
                    let source = self.or()?;
                    self.symbol(')').then(|| Expr::Call("date_part".to_owned(), vec![Expr::Text(field), source]))
                }
                "case" | "select" | "exists" | "row" => None,
                _ => {
                    self.position -= 1;
                    self.reference()
                }
            },
            Token::Quoted(_) => {
                self.position -= 1;
                self.reference()
            }
            _ => None,
        }
    }

    /// A column or a call.
    fn reference(&mut self) -> Option<Expr> {
        let name = self.name()?;
        if self.symbol('(') { Some(Expr::Call(name, self.list(')')?)) } else { Some(Expr::Column(name)) }
    }

    fn list(&mut self, end: char) -> Option<Vec<Expr>> {
        let mut items = Vec::new();
        if self.symbol(end) {
            return Some(items);
        }
        loop {
            items.push(self.or()?);
            if self.symbol(end) {
                return Some(items);
            }
            if !self.symbol(',') {
                return None;
            }
        }
    }
}
