use std::path::{Path, PathBuf};

use crate::cascade;
use crate::resolve::{Resolution, resolve};
use crate::{Error, Lock, Problem, Settings};

/// A project: a folder, its files and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
}

/// What [`Project::inspect`] found.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Usable for showing; values that are wrong are as good as not set for typed getters.
    pub settings: Settings,
    /// Everything wrong or doubtful, errors first.
    pub problems: Vec<Problem>,
}

impl Project {
    /// Walks up from `from` to the project's root.
    ///
    /// A folder with `nself.toml` or `.nself/`, or with a `.env` or `.env.dev` that names the project (`PROJECT_NAME`,
    /// `BASE_DOMAIN` or `ENV`), is one. Frontends inside a project often have a `.env` of their own, so any other
    /// `.env` counts only when nothing better is found further up. The walk ends at the home folder or the file
    /// system's root, where `.nself/` (the Bash tool's own folder in `~`) and plain `.env` files do not count.
    ///
    /// # Errors
    /// [`Error::NoProject`].
    pub fn discover(from: &Path) -> Result<Self, Error> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        Self::discover_below(from, home.as_deref())
    }

    fn discover_below(from: &Path, home: Option<&Path>) -> Result<Self, Error> {
        let start = std::path::absolute(from).map_err(|error| Error::io("find", from, error))?;
        let mut fallback = None;
        for folder in start.ancestors() {
            let last = home == Some(folder) || folder.parent().is_none();
            let named_environment = folder.parent().is_some_and(|parent| parent.ends_with(cascade::ENVIRONMENTS));
            if !named_environment {
                if folder.join(crate::toml::FILE).is_file() || names_project(folder) {
                    return Ok(Self::at(folder));
                }
                if !last && folder.join(".nself").is_dir() {
                    return Ok(Self::at(folder));
                }
                if !last && fallback.is_none() && [".env", ".env.dev"].iter().any(|file| folder.join(file).is_file()) {
                    fallback = Some(folder.to_owned());
                }
            }
            if last {
                break;
            }
        }
        fallback.map(Self::at).ok_or(Error::NoProject { from: start })
    }

    /// The project whose root is this folder, without looking.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `.nself/`: everything nself keeps that is not the user's.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join(".nself")
    }

    /// Sockets, pids, locks.
    pub fn run_dir(&self) -> PathBuf {
        self.state_dir().join("run")
    }

    pub fn logs_dir(&self) -> PathBuf {
        self.state_dir().join("logs")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.state_dir().join("data")
    }

    pub fn certs_dir(&self) -> PathBuf {
        self.state_dir().join("certs")
    }

    pub fn build_dir(&self) -> PathBuf {
        self.state_dir().join("build")
    }

    /// The settings of an environment: the one named (`--env`), else the active one (see [`cascade::choose`]).
    ///
    /// # Errors
    /// [`Error::Settings`] with every wrong value, [`Error::UnknownEnvironment`], or a file that cannot be read.
    pub fn settings(&self, env: Option<&str>) -> Result<Settings, Error> {
        let Inspection { settings, problems } = self.inspect(env)?;
        if problems.iter().any(Problem::is_error) { Err(Error::Settings(problems)) } else { Ok(settings) }
    }

    /// Like [`Project::settings`], with wrong values reported beside the settings instead of refusing them.
    ///
    /// # Errors
    /// [`Error::UnknownEnvironment`], or a file that cannot be read.
    pub fn inspect(&self, env: Option<&str>) -> Result<Inspection, Error> {
        let process = |name: &str| std::env::var(name).ok();
        let chosen = cascade::choose(self, env, &process)?;
        let mut problems = chosen.problems;
        let toml = cascade::read_toml(self, &mut problems)?;
        let layers = cascade::read(self, &chosen.name, chosen.tier)?;
        let Resolution { settings, problems } = resolve(chosen.name, chosen.tier, layers, toml, problems, &process);
        Ok(Inspection { settings, problems })
    }

    /// Takes the lock `name` in [`Project::run_dir`], which is made when it is missing.
    ///
    /// # Errors
    /// [`Error::Busy`] names the process that has it.
    pub fn lock(&self, name: &str) -> Result<Lock, Error> {
        let folder = self.run_dir();
        std::fs::create_dir_all(&folder).map_err(|error| Error::io("make the folder", &folder, error))?;
        Lock::take(&folder.join(format!("{name}.lock")), name)
    }
}

/// Whether the folder's own `.env` or `.env.dev` speaks of a project.
fn names_project(folder: &Path) -> bool {
    const NAMES: [&str; 3] = ["PROJECT_NAME", "BASE_DOMAIN", "ENV"];
    [".env", ".env.dev"].iter().any(|file| {
        let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        text.lines().any(|line| {
            let line = line.trim_start_matches('\u{feff}').trim_start();
            let name = line.strip_prefix("export ").unwrap_or(line).split('=').next().unwrap_or_default();
            NAMES.contains(&name.trim())
        })
    })
}
