//! Environments: dev, staging and prod, and the folders `.environments/<name>/{.env,.env.secrets,server.json}`.

mod compare;
mod server;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cascade::{self, CURRENT, Chooser, ENVIRONMENTS};
use crate::guard::{Allowed, Destructive};
use crate::{EnvName, Error, Origin, Problem, Project, Settings, Tier, config, files, leaks, secrets};

pub use compare::{Copy, Difference, Migration, Side, apply, diff, migration};
pub use server::Server;

/// Where copies of what is replaced or deleted go.
pub const BACKUPS: &str = ".env-backups";

/// One line of `nself env list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub name: EnvName,
    pub tier: Tier,
    pub active: bool,
    /// `.environments/<name>`, when there is such a folder.
    pub folder: Option<PathBuf>,
    /// The host of `server.json`.
    pub host: Option<String>,
    pub description: Option<String>,
}

/// One file of an environment's cascade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    pub file: PathBuf,
    pub exists: bool,
    /// How many variables it sets.
    pub variables: usize,
}

/// What `nself env status` and `info` say.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    pub summary: Summary,
    /// What chose it.
    pub chosen_by: Chooser,
    /// Lowest priority first.
    pub files: Vec<Source>,
    pub server: Option<Server>,
    pub errors: usize,
    pub warnings: usize,
}

/// What [`create`] made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Created {
    pub name: EnvName,
    pub tier: Tier,
    pub folder: PathBuf,
    /// Where the folder that was there before is now.
    pub backup: Option<PathBuf>,
    /// Secrets that were made.
    pub secrets: Vec<String>,
}

/// Every environment of the project; `active` by the same rules as everywhere.
///
/// # Errors
/// When a file cannot be read or a `server.json` is wrong.
pub fn list(project: &Project, env: Option<&str>) -> Result<Vec<Summary>, Error> {
    let active = cascade::active(project, env)?.name;
    let names = cascade::known(project);
    names.iter().filter_map(|name| EnvName::parse(name)).map(|name| summary(project, &name, name == active)).collect()
}

fn summary(project: &Project, name: &EnvName, active: bool) -> Result<Summary, Error> {
    let folder = cascade::folder(project, name);
    let server = folder.as_deref().map(Server::read).transpose()?.flatten();
    let tier = cascade::choose(project, Some(name.as_str()), &|_| None)?.tier;
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    Ok(Summary {
        name: name.clone(),
        tier,
        active,
        folder: folder.map(|folder| relative(project, &folder)),
        host: server.as_ref().and_then(|server| given(&server.host)),
        description: server.as_ref().and_then(|server| given(&server.description)),
    })
}

/// Where an environment runs: its `server.json`.
///
/// # Errors
/// [`Error::ServerFile`].
pub fn server(project: &Project, name: &EnvName) -> Result<Option<Server>, Error> {
    Ok(cascade::folder(project, name).map(|folder| Server::read(&folder)).transpose()?.flatten())
}

/// Whether a setting's value was written for the environment of `settings`, and not for another one whose files it
/// shares: production sees what stands in `.env.staging` and in dev's `.env`, too. False for what nobody wrote.
pub fn is_own(project: &Project, settings: &Settings, name: &str) -> bool {
    let Origin::File { path, .. } = settings.origin(name) else { return false };
    let environment = settings.environment();
    if path == Path::new(".env") {
        return settings.home().map_or(*environment == EnvName::dev(), |home| home == environment);
    }
    let dev = [Path::new(".env.dev"), Path::new(".env.local")];
    config::own_files(project, environment).contains(&path)
        || (*environment == EnvName::dev() && dev.contains(&path.as_path()))
}

