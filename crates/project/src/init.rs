//! `nself init`: a folder becomes a project.
//!
//! Every file is written as a whole or not at all, `.env` last: a run that was cut off at any point is finished by the
//! next one. What is there stays as it is, unless `force` asks for it anew, and then a copy goes to `.env-backups/`.
//! When a step fails, what this run has written is taken back.

mod content;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;

use crate::environments::{BACKUPS, private_folder, unused};
use crate::{Error, fault, files};

pub use content::default_name;

/// What to make.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files for staging and prod as well, and a first `schema.dbml`.
    pub full: bool,
    /// The demo: a small shop with migrations, seeds and settings.
    pub demo: bool,
    /// Write existing files anew, with a copy in `.env-backups/`.
    pub force: bool,
    /// Settings for `.env`, beside those every project gets: answers of the wizard.
    pub settings: Vec<(String, String)>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Created,
    /// Was there and stays.
    Kept,
    /// Lines were added.
    Extended,
    /// Written anew; a copy is in `.env-backups/`.
    Replaced,
}

/// A file of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Relative to the root.
    pub path: PathBuf,
    pub action: Action,
}

/// What [`init`] did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub root: PathBuf,
    pub project: String,
    pub files: Vec<Written>,
    /// Where copies of replaced files are.
    pub backup: Option<PathBuf>,
    /// Secrets that were made.
    pub secrets: Vec<String>,
}

/// Makes `root` a project, or completes one. Needs neither a terminal nor any particular user.
///
/// # Errors
/// [`Error::Busy`] while another `init` works here; [`Error::WrongValue`] for a wrong answer; a file that cannot be
/// written, after what was written has been taken back.
pub fn init(root: &Path, options: &Options) -> Result<Report, Error> {
    std::fs::create_dir_all(root).map_err(|error| Error::io("make the folder", root, error))?;
    let root = root.canonicalize().map_err(|error| Error::io("find", root, error))?;
    let _lock = lock(&root)?;
    let plan = content::plan(&root, options)?;
    let folders: BTreeSet<&Path> = plan.files.iter().filter_map(|file| file.path.parent()).collect();
    folders.into_iter().for_each(|folder| sweep(&root.join(folder)));
    let mut run = Run { root: &root, done: Vec::new(), folders: Vec::new(), backup: None, replaced: Vec::new() };
    match plan.files.iter().try_for_each(|file| run.write(file, options.force)) {
        Ok(()) => Ok(Report {
            project: plan.project,
            files: run.done,
            backup: run.backup.map(|backup| backup.strip_prefix(&root).unwrap_or(&backup).to_owned()),
            secrets: plan.secrets,
            root,
        }),
        Err(error) => {
            run.take_back();
            Err(error)
        }
    }
}

/// A lock on the folder itself, so that nothing has to exist in it. A file system that cannot lock does without.
fn lock(root: &Path) -> Result<Option<Flock<File>>, Error> {
    let folder = File::open(root).map_err(|error| Error::io("open the folder", root, error))?;
    match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
            Err(Error::Busy { name: "init".to_owned(), pid: None, path: root.to_owned() })
        }
        Err(_) => Ok(None),
    }
}

/// Removes what a run that was killed left half-written.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(files::UNFINISHED) {
            // Left behind, it would be ugly and harmless.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file to be there at the end.
struct Planned {
    /// Relative to the root.
    path: PathBuf,
    content: Vec<u8>,
    mode: u32,
    /// How to treat a file that is there.
    existing: Existing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    /// It stays, unless `force`.
    Keep,
    /// It is written anew when it differs: `content` holds what it has and what is missing.
    Extend,
}

struct Run<'a> {
    root: &'a Path,
    done: Vec<Written>,
    /// Folders this run made, outermost first.
    folders: Vec<PathBuf>,
    backup: Option<PathBuf>,
    /// What changed files held before.
    replaced: Vec<(PathBuf, Vec<u8>)>,
}

impl Run<'_> {
    fn write(&mut self, file: &Planned, force: bool) -> Result<(), Error> {
        let path = self.root.join(&file.path);
        let old = std::fs::read(&path).ok();
        let action = match (&old, file.existing) {
            (None, _) => Action::Created,
            (Some(old), _) if *old == file.content => Action::Kept,
            (Some(_), Existing::Extend) => Action::Extended,
            (Some(_), Existing::Keep) if force => Action::Replaced,
            (Some(_), Existing::Keep) => Action::Kept,
        };
        if action != Action::Kept {
            if action == Action::Replaced {
                self.copy(&path, &file.path)?;
            }
            self.folder_of(&path)?;
            files::write(&path, &file.content, Some(file.mode))?;
            self.replaced.extend(old.map(|old| (path, old)));
        }
        self.done.push(Written { path: file.path.clone(), action });
        fault::hit(&format!("init.after-{}", file.path.display()));
        Ok(())
    }

    /// Keeps a copy of a file that is about to change.
    fn copy(&mut self, path: &Path, relative: &Path) -> Result<(), Error> {
        let backup = match &self.backup {
            Some(backup) => backup.clone(),
            None => {
                let parent = self.root.join(BACKUPS);
                private_folder(&parent)?;
                let backup = unused(&parent, &jiff::Zoned::now().strftime("init_%Y%m%d_%H%M%S").to_string());
                private_folder(&backup)?;
                self.backup.insert(backup).clone()
            }
        };
        let copy = backup.join(relative);
        if let Some(folder) = copy.parent() {
            private_folder(folder)?;
        }
        let content = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
        files::write(&copy, &content, Some(files::PRIVATE))
    }

    fn folder_of(&mut self, path: &Path) -> Result<(), Error> {
        let missing = path.ancestors().skip(1).take_while(|folder| !folder.exists());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        missing.reverse();
        for folder in missing {
            std::fs::create_dir(&folder).map_err(|error| Error::io("make the folder", &folder, error))?;
            self.folders.push(folder);
        }
        Ok(())
    }

    /// Undoes this run as far as it goes. Errors on the way are of no use to anybody: the first one is reported.
    fn take_back(self) {
        for file in self.done.iter().rev().filter(|file| file.action == Action::Created) {
            let _ = std::fs::remove_file(self.root.join(&file.path));
        }
        for (path, content) in self.replaced.iter().rev() {
            let _ = files::write(path, content, None);
        }
        for folder in self.folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}
