//! Which tables a seed writes, read off its statements; and the order of seeds that follows from it.

use std::collections::BTreeSet;

use postgres::catalog::{Catalog, Table};
use serde::Serialize;

use super::Seed;
use crate::{
    order::{Order, data_tables},
    sql::{Kind, Lexer, Statement},
};

/// A table's name as a script writes it, folded as PostgreSQL does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

impl TableName {
    /// From `users`, `shop.users` or `"Shop"."Users"`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut tokens = Tokens::new(text);
        let name = tokens.name()?;
        tokens.next().is_none().then_some(name)
    }

    /// From a file's name without its suffix: `users`, `shop.users`, as they are or, failing that, in lower case.
    pub fn of_file(stem: &str) -> Self {
        match stem.split_once('.') {
            Some((schema, name)) => Self { schema: Some(schema.to_owned()), name: name.to_owned() },
            None => Self { schema: None, name: stem.to_owned() },
        }
    }

    /// The table it means: without a schema the one in `public`, or else the only one of that name.
    pub fn find<'a>(&self, catalog: &'a Catalog) -> Option<&'a Table> {
        let folded = || Self {
            schema: self.schema.as_ref().map(|schema| schema.to_ascii_lowercase()),
            name: self.name.to_ascii_lowercase(),
        };
        self.find_exactly(catalog).or_else(|| folded().find_exactly(catalog))
    }

    fn find_exactly<'a>(&self, catalog: &'a Catalog) -> Option<&'a Table> {
        let schema = self.schema.as_deref().unwrap_or("public");
        catalog.table(schema, &self.name).or_else(|| {
            let mut named = catalog.tables.iter().filter(|table| self.schema.is_none() && table.name == self.name);
            named.next().filter(|_| named.next().is_none())
        })
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// How much of a statement is looked at. What it writes stands at its beginning, except behind long WITH parts.
const BEGINNING: usize = 16 * 1024;

/// The table that a statement inserts into, copies into or changes; `None` for any other.
pub(super) fn target(sql: &str, statement: &Statement) -> Option<TableName> {
    let sql = &sql[..sql.floor_char_boundary(BEGINNING)];
    let mut tokens = Tokens::new(sql);
    match statement.words.first()?.as_str() {
        "copy" => {
            tokens.skip_to(&["copy"]);
            // COPY … TO reads.
            statement.data.as_ref()?;
            tokens.name()
        }
        "insert" | "merge" => {
            tokens.skip_to(&["into"]);
            tokens.name()
        }
        "update" => {
            tokens.skip_to(&["update"]);
            tokens.name_after_only()
        }
        "with" => {
            tokens.skip_to(&["insert", "into"]);
            tokens.name()
        }
        _ => None,
    }
}

/// Words and names of a piece of SQL.
struct Tokens<'a> {
    sql: &'a str,
    lexer: Lexer<'a>,
}

impl<'a> Tokens<'a> {
    fn new(sql: &'a str) -> Self {
        Self { sql, lexer: Lexer::new(sql) }
    }

    fn next(&mut self) -> Option<(Kind, &'a str)> {
        let token = self.lexer.find(|token| !matches!(token.kind, Kind::Whitespace | Kind::Comment))?;
        Some((token.kind, &self.sql[token.range]))
    }

    /// Goes behind the first place where these words stand one after another.
    fn skip_to(&mut self, words: &[&str]) {
        let mut found = 0;
        while found < words.len() {
            match self.next() {
                None => return,
                Some((Kind::Word, word)) if word.eq_ignore_ascii_case(words[found]) => found += 1,
                Some(_) => found = 0,
            }
        }
    }

