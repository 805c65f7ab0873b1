//! What a statement does, read with a real grammar of PostgreSQL (`squawk-syntax`): whether it may stand in a transaction
//! block, which tables it locks how, and what it can lose.
//!
//! It is advice, never a gate: a statement that the grammar cannot read is judged by its first words, says so in
//! [`Statement::read`], and the server has the last word.

mod bodies;
mod locks;
mod lookup;
mod losses;
mod name;
mod table;
mod transaction;
mod words;

use serde::Serialize;
use squawk_syntax::{
    SourceFile,
    ast::{self, AstNode},
};

pub use locks::LockMode;
pub use lookup::{Found, look};
pub use losses::Loss;
pub use name::Name;
pub use transaction::Kind;

/// Statements longer than this, in bytes, are data: they are judged by their first words.
const LONGEST: usize = 512 * 1024;

/// What one statement does.
#[derive(Debug, Clone, Serialize)]
pub struct Statement {
    pub kind: Kind,
    /// Whether PostgreSQL lets it run inside a transaction block.
    pub in_transaction: bool,
    /// The relations that exist before it and that it locks until its transaction ends, strongest mode each.
    pub locks: Vec<(Name, LockMode)>,
    /// What of the database's data can be lost by it.
    pub destructive: Vec<Loss>,
    /// False when the grammar could not read it, and its first words were all there was to go by.
    pub read: bool,
}

/// Reads one statement, as [`crate::sql::split`] cuts it.
///
/// ```
/// use database::grammar::{self, LockMode};
/// let index = grammar::read("CREATE INDEX CONCURRENTLY ON shop.orders (placed_at)");
/// assert!(!index.in_transaction);
/// assert_eq!(index.locks[0].0.to_string(), "shop.orders");
/// assert_eq!(index.locks[0].1, LockMode::ShareUpdateExclusive);
/// assert!(grammar::read("ALTER TABLE orders DROP COLUMN note").destructive.len() == 1);
/// ```
pub fn read(sql: &str) -> Statement {
    match parse(sql) {
        Some(statement) => Statement {
            kind: transaction::kind(&statement),
            in_transaction: transaction::allowed(&statement),
            locks: locks::of(&statement),
            destructive: losses::of(&statement),
            read: true,
        },
        None => words::judge(sql),
    }
}

