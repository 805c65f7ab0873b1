use std::io;
use std::path::PathBuf;
use std::time::Duration;

use project::{Diagnostic, Exit};

use crate::{Version, install};

/// Every code that this crate's errors can carry; each has a page in `assets/errors/`.
pub const CODES: &[&str] = &[
    "NS-PG-001",
    "NS-PG-002",
    "NS-PG-003",
    "NS-PG-004",
    "NS-PG-005",
    "NS-PG-006",
    "NS-PG-007",
    "NS-PG-008",
    "NS-PG-009",
    "NS-PG-010",
    "NS-PG-011",
    "NS-PG-012",
    "NS-PG-013",
    "NS-PG-014",
    "NS-PG-015",
    "NS-PG-016",
    "NS-PG-017",
    "NS-PG-018",
    "NS-PG-090",
    "NS-PG-091",
];

/// What can go wrong with PostgreSQL itself. The catalog has an error type of its own, [`crate::catalog::Error`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no PostgreSQL 14 to 18 was found")]
    NotFound { install: String },
    #[error("{path} is not a PostgreSQL that nself can use")]
    BadInstallation { path: PathBuf, reason: String },
    #[error("a new database cluster could not be made in {directory}")]
    Initdb { directory: PathBuf, output: String },
    #[error("the data in {directory} belongs to PostgreSQL {found}, and this is PostgreSQL {installed}")]
    OtherMajor { directory: PathBuf, found: u32, installed: Version },
    #[error("another PostgreSQL (process {pid}) runs on the data in {directory}")]
    AlreadyRunning { directory: PathBuf, pid: i32 },
    #[error("{directory} holds files that are not a PostgreSQL data directory")]
    NotADataDirectory { directory: PathBuf },
    #[error("could not {action} {path}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("PostgreSQL refuses to run as root, and no other user is there for it")]
    NoUser,
    #[error("PostgreSQL did not answer within {} s", .waited.as_secs())]
    NotReady { waited: Duration, last: Option<String> },
    #[error("could not connect to the database {database}")]
    Connect { database: String, source: tokio_postgres::Error },
    #[error("could not {action}")]
    Statement { action: String, source: tokio_postgres::Error },
    #[error("{}", not_installed(.names))]
    MissingExtension {
        /// All that are missing, not the first.
        names: Vec<String>,
        packages: Vec<String>,
        /// The command that installs the packages, where one is known.
        install: Option<String>,
        /// The server is the portable one, which finds no packages of the system.
        portable: bool,
    },
    #[error("no connection to the database became free")]
    Pool(#[source] deadpool_postgres::PoolError),
    #[error("{program} could not fetch {package}")]
    Download { program: &'static str, package: String, reason: String },
    #[error("{program} is needed to fetch {package}, and it is not installed")]
    MissingProgram { program: &'static str, package: String, install: String },
    #[error("{file} cannot be unpacked")]
    Archive { file: String, reason: String },
    #[error("{file} is not the file that was expected")]
    Checksum { file: String, expected: String, found: String },
    #[error("there is no portable PostgreSQL for {platform}")]
    Platform { platform: String },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl Diagnostic for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NS-PG-001",
            Self::BadInstallation { .. } => "NS-PG-002",
            Self::Initdb { .. } => "NS-PG-003",
            Self::OtherMajor { .. } => "NS-PG-004",
            Self::AlreadyRunning { .. } => "NS-PG-005",
            Self::NotADataDirectory { .. } => "NS-PG-006",
            Self::Io { .. } => "NS-PG-007",
            Self::NoUser => "NS-PG-008",
            Self::NotReady { .. } => "NS-PG-009",
            Self::Connect { .. } => "NS-PG-010",
            Self::Statement { .. } => "NS-PG-011",
            Self::MissingExtension { .. } => "NS-PG-012",
            Self::Pool(_) => "NS-PG-013",
            Self::Download { .. } => "NS-PG-014",
            Self::Checksum { .. } => "NS-PG-015",
            Self::Platform { .. } => "NS-PG-016",
            Self::MissingProgram { .. } => "NS-PG-017",
            Self::Archive { .. } => "NS-PG-018",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::BadInstallation { reason, .. } | Self::Download { reason, .. } | Self::Archive { reason, .. } => {
                Some(reason.clone())
            }
            Self::Initdb { output, .. } => Some(output.clone()),
            Self::OtherMajor { found, .. } => {
                Some(format!("a data directory can only be opened by the major version that wrote it, {found} here"))
            }
            Self::MissingExtension { portable: true, .. } => {
                Some("the portable PostgreSQL has its contrib extensions and vector, and cannot take more".to_owned())
            }
            Self::AlreadyRunning { .. } => Some("two servers on one data directory would destroy it".to_owned()),
            Self::NotReady { last, .. } => last.clone(),
            Self::Connect { source, .. } | Self::Statement { source, .. } => Some(database_reason(source)),
            Self::Checksum { expected, found, .. } => Some(format!("expected sha256 {expected}, found {found}")),
            _ => None,
        }
    }

    fn fix(&self) -> Option<String> {
        match self {
            Self::NotFound { install } => {
                Some(format!("{install}\nor without a package manager: nself postgres install"))
            }
            Self::BadInstallation { .. } => Some("nself postgres list".to_owned()),
            Self::OtherMajor { directory, found, installed } => Some(other_major(directory, *found, *installed)),
            Self::AlreadyRunning { pid, .. } => Some(format!("nself stop, or stop process {pid}")),
            Self::NotADataDirectory { directory } => {
                Some(format!("move what is in {} elsewhere, then: nself start", directory.display()))
            }
            Self::MissingProgram { install, .. } => Some(install.clone()),
            Self::NoUser => Some("useradd --system --no-create-home nself".to_owned()),
            Self::NotReady { .. } | Self::Connect { .. } => Some("nself logs postgres".to_owned()),
            Self::MissingExtension { names, packages, install, portable } => {
                let names = names.join(", ");
                let packages = packages.join(", ");
                Some(match (install, portable) {
                    (_, true) => format!(
                        "take {names} out of POSTGRES_EXTENSIONS\nor use the system's PostgreSQL with {packages}: nself postgres list"
                    ),
                    (Some(install), false) => format!("{install}\nor take {names} out of POSTGRES_EXTENSIONS"),
                    (None, false) => format!("install {packages}, or take {names} out of POSTGRES_EXTENSIONS"),
                })
            }
            Self::Checksum { .. } => Some("nself postgres install (if it stays like this, report it)".to_owned()),
            Self::Platform { .. } => Some("install PostgreSQL with the system's package manager".to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::BadInstallation { .. } | Self::OtherMajor { .. } | Self::NoUser => {
                Exit::Usage
            }
            _ => Exit::Failed,
        }
    }
}

fn not_installed(names: &[String]) -> String {
    match names {
        [name] => format!("the extension {name} is not installed on this machine"),
        names => format!("the extensions {} are not installed on this machine", names.join(", ")),
    }
}

/// How to go on with data of `found`, and, where that leads upwards, how to bring it to the version at hand.
fn other_major(directory: &std::path::Path, found: u32, installed: Version) -> String {
    let back = install::way_to(found);
    if found > installed.major {
        // pg_upgrade does not go downwards.
        return back;
    }
    let all = crate::list();
    let folder = |major: u32| {
        let one = all.iter().find(|one| one.version.major == major);
        one.map_or_else(|| format!("<bin of {major}>"), |one| one.bin.display().to_string())
    };
    format!(
        "{back}\nto bring the data to {}: pg_upgrade --old-bindir {} --new-bindir {} --old-datadir {} --new-datadir <new>\n\
         step by step: nself explain NS-PG-004",
        installed.major,
        folder(found),
        folder(installed.major),
        directory.display()
    )
}

/// What the server said, or the chain of causes when it said nothing.
pub(crate) fn database_reason(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => {
            let hint = said.hint().or(said.detail()).map(|text| format!(" ({text})")).unwrap_or_default();
            format!("{} [{}]{hint}", said.message(), said.code().code())
        }
        None => std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": "),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// One of each.
    fn samples() -> Vec<Error> {
        let (path, text) = (PathBuf::from("/p"), || "it".to_owned());
        let installed = Version { major: 18, minor: 4 };
        vec![
            Error::NotFound { install: text() },
            Error::BadInstallation { path: path.clone(), reason: text() },
            Error::Initdb { directory: path.clone(), output: text() },
            Error::OtherMajor { directory: path.clone(), found: 15, installed },
            Error::AlreadyRunning { directory: path.clone(), pid: 2 },
            Error::NotADataDirectory { directory: path.clone() },
            Error::io("read", path)(io::Error::other("no")),
            Error::NoUser,
            Error::NotReady { waited: Duration::from_secs(1), last: None },
            Error::Connect { database: text(), source: tokio_postgres::Error::__private_api_timeout() },
            Error::Statement { action: text(), source: tokio_postgres::Error::__private_api_timeout() },
            Error::MissingExtension { names: vec![text()], packages: vec![text()], install: None, portable: false },
            Error::Pool(deadpool_postgres::PoolError::Closed),
            Error::Download { program: "npm", package: text(), reason: text() },
            Error::Checksum { file: text(), expected: text(), found: text() },
            Error::Platform { platform: text() },
            Error::MissingProgram { program: "npm", package: text(), install: text() },
            Error::Archive { file: text(), reason: text() },
        ]
    }

    #[test]
    fn data_of_a_newer_version_is_never_upgraded_downwards() {
        let error = |found| Error::OtherMajor {
            directory: PathBuf::from("/d"),
            found,
            installed: Version { major: 17, minor: 1 },
        };
        assert!(error(16).fix().is_some_and(|fix| fix.contains("pg_upgrade")));
        assert!(error(18).fix().is_some_and(|fix| !fix.contains("pg_upgrade") && fix.contains("18")));
    }

    #[test]
    fn all_missing_extensions_are_named_and_the_portable_server_is_sent_no_packages() {
        let error = |portable| Error::MissingExtension {
            names: vec!["postgis".to_owned(), "pg_cron".to_owned()],
            packages: vec!["a".to_owned(), "b".to_owned()],
            install: Some("apt-get install a b".to_owned()),
            portable,
        };
        assert_eq!(error(false).to_string(), "the extensions postgis, pg_cron are not installed on this machine");
        assert!(error(false).fix().is_some_and(|fix| fix.starts_with("apt-get install a b\n")));
        assert!(error(true).fix().is_some_and(|fix| !fix.contains("apt-get")));
    }

    #[test]
    fn every_code_is_listed_once_and_has_a_page() {
        let mut codes: BTreeSet<String> = samples().iter().map(|error| error.code().to_owned()).collect();
        assert_eq!(codes.len(), samples().len(), "one code each");
        // The catalog's error type has its own.
        codes.extend(["NS-PG-090".to_owned(), "NS-PG-091".to_owned()]);
        assert_eq!(codes, CODES.iter().map(|code| (*code).to_owned()).collect());
        for code in codes {
            let page = format!("{}/../../assets/errors/{code}.md", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&page).unwrap_or_default();
            assert!(text.starts_with(&format!("# {code}: ")), "{page}");
        }
    }

    #[test]
    fn every_sentence_is_a_sentence_without_a_full_stop() {
        for error in samples() {
            let text = error.to_string();
            assert!(text.len() > 10 && !text.ends_with('.'), "{text}");
        }
    }
}
