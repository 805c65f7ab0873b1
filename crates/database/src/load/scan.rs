//! What a dump holds, read from its SQL: the tables it makes, whether it brings rows, the roles it names. It knows how
//! `pg_dump` writes, a statement's head at the beginning of a line; a file written otherwise shows less.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};

use postgres::Ident;

use super::{Dump, Kind};
use crate::{
    Error,
    place::{Place, PlaceError},
    programs::{Programs, failed},
};

/// What a dump holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Quoted, with their schemas.
    pub tables: BTreeSet<String>,
    pub roles: BTreeSet<String>,
    pub rows: bool,
}

pub(super) async fn read(place: &Place, programs: &Programs, dump: &Dump) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    if dump.kind == Kind::Archive {
        let path = || dump.path.clone().into_os_string();
        let list = programs.run(place, "pg_restore", &[OsString::from("--list"), path()]).await?;
        let list = String::from_utf8_lossy(&list);
        contents.rows = list.lines().any(|line| line.contains(" TABLE DATA "));
        let schema = [OsString::from("--schema-only"), OsString::from("--file=-"), path()];
        let schema = programs.run(place, "pg_restore", &schema).await?;
        let rows = contents.rows;
        contents.lines(&mut schema.as_slice()).map_err(|error| failed("pg_restore", error.to_string()))?;
        contents.rows = rows;
        return Ok(contents);
    }
    let io = |source| Error::Io { file: dump.path.clone(), source };
    let text = Dump::text(&dump.path, dump.kind).map_err(io)?;
    contents.lines(&mut BufReader::new(text)).map_err(io)?;
    if contents.others() {
        return Err(PlaceError::Lacks {
            label: place.label.clone(),
            why: "the file is of a whole server: it makes databases or connects to others".to_owned(),
            fix: "dump one database: pg_dump without --create, instead of pg_dumpall".to_owned(),
        }
        .into());
    }
    Ok(contents)
}

/// Stands in the tables when a script leads to other databases; no table is called so.
const ELSEWHERE: &str = "\\connect";

impl Contents {
    fn others(&self) -> bool {
        self.tables.contains(ELSEWHERE)
    }

    fn lines(&mut self, text: &mut dyn BufRead) -> std::io::Result<()> {
        let mut line = Vec::new();
        let mut inside = false;
        loop {
            line.clear();
            if text.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if inside {
                inside = !line.starts_with(b"\\.");
                continue;
            }
            let Ok(text) = std::str::from_utf8(&line) else { continue };
            inside = self.line(text.trim_end());
        }
    }

    /// Takes in one line; true when rows of COPY follow.
    fn line(&mut self, line: &str) -> bool {
        for head in ["CREATE TABLE ", "CREATE UNLOGGED TABLE "] {
            if let Some(rest) = line.strip_prefix(head) {
                let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
                self.tables.extend(qualified(rest));
            }
        }
        if line.starts_with("\\connect ") || line.starts_with("CREATE DATABASE ") {
            self.tables.insert(ELSEWHERE.to_owned());
        }
        self.rows |= line.starts_with("INSERT INTO ");
        if line.starts_with("ALTER ") {
            self.role(line.split_once(" OWNER TO ").map(|(_, role)| role));
        } else if line.starts_with("GRANT ") {
            self.role(line.rsplit_once(" TO ").map(|(_, role)| role));
        } else if line.starts_with("CREATE POLICY ") {
            for role in line.split_once(" TO ").map_or("", |(_, roles)| roles).split(',') {
                self.role(Some(role));
            }
        }
        let copies = line.starts_with("COPY ") && line.ends_with(" FROM stdin;");
        self.rows |= copies;
        copies
    }

    fn role(&mut self, text: Option<&str>) {
        let Some((role, _)) = text.and_then(|text| part(text.trim())) else { return };
        let known = ["PUBLIC", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"];
        if !known.contains(&role.as_str()) && !role.starts_with("pg_") {
            self.roles.insert(role);
        }
    }
}

/// `public."a b" (` is `"public"."a b"`.
fn qualified(text: &str) -> Option<String> {
    let (first, rest) = part(text)?;
    match rest.strip_prefix('.').and_then(part) {
        Some((name, _)) => Some(Ident::new(first).dot(name).to_string()),
        None => Some(Ident::new("public").dot(first).to_string()),
    }
}

/// One name, quoted or not, and what follows.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, &quoted[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Contents {
        let mut contents = Contents::default();
        contents.lines(&mut text.as_bytes()).expect("memory can be read");
        contents
    }

    #[test]
    fn a_dumps_tables_rows_and_roles_are_found() {
        let text = "CREATE TABLE public.a (\n);\nALTER TABLE public.a OWNER TO shop;\n\
                    CREATE UNLOGGED TABLE \"Gr \"\"x\"\".y\".\"b.c\" (\nCOPY public.a (x) FROM stdin;\n\
                    CREATE TABLE public.no (\n\\.\nGRANT SELECT ON TABLE public.a TO \"r w\" WITH GRANT OPTION;\n\
                    CREATE POLICY p ON public.a FOR SELECT TO one, two USING (true);\nGRANT ALL ON TABLE public.a TO PUBLIC;\n";
        let found = contents(text);
        assert_eq!(found.tables.iter().collect::<Vec<_>>(), [r#""Gr ""x"".y"."b.c""#, r#""public"."a""#]);
        assert_eq!(found.roles.iter().collect::<Vec<_>>(), ["one", "r w", "shop", "two"]);
        assert!(found.rows && !found.others());
        assert!(!contents("CREATE TABLE t (id int);").rows);
        assert!(contents("INSERT INTO t VALUES (1);").rows);
        assert!(contents("\\connect shop").others());
    }
}