/// The syntax tree, when there is exactly one statement without a mistake.
fn parse(sql: &str) -> Option<ast::Stmt> {
    if sql.len() > LONGEST {
        return None;
    }
    // The parser is another project's; what it may trip over is no reason to refuse a migration.
    let parsed = std::panic::catch_unwind(|| {
        let parse = SourceFile::parse(sql);
        parse.errors().is_empty().then(|| parse.syntax_node())
    });
    let file = SourceFile::cast(parsed.ok()??)?;
    let mut statements = file.stmts().filter(|statement| !matches!(statement, ast::Stmt::EmptyStmt(_)));
    let first = statements.next()?;
    statements.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn locks(sql: &str) -> Vec<String> {
        read(sql).locks.iter().map(|(name, mode)| format!("{name} {mode}")).collect()
    }

    fn losses(sql: &str) -> Vec<String> {
        read(sql).destructive.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_cannot_stand_in_a_transaction_is_known() {
        for sql in [
            "CREATE INDEX CONCURRENTLY a_b ON a (b)",
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a_b ON ONLY public.a (b) WHERE b > 0",
            "DROP INDEX CONCURRENTLY IF EXISTS a_b",
            "REINDEX INDEX CONCURRENTLY a_b",
            "REINDEX (VERBOSE, CONCURRENTLY) TABLE a",
            "REINDEX SCHEMA public",
            "VACUUM",
            "vacuum (full, analyze) a",
            "ALTER TABLE a DETACH PARTITION a1 CONCURRENTLY",
            "CREATE DATABASE other",
            "DROP DATABASE IF EXISTS other WITH (FORCE)",
            "CREATE TABLESPACE fast LOCATION '/fast'",
            "ALTER SYSTEM SET work_mem = '8MB'",
            "ALTER DATABASE shop SET TABLESPACE fast",
            "DISCARD ALL",
            "CLUSTER",
            "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p",
        ] {
            let statement = read(sql);
            assert!(!statement.in_transaction && statement.read, "{sql}");
        }
        for sql in [
            "CREATE INDEX concurrently_not ON a (b)",
            "DROP INDEX a_b",
            "REINDEX TABLE a",
            "REINDEX (CONCURRENTLY false) TABLE a",
            "ANALYZE a",
            "ALTER TABLE a DETACH PARTITION a1",
            "ALTER TYPE mood ADD VALUE 'meh'",
            "CLUSTER a USING a_b",
            "ALTER DATABASE shop SET work_mem = '8MB'",
            "DISCARD TEMP",
            "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p WITH (connect = false)",
            "SELECT 'CREATE INDEX CONCURRENTLY'",
        ] {
            let statement = read(sql);
            assert!(statement.in_transaction && statement.read, "{sql}");
        }
    }

    #[test]
    fn locks_name_relations_that_are_there_already() {
        assert_eq!(
            locks("CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a, up int REFERENCES b)"),
            ["a SHARE ROW EXCLUSIVE"]
        );
        assert_eq!(
            locks("ALTER TABLE ONLY \"B\" ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES s.a NOT VALID"),
            ["\"B\" SHARE ROW EXCLUSIVE", "s.a SHARE ROW EXCLUSIVE"]
        );
        assert_eq!(locks("ALTER TABLE a VALIDATE CONSTRAINT f"), ["a SHARE UPDATE EXCLUSIVE"]);
        assert_eq!(locks("ALTER TABLE a ALTER b SET STATISTICS 100, DISABLE TRIGGER t"), ["a SHARE ROW EXCLUSIVE"]);
        assert_eq!(
            locks("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x JOIN c USING (id)"),
            ["b ROW EXCLUSIVE", "a ROW EXCLUSIVE", "c ACCESS SHARE"]
        );
        assert_eq!(locks("CREATE VIEW v AS SELECT * FROM a FOR UPDATE"), ["a ROW SHARE"]);
        assert_eq!(locks("LOCK TABLE a, b IN SHARE MODE"), ["a SHARE", "b SHARE"]);
        assert!(locks("CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1 FROM a; END").is_empty());
    }

    #[test]
    fn losses_are_named() {
        assert_eq!(losses("DROP TABLE IF EXISTS a, b CASCADE"), ["drops table a", "drops table b"]);
        assert_eq!(
            losses("ALTER TABLE a DROP b, ALTER c TYPE int USING c::int"),
            ["drops column a.b", "changes the type of a.c to int"]
        );
        assert_eq!(losses("TRUNCATE a, ONLY b"), ["empties table a", "empties table b"]);
        assert_eq!(losses("WITH gone AS (DELETE FROM a RETURNING 1) SELECT 1 FROM gone"), ["deletes rows of a"]);
        assert_eq!(losses("DROP SCHEMA s CASCADE"), ["drops schema s with all that is in it"]);
        assert_eq!(losses("DROP TYPE t CASCADE"), ["drops type t and every column of that type"]);
        assert_eq!(losses("DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'a'; END $$"), ["runs code that holds `drop table`"]);
        for sql in [
            "DROP VIEW a",
            "DROP INDEX a",
            "DROP SCHEMA s",
            "DROP TYPE t",
            "ALTER TABLE a DROP CONSTRAINT b CASCADE",
            "ALTER TABLE a ALTER b DROP NOT NULL",
            "UPDATE a SET b = 1",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'",
            "DO $$ BEGIN PERFORM 1; END $$",
        ] {
            assert!(losses(sql).is_empty(), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_judged_by_its_words() {
        let unread = read("DROP INDEX CONCURRENTLY a SURPRISE SURPRISE");
        assert!(!unread.read && !unread.in_transaction);
        let unread = read("ALTER TABLE a DROP COLUMN b SURPRISE SURPRISE");
        assert!(!unread.read && unread.in_transaction && unread.destructive.len() == 1);
        assert!(!read("FROBNICATE a").read);
    }

    proptest! {
        /// Whatever stands in a statement, there is an answer.
        #[test]
        fn anything_can_be_asked(text in r#"(create|drop|alter|table|index|concurrently|column|a|b|\(|\)|,|;|'|"|\$\$|\$1|\.|::|--|/\*|é| |1|select|from|with|as|type|using|do){0,40}"#) {
            let _ = read(&text);
        }
    }
}
