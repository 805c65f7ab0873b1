//! Code in strings: the bodies of `DO` blocks, and statements that no grammar could read.

use crate::sql::{Kind, Lexer};

/// The first words that say that something is dropped or deleted; looks into strings too, because code may be put together
/// from them (`EXECUTE 'DROP TABLE ' || name`).
pub(super) fn suspicious(text: &str) -> Option<String> {
    find(text, 3)
}

fn find(text: &str, depth: usize) -> Option<String> {
    let mut last = String::new();
    for token in Lexer::new(text) {
        let piece = &text[token.range];
        match token.kind {
            Kind::Word => {
                let word = piece.to_ascii_lowercase();
                if matters(&last, &word) {
                    return Some(if word == "truncate" { word } else { format!("{last} {word}") });
                }
                last = word;
            }
            Kind::String | Kind::DollarString if depth > 0 => {
                if let Some(found) = find(inner(piece), depth - 1) {
                    return Some(found);
                }
            }
            Kind::Whitespace | Kind::Comment => {}
            _ => last.clear(),
        }
    }
    None
}

fn matters(before: &str, word: &str) -> bool {
    match before {
        "drop" => matches!(word, "table" | "column" | "schema" | "database" | "owned" | "type" | "domain" | "sequence"),
        "delete" => word == "from",
        _ => word == "truncate",
    }
}

/// What stands between the quotes.
fn inner(piece: &str) -> &str {
    if let Some(plain) = piece.strip_prefix('\'') {
        return plain.strip_suffix('\'').unwrap_or(plain);
    }
    let tag = piece[1..].find('$').map_or(piece.len(), |at| at + 2);
    let rest = &piece[tag..];
    rest.strip_suffix(&piece[..tag]).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_and_names_do_not() {
        assert_eq!(suspicious("$$ begin truncate a; end $$").as_deref(), Some("truncate"));
        assert_eq!(suspicious("$do$ execute $q$ DELETE /* all */ FROM a $q$; $do$").as_deref(), Some("delete from"));
        assert_eq!(suspicious("'perform drop_table(''a'')'"), None);
        assert_eq!(suspicious("$$ -- drop table a\n perform 1 $$"), None);
        assert_eq!(suspicious("$"), None);
        assert_eq!(suspicious("$$"), None);
    }
}
