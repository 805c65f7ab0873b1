use std::path::{Path, PathBuf};

use crate::{Diagnostic, EnvName, Exit, Problem, Tier};

/// Everything that can go wrong between a person's files and typed settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no nself project in {} or above it", .from.display())]
    NoProject { from: PathBuf },
    #[error("{}", count(.0, "setting is wrong", "settings are wrong"))]
    Settings(Vec<Problem>),
    #[error("cannot {doing} {}", .path.display())]
    Io { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{name} is not a setting")]
    UnknownSetting { name: String, suggestion: Option<String> },
    #[error("{name} {reason}")]
    WrongValue { name: String, reason: String },
    #[error("another nself is at work here")]
    Busy { name: String, pid: Option<u32>, path: PathBuf },
    #[error("init --wizard asks questions, and there is no terminal to ask on")]
    NoTerminal,
    #[error("`{name}` is not a variable's name")]
    VariableName { name: String },

    #[error("{name} is not an environment of this project")]
    UnknownEnvironment { name: String, known: Vec<String> },
    #[error("`{0}` cannot be the name of an environment")]
    EnvironmentName(String),
    #[error("the environment {0} exists already")]
    EnvironmentExists(EnvName),
    #[error("the environment {name} cannot be deleted")]
    EnvironmentKept { name: EnvName, reason: &'static str },
    #[error("this would destroy data of {project} in the {tier} tier")]
    Refused { project: String, tier: Tier, reason: &'static str },
    #[error("{what} is not for production")]
    Blocked { what: &'static str },
    #[error("rows of production leave it anonymised only")]
    Raw,
    #[error("{} cannot be read", .path.display())]
    ServerFile { path: PathBuf, reason: String },

    #[error("{}", count(.problems, "secret is missing or weak", "secrets are missing or weak"))]
    Secrets { environment: EnvName, problems: Vec<Problem> },
    #[error("{0} is a secret and must not stand on a command line")]
    SecretOnCommandLine(String),
    #[error("{0} is not a secret that nself can make")]
    NotGenerated(String),
    #[error("the system gives no random numbers")]
    Random(String),
}

/// The codes of this crate.
pub const CODES: &[&str] = &[
    "NS-SET-001",
    "NS-SET-002",
    "NS-SET-003",
    "NS-SET-004",
    "NS-SET-005",
    "NS-SET-006",
    "NS-SET-007",
    "NS-SET-008",
    "NS-ENV-001",
    "NS-ENV-002",
    "NS-ENV-003",
    "NS-ENV-004",
    "NS-ENV-005",
    "NS-ENV-006",
    "NS-ENV-007",
    "NS-ENV-008",
    "NS-SEC-001",
    "NS-SEC-002",
    "NS-SEC-003",
    "NS-SEC-004",
];

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// Every problem behind this error, for a report that shows them one by one.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Settings(problems) | Self::Secrets { problems, .. } => problems,
            _ => &[],
        }
    }
}

