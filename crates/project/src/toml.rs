//! `nself.toml`: what one-line variables cannot say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml_edit::{Document, Item, Key, Table, TableLike};

use crate::Problem;

/// The file's name, in the project's root.
pub const FILE: &str = "nself.toml";

/// `nself.toml`, typed. An absent file is an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Toml {
    /// `[services.<name>]`, by the name a `CS_N` line gives the service.
    pub services: BTreeMap<String, TomlService>,
    /// `[variables] own = ["NEXT_PUBLIC_*"]`: names in `.env` files that are the project's own and not typing errors.
    /// `*` at the end stands for the rest of the name.
    pub own_variables: Vec<String>,
}

/// How a service of the user's own is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TomlService {
    /// The program and its arguments; no shell reads them.
    pub command: Vec<String>,
    /// Where it starts, relative to the project's root. `services/<name>` when not given.
    pub directory: Option<PathBuf>,
    /// More variables for it.
    pub environment: BTreeMap<String, String>,
}

impl Toml {
    /// Whether a variable was declared as the project's own.
    pub fn owns(&self, name: &str) -> bool {
        self.own_variables.iter().any(|own| match own.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => own == name,
        })
    }

    /// Reads the text of `nself.toml`; everything that is wrong with it lands in `problems`.
    pub(crate) fn parse(text: &str, problems: &mut Vec<Problem>) -> Self {
        let mut toml = Self::default();
        match Document::parse(text) {
            Ok(document) => Reader { text, problems }.root(document.as_table(), &mut toml),
            Err(error) => {
                let line = error.span().map(|span| position(text, span.start).0);
                problems.push(Problem::error(error.message().trim()).at(FILE, line));
            }
        }
        toml
    }
}

struct Reader<'a> {
    text: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn root(&mut self, table: &Table, toml: &mut Toml) {
        for (key, item) in entries(table) {
            match (key.get(), item.as_table_like()) {
                ("services", Some(services)) => {
                    for (name, item) in entries(services) {
                        match item.as_table_like() {
                            Some(service) => {
                                let service = self.service(name.get(), service);
                                toml.services.insert(name.get().to_owned(), service);
                            }
                            None => self.wrong(name, &format!("services.{} must be a table", name.get())),
                        }
                    }
                }
                ("variables", Some(variables)) => self.variables(variables, toml),
                (name @ ("services" | "variables"), None) => self.wrong(key, &format!("{name} must be a table")),
                (name, _) => self.unknown(key, name, "", &["services", "variables"]),
            }
        }
    }

    fn variables(&mut self, table: &dyn TableLike, toml: &mut Toml) {
        for (key, item) in entries(table) {
            match key.get() {
                "own" => match strings(item) {
                    Some(own) => toml.own_variables = own,
                    None => self.wrong(key, "variables.own must be a list of texts such as [\"NEXT_PUBLIC_*\"]"),
                },
                name => self.unknown(key, name, "variables.", &["own"]),
            }
        }
    }

    fn service(&mut self, service: &str, table: &dyn TableLike) -> TomlService {
        let mut read = TomlService::default();
        for (key, item) in entries(table) {
            let path = format!("services.{service}.{}", key.get());
            match key.get() {
                "command" => match strings(item).filter(|command| !command.is_empty()) {
                    Some(command) => read.command = command,
                    None => {
                        self.wrong(key, &format!("{path} must be a list of texts such as [\"node\", \"server.js\"]"))
                    }
                },
                "directory" => match item.as_str().map(Path::new).filter(|path| stays_inside(path)) {
                    Some(directory) => read.directory = Some(directory.to_owned()),
                    None => self.wrong(key, &format!("{path} must be a folder inside the project")),
                },
                "environment" => match item.as_table_like() {
                    Some(table) => {
                        for (name, item) in entries(table) {
                            match scalar(item) {
                                Some(value) => {
                                    read.environment.insert(name.get().to_owned(), value);
                                }
                                None => self.wrong(
                                    name,
                                    &format!("{path}.{} must be a text, a number or true or false", name.get()),
                                ),
                            }
                        }
                    }
                    None => self.wrong(key, &format!("{path} must be a table")),
                },
                name => {
                    self.unknown(key, name, &format!("services.{service}."), &["command", "directory", "environment"]);
                }
            }
        }
        read
    }

    fn wrong(&mut self, key: &Key, message: &str) {
        let (line, column) = self.place(key);
        self.problems
            .push(Problem::error(format!("{message} (column {column})")).about(key.get()).at(FILE, Some(line)));
    }

    fn unknown(&mut self, key: &Key, name: &str, prefix: &str, known: &[&str]) {
        let (line, column) = self.place(key);
        let likely = known
            .iter()
            .map(|known| (strsim::normalized_damerau_levenshtein(name, known), *known))
            .filter(|(likeness, _)| *likeness >= 0.5)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let message = format!("{prefix}{name} is unknown here (column {column})");
        let suggestion = likely.map(|(_, known)| format!("{prefix}{known}"));
        self.problems.push(Problem::error(message).about(name).at(FILE, Some(line)).suggest(suggestion));
    }

    fn place(&self, key: &Key) -> (u32, u32) {
        position(self.text, key.span().map_or(0, |span| span.start))
    }
}

fn entries(table: &dyn TableLike) -> impl Iterator<Item = (&Key, &Item)> {
    table.iter().filter_map(|(name, _)| table.get_key_value(name))
}

fn strings(item: &Item) -> Option<Vec<String>> {
    item.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

fn scalar(item: &Item) -> Option<String> {
    item.as_str()
        .map(str::to_owned)
        .or_else(|| item.as_integer().map(|number| number.to_string()))
        .or_else(|| item.as_float().map(|number| number.to_string()))
        .or_else(|| item.as_bool().map(|flag| flag.to_string()))
}

fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir))
}

/// Line and column of a byte, both counted from 1.
fn position(text: &str, byte: usize) -> (u32, u32) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &str) -> (Toml, Vec<String>) {
        let mut problems = Vec::new();
        let toml = Toml::parse(text, &mut problems);
        (toml, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn services_are_read() {
        let (toml, problems) = read(
            "[services.web]\ncommand = [\"node\", \"server.js\"]\ndirectory = \"apps/web\"\nenvironment = { PORT = 3000, DEBUG = true, NAME = \"x\" }\n\n[variables]\nown = [\"NEXT_PUBLIC_*\", \"MINE\"]\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let web = &toml.services["web"];
        assert_eq!(web.command, ["node", "server.js"]);
        assert_eq!(web.directory.as_deref(), Some(Path::new("apps/web")));
        assert_eq!(web.environment["PORT"], "3000");
        assert!(toml.owns("NEXT_PUBLIC_URL") && toml.owns("MINE") && !toml.owns("MINE_TOO"));
    }

    #[test]
    fn every_mistake_is_found_with_its_place() {
        let (_, problems) = read("[services.web]\ncomand = [\"node\"]\ndirectory = \"../out\"\n\n[servces.x]\n");
        assert_eq!(
            problems,
            [
                "nself.toml:2: services.web.comand is unknown here (column 1); did you mean services.web.command?",
                "nself.toml:3: services.web.directory must be a folder inside the project (column 1)",
                "nself.toml:5: servces is unknown here (column 2); did you mean services?",
            ]
        );
    }

    #[test]
    fn broken_toml_says_where() {
        let (toml, problems) = read("[services\n");
        assert_eq!(toml, Toml::default());
        assert!(problems[0].starts_with("nself.toml:1: "), "{problems:?}");
    }
}