/// The environment named, or the active one, in detail.
///
/// # Errors
/// [`Error::UnknownEnvironment`], or a file that cannot be read.
pub fn status(project: &Project, env: Option<&str>) -> Result<Status, Error> {
    let active = cascade::active(project, None).map(|chosen| chosen.name);
    let chosen = cascade::active(project, env)?;
    let layers = cascade::read(project, &chosen.name, chosen.tier)?;
    let files = cascade::paths(project, &chosen.name, chosen.tier)
        .into_iter()
        .map(|file| {
            let layer = layers.iter().find(|layer| layer.path == file);
            Source { exists: layer.is_some(), variables: layer.map_or(0, |layer| layer.file.entries.len()), file }
        })
        .collect();
    let problems = validate(project, Some(chosen.name.as_str()))?;
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    Ok(Status {
        summary: summary(project, &chosen.name, active.is_ok_and(|active| active == chosen.name))?,
        chosen_by: chosen.by,
        files,
        server: cascade::folder(project, &chosen.name).map(|folder| Server::read(&folder)).transpose()?.flatten(),
        errors,
        warnings: problems.len() - errors,
    })
}

/// Everything that is wrong or doubtful about an environment: values, secrets, leaks. Errors first.
///
/// # Errors
/// [`Error::UnknownEnvironment`], or a file that cannot be read.
pub fn validate(project: &Project, env: Option<&str>) -> Result<Vec<Problem>, Error> {
    let inspection = project.inspect(env)?;
    let settings = &inspection.settings;
    let mut problems = inspection.problems;
    for problem in secrets::problems(settings) {
        // In dev a missing secret is made at the first start.
        problems.push(if settings.tier() == Tier::Dev { problem.doubtful() } else { problem });
    }
    if settings.tier() == Tier::Prod {
        let domain = settings.text("BASE_DOMAIN").unwrap_or_default();
        if domain == "localhost" || domain.ends_with(".localhost") || domain.ends_with("local.nself.org") {
            let message = format!("BASE_DOMAIN is {domain}, which only this machine can reach");
            problems.push(Problem::warning(message).about("BASE_DOMAIN").from(&settings.origin("BASE_DOMAIN")));
        }
    }
    problems.extend(leaks::check(project.root())?.iter().map(leaks::Leak::problem));
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    Ok(problems)
}

/// Makes `.environments/<name>/`; for staging and prod with strong secrets of its own. It is there as a whole or not at
/// all. With `force` an existing one moves to `.env-backups/` first.
///
/// # Errors
/// [`Error::EnvironmentName`], [`Error::EnvironmentExists`], or a folder that cannot be written.
pub fn create(project: &Project, name: &str, tier: Option<Tier>, force: bool) -> Result<Created, Error> {
    let name = EnvName::parse(name).ok_or_else(|| Error::EnvironmentName(name.to_owned()))?;
    let tier = Tier::of_name(&name).or(tier).unwrap_or(Tier::Dev);
    let _lock = project.lock("environments")?;
    let parent = project.root().join(ENVIRONMENTS);
    std::fs::create_dir_all(&parent).map_err(|error| Error::io("make the folder", &parent, error))?;
    let existing = cascade::folder(project, &name);
    if existing.is_some() && !force {
        return Err(Error::EnvironmentExists(name));
    }
    let unfinished = tempfile::Builder::new()
        .prefix(files::UNFINISHED)
        .tempdir_in(&parent)
        .map_err(|error| Error::io("make a folder in", &parent, error))?;
    fill(unfinished.path(), &name, tier)?;
    crate::fault::hit("environments.before-backup");
    let backup = existing.map(|folder| back_up(project, &folder)).transpose()?;
    crate::fault::hit("environments.before-rename");
    let folder = parent.join(name.as_str());
    let unfinished = unfinished.keep();
    std::fs::rename(&unfinished, &folder).map_err(|error| Error::io("make the folder", &folder, error))?;
    let secrets = match tier {
        Tier::Dev => Vec::new(),
        Tier::Staging | Tier::Prod => own_secrets(project, &name)?,
    };
    Ok(Created { folder: relative(project, &folder), name, tier, backup, secrets })
}