fn count(problems: &[Problem], one: &str, many: &str) -> String {
    // Warnings come along for whoever shows them all, and do not count.
    match problems.iter().filter(|problem| problem.is_error()).count() {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}

fn lines(problems: &[Problem]) -> String {
    // What is doubtful beside what is wrong is for `config validate`.
    let wrong = problems.iter().filter(|problem| problem.is_error());
    wrong.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The next command when a file or folder does not do what it should.
fn mend(path: &Path, kind: std::io::ErrorKind) -> Option<String> {
    use std::io::ErrorKind as Io;
    let shown = path.display();
    Some(match kind {
        Io::PermissionDenied => format!("`ls -ld {shown}` shows whose it is: become that user, or `chown` it"),
        Io::ReadOnlyFilesystem => "mount it for writing, or work on a copy elsewhere".to_owned(),
        Io::StorageFull | Io::QuotaExceeded => format!("make room: `df -h {shown}`, nself clean"),
        Io::IsADirectory => format!("a file belongs there: move the folder {shown} away"),
        Io::NotADirectory | Io::AlreadyExists => format!("a folder belongs there: move the file {shown} away"),
        Io::InvalidData => format!("save {shown} as UTF-8 text: iconv -f latin1 -t utf-8"),
        Io::NotFound => "cd into a folder that exists".to_owned(),
        _ => return None,
    })
}

impl Diagnostic for Error {
    fn code(&self) -> &str {
        match self {
            Self::NoProject { .. } => "NS-SET-001",
            Self::Settings(_) => "NS-SET-002",
            Self::Io { .. } => "NS-SET-003",
            Self::UnknownSetting { .. } => "NS-SET-004",
            Self::WrongValue { .. } => "NS-SET-005",
            Self::Busy { .. } => "NS-SET-006",
            Self::NoTerminal => "NS-SET-007",
            Self::VariableName { .. } => "NS-SET-008",
            Self::UnknownEnvironment { .. } => "NS-ENV-001",
            Self::EnvironmentName(_) => "NS-ENV-002",
            Self::EnvironmentExists(_) => "NS-ENV-003",
            Self::EnvironmentKept { .. } => "NS-ENV-004",
            Self::Refused { .. } => "NS-ENV-005",
            Self::ServerFile { .. } => "NS-ENV-006",
            Self::Blocked { .. } => "NS-ENV-007",
            Self::Raw => "NS-ENV-008",
            Self::Secrets { .. } => "NS-SEC-001",
            Self::SecretOnCommandLine(_) => "NS-SEC-002",
            Self::NotGenerated(_) => "NS-SEC-003",
            Self::Random(_) => "NS-SEC-004",
        }
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::NoProject { .. } => {
                Some("a project's folder holds a .env, .env.dev or nself.toml file, or a .nself folder".to_owned())
            }
            Self::Settings(problems) | Self::Secrets { problems, .. } => Some(lines(problems)),
            // Without the path of the unfinished file, which means nothing to a person.
            Self::Io { source, .. } => {
                Some(source.to_string().split(" at path \"").next().unwrap_or_default().to_owned())
            }
            Self::Busy { pid: Some(pid), path, .. } => Some(format!("process {pid} holds {}", path.display())),
            Self::Busy { path, .. } => Some(format!("a process holds {}", path.display())),
            Self::UnknownEnvironment { known, .. } => Some(format!("there are {}", known.join(", "))),
            Self::EnvironmentName(_) => Some(
                "a name is made of letters, digits, `-` and `_`, starts with a letter or digit and has at most 40"
                    .to_owned(),
            ),
            Self::EnvironmentKept { reason, .. } | Self::Refused { reason, .. } => Some((*reason).to_owned()),
            Self::Blocked { .. } => Some("the environment is production, and no flag allows it there".to_owned()),
            Self::Raw => Some("the source is production, and --anonymize is not given".to_owned()),
            Self::ServerFile { reason, .. } | Self::Random(reason) => Some(reason.clone()),
            Self::SecretOnCommandLine(_) => {
                Some("command lines are kept in the shell's history and seen by other users".to_owned())
            }
            Self::UnknownSetting { .. }
            | Self::WrongValue { .. }
            | Self::NoTerminal
            | Self::NotGenerated(_)
            | Self::EnvironmentExists(_) => None,
            Self::VariableName { .. } => {
                Some("names are made of letters, digits and `_`, and do not start with a digit".to_owned())
            }
        }
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::NoProject { .. } => "nself init".to_owned(),
            Self::Settings(_) => "correct the lines above, then nself config validate".to_owned(),
            Self::Io { path, source, .. } => return mend(path, source.kind()),
            Self::Random(_) => "nself doctor".to_owned(),
            Self::EnvironmentKept { .. } => "nself env list shows which are active and which have a folder".to_owned(),
            Self::UnknownSetting { suggestion: Some(name), .. } => format!("did you mean {name}?"),
            Self::UnknownSetting { .. } => "nself config list shows every setting".to_owned(),
            Self::WrongValue { name, .. } => format!("nself config list {name} says what it takes"),
            Self::Busy { .. } => "wait until it has finished, or stop that process".to_owned(),
            Self::NoTerminal => "nself init, then change .env; or run it in a terminal".to_owned(),
            Self::VariableName { .. } => "nself config set NAME VALUE, or NAME=VALUE".to_owned(),
            Self::UnknownEnvironment { name, .. } => {
                format!(
                    "nself env create {name}; or name another one: --env, NSELF_ENV, `nself env switch`, ENV= in .env"
                )
            }
            Self::EnvironmentName(_) => "choose another name".to_owned(),
            Self::EnvironmentExists(name) => {
                format!("nself env create {name} --force keeps a backup and writes it anew")
            }
            Self::Refused { project, tier: Tier::Prod, .. } => {
                format!("if that is what you want: --i-know-this-is-production --confirm {project}")
            }
            Self::Refused { project, .. } => format!("if that is what you want: --confirm {project}"),
            Self::Blocked { .. } => "name another environment: --env local, or --env staging".to_owned(),
            Self::Raw => "run it with --anonymize, which reads nself/anonymize.yaml".to_owned(),
            Self::ServerFile { path, .. } => format!("correct {}", path.display()),
            Self::Secrets { environment, .. } => format!("nself config secrets generate --env {environment}"),
            Self::SecretOnCommandLine(name) => format!("nself config set {name} --stdin"),
            Self::NotGenerated(_) => "nself config secrets list shows which ones it can".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            // A settings file that is no text is a mistake in the configuration.
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => Exit::Usage,
            Self::Io { .. } | Self::Busy { .. } | Self::Random(_) => Exit::Failed,
            Self::Refused { .. } | Self::Blocked { .. } | Self::Raw => Exit::Refused,
            _ => Exit::Usage,
        }
    }
}
