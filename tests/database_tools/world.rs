//! One project with three environments, each on a PostgreSQL of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::OwnPostgres;

use crate::sandbox::{Said, Sandbox, said};

/// Every table outside the system's schemas and nself's own, with the number of its rows and a hash of them.
const FINGERPRINT: &str = include_str!("fingerprint.sql");

/// A project, its running stack (the environment local), and the servers of staging and prod.
pub struct World {
    pub sandbox: Sandbox,
    /// Left out when a test has no use for them.
    staging: Option<OwnPostgres>,
    prod: Option<OwnPostgres>,
    psql: PathBuf,
    local: String,
}

impl World {
    /// The project of the specification's file structure, with its stack running and nothing in the database.
    pub fn local() -> Self {
        let sandbox = Sandbox::plain();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/database_tools/project"), &sandbox.folder());
        sandbox.start();
        let get = |name: &str| sandbox.ok(&["config", "get", name, "--reveal"]).trim().to_owned();
        let database = get("POSTGRES_DB");
        let local =
            format!("postgres://postgres:{}@127.0.0.1:{}/{database}", get("POSTGRES_PASSWORD"), sandbox.postgres);
        let psql = testkit::installation().client_bin.join("psql");
        Self { sandbox, staging: None, prod: None, psql, local }
    }

    /// [`World::local`] with the other two environments, each an empty database `shop`.
    pub fn three() -> Self {
        let mut world = Self::local();
        world.staging = Some(world.server("staging"));
        world.prod = Some(world.server("prod"));
        world
    }

    /// A server with an empty database, and the environment that says where it is.
    fn server(&self, name: &str) -> OwnPostgres {
        let server = OwnPostgres::start();
        psql(&self.psql, &server.url("postgres"), "CREATE DATABASE shop");
        self.sandbox.ok(&["env", "create", name]);
        self.database(name, &server.url("shop"));
        server
    }

    /// Writes where an environment's database is into its secrets.
    pub fn database(&self, name: &str, url: &str) {
        let path = format!(".environments/{name}/.env.secrets");
        let text = self.sandbox.read(&path);
        let kept = text.lines().filter(|line| !line.starts_with("DATABASE_URL=")).map(|line| format!("{line}\n"));
        self.sandbox.write(&path, &format!("{}DATABASE_URL={url}\n", kept.collect::<String>()));
        let file = self.sandbox.folder().join(path);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Where an environment's database is: `local`, `staging` or `prod`.
    pub fn url(&self, place: &str) -> String {
        let server = match place {
            "local" => return self.local.clone(),
            "staging" => &self.staging,
            _ => &self.prod,
        };
        server.as_ref().unwrap().url("shop")
    }

    /// What psql says to a statement there, fields parted by `|`; the product has no part in it.
    #[track_caller]
    pub fn sql(&self, place: &str, statement: &str) -> String {
        psql(&self.psql, &self.url(place), statement)
    }

    /// Runs a file with psql.
    #[track_caller]
    pub fn file(&self, url: &str, file: &Path) {
        let output = Command::new(&self.psql)
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-1", "-d", url, "-f"])
            .arg(file)
            .output()
            .unwrap();
        let said = said(output);
        assert_eq!(said.code, 0, "{}: {}", file.display(), said.stderr);
    }

    #[track_caller]
    pub fn at(&self, url: &str, statement: &str) -> String {
        psql(&self.psql, url, statement)
    }

    /// A line for each table of a place: name, rows, hash of the rows.
    #[track_caller]
    pub fn fingerprint(&self, url: &str) -> String {
        psql(&self.psql, url, FINGERPRINT)
    }

    /// A line of the command reference; what stands in angle brackets in it has to be filled in.
    pub fn line(&self, line: &str) -> Line<'_> {
        Line { sandbox: &self.sandbox, words: words(line) }
    }

    /// Everything that a demo of the project has: its migrations and the seeds of local.
    #[track_caller]
    pub fn seeded(&self) {
        self.sandbox.ok(&["db", "migrate"]);
        self.sandbox.ok(&["seed"]);
    }
}

/// A command that is about to be run.
pub struct Line<'a> {
    sandbox: &'a Sandbox,
    words: Vec<String>,
}

impl Line<'_> {
    /// Puts `text` in the place of a word such as `<name>` or `file.json`.
    #[track_caller]
    pub fn with(mut self, word: &str, text: &str) -> Self {
        let place = self.words.iter_mut().find(|have| *have == word);
        *place.unwrap_or_else(|| panic!("no {word} in the line")) = text.to_owned();
        self
    }

    /// Adds arguments that the reference leaves to the reader.
    pub fn and(mut self, arguments: &[&str]) -> Self {
        self.words.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub fn command(&self) -> Command {
        assert!(self.words.iter().all(|word| !word.starts_with('<')), "to be filled in: {:?}", self.words);
        self.sandbox.command(&self.words[1..].iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn run(&self) -> Said {
        said(self.command().output().unwrap())
    }

    /// Must succeed; its stdout.
    #[track_caller]
    pub fn ok(&self) -> String {
        let said = self.run();
        assert_eq!(said.code, 0, "{:?}: {}\n{}", self.words, said.stdout, said.stderr);
        said.stdout
    }

    /// Must succeed with `--json`; its report.
    #[track_caller]
    pub fn json(mut self) -> Value {
        self.words.push("--json".to_owned());
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{:?}: {error}: {text}", self.words))
    }
}

/// Words as a shell parts them: blanks outside double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[track_caller]
fn psql(program: &Path, url: &str, statement: &str) -> String {
    let mut command = Command::new(program);
    let output = command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement]).output().unwrap();
    let said = said(output);
    assert_eq!(said.code, 0, "{statement}: {}", said.stderr);
    said.stdout.trim_end().to_owned()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