/// Secrets of its own for every one that is required: those in the shared `.env` belong to another environment.
fn own_secrets(project: &Project, name: &EnvName) -> Result<Vec<String>, Error> {
    let settings = project.inspect(Some(name.as_str()))?.settings;
    let own = config::own_files(project, name);
    let borrowed = |status: &secrets::Status| match &status.origin {
        Origin::File { path, .. } => !own.contains(path),
        _ => true,
    };
    let made = secrets::fill(project, &settings, |status| status.wanted && borrowed(status))?;
    Ok(made.into_iter().map(|change| change.name).collect())
}

fn fill(folder: &Path, name: &EnvName, tier: Tier) -> Result<(), Error> {
    let kind = match tier {
        Tier::Dev => "local",
        Tier::Staging | Tier::Prod => tier.as_str(),
    };
    let server =
        serde_json::to_string_pretty(&Server::new(name.as_str(), kind)).expect("plain data has a JSON form") + "\n";
    let settings = include_str!("../../../assets/starters/basic/environment.env");
    let secrets = include_str!("../../../assets/starters/basic/environment-secrets.env");
    files::write(&folder.join(".env"), settings.as_bytes(), Some(files::PUBLIC))?;
    files::write(&folder.join(".env.secrets"), secrets.as_bytes(), Some(files::PRIVATE))?;
    files::write(&folder.join("server.json"), server.as_bytes(), Some(files::PUBLIC))?;
    // Temporary folders are 0700; this one is for everybody who works on the project.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder, mode).map_err(|error| Error::io("open the folder", folder, error))
}

/// Makes an environment the active one for later commands.
///
/// # Errors
/// [`Error::UnknownEnvironment`], or `.current-env` cannot be written.
pub fn switch(project: &Project, name: &str) -> Result<EnvName, Error> {
    let chosen = cascade::choose(project, Some(name), &|_| None)?;
    files::write(&project.root().join(CURRENT), format!("{}\n", chosen.name).as_bytes(), Some(files::PUBLIC))?;
    Ok(chosen.name)
}

/// The folder of an environment that can be deleted: for asking only about what would be done.
///
/// # Errors
/// [`Error::UnknownEnvironment`], [`Error::EnvironmentKept`] for the active one and for those without a folder.
pub fn deletable(project: &Project, name: &str) -> Result<PathBuf, Error> {
    let chosen = cascade::choose(project, Some(name), &|_| None)?;
    let Some(folder) = cascade::folder(project, &chosen.name) else {
        return Err(Error::EnvironmentKept { name: chosen.name, reason: "it has no folder in .environments/" });
    };
    if cascade::active(project, None).is_ok_and(|active| active.name == chosen.name) {
        return Err(Error::EnvironmentKept {
            name: chosen.name,
            reason: "it is the active one; `nself env switch dev` first",
        });
    }
    Ok(folder)
}

/// Moves an environment's folder to `.env-backups/` and says where it is now.
///
/// # Errors
/// As [`deletable`], or a folder that cannot be moved.
pub fn delete(project: &Project, name: &str, _allowed: &Allowed<Destructive>) -> Result<PathBuf, Error> {
    let _lock = project.lock("environments")?;
    let folder = deletable(project, name)?;
    back_up(project, &folder)
}

/// Moves a folder to `.env-backups/<name>_<time>`.
fn back_up(project: &Project, folder: &Path) -> Result<PathBuf, Error> {
    let backups = project.root().join(BACKUPS);
    private_folder(&backups)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let target = unused(&backups, &format!("{name}_{}", jiff::Zoned::now().strftime("%Y%m%d_%H%M%S")));
    std::fs::rename(folder, &target).map_err(|error| Error::io("move away", folder, error))?;
    Ok(relative(project, &target))
}

/// A folder that only its owner can look into.
pub(crate) fn private_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder).map_err(|error| Error::io("make the folder", folder, error))
}

pub(crate) fn unused(folder: &Path, name: &str) -> PathBuf {
    let first = folder.join(name);
    if !first.exists() {
        return first;
    }
    (2_u32..).map(|number| folder.join(format!("{name}_{number}"))).find(|path| !path.exists()).unwrap_or(first)
}

fn relative(project: &Project, path: &Path) -> PathBuf {
    path.strip_prefix(project.root()).unwrap_or(path).to_owned()
}
