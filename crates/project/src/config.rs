//! Changing a setting where it stands, so that the change takes effect.
//!
//! dev: the highest file of its cascade that already names the setting, else `.env`. Other environments: never the
//! shared `.env`, which is the file of the environment it stands on, but a file of their own (`.env.staging`;
//! `.env.prod` and, for secrets, `.env.secrets`; `.environments/<name>/.env` and `.env.secrets`). Where `.env` would
//! win over that, the value goes to `.environments/<name>/`, which wins over `.env`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cascade::{self, Chosen, ENVIRONMENTS};
use crate::{EnvName, Error, Project, Tier, catalogue, dotenv, files, is_secret};

/// A change to one file that was or would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// As it is written in the file, which may be an alias.
    pub name: String,
    /// Relative to the project's root.
    pub file: PathBuf,
    /// True when the file did not name it before.
    pub added: bool,
}

/// Sets one value in the environment named, or in the active one. The file keeps its comments, order and line ends; a
/// file with secrets gets mode 0600. `${NAME}` in the value refers to another setting, as in the file itself, and `$${`
/// stands for `${`; secrets are taken as they are.
///
/// # Errors
/// [`Error::UnknownSetting`] for a typing error, [`Error::WrongValue`] for a value of the wrong kind, or a file that
/// cannot be changed.
pub fn set(project: &Project, env: Option<&str>, name: &str, value: &str) -> Result<Change, Error> {
    let chosen = match cascade::active(project, env) {
        // Who names the wrong environment in .env must be able to name the right one.
        Err(Error::UnknownEnvironment { .. } | Error::EnvironmentName(_)) if name == "ENV" && env.is_none() => {
            cascade::choose(project, Some("dev"), &|_| None)?
        }
        chosen => chosen?,
    };
    let quoted = if value.contains("${") && !is_secret(name) {
        let wrong =
            |reason| Error::WrongValue { name: name.to_owned(), reason: format!("has a value in which {reason}") };
        let pieces = dotenv::pieces(value, false).map_err(wrong)?;
        let settings = project.inspect(Some(chosen.name.as_str()))?.settings;
        let hidden = settings.leads_to_secret(&pieces);
        check(name, &settings.expand(&pieces), hidden)?;
        dotenv::source(&pieces)
    } else {
        check(name, value, false)?;
        dotenv::quote(value)
    };
    let mut changes = write(project, &chosen, &[(name, quoted)])?;
    Ok(changes.remove(0))
}

/// Takes a setting out of the highest file of the environment that names it; `None` when no file does. What stands in a
/// lower file, or the default, counts again.
///
/// # Errors
/// A file that cannot be changed.
pub fn unset(project: &Project, env: Option<&str>, name: &str) -> Result<Option<Change>, Error> {
    let chosen = cascade::active(project, env)?;
    let _lock = project.lock("settings")?;
    let canonical = catalogue::canonical(name);
    for layer in cascade::read(project, &chosen.name, chosen.tier)?.into_iter().rev() {
        let names: Vec<&str> = layer.file.entries.iter().map(|entry| entry.name.as_str()).collect();
        let Some(last) = names.iter().rev().find(|entry| catalogue::canonical(entry) == canonical) else { continue };
        let path = project.root().join(&layer.path);
        let mut text = files::read_optional(&path)?.unwrap_or_default();
        for written in names.iter().filter(|entry| catalogue::canonical(entry) == canonical) {
            text = dotenv::unset(&text, written);
        }
        files::write(&path, text.as_bytes(), None)?;
        return Ok(Some(Change { name: (*last).to_owned(), file: layer.path, added: false }));
    }
    Ok(None)
}

/// Where [`set`] would put values.
///
/// # Errors
/// When a file cannot be read.
pub fn plan(project: &Project, chosen: &Chosen, names: &[&str]) -> Result<Vec<Change>, Error> {
    names.iter().map(|name| target(project, chosen, name)).collect()
}

fn check(name: &str, value: &str, hidden: bool) -> Result<(), Error> {
    if !dotenv::is_variable(name) {
        return Err(Error::VariableName { name: name.to_owned() });
    }
    match catalogue::find(name) {
        Some(_) if value.is_empty() => Ok(()),
        Some(setting) => {
            let checked = if hidden { setting.kind.check_hidden(value) } else { setting.kind.check(value) };
            checked.map_err(|reason| Error::WrongValue { name: name.to_owned(), reason })
        }
        None if catalogue::ignored(name).is_some() => Ok(()),
        None => match catalogue::suggest(name) {
            Some(suggestion) => {
                Err(Error::UnknownSetting { name: name.to_owned(), suggestion: Some(suggestion.to_owned()) })
            }
            None => Ok(()),
        },
    }
}

