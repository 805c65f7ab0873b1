use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use project::{Project, fault};
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use super::{Action, Artefact, File, Report};
use crate::Error;

/// The manifest's name in the build folder.
const MANIFEST: &str = "manifest.json";
/// How long to wait for another build, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A build that has been thought through and not done.
#[derive(Debug)]
pub struct Pending {
    project: Project,
    steps: Vec<Step>,
    /// What the manifest on the disk says.
    known: Manifest,
    /// What it should say in the end.
    wanted: Manifest,
}

#[derive(Debug)]
struct Step {
    path: PathBuf,
    action: Action,
    /// `None` where the file is to be removed.
    artefact: Option<Artefact>,
    /// What is there now.
    old: Option<Vec<u8>>,
}

/// The files that builds wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    files: BTreeSet<PathBuf>,
}

impl Pending {
    /// Compares the wanted files with those on the disk.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn new(project: &Project, artefacts: Vec<Artefact>) -> Result<Self, Error> {
        let root = project.root();
        let known = Manifest::read(project)?;
        let wanted = Manifest { files: artefacts.iter().map(|artefact| artefact.path.clone()).collect() };
        let mut steps = Vec::with_capacity(artefacts.len());
        for artefact in artefacts {
            let (old, mode) = read(&root.join(&artefact.path))?;
            let action = match &old {
                None => Action::Created,
                Some(old) if *old == artefact.bytes && mode == artefact.mode => Action::Unchanged,
                Some(_) => Action::Changed,
            };
            steps.push(Step { path: artefact.path.clone(), action, artefact: Some(artefact), old });
        }
        for path in known.files.difference(&wanted.files).cloned().chain(leftovers(project)?) {
            let (old, _) = read(&root.join(&path))?;
            if old.is_some() && !wanted.files.contains(&path) && steps.iter().all(|step| step.path != path) {
                steps.push(Step { path, action: Action::Removed, artefact: None, old });
            }
        }
        steps.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { project: project.clone(), steps, known, wanted })
    }

    /// Writes files again that have not changed.
    pub fn force(mut self) -> Self {
        for step in &mut self.steps {
            if step.action == Action::Unchanged {
                step.action = Action::Rewritten;
            }
        }
        self
    }

    pub fn report(&self) -> Report {
        Report { files: self.steps.iter().map(|step| File { path: step.path.clone(), action: step.action }).collect() }
    }

    /// What would change, as one unified diff; empty when nothing would.
    pub fn diff(&self) -> String {
        self.steps.iter().filter_map(Step::diff).collect()
    }

    /// Does it.
    ///
    /// # Errors
    /// When a file cannot be written or removed. What was written until then is whole.
    pub fn apply(self) -> Result<Report, Error> {
        let report = self.report();
        if report.is_unchanged() && self.known == self.wanted {
            return Ok(report);
        }
        let folder = self.project.build_dir();
        std::fs::create_dir_all(&folder).map_err(|error| io("make the folder", &folder, error))?;
        let _lock = lock(&self.project)?;
        // First the manifest with the new names too: a file that it does not name would stay for ever.
        let all = Manifest { files: self.known.files.union(&self.wanted.files).cloned().collect() };
        if all != self.known {
            all.write(&self.project)?;
        }
        fault::hit("build.manifest-written");
        for step in &self.steps {
            step.apply(self.project.root())?;
        }
        if all != self.wanted {
            self.wanted.write(&self.project)?;
        }
        Ok(report)
    }
}

impl Step {
    fn apply(&self, root: &Path) -> Result<(), Error> {
        let path = root.join(&self.path);
        match (&self.artefact, self.action) {
            (_, Action::Unchanged) => return Ok(()),
            (Some(artefact), _) => {
                let folder = path.parent().unwrap_or(root);
                std::fs::create_dir_all(folder).map_err(|error| io("make the folder", folder, error))?;
                write(&path, &artefact.bytes, artefact.mode)?;
            }
            (None, _) => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(io("remove", &path, error)),
                _ => {}
            },
        }
        fault::hit("build.between-files");
        Ok(())
    }

    fn diff(&self) -> Option<String> {
        let new = match (&self.artefact, self.action) {
            (_, Action::Unchanged | Action::Rewritten) => return None,
            (artefact, _) => artefact.as_ref().map(|artefact| artefact.bytes.as_slice()),
        };
        let old = self.old.as_deref();
        let path = self.path.display();
        let name = |side: &str, there: bool| if there { format!("{side}/{path}") } else { "/dev/null".to_owned() };
        let text = |bytes: Option<&[u8]>| std::str::from_utf8(bytes.unwrap_or_default()).map(str::to_owned).ok();
        match (text(old), text(new)) {
            (Some(before), Some(after)) if before == after => Some(format!("{path}: the mode changes\n")),
            (Some(before), Some(after)) => Some(
                TextDiff::from_lines(&before, &after)
                    .unified_diff()
                    .context_radius(3)
                    .header(&name("a", old.is_some()), &name("b", new.is_some()))
                    .to_string(),
            ),
            _ => Some(format!("{path}: the binary content changes\n")),
        }
    }
}

impl Manifest {
    /// An absent or broken manifest is an empty one: the build then writes what is missing and a new manifest.
    fn read(project: &Project) -> Result<Self, Error> {
        let (bytes, _) = read(&project.build_dir().join(MANIFEST))?;
        let manifest: Self = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        // What it names is removed one day: nothing outside the project, whatever the file says.
        let inside = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
        Ok(Self { files: manifest.files.into_iter().filter(inside).collect() })
    }

    fn write(&self, project: &Project) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest is a list of UTF-8 paths");
        text.push(b'\n');
        write(&project.build_dir().join(MANIFEST), &text, 0o600)
    }
}

/// Files in the build folder that no manifest names: what a killed build had not finished. The folder is ours alone.
fn leftovers(project: &Project) -> Result<Vec<PathBuf>, Error> {
    let folder = project.build_dir();
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io("read", &folder, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| io("read", &folder, error))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name() != MANIFEST {
            let path = entry.path();
            files.push(path.strip_prefix(project.root()).unwrap_or(&path).to_owned());
        }
    }
    Ok(files)
}

/// Content and mode; nothing and 0 when there is no such file.
fn read(path: &Path) -> Result<(Option<Vec<u8>>, u32), Error> {
    let missing = |error: &std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    // By one open file: another build may replace it or take it away at any moment.
    let whole = std::fs::File::open(path).and_then(|mut file| {
        let mode = file.metadata()?.permissions().mode() & 0o7777;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((Some(bytes), mode))
    });
    match whole {
        Ok(found) => Ok(found),
        Err(error) if missing(&error) => Ok((None, 0)),
        Err(error) => Err(io("read", path, error)),
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    project::files::write(path, bytes, Some(mode)).map_err(|error| passed_on(error, path))
}

/// One build at a time: otherwise one could take away the file that the other is about to put in its place.
fn lock(project: &Project) -> Result<project::Lock, Error> {
    let began = Instant::now();
    loop {
        match project.lock("build") {
            Err(project::Error::Busy { .. }) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(passed_on(error, &project.run_dir().join("build.lock"))),
            Ok(lock) => return Ok(lock),
        }
    }
}

fn passed_on(error: project::Error, path: &Path) -> Error {
    match error {
        project::Error::Io { doing, path, source } => io(doing, &path, source),
        other => io("write", path, std::io::Error::other(other)),
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io { action, path: path.display().to_string(), source }
}
