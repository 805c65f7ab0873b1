use std::ops::Range;

use super::{Kind, Lexer};

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Byte range in the script, from its first word to its last; neither the semicolon nor comments around it.
    pub range: Range<usize>,
    /// Its first words in lower case, at most four: enough to know `create unique index concurrently`.
    pub words: Vec<String>,
    /// The lines that follow `COPY … FROM STDIN;` up to the line `\\.`, as `pg_dump` writes them.
    pub data: Option<Range<usize>>,
}

impl Statement {
    /// Moves its ranges when the script turns out to be part of a longer text.
    pub(crate) fn shift(&mut self, by: usize) {
        for range in std::iter::once(&mut self.range).chain(&mut self.data) {
            *range = range.start + by..range.end + by;
        }
    }

    /// True when the statement opens or ends a transaction. `SAVEPOINT` and what belongs to it do neither.
    pub fn controls_transaction(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["rollback", rest @ ..] => !rest.contains(&"to"),
            ["begin" | "commit" | "end" | "abort", ..] => true,
            ["start" | "prepare", "transaction", ..] => true,
            _ => false,
        }
    }
}

/// Cuts a script at the semicolons that end statements: not those in strings, comments, parentheses (rules), or the
/// `BEGIN ATOMIC … END` body of a function. The same rules as `psql` goes by (`psqlscan.l`).
///
/// ```
/// let statements = database::sql::split("SELECT ';'; -- one\nSELECT $$;$$");
/// assert_eq!(statements.len(), 2);
/// ```
pub fn split(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut current = Current::default();
    let mut lexer = Lexer::new(text);
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Whitespace | Kind::Comment => continue,
            Kind::Semicolon if current.parentheses == 0 && current.bodies == 0 => {
                let mut finished = std::mem::take(&mut current);
                if finished.reads_stdin() {
                    let (data, end) = copy_data(text, token.range.end);
                    finished.data = Some(data);
                    lexer.jump(end);
                }
                statements.extend(finished.finish());
                continue;
            }
            Kind::Open => current.parentheses += 1,
            Kind::Close => current.parentheses = current.parentheses.saturating_sub(1),
            Kind::Word => current.word(&text[token.range.clone()]),
            _ => {}
        }
        current.extend(token.range);
    }
    statements.extend(current.finish());
    statements
}

/// The lines after the one that `from` stands on, up to `\\.`; and where the script goes on.
fn copy_data(text: &str, from: usize) -> (Range<usize>, usize) {
    let start = text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    let mut at = start;
    for line in text[start..].split_inclusive('\n') {
        if line.trim_end() == "\\." {
            return (start..at, at + line.len());
        }
        at += line.len();
    }
    (start..at, at)
}

#[derive(Default)]
struct Current {
    range: Option<Range<usize>>,
    words: Vec<String>,
    parentheses: usize,
    data: Option<Range<usize>>,
    /// The last two words, to see `FROM STDIN` and `BEGIN ATOMIC`.
    last: [String; 2],
    from_stdin: bool,
    /// Depth of `BEGIN ATOMIC … END` and of `CASE … END` inside it.
    bodies: usize,
}

impl Current {
    fn extend(&mut self, range: Range<usize>) {
        match &mut self.range {
            Some(whole) => whole.end = range.end,
            None => self.range = Some(range),
        }
    }

    fn word(&mut self, word: &str) {
        let lower = word.to_ascii_lowercase();
        if self.words.len() < 4 {
            self.words.push(lower.clone());
        }
        let [_, before] = std::mem::take(&mut self.last);
        self.from_stdin |= self.parentheses == 0 && before == "from" && lower == "stdin";
        self.last = [before, lower];
        let create = self.words.first().is_some_and(|first| first == "create");
        if self.parentheses > 0 || !create || !self.creates_routine() {
            return;
        }
        match (self.last[0].as_str(), self.last[1].as_str()) {
            ("begin", "atomic") => self.bodies += 1,
            (_, "case") if self.bodies > 0 => self.bodies += 1,
            (_, "end") => self.bodies = self.bodies.saturating_sub(1),
            _ => {}
        }
    }

    fn creates_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure"]
        )
    }

    fn reads_stdin(&self) -> bool {
        self.from_stdin && self.words.first().is_some_and(|word| word == "copy")
    }

    fn finish(self) -> Option<Statement> {
        Some(Statement { range: self.range?, words: self.words, data: self.data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(script: &str) -> Vec<&str> {
        split(script).into_iter().map(|statement| &script[statement.range]).collect()
    }

    #[test]
    fn comments_and_empty_statements_are_no_statements() {
        assert_eq!(texts("; -- a\n ;/* b; */ SELECT 1 ; ;"), ["SELECT 1"]);
        assert!(texts(" -- nothing\n").is_empty());
    }

    #[test]
    fn a_function_body_is_one_statement() {
        let dollar = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$; SELECT 2";
        assert_eq!(texts(dollar).len(), 2);
        let atomic = "CREATE OR REPLACE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT CASE a WHEN 1 THEN 2 END; \
                      SELECT 3; END; SELECT 4";
        assert_eq!(texts(atomic).len(), 2);
        assert_eq!(texts("CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 2").len(), 2);
        assert_eq!(texts("CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3").len(), 2);
        // A transaction is several statements.
        assert_eq!(texts("BEGIN; SELECT 1; END;").len(), 3);
    }

    #[test]
    fn transaction_control_is_recognised() {
        let controls = |script: &str| split(script)[0].controls_transaction();
        for script in ["BEGIN", "start transaction", "COMMIT AND CHAIN", "end", "ROLLBACK", "abort work"] {
            assert!(controls(script), "{script}");
        }
        for script in ["ROLLBACK TO a", "rollback to savepoint a", "SAVEPOINT a", "PREPARE p AS SELECT 1", "SELECT 1"] {
            assert!(!controls(script), "{script}");
        }
    }

    #[test]
    fn data_after_copy_is_no_sql() {
        let script = "COPY t (a) FROM stdin;\nit's; here\n\\.\nSELECT 1;";
        let statements = split(script);
        assert_eq!(texts(script), ["COPY t (a) FROM stdin", "SELECT 1"]);
        assert_eq!(statements[0].data.clone().map(|range| &script[range]), Some("it's; here\n"));
        assert_eq!(statements[1].data, None);
        assert_eq!(split("COPY t TO stdout; SELECT 1").len(), 2);
    }

    proptest! {
        /// What lies between statements is trivia: nothing of a script gets lost, nothing runs twice.
        #[test]
        fn gaps_hold_nothing(text in r#"([a-z ;'"$()\n\\é-]|\$\$|--|/\*|\*/|begin|end|create function){0,60}"#) {
            let mut joined = String::new();
            let mut at = 0;
            for statement in split(&text) {
                prop_assert!(statement.range.start >= at);
                let gap = &text[at..statement.range.start];
                prop_assert!(Lexer::new(gap).all(|token| matches!(token.kind, Kind::Whitespace | Kind::Comment | Kind::Semicolon)));
                joined.push_str(gap);
                joined.push_str(&text[statement.range.clone()]);
                at = statement.range.end;
            }
            joined.push_str(&text[at..]);
            prop_assert_eq!(joined, text);
        }
    }
}
