//! The judgement about a statement that the grammar cannot read: newer syntax than the grammar's, a mistake, or sheer length.

use super::{Kind, Loss, Statement, bodies};
use crate::sql;

pub(super) fn judge(text: &str) -> Statement {
    let words: Vec<String> = sql::Lexer::new(text)
        .filter(|token| token.kind == sql::Kind::Word)
        .take(8)
        .map(|token| text[token.range].to_ascii_lowercase())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Statement {
        kind: match words.as_slice() {
            ["set", "transaction", ..] => Kind::SetTransaction,
            ["set" | "reset", ..] => Kind::Session,
            ["call" | "do", ..] => Kind::Code,
            _ => Kind::Other,
        },
        in_transaction: !refused(&words),
        locks: Vec::new(),
        destructive: losses(text, &words),
        read: false,
    }
}

/// As `psql` decides whether to open a transaction (`command_no_begin` in its `common.c`).
fn refused(words: &[&str]) -> bool {
    matches!(
        words,
        ["vacuum", ..]
            | ["create" | "drop", "database" | "tablespace" | "subscription", ..]
            | ["alter", "system", ..]
            | ["discard", "all", ..]
            | ["cluster"]
            | ["create", "index", "concurrently", ..]
            | ["create", "unique", "index", "concurrently", ..]
            | ["drop" | "reindex", _, "concurrently", ..]
            | ["reindex", "database" | "system" | "schema", ..]
    )
}

/// Data (`INSERT`, `COPY`) takes nothing away, whatever its values say; the rest is searched as code is.
fn losses(text: &str, words: &[&str]) -> Vec<Loss> {
    match words.first() {
        None | Some(&("insert" | "copy" | "update" | "select" | "create" | "comment" | "grant" | "revoke")) => {
            Vec::new()
        }
        Some(_) => bodies::suspicious(text).map(|words| Loss::Code { words }).into_iter().collect(),
    }
}
