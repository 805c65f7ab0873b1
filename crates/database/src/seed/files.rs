use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use project::{EnvName, Tier};
use serde::Serialize;

use super::targets::{self, TableName};
use crate::{
    Error,
    data::Format,
    migrate,
    sql::{Kind, Lexer, Stream},
};

/// Where a project keeps its seeds, seen from one environment.
///
/// In this order, each folder by file name (and files without a number by what their tables need, see [`super::status`]): `hasura/seeds/default` (with the Bash nself's rule: prod runs numbers up to
/// 001, staging up to 004), `common/` together with the files beside it, then the environment's own folder. Dev's folder is
/// `local`, `dev` or `development`; prod's is `production` or `prod`.
#[derive(Debug, Clone)]
pub struct Seeds {
    root: PathBuf,
    directory: PathBuf,
    environment: EnvName,
    tier: Tier,
}

/// One seed file. It is read as a stream, here to know it and again to run it: it may be larger than memory.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Relative to the project's root: what the records know it by.
    pub path: String,
    /// The file's name without number and suffix, as `seed run` takes it.
    pub name: String,
    pub scope: Scope,
    /// SHA-256 in hex; line ends of SQL make no difference.
    pub checksum: String,
    /// Where it is.
    pub(super) file: PathBuf,
    pub(super) content: Content,
    /// The tables it writes, as far as its statements tell.
    pub(super) tables: Vec<TableName>,
    /// The seeds it asks to run behind: `-- nself: after <name>`.
    pub(super) after: Vec<String>,
}

/// What a seed consists of.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Sql {
        statements: usize,
        /// `BEGIN` and `COMMIT` stand around everything: they mean what nself does anyway.
        wrapped: bool,
        /// The line of a statement that opens or ends a transaction of its own.
        transaction: Option<usize>,
    },
    /// Rows of the table that the file is named after.
    Rows(Format),
}

/// For whom a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Common,
    Environment,
    /// From `hasura/seeds/default`.
    Hasura,
}

impl Seeds {
    /// `directory` is `NSELF_SEEDS_DIR`, relative to the project's root or absolute.
    pub fn new(root: impl Into<PathBuf>, directory: impl AsRef<Path>, environment: EnvName, tier: Tier) -> Self {
        let root = root.into();
        let directory = root.join(directory);
        Self { root, directory, environment, tier }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn environment(&self) -> &EnvName {
        &self.environment
    }

    /// The environment's seeds, in the order they run.
    pub fn load(&self) -> Result<Vec<Seed>, Error> {
        let mut seeds = Vec::new();
        let hasura = self.root.join("hasura/seeds/default");
        if hasura != self.directory {
            let wanted = |name: &str| match self.tier {
                Tier::Dev => true,
                Tier::Staging => number(name).is_some_and(|number| number <= 4),
                Tier::Prod => number(name).is_some_and(|number| number <= 1),
            };
            seeds.extend(self.folder(&hasura, Scope::Hasura, &wanted)?);
        }
        let mut common = self.folder(&self.directory.join("common"), Scope::Common, &|_| true)?;
        common.extend(self.folder(&self.directory, Scope::Common, &|_| true)?);
        common.sort_by_key(Seed::order);
        seeds.extend(common);
        for folder in self.folders() {
            seeds.extend(self.folder(&self.directory.join(folder), Scope::Environment, &|_| true)?);
        }
        Ok(seeds)
    }

    /// The names that the environment's own folder may have.
    fn folders(&self) -> Vec<&str> {
        match self.environment.as_str() {
            "dev" => vec!["local", "dev", "development"],
            "prod" => vec!["production", "prod"],
            name => vec![name],
        }
    }

    /// The folder that a new seed for this environment belongs into: the first one that exists, or the usual name.
    pub(super) fn own_folder(&self) -> PathBuf {
        let folders = self.folders();
        let existing = folders.iter().find(|folder| self.directory.join(folder).is_dir());
        self.directory.join(existing.unwrap_or(&folders[0]))
    }

    fn folder(&self, folder: &Path, scope: Scope, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Seed>, Error> {
        let mut seeds = Vec::new();
        for name in migrate::names(folder)?.into_iter().filter(|name| wanted(name)) {
            let file = folder.join(&name);
            let Some((stem, suffix)) = name.rsplit_once('.').filter(|_| file.is_file()) else { continue };
            let rows = Format::of_suffix(suffix);
            if suffix == "sql" || rows.is_some() {
                seeds.push(self.read(&file, stem, scope, rows)?);
            }
        }
        seeds.sort_by_key(Seed::order);
        Ok(seeds)
    }

    fn read(&self, file: &Path, stem: &str, scope: Scope, rows: Option<Format>) -> Result<Seed, Error> {
        let shown = file.strip_prefix(&self.root).unwrap_or(file);
        let name = match stem.split_once('_') {
            Some((digits, name)) if number(digits).is_some() && !name.is_empty() => name,
            _ => stem,
        };
        let io = |source| Error::Io { file: shown.to_owned(), source };
        let seed = Seed {
            path: shown.to_string_lossy().into_owned(),
            name: name.to_owned(),
            scope,
            checksum: String::new(),
            file: file.to_owned(),
            content: Content::Sql { statements: 0, wrapped: false, transaction: None },
            tables: Vec::new(),
            after: Vec::new(),
        };
        match rows {
            None => seed.with_statements().map_err(io),
            Some(format) => {
                let checksum = checksum(file).map_err(io)?;
                let tables = vec![TableName::of_file(name)];
                Ok(Seed { checksum, content: Content::Rows(format), tables, ..seed })
            }
        }
    }
}

/// SHA-256 in hex of a file's bytes.
fn checksum(file: &Path) -> std::io::Result<String> {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    let mut file = File::open(file)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match std::io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hash.update(&buffer[..read]),
        }
    }
}

