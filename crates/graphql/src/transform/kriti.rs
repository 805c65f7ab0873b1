//! Kriti, the template language of webhook transforms: JSON with holes.
//!
//! `{"id": {{ $body.input.id }}, "names": {{ range i, x := $body.rows }} {{ x.name }} {{ end }}}`
//!
//! Behaviour after hasura/kriti-lang. A template is parsed once ([`Template::parse`]) and evaluated for many contexts.

mod eval;
mod function;
mod parse;

use serde_json::{Map, Value, json};

pub(crate) use function::escape_uri;

/// Nesting of a template.
const DEPTH_LIMIT: usize = 64;

/// Steps of one evaluation: nested ranges multiply.
const STEP_LIMIT: usize = 1_000_000;

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Expression);

/// The names that a template may use, with their `$`.
pub type Context = Map<String, Value>;

/// An expression and where it starts, in bytes.
#[derive(Debug, Clone, PartialEq)]
struct Expression {
    at: usize,
    node: Node,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Literal(Value),
    /// A string with holes.
    Text(Vec<Expression>),
    Array(Vec<Expression>),
    Object(Vec<(Expression, Expression)>),
    Name(String),
    Field {
        of: Box<Expression>,
        key: Box<Expression>,
        optional: bool,
    },
    Default(Box<Expression>, Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(String, Box<Expression>),
    If {
        condition: Box<Expression>,
        then: Box<Expression>,
        otherwise: Option<Box<Expression>>,
    },
    Range {
        index: Option<String>,
        item: String,
        list: Box<Expression>,
        body: Box<Expression>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parse,
    Path,
    Type,
    Range,
    Function,
}

/// What is wrong with a template, or with the data it met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    at: usize,
    /// Line and column from 1, once the text is known.
    position: (usize, usize),
}

impl Error {
    fn new(kind: Kind, at: usize, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), at, position: (1, 1) }
    }

    fn within(mut self, text: &str) -> Self {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        self.position = (line, column);
        self
    }

    /// As Hasura shows it in `internal`.
    pub fn to_json(&self) -> Value {
        let code = match self.kind {
            Kind::Parse => "Parse Error",
            Kind::Path => "Invalid Path",
            Kind::Type => "Type Error",
            Kind::Range => "Range Error",
            Kind::Function => "Function Error",
        };
        let (line, column) = self.position;
        json!({
            "error_code": code,
            "message": self.message,
            "source_position": {
                "start_line": line,
                "start_column": column,
                "end_line": line,
                "end_column": column,
            },
        })
    }
}

