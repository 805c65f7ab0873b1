//! Reading migrations from the layouts that nself projects have used over the years.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{Version, sections};
use crate::{Error, sql};

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
    /// False when the file begins with `-- nself: no-transaction`.
    pub transactional: bool,
    /// SHA-256 of the up part in hex; line ends and a byte order mark make no difference.
    pub checksum: String,
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
        let mut found: BTreeMap<Version, Migration> = BTreeMap::new();
        for directory in self.directories() {
            for candidate in self.candidates(&directory)? {
                let migration = candidate.read(self)?;
                if let Some(other) = found.get(&migration.version) {
                    return Err(Error::Duplicate {
                        version: migration.version.to_string(),
                        first: other.up.file.clone(),
                        second: migration.up.file,
                    });
                }
                found.insert(migration.version.clone(), migration);
            }
        }
        Ok(found.into_values().collect())
    }

    fn directories(&self) -> Vec<PathBuf> {
        let hasura = self.root.join("hasura/migrations/default");
        let same = hasura == self.own || hasura.canonicalize().ok() == self.own.canonicalize().ok();
        if same { vec![self.own.clone()] } else { vec![hasura, self.own.clone()] }
    }

    /// The path as people know it.
    fn shown(&self, path: &Path) -> PathBuf {
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
        let transactional = !sql::directive(&text, "no-transaction");
        let down = match self.down {
            Some(path) => {
                let text: Arc<str> = read(&path)?.into();
                Some(Part::new(sources.shown(&path), text.clone(), 0..text.len(), transactional))
            }
            None => sections.down.map(|range| Part::new(file.clone(), text.clone(), range, transactional)),
        };
        let checksum = checksum(&text[sections.up.clone()]);
        let up = Part::new(file, text, sections.up, transactional);
        Ok(Migration { version: self.version, name: self.name, up, down, transactional, checksum })
    }
}

impl Migration {
    /// Version and name, as in `004_add_coupons`.
    pub fn id(&self) -> String {
        id(&self.version, &self.name)
    }
}

/// Version and name, as in `004_add_coupons`.
pub(crate) fn id(version: &Version, name: &str) -> String {
    if name.is_empty() { version.to_string() } else { format!("{version}_{name}") }
}

impl Part {
    pub(crate) fn new(file: PathBuf, text: Arc<str>, range: Range<usize>, transactional: bool) -> Self {
        let mut statements = sql::split(&text[range.clone()]);
        for statement in &mut statements {
            statement.shift(range.start);
        }
        if transactional {
            unwrap_transaction(&mut statements);
        }
        Self { file, text, range, statements }
    }

    /// Its SQL as it stands in the file.
    pub fn sql(&self) -> &str {
        self.text[self.range.clone()].trim()
    }

    /// Refuses a part that would end the transaction nself runs it in.
    pub(crate) fn check(&self, transactional: bool) -> Result<(), Error> {
        match self.statements.iter().find(|statement| transactional && statement.controls_transaction()) {
            None => Ok(()),
            Some(statement) => Err(Error::TransactionControl {
                file: self.file.clone(),
                line: sql::Position::of_byte(&self.text, statement.range.start).line,
            }),
        }
    }
}

/// A file that puts `BEGIN` and `COMMIT` around everything means what nself does anyway.
fn unwrap_transaction(statements: &mut Vec<sql::Statement>) {
    let first = statements.first().and_then(|statement| statement.words.first()).map(String::as_str);
    let last = statements.last().and_then(|statement| statement.words.first()).map(String::as_str);
    if matches!((first, last), (Some("begin" | "start"), Some("commit" | "end"))) {
        statements.pop();
        statements.remove(0);
    }
}