    fn part(kind: Kind, text: &str) -> Option<String> {
        match kind {
            Kind::Word => Some(text.to_ascii_lowercase()),
            Kind::QuotedName => Some(text.trim_start_matches('"').strip_suffix('"')?.replace("\"\"", "\"")),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<TableName> {
        let (kind, text) = self.next()?;
        self.name_from(kind, text)
    }

    /// `UPDATE ONLY users`.
    fn name_after_only(&mut self) -> Option<TableName> {
        let (kind, text) = self.next()?;
        if kind == Kind::Word && text.eq_ignore_ascii_case("only") { self.name() } else { self.name_from(kind, text) }
    }

    fn name_from(&mut self, kind: Kind, text: &str) -> Option<TableName> {
        let first = Self::part(kind, text)?;
        let mut ahead = self.lexer.clone();
        let dot = ahead.find(|token| !matches!(token.kind, Kind::Whitespace | Kind::Comment));
        if dot.is_none_or(|token| &self.sql[token.range] != ".") {
            return Some(TableName { schema: None, name: first });
        }
        self.lexer = ahead;
        let (kind, text) = self.next()?;
        Some(TableName { schema: Some(first), name: Self::part(kind, text)? })
    }
}

/// True when [`arrange`] could change anything, for which the catalog has to be read.
pub(super) fn has_choice(seeds: &[Seed]) -> bool {
    let alike = |pair: &[Seed]| pair[0].group() == pair[1].group() && pair[0].number() == pair[1].number();
    seeds.iter().any(|seed| !seed.after.is_empty()) || seeds.windows(2).any(alike)
}

/// Puts seeds without a number of their own, which have no order otherwise, behind those that fill what they point to, and
/// every seed behind those that it names in `-- nself: after <name>`. All others stay where they are.
pub(super) fn arrange(seeds: Vec<Seed>, catalog: &Catalog) -> Vec<Seed> {
    let tables = data_tables(catalog, &|_| true);
    let order = Order::new(catalog, &tables);
    let reach: Vec<BTreeSet<usize>> = seeds.iter().map(|seed| ranks(seed, catalog, &order)).collect();
    let mut waits: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); seeds.len()];
    for (at, seed) in seeds.iter().enumerate() {
        for (other, earlier) in seeds.iter().enumerate().filter(|(other, _)| *other != at) {
            let named = seed.after.iter().any(|name| earlier.is_called(name));
            let alike = earlier.group() == seed.group() && earlier.number() == seed.number();
            let waits_for = if alike { needs(&reach[at], &reach[other], &order) } else { other < at };
            if named || waits_for {
                waits[at].insert(other);
            }
        }
    }
    let mut placed: Vec<usize> = Vec::with_capacity(seeds.len());
    while placed.len() < seeds.len() {
        let open = || (0..seeds.len()).filter(|at| !placed.contains(at));
        let free = open().find(|&at| waits[at].iter().all(|other| placed.contains(other)));
        // Seeds that wait for each other run as they are named.
        let Some(next) = free.or_else(|| open().next()) else { break };
        placed.push(next);
    }
    let mut seeds: Vec<Option<Seed>> = seeds.into_iter().map(Some).collect();
    placed.into_iter().filter_map(|at| seeds[at].take()).collect()
}

/// The places in the order of the tables that a seed writes.
fn ranks(seed: &Seed, catalog: &Catalog, order: &Order<'_>) -> BTreeSet<usize> {
    let found = seed.tables.iter().filter_map(|name| name.find(catalog));
    found.filter_map(|table| order.tables.iter().position(|ordered| std::ptr::eq(*ordered, table))).collect()
}

/// True when one of the tables has a key, which has to hold at once, to one that the others fill and these do not.
fn needs(own: &BTreeSet<usize>, others: &BTreeSet<usize>, order: &Order<'_>) -> bool {
    let points = |from: usize, to: usize| {
        let (from, to) = (order.tables[from], order.tables[to]);
        let key = |key: &&postgres::catalog::ForeignKey| {
            key.enforced && key.references.schema == to.schema && key.references.name == to.name
        };
        let loose = |name: &str| order.loose_of(from).any(|loose| loose.key.name == name);
        from.foreign_keys.iter().filter(key).any(|key| !loose(&key.name))
    };
    let wanted = || others.difference(own);
    own.iter().any(|&from| wanted().any(|&to| points(from, to)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(sql: &str) -> Option<String> {
        let statement = crate::sql::split(sql).remove(0);
        target(&sql[statement.range.clone()], &statement).map(|name| name.to_string())
    }

    #[test]
    fn what_a_statement_writes() {
        assert_eq!(of("INSERT INTO Users (id) VALUES (1)").unwrap(), "users");
        assert_eq!(
            of("insert /* x */ into \"Shop\" . \"The \"\"Table\"\"\" values (1)").unwrap(),
            "Shop.The \"Table\""
        );
        assert_eq!(of("WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a").unwrap(), "b");
        assert_eq!(of("COPY public.t (a) FROM stdin;\n1\n\\.\n").unwrap(), "public.t");
        assert_eq!(of("MERGE INTO m USING n ON true WHEN MATCHED THEN DELETE").unwrap(), "m");
        assert_eq!(of("UPDATE ONLY u SET a = 1").unwrap(), "u");
        assert_eq!(of("COPY t TO STDOUT"), None);
        assert_eq!(of("SELECT 1"), None);
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!(TableName::parse("Shop.Users").unwrap().to_string(), "shop.users");
        assert_eq!(TableName::parse("\"Users\"").unwrap().to_string(), "Users");
        assert!(TableName::parse("a b").is_none());
    }
}
