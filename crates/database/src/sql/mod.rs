//! PostgreSQL's lexical rules, as far as they are needed to cut a script into statements, to find comments that speak to
//! nself, and to say where in a file a statement stands. It is not a parser: what a statement means is the server's
//! business.

mod lexer;
mod position;
mod split;
mod stream;

pub use lexer::{Kind, Lexer, Token};
pub use position::{Position, byte_of_character};
pub use split::{Statement, split};
pub(crate) use stream::Stream;

/// True when one of the comments that open the script is `-- nself: <directive>`.
///
/// ```
/// let script = "-- Build the index without blocking writers.\n-- nself: no-transaction\nCREATE INDEX …";
/// assert!(database::sql::directive(script, "no-transaction"));
/// ```
pub fn directive(text: &str, directive: &str) -> bool {
    directives(text).any(|said| said == directive)
}

/// What the comments that open the script say to nself: each `-- nself: <this>`.
pub(crate) fn directives(text: &str) -> impl Iterator<Item = &str> {
    Lexer::new(text)
        .take_while(|token| matches!(token.kind, Kind::Whitespace | Kind::Comment))
        .filter_map(|token| text[token.range].strip_prefix("--")?.trim().strip_prefix("nself:"))
        .map(str::trim)
}
