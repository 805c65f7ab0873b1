use std::collections::HashMap;

use super::parse::Piece;

/// Where values come from while they are expanded.
pub(crate) trait Lookup {
    /// The name under which a value is kept: resolves aliases.
    fn canonical<'n>(&'n self, name: &'n str) -> &'n str;
    /// The unexpanded value; `None` when nothing sets it.
    fn raw(&self, name: &str) -> Option<&[Piece]>;
    /// A finished value from elsewhere, for names that `raw` does not know.
    fn outside(&self, name: &str) -> Option<String>;
}

/// Expands values, each once.
pub(crate) struct Expander<'a, L> {
    lookup: &'a L,
    done: HashMap<String, String>,
    /// The names being expanded, outermost first.
    path: Vec<String>,
    /// Cycles that were found, as `A → B → A`, with the name they were found from.
    pub cycles: Vec<(String, String)>,
    /// `${NAME}` without a default for a name nothing sets: the name, and the variable that uses it.
    pub missing: Vec<(String, String)>,
}

/// How long a chain of variables that refer to each other may be, and how big a value may grow: a guard against files
/// made to exhaust memory.
const LONGEST_CHAIN: usize = 64;
const LARGEST_VALUE: usize = 1 << 20;

impl<'a, L: Lookup> Expander<'a, L> {
    pub(crate) fn new(lookup: &'a L) -> Self {
        Self { lookup, done: HashMap::new(), path: Vec::new(), cycles: Vec::new(), missing: Vec::new() }
    }

    /// The value of a variable, expanded; `None` when nothing sets it.
    pub(crate) fn value(&mut self, name: &str) -> Option<String> {
        let lookup = self.lookup;
        let name = lookup.canonical(name);
        if let Some(value) = self.done.get(name) {
            return Some(value.clone());
        }
        let Some(pieces) = lookup.raw(name) else { return lookup.outside(name) };
        let start = self.path.iter().position(|step| step == name);
        if start.is_some() || self.path.len() >= LONGEST_CHAIN {
            self.report_cycle(start.unwrap_or(0), name);
            return Some(String::new());
        }
        self.path.push(name.to_owned());
        let value = self.join(pieces);
        self.path.pop();
        self.done.insert(name.to_owned(), value.clone());
        Some(value)
    }

    fn report_cycle(&mut self, start: usize, name: &str) {
        let mut steps: Vec<&str> = self.path[start..].iter().map(String::as_str).collect();
        steps.push(name);
        let already = self.cycles.iter().any(|(_, text)| {
            let known: std::collections::HashSet<&str> = text.split(" → ").collect();
            steps.iter().all(|step| known.contains(step))
        });
        if !already {
            self.cycles.push((steps[0].to_owned(), steps.join(" → ")));
        }
    }

    fn join(&mut self, pieces: &[Piece]) -> String {
        let mut joined = String::new();
        for piece in pieces {
            let part = match piece {
                Piece::Text(text) => text.clone(),
                Piece::Variable { name, otherwise } => {
                    let value = self.value(name).filter(|value| !value.is_empty() || otherwise.is_none());
                    match (value, otherwise) {
                        (Some(value), _) => value,
                        (None, Some(otherwise)) => self.join(otherwise),
                        (None, None) => {
                            let user = self.path.last().cloned().unwrap_or_default();
                            self.missing.push((name.clone(), user));
                            String::new()
                        }
                    }
                }
            };
            if joined.len() + part.len() > LARGEST_VALUE {
                break;
            }
            joined.push_str(&part);
        }
        joined
    }
}