impl Seed {
    /// By number, then by name; files without a number come last.
    pub(super) fn order(&self) -> (u64, String) {
        let name = self.file_name();
        (number(name).unwrap_or(u64::MAX), name.to_owned())
    }

    pub(super) fn number(&self) -> Option<u64> {
        number(self.file_name())
    }

    /// Seeds of one group are ordered among each other; the groups run one after another.
    pub(super) fn group(&self) -> (Scope, &str) {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        (self.scope, if self.scope == Scope::Common { "" } else { folder })
    }

    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// True for the seed's name, file name (with or without its suffix) or path.
    pub(super) fn is_called(&self, wanted: &str) -> bool {
        let file = self.file_name();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        wanted == self.name || wanted == self.path || wanted == file || wanted == stem
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.content, Content::Sql { statements: 0, .. })
    }

    /// Refuses a seed that would end the transaction nself runs it in.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.content {
            Content::Sql { transaction: Some(line), .. } => {
                Err(Error::TransactionControl { file: self.path.clone().into(), line })
            }
            _ => Ok(()),
        }
    }

    /// Its script, to be read from the beginning.
    pub(super) fn script(&self) -> std::io::Result<Stream<BufReader<File>>> {
        Ok(Stream::new(BufReader::with_capacity(256 * 1024, File::open(&self.file)?)))
    }

    /// Reads the script through once.
    fn with_statements(mut self) -> std::io::Result<Self> {
        let mut stream = self.script()?;
        let mut count = 0;
        let mut controls: Vec<(usize, usize, String)> = Vec::new();
        while let Some(statement) = stream.next()? {
            if count == 0 && stream.lines() == 0 {
                self.after = directives(&stream.text()[..statement.range.start]);
            }
            if statement.controls_transaction() {
                controls.push((count, stream.line(), statement.words[0].clone()));
            }
            let table = targets::target(&stream.text()[statement.range.clone()], &statement);
            self.tables.extend(table.filter(|table| !self.tables.contains(table)));
            while statement.data.is_some() && !stream.rows()?.is_empty() {}
            count += 1;
        }
        let word = |at: usize| controls.iter().find(|(place, ..)| *place == at).map(|(_, _, word)| word.as_str());
        let wrapped = count > 1
            && matches!(word(0), Some("begin" | "start"))
            && matches!(word(count - 1), Some("commit" | "end"));
        let own = controls.iter().find(|(place, ..)| !(wrapped && (*place == 0 || *place == count - 1)));
        let transaction = own.map(|(_, line, _)| *line);
        let statements = if wrapped { count - 2 } else { count };
        self.content = Content::Sql { statements, wrapped, transaction };
        self.checksum = stream.checksum();
        Ok(self)
    }
}

/// The seeds named by `-- nself: after a, b` in the comments that open a script.
fn directives(opening: &str) -> Vec<String> {
    Lexer::new(opening)
        .filter(|token| token.kind == Kind::Comment)
        .filter_map(|token| {
            opening[token.range].strip_prefix("--")?.trim().strip_prefix("nself:")?.trim().strip_prefix("after ")
        })
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned())
        .collect()
}

/// The number a file name begins with.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    name[..digits].parse().ok()
}
