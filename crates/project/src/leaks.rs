//! Secrets on their way out: files with secrets that git keeps, secret values in other tracked files, and files that
//! nothing keeps git from taking.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use crate::cascade::ENVIRONMENTS;
use crate::{Error, Problem, dotenv, files, is_secret};

/// One leak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "leak", rename_all = "snake_case")]
pub enum Leak {
    /// A file that holds secrets is in git.
    TrackedFile { file: PathBuf },
    /// A secret's value stands in a file that is in git.
    Value { name: String, file: PathBuf, line: u32 },
    /// A file with secrets is not git-ignored.
    NotIgnored { file: PathBuf },
    /// Others on this machine can read a file with secrets.
    Readable { file: PathBuf, mode: u32 },
}

impl Leak {
    /// As a warning of `nself env validate` and `doctor`.
    pub fn problem(&self) -> Problem {
        match self {
            Self::TrackedFile { file } => Problem::warning(format!(
                "this file holds secrets and is in git; `git rm --cached {}`, then change the secrets",
                file.display()
            ))
            .at(file, None),
            Self::Value { name, file, line } => {
                Problem::warning(format!("the value of {name} stands here, and the file is in git"))
                    .about(name)
                    .at(file, Some(*line))
            }
            Self::NotIgnored { file } => {
                Problem::warning("this file holds secrets and .gitignore does not name it; `nself init` adds the lines")
                    .at(file, None)
            }
            Self::Readable { file, mode } => Problem::warning(format!(
                "others on this machine can read these secrets (mode {mode:04o}); `chmod 600 {}`",
                file.display()
            ))
            .at(file, None),
        }
    }
}

/// Looks at everything. Without git, or outside a repository, only at the files' modes.
///
/// # Errors
/// When a file of the project cannot be read.
pub fn check(root: &Path) -> Result<Vec<Leak>, Error> {
    let holders = secret_files(root)?;
    let mut leaks = Vec::new();
    for (file, _) in &holders {
        let path = root.join(file);
        let mode = std::fs::metadata(&path).map_err(|error| Error::io("look at", &path, error))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            leaks.push(Leak::Readable { file: file.clone(), mode });
        }
    }
    let Some(tracked) = git(root, &["ls-files", "-z"], &[]) else { return Ok(leaks) };
    let mut names = Vec::new();
    for (file, _) in &holders {
        names.extend_from_slice(file.as_os_str().as_bytes());
        names.push(0);
    }
    let ignored = git(root, &["check-ignore", "-z", "--no-index", "--stdin"], &names).unwrap_or_default();
    for (file, _) in &holders {
        if tracked.contains(file) {
            leaks.push(Leak::TrackedFile { file: file.clone() });
        } else if !ignored.contains(file) {
            leaks.push(Leak::NotIgnored { file: file.clone() });
        }
    }
    let secrets: Pairs = holders.iter().flat_map(|(_, secrets)| secrets.iter().cloned()).collect();
    for file in tracked.iter().filter(|file| holders.iter().all(|(holder, _)| holder != *file)) {
        leaks.extend(values_in(root, file, &secrets));
    }
    Ok(leaks)
}

/// Names and values.
type Pairs = Vec<(String, String)>;

/// The `.env` files that hold secrets, and the secrets in them that are long enough to be told from ordinary words.
fn secret_files(root: &Path) -> Result<Vec<(PathBuf, Pairs)>, Error> {
    const SHORTEST: usize = 12;
    let mut found = Vec::new();
    for file in env_files(root) {
        let Some(text) = files::read_optional(&root.join(&file))? else { continue };
        let plain = dotenv::parse(&text).entries.into_iter().filter_map(|entry| match entry.value.as_slice() {
            [dotenv::Piece::Text(value)] if is_secret(&entry.name) => Some((entry.name, value.clone())),
            _ => None,
        });
        let secrets: Pairs = plain.collect();
        if !secrets.is_empty() {
            found.push((file, secrets.into_iter().filter(|(_, value)| value.len() >= SHORTEST).collect()));
        }
    }
    Ok(found)
}

/// `.env` and `.env.*` in the root and in the folders of environments, except examples, relative to the root.
fn env_files(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    folders.extend(entries(&root.join(ENVIRONMENTS)).map(|name| Path::new(ENVIRONMENTS).join(name)));
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| entries(&root.join(folder)).map(|name| folder.join(name)))
        .filter(|path| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            (name == ".env" || name.starts_with(".env.")) && !name.ends_with(".example") && root.join(path).is_file()
        })
        .collect();
    files.sort();
    files
}

fn entries(folder: &Path) -> impl Iterator<Item = std::ffi::OsString> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.file_name()))
}

/// Runs git and splits its answer at zero bytes. `None` when there is no git or no repository.
fn git(root: &Path, arguments: &[&str], input: &[u8]) -> Option<Vec<PathBuf>> {
    let mut command = Command::new("git");
    // A repository from elsewhere must not run programs of its own.
    command.args(["-c", "core.fsmonitor=false", "-C"]).arg(root).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    // A few names fit into the pipe, so git cannot keep us waiting; a git that does not read them fails below.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let output = child.wait_with_output().ok()?;
    // `check-ignore` answers 1 for "none of them".
    matches!(output.status.code(), Some(0 | 1)).then(|| {
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
    })
}

fn values_in(root: &Path, file: &Path, secrets: &[(String, String)]) -> Vec<Leak> {
    const LARGEST: u64 = 4 << 20;
    let path = root.join(file);
    let small = std::fs::symlink_metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= LARGEST);
    let Some(bytes) = small.then(|| std::fs::read(&path).ok()).flatten() else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let mut leaks = Vec::new();
    for (name, value) in secrets {
        if let Some(at) = text.find(value.as_str()) {
            let line = u32::try_from(text[..at].matches('\n').count() + 1).unwrap_or(u32::MAX);
            let leak = Leak::Value { name: name.clone(), file: file.to_owned(), line };
            if !leaks.contains(&leak) {
                leaks.push(leak);
            }
        }
    }
    leaks
}
