//! The `.env` format: reading, expanding, writing.
//!
//! One line, one variable: `KEY=value`, with an optional `export ` in front. Blank lines and lines that start with `#`
//! mean nothing. A byte order mark and CRLF line ends are accepted.
//! - Unquoted values end at ` #` (a comment) and lose surrounding blanks; everything else stands for itself, so JSON
//!   survives. `'single'` quotes keep everything as it is. `"double"` quotes know `\n \r \t \" \\ \$`; other
//!   backslashes stand for themselves. The closing quote is the first one that only a comment follows, so
//!   `"{"type":"HS256"}"` is what it looks like.
//! - `${NAME}` and `${NAME:-default}` are replaced, except in single quotes. `$${` and `\${` stand for `${`. A `$`
//!   without a brace is an ordinary character: passwords hold them.

mod expand;
mod parse;
mod write;

pub(crate) use expand::{Expander, Lookup};
pub use parse::{Entry, Fault, File, Piece, parse};
pub(crate) use parse::{is_variable, pieces};
pub(crate) use write::{plain, set_source, source, unset};
pub use write::{quote, set};

#[cfg(test)]
mod tests;