impl Template {
    /// A JSON template.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::template(text).map(Self).map_err(|error| error.within(text))
    }

    /// A plain text with holes, as URLs and headers are written; it always gives a string.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_text(text: &str) -> Result<Self, Error> {
        parse::text(text).map(Self).map_err(|error| error.within(text))
    }

    /// The JSON for a context. `text` is what was parsed, for the position in errors.
    ///
    /// # Errors
    /// A path leads nowhere, or a value is of the wrong type.
    pub fn evaluate(&self, text: &str, context: &Context) -> Result<Value, Error> {
        eval::evaluate(&self.0, context).map_err(|error| error.within(text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn run(text: &str, context: Value) -> Result<Value, Error> {
        let Value::Object(context) = context else { panic!("an object") };
        Template::parse(text)?.evaluate(text, &context)
    }

    fn context() -> Value {
        json!({
            "$body": {"id": 7, "name": "Ada", "tags": ["a", "b"], "deep": {"x-y": [{"k": null}]}, "none": null},
            "$session_variables": {"x-hasura-role": "user"},
        })
    }

    #[track_caller]
    fn gives(text: &str, expected: Value) {
        assert_eq!(run(text, context()).unwrap(), expected, "{text}");
    }

    #[test]
    fn values_paths_and_interpolation() {
        gives(
            r#"{"a": [1, -2.5e1, true, null, "x\n\u00e9"], "b": {}}"#,
            json!({"a": [1, -25.0, true, null, "x\né"], "b": {}}),
        );
        gives(r#"{"id": {{ $body.id }}, "t": "n={{$body.name}}/{{$body.id}}"}"#, json!({"id": 7, "t": "n=Ada/7"}));
        gives("{{ $session_variables['x-hasura-role'] }}", json!("user"));
        gives(r#"{{ $session_variables["x-hasura-role"] }}"#, json!("user"));
        gives("{{ $body.deep.x-y[0].k }}", json!(null));
        gives("{{ $body.tags[1] }}", json!("b"));
        gives("{{ $body.missing?.deeper }}", json!(null));
        gives("{{ $body?.name }}", json!("Ada"));
        gives("{{ $body?['nope'] ?? 'else' }}", json!("else"));
        gives("{{ $body.none ?? 3 }}", json!(3));
    }

    #[test]
    fn conditions_and_ranges() {
        gives("{{ if $body.id > 5 && not ($body.name == 'Bob') }} 1 {{ else }} 2 {{ end }}", json!(1));
        gives("{{ if false }} 1 {{ elif 'a' in $body.tags }} 2 {{ else }} 3 {{ end }}", json!(2));
        gives("{{ if 'nope' in $body }} 1 {{ else }} 3 {{ end }}", json!(3));
        gives(
            r#"{{ range i, x := $body.tags }} {"i": {{ i }}, "x": {{ x }}} {{ end }}"#,
            json!([{"i": 0, "x": "a"}, {"i": 1, "x": "b"}]),
        );
        gives(
            "{{ range _, x := $body.tags }} {{ if x != 'a' }} {{ x }} {{ else }} null {{ end }} {{ end }}",
            json!([null, "b"]),
        );
    }

    #[test]
    fn functions() {
        gives("{{ escapeUri('a b/ü') }}", json!("a%20b%2F%C3%BC"));
        gives("{{ toUpper($body.name) }}", json!("ADA"));
        gives("{{ concat([$body.tags, ['c']]) }}", json!(["a", "b", "c"]));
        gives(r#"{{ concat(["a", $body.name]) }}"#, json!("aAda"));
        gives("{{ inverse($body.tags) }}", json!(["b", "a"]));
        gives("{{ head($body.tags) }}", json!("a"));
        gives("{{ length($body.tags) }}", json!(2));
        gives("{{ toPairs({'a': 1}) }}", json!([["a", 1]]));
        gives("{{ removeNulls([1, null]) }}", json!([1]));
    }

    #[test]
    fn mistakes_have_a_code_and_a_place() {
        let error = run("{\n  \"a\": {{ $body.nope }}\n}", context()).unwrap_err();
        assert_eq!(error.to_json()["error_code"], "Invalid Path");
        assert_eq!(error.to_json()["message"], "Path Lookup Error: \"$body.nope\"");
        assert_eq!(error.to_json()["source_position"]["start_line"], 2);
        for (text, code) in [
            ("{{ range i, x := $body.id }} 1 {{ end }}", "Range Error"),
            ("{{ if 3 }} 1 {{ else }} 2 {{ end }}", "Type Error"),
            ("{\"a\": }", "Parse Error"),
            ("{{ toUpper(3) }}", "Function Error"),
            ("\"{{ $body }}\"", "Type Error"),
        ] {
            assert_eq!(run(text, context()).unwrap_err().to_json()["error_code"], code, "{text}");
        }
        assert!(Template::parse(&"[".repeat(10_000)).is_err());
        assert!(Template::parse(&format!("{{{{ {} }}}}", "(".repeat(10_000))).is_err());
    }

    #[test]
    fn plain_text_has_holes_and_may_hold_quotes() {
        let text = r#"{{$body.name}}/"x"?q={{escapeUri($body.tags[0])}}"#;
        let Value::Object(context) = context() else { panic!("an object") };
        assert_eq!(Template::parse_text(text).unwrap().evaluate(text, &context).unwrap(), json!("Ada/\"x\"?q=a"));
    }
}
