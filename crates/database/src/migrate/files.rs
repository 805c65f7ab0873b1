//! Reading migrations from the layouts that nself projects have used over the years.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use sha2::{Digest, Sha256};

use super::{MigrationError, Version, sections};
use crate::{Error, grammar, sql};

/// Where a project keeps its migrations.
///
/// Read are, in `NSELF_MIGRATIONS_DIR` and in `hasura/migrations/default`:
/// - `<version>_<name>/up.sql` and `down.sql` (Hasura);
/// - `<version>_<name>.sql` with `<version>_<name>_down.sql` beside it, or `.up.sql` and `.down.sql`;
/// - `<version>_<name>.sql` alone, with the sections `-- UP` and `-- DOWN`. New ones are written so, as
///   `NNN_YYYYMMDD_name.sql`.
#[derive(Debug, Clone)]
pub struct Sources {
    root: PathBuf,
    own: PathBuf,
}

/// One migration as it stands in its files.
#[derive(Debug, Clone)]
pub struct Migration {
    pub version: Version,
    pub name: String,
    pub up: Part,
    pub down: Option<Part>,
    /// SHA-256 of the up part in hex; line ends and a byte order mark make no difference.
    pub checksum: String,
    /// The migrations that were squashed into this one (`-- nself: replaces 001 002 003`), its own version among them.
    pub replaces: Vec<Version>,
    /// Squashed migrations among those, and what each stood for (`-- nself: 002_base replaced 001 002`): a database that
    /// has such a one has all of it.
    pub(super) stood_for: Vec<(Version, String, Vec<Version>)>,
}

/// The up or the down half of a migration.
#[derive(Debug, Clone)]
pub struct Part {
    /// Relative to the project's root when it lies inside.
    pub file: PathBuf,
    /// The whole file; a part may be a section of it.
    pub(crate) text: Arc<str>,
    pub(crate) range: Range<usize>,
    pub(crate) statements: Vec<sql::Statement>,
    /// The file says `-- nself: no-transaction`.
    no_transaction: bool,
    read: Arc<OnceLock<Vec<grammar::Statement>>>,
}

impl Sources {
    /// `directory` is `NSELF_MIGRATIONS_DIR`, relative to the project's root or absolute.
    pub fn new(root: impl Into<PathBuf>, directory: impl AsRef<Path>) -> Self {
        let root = root.into();
        let own = root.join(directory);
        Self { root, own }
    }

    /// Where new migrations go.
    pub fn directory(&self) -> &Path {
        &self.own
    }

    /// Every migration, in the order they run. A folder that does not exist holds none.
    pub fn load(&self) -> Result<Vec<Migration>, Error> {
        let mut all = Vec::new();
        for directory in self.directories() {
            for candidate in self.candidates(&directory)? {
                all.push(candidate.read(self)?);
            }
        }
        // A squashed migration counts from the moment it is there: files of those it replaces are on their way out.
        let replaced: Vec<Version> = all.iter().flat_map(|migration| migration.replaces.clone()).collect();
        all.retain(|migration| !migration.replaces.is_empty() || !replaced.contains(&migration.version));
        let mut found: BTreeMap<Version, Migration> = BTreeMap::new();
        for migration in all {
            if let Some(other) = found.get(&migration.version) {
                return Err(Error::Duplicate {
                    version: migration.version.to_string(),
                    first: other.up.file.clone(),
                    second: migration.up.file,
                });
            }
            found.insert(migration.version.clone(), migration);
        }
        Ok(found.into_values().collect())
    }

    fn directories(&self) -> Vec<PathBuf> {
        let hasura = self.root.join("hasura/migrations/default");
        let same = hasura == self.own || hasura.canonicalize().ok() == self.own.canonicalize().ok();
        if same { vec![self.own.clone()] } else { vec![hasura, self.own.clone()] }
    }

    /// The file that is shown as `path`.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// The path as people know it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    fn candidates(&self, directory: &Path) -> Result<Vec<Candidate>, Error> {
        let names = names(directory)?;
        let mut found = Vec::new();
        for name in &names {
            let path = directory.join(name);
            if path.is_dir() {
                if path.join("up.sql").is_file() {
                    found.push(Candidate::folder(self, &path, name)?);
                }
                continue;
            }
            let Some(stem) = name.strip_suffix(".sql") else { continue };
            let has = |other: String| names.binary_search(&other).is_ok();
            let down_of = stem.strip_suffix(".down").or_else(|| stem.strip_suffix("_down"));
            if down_of.is_some_and(|base| has(format!("{base}.sql")) || has(format!("{base}.up.sql"))) {
                continue;
            }
            let base = stem.strip_suffix(".up").unwrap_or(stem);
            let down =
                [format!("{base}.down.sql"), format!("{base}_down.sql")].into_iter().find(|down| has(down.clone()));
            found.push(Candidate::file(self, &path, base, down.map(|down| directory.join(down)))?);
        }
        Ok(found)
    }
}

