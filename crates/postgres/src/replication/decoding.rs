//! What changed, as the output plug-in `test_decoding` says it.
//!
//! That plug-in and not `pgoutput`, because `pgoutput` needs a publication, and a table without a replica identity (a
//! primary key, as a rule) refuses every `UPDATE` and `DELETE` as soon as a publication covers it. Who watches must not
//! break who writes. `test_decoding` comes with every PostgreSQL (contrib; managed services have it too) and needs
//! nothing in the database. Its texts: contrib/test_decoding/test_decoding.c.

use std::borrow::Cow;

/// The output plug-in.
pub const PLUGIN: &str = "test_decoding";

/// Its options: transactions carry their number, those without changes stay out.
pub const OPTIONS: &[(&str, &str)] = &[("include-xids", "1"), ("include-timestamp", "0"), ("skip-empty-xacts", "1")];

/// A table's name, without quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relation<'a> {
    pub schema: Cow<'a, str>,
    pub name: Cow<'a, str>,
}

/// One message. Transactions come whole, in the order of their commits, and never overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// The lower 32 bits of the transaction's number.
    Begin {
        xid: u32,
    },
    Commit {
        xid: u32,
    },
    /// A row. `image` is the rest of the message: `name[type]:value` for each column.
    Change {
        relation: Relation<'a>,
        kind: Kind,
        image: &'a str,
    },
    Truncate {
        relations: Vec<Relation<'a>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Insert,
    Update,
    Delete,
}

/// None for what is no change of a table (`pg_logical_emit_message`).
pub fn parse(body: &[u8]) -> Option<Event<'_>> {
    let text = std::str::from_utf8(body).ok()?;
    if let Some(xid) = text.strip_prefix("BEGIN ") {
        return Some(Event::Begin { xid: xid.parse().ok()? });
    }
    if let Some(xid) = text.strip_prefix("COMMIT ") {
        return Some(Event::Commit { xid: xid.parse().ok()? });
    }
    let rest = text.strip_prefix("table ")?;
    let (first, mut rest) = relation(rest)?;
    let mut relations = vec![first];
    while let Some(more) = rest.strip_prefix(", ") {
        let (next, after) = relation(more)?;
        relations.push(next);
        rest = after;
    }
    let (kind, image) = rest.strip_prefix(": ")?.split_once(':')?;
    let kind = match kind {
        "INSERT" => Kind::Insert,
        "UPDATE" => Kind::Update,
        "DELETE" => Kind::Delete,
        "TRUNCATE" => return Some(Event::Truncate { relations }),
        _ => return None,
    };
    Some(Event::Change { relation: relations.swap_remove(0), kind, image: image.strip_prefix(' ').unwrap_or(image) })
}

/// The relation at the beginning of a text, and what follows it.
fn relation(text: &str) -> Option<(Relation<'_>, &str)> {
    let (schema, rest) = identifier(text)?;
    let (name, rest) = identifier(rest.strip_prefix('.')?)?;
    Some((Relation { schema, name }, rest))
}

/// An identifier as `quote_identifier` writes it: bare, or in double quotes that are doubled inside.
fn identifier(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|found: char| !(found.is_ascii_alphanumeric() || found == '_')).unwrap_or(text.len());
        return (end > 0).then(|| (Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let end = end_of_quoted(quoted, '"')?;
    let (name, rest) = (&quoted[..end], &quoted[end + 1..]);
    let name = if name.contains('"') { Cow::Owned(name.replace("\"\"", "\"")) } else { Cow::Borrowed(name) };
    Some((name, rest))
}

/// Where the closing quote stands; doubled ones are part of the text.
fn end_of_quoted(text: &str, quote: char) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(quote)?;
        if !text[at + 1..].starts_with(quote) {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn named(schema: &'static str, name: &'static str) -> Relation<'static> {
        Relation { schema: schema.into(), name: name.into() }
    }

    #[test]
    fn transactions_have_numbers() {
        assert_eq!(parse(b"BEGIN 742"), Some(Event::Begin { xid: 742 }));
        assert_eq!(parse(b"COMMIT 742"), Some(Event::Commit { xid: 742 }));
    }

    #[test]
    fn changes_name_their_table_whatever_it_is_called() {
        let body = r#"table public.users: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 name[text]:'a: b'"#;
        let image = "old-key: id[integer]:1 new-tuple: id[integer]:2 name[text]:'a: b'";
        let expected = Event::Change { relation: named("public", "users"), kind: Kind::Update, image };
        assert_eq!(parse(body.as_bytes()), Some(expected));
        let body = r#"table "My ""schema""".": INSERT: .x, y": DELETE: (no-tuple-data)"#;
        let relation = named("My \"schema\"", ": INSERT: .x, y");
        let expected = Event::Change { relation, kind: Kind::Delete, image: "(no-tuple-data)" };
        assert_eq!(parse(body.as_bytes()), Some(expected));
    }

    #[test]
    fn truncate_names_all() {
        let relations = vec![named("public", "a"), named("s", "B")];
        let body = r#"table public.a, s."B": TRUNCATE: restart_seqs cascade"#;
        assert_eq!(parse(body.as_bytes()), Some(Event::Truncate { relations }));
    }

    #[test]
    fn nothing_else_is_a_change() {
        for body in
            ["", "table ", "table x", "table a.b", "table a.b: ", "message: transactional: 1", "BEGIN x", "table \"a.b"]
        {
            assert_eq!(parse(body.as_bytes()), None, "{body}");
        }
    }
}