/// Writes values that are quoted already, each file once.
pub(crate) fn write(project: &Project, chosen: &Chosen, values: &[(&str, String)]) -> Result<Vec<Change>, Error> {
    let _lock = project.lock("settings")?;
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let changes = plan(project, chosen, &names)?;
    let mut written: Vec<&Path> = Vec::new();
    for change in &changes {
        if written.contains(&change.file.as_path()) {
            continue;
        }
        written.push(&change.file);
        let path = project.root().join(&change.file);
        let old = files::read_optional(&path)?;
        let mut text = old.clone().unwrap_or_default();
        let mut private = old.is_none() && is_private(&change.file);
        for (other, (_, value)) in changes.iter().zip(values).filter(|(other, _)| other.file == change.file) {
            text = dotenv::set_source(&text, &other.name, value);
            private |= is_secret(&other.name);
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Error::io("make the folder", folder, error))?;
        }
        let mode = if private { Some(files::PRIVATE) } else { old.is_none().then_some(files::PUBLIC) };
        files::write(&path, text.as_bytes(), mode)?;
        crate::fault::hit("config.between-files");
    }
    Ok(changes)
}

/// Whether a new file of this name is for its owner only.
pub(crate) fn is_private(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(name, ".env" | ".env.local" | ".env.secrets") || name.ends_with(".local")
}

fn target(project: &Project, chosen: &Chosen, name: &str) -> Result<Change, Error> {
    let secret = is_secret(name);
    let layers = cascade::read(project, &chosen.name, chosen.tier)?;
    // The highest file that names it, with the name it uses.
    let canonical = catalogue::canonical(name);
    let holders: Vec<(&PathBuf, &str)> = layers
        .iter()
        .filter_map(|layer| {
            let entry = layer.file.entries.iter().rev().find(|entry| catalogue::canonical(&entry.name) == canonical)?;
            Some((&layer.path, entry.name.as_str()))
        })
        .collect();
    let found =
        |(file, name): &(&PathBuf, &str)| Change { name: (*name).to_owned(), file: (*file).clone(), added: false };
    let new = |file: PathBuf| {
        let at = holders.iter().find(|(holder, _)| **holder == file);
        at.map(found).unwrap_or_else(|| Change { name: name.to_owned(), file, added: true })
    };
    if chosen.tier == Tier::Dev && Tier::of_name(&chosen.name).is_some() {
        return Ok(holders.last().map(found).unwrap_or_else(|| new(PathBuf::from(".env"))));
    }
    let shared = Path::new(".env");
    let own = own_files(project, &chosen.name);
    match holders.last() {
        Some(highest) if own.contains(highest.0) => Ok(found(highest)),
        Some((file, _)) if file.as_path() == shared => Ok(new(folder_file(project, &chosen.name, secret))),
        _ => Ok(new(match chosen.tier {
            _ if cascade::folder(project, &chosen.name).is_some() => folder_file(project, &chosen.name, secret),
            // `.env.staging` is often kept in git, so secrets of staging go elsewhere.
            Tier::Staging if secret => folder_file(project, &chosen.name, true),
            Tier::Staging => PathBuf::from(".env.staging"),
            Tier::Prod if secret => PathBuf::from(".env.secrets"),
            Tier::Prod => PathBuf::from(".env.prod"),
            Tier::Dev => folder_file(project, &chosen.name, secret),
        })),
    }
}

/// The files that belong to one environment alone.
pub(crate) fn own_files(project: &Project, name: &EnvName) -> Vec<PathBuf> {
    let mut own = vec![folder_file(project, name, false), folder_file(project, name, true)];
    match Tier::of_name(name) {
        Some(Tier::Staging) => own.push(PathBuf::from(".env.staging")),
        Some(Tier::Prod) => own.extend([PathBuf::from(".env.prod"), PathBuf::from(".env.secrets")]),
        Some(Tier::Dev) | None => {}
    }
    own
}

fn folder_file(project: &Project, name: &EnvName, secret: bool) -> PathBuf {
    let folder = match cascade::folder(project, name) {
        Some(folder) => folder.strip_prefix(project.root()).map(Path::to_owned).unwrap_or(folder),
        None => Path::new(ENVIRONMENTS).join(name.as_str()),
    };
    folder.join(if secret { ".env.secrets" } else { ".env" })
}