/// The names in a folder, sorted; hidden ones left out.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, Error> {
    let io = |source| Error::Io { file: directory.to_owned(), source };
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        names.extend(name.to_str().filter(|name| !name.starts_with('.')).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

pub(crate) fn read(file: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(file).map_err(|source| Error::Io { file: file.to_owned(), source })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// SHA-256 in hex of a script, the same whether git checked it out with LF or CRLF.
pub(crate) fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text.replace("\r\n", "\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Candidate {
    version: Version,
    name: String,
    up: PathBuf,
    down: Option<PathBuf>,
}

impl Candidate {
    fn folder(sources: &Sources, path: &Path, name: &str) -> Result<Self, Error> {
        let down = path.join("down.sql");
        let down = down.is_file().then_some(down);
        Ok(Self { up: path.join("up.sql"), down, ..Self::named(sources, path, name)? })
    }

    fn file(sources: &Sources, path: &Path, stem: &str, down: Option<PathBuf>) -> Result<Self, Error> {
        Ok(Self { up: path.to_owned(), down, ..Self::named(sources, path, stem)? })
    }

    fn named(sources: &Sources, path: &Path, stem: &str) -> Result<Self, Error> {
        let (version, rest) = stem.split_once('_').unwrap_or((stem, ""));
        let version = Version::parse(version).ok_or_else(|| Error::FileName { file: sources.shown(path) })?;
        // `001_20260115_create_users`: the date is not part of the name.
        let name = match rest.split_once('_') {
            Some((date, name)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => rest,
        };
        Ok(Self { version, name: name.to_owned(), up: PathBuf::new(), down: None })
    }

    fn read(self, sources: &Sources) -> Result<Migration, Error> {
        let text: Arc<str> = read(&self.up)?.into();
        let file = sources.shown(&self.up);
        // A file whose name says `up` is all up; in any other, sections count.
        let all_up = self
            .up
            .file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|name| name == "up.sql" || name.ends_with(".up.sql"));
        let sections = if all_up { sections::whole(&text) } else { sections::find(&text, &file)? };
        let no_transaction = sql::directive(&text, "no-transaction");
        let part = |file: PathBuf, text: Arc<str>, range: Range<usize>| Part {
            no_transaction: no_transaction || sql::directive(&text, "no-transaction"),
            ..Part::new(file, text, range, !no_transaction)
        };
        let down = match self.down {
            Some(path) => {
                let text: Arc<str> = read(&path)?.into();
                Some(part(sources.shown(&path), text.clone(), 0..text.len()))
            }
            None => sections.down.map(|range| part(file.clone(), text.clone(), range)),
        };
        let versions = |list: &str| list.split_whitespace().filter_map(Version::parse).collect::<Vec<_>>();
        let replaces =
            sql::directives(&text).filter_map(|said| said.strip_prefix("replaces ")).flat_map(versions).collect();
        let stood_for = sql::directives(&text)
            .filter_map(|said| {
                let (id, list) = said.split_once(" replaced ")?;
                let (version, name) = id.split_once('_')?;
                Some((Version::parse(version)?, name.to_owned(), versions(list)))
            })
            .collect();
        let checksum = checksum(&text[sections.up.clone()]);
        let up = part(file, text, sections.up);
        Ok(Migration { version: self.version, name: self.name, up, down, checksum, replaces, stood_for })
    }
}

impl Migration {
    /// Version and name, as in `004_add_coupons`.
    pub fn id(&self) -> String {
        id(&self.version, &self.name)
    }

    /// Whether its up part and its record are one transaction.
    pub fn transactional(&self) -> bool {
        self.up.transactional()
    }
}

/// Version and name, as in `004_add_coupons`.
pub(crate) fn id(version: &Version, name: &str) -> String {
    if name.is_empty() { version.to_string() } else { format!("{version}_{name}") }
}

impl Part {
    /// `unwrap` takes off a `BEGIN` and `COMMIT` around everything: nself does that anyway.
    pub(crate) fn new(file: PathBuf, text: Arc<str>, range: Range<usize>, unwrap: bool) -> Self {
        let mut statements = sql::split(&text[range.clone()]);
        for statement in &mut statements {
            statement.shift(range.start);
        }
        if unwrap {
            unwrap_transaction(&mut statements);
        }
        Self { file, text, range, statements, no_transaction: false, read: Arc::default() }
    }

    /// Its SQL as it stands in the file.
    pub fn sql(&self) -> &str {
        self.text[self.range.clone()].trim()
    }

    /// What each of its statements means. Read once, when somebody asks.
    pub(crate) fn grammar(&self) -> &[grammar::Statement] {
        self.read.get_or_init(|| {
            let text = |statement: &sql::Statement| &self.text[statement.range.clone()];
            self.statements.iter().map(|statement| grammar::read(text(statement))).collect()
        })
    }

    /// Whether all of it can be one transaction: the file does not say otherwise, no statement refuses to, and none uses a
    /// value that an earlier one adds to an enum.
    pub fn transactional(&self) -> bool {
        let meanings = self.grammar();
        !self.no_transaction
            && meanings.iter().all(|meaning| meaning.in_transaction)
            && !(0..meanings.len()).any(|at| self.uses_new_value(at))
    }

    /// Whether it adds a value to an enum: what comes behind its transaction may use it, nothing inside may.
    pub(super) fn adds_value(&self) -> bool {
        self.grammar().iter().any(|meaning| matches!(meaning.kind, grammar::Kind::AddValue { .. }))
    }

    fn uses_new_value(&self, at: usize) -> bool {
        let grammar::Kind::AddValue { value } = &self.grammar()[at].kind else { return false };
        let literal = format!("'{}'", value.replace('\'', "''"));
        let later = self.statements.iter().zip(self.grammar()).skip(at + 1);
        later
            .filter(|(_, meaning)| !matches!(meaning.kind, grammar::Kind::AddValue { .. }))
            .any(|(statement, _)| self.text[statement.range.clone()].contains(&literal))
    }

    pub(super) fn says_no_transaction(&self) -> bool {
        self.no_transaction
    }

    /// Refuses a part that would end the transaction nself runs it in.
    pub(crate) fn check(&self, transactional: bool) -> Result<(), Error> {
        match self.statements.iter().find(|statement| transactional && statement.controls_transaction()) {
            None => Ok(()),
            Some(statement) => Err(Error::TransactionControl { file: self.file.clone(), line: self.line(statement) }),
        }
    }

    /// Refuses a part that cannot run: see [`Part::check`] and [`Part::steps`].
    pub(super) fn check_way(&self) -> Result<(), Error> {
        if self.transactional() { self.check(true) } else { self.steps().map(drop) }
    }

    /// The pieces that a run statement by statement notes one by one: a statement each, or a block of the file's own from
    /// `BEGIN` to `COMMIT`. As ranges of [`Part::statements`].
    pub(super) fn steps(&self) -> Result<Vec<Range<usize>>, Error> {
        let wrong = |at: usize, problem| {
            let line = self.line(&self.statements[at]);
            Err(MigrationError::Block { file: self.file.clone(), line, problem }.into())
        };
        let mut steps = Vec::new();
        let mut open: Option<usize> = None;
        for (at, statement) in self.statements.iter().enumerate() {
            let begins = matches!(statement.words.first().map(String::as_str), Some("begin" | "start"));
            match (statement.controls_transaction(), begins, open) {
                (true, true, None) => open = Some(at),
                (true, true, Some(_)) => return wrong(at, "begins a transaction inside another"),
                (true, false, None) => return wrong(at, "ends a transaction that nothing began"),
                (true, false, Some(start)) => {
                    steps.push(start..at + 1);
                    open = None;
                }
                (false, _, None) => steps.push(at..at + 1),
                (false, _, Some(_)) => {}
            }
        }
        match open {
            Some(at) => wrong(at, "begins a transaction that nothing ends"),
            None => Ok(steps),
        }
    }

    /// The line of the file on which a statement begins.
    pub(crate) fn line(&self, statement: &sql::Statement) -> usize {
        sql::Position::of_byte(&self.text, statement.range.start).line
    }
}

/// A file that puts `BEGIN` and `COMMIT` around everything means what nself does anyway.
fn unwrap_transaction(statements: &mut Vec<sql::Statement>) {
    let first = statements.first().and_then(|statement| statement.words.first()).map(String::as_str);
    let last = statements.last().and_then(|statement| statement.words.first()).map(String::as_str);
    let controls = statements.iter().filter(|statement| statement.controls_transaction()).count();
    if controls == 2 && matches!((first, last), (Some("begin" | "start"), Some("commit" | "end"))) {
        statements.pop();
        statements.remove(0);
    }
}
