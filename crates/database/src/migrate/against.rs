//! Three ways to look at migrations: the files, this database, another environment's.

use serde::Serialize;

use super::{Entry, State, Status, Version, files};

/// Files and two databases, side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// In the order of their versions.
    pub migrations: Vec<Pair>,
    /// How many are not the same here and there.
    pub different: usize,
}

/// One migration here and there. A side without an entry knows nothing of it.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    pub version: Version,
    pub name: String,
    pub here: Option<Entry>,
    pub there: Option<Entry>,
    /// The commands that bring both sides together, where they are not.
    pub fix: Option<String>,
}

impl Pair {
    pub fn id(&self) -> String {
        files::id(&self.version, &self.name)
    }

    pub fn differs(&self) -> bool {
        let state = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.state);
        state(&self.here) != state(&self.there)
    }
}

impl Comparison {
    /// Puts the states of two databases side by side, both taken with the same files. `environment` is the other one's name,
    /// for the commands. Pure.
    pub fn new(here: Status, there: Status, environment: &str) -> Self {
        let mut pairs: Vec<Pair> = Vec::new();
        let empty = |entry: &Entry| Pair {
            version: entry.version.clone(),
            name: entry.name.clone(),
            here: None,
            there: None,
            fix: None,
        };
        pairs.extend(here.migrations.into_iter().map(|entry| Pair { here: Some(entry.clone()), ..empty(&entry) }));
        for entry in there.migrations {
            match pairs.iter_mut().find(|pair| pair.version == entry.version) {
                Some(pair) => pair.there = Some(entry),
                None => pairs.push(Pair { there: Some(entry.clone()), ..empty(&entry) }),
            }
        }
        pairs.sort_by(|a, b| a.version.cmp(&b.version));
        for pair in &mut pairs {
            pair.fix = fix(pair, environment);
        }
        Self { different: pairs.iter().filter(|pair| pair.differs()).count(), migrations: pairs }
    }
}

fn fix(pair: &Pair, environment: &str) -> Option<String> {
    let elsewhere = |fix: &str| fix.replace("nself db ", &format!("nself --env {environment} db "));
    let state = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.state);
    match (state(&pair.here), state(&pair.there)) {
        (None, Some(_)) => Some(format!("its file is on another branch: git log --all -- '*{}*'", pair.id())),
        (Some(State::Pending), Some(State::Pending)) => None,
        (Some(State::Pending), Some(_)) => Some("nself db migrate".to_owned()),
        (Some(_), Some(State::Pending)) => Some(elsewhere("nself db migrate")),
        _ => {
            let here = pair.here.as_ref().and_then(|entry| entry.fix.clone());
            here.or_else(|| Some(elsewhere(pair.there.as_ref()?.fix.as_deref()?)))
        }
    }
}
