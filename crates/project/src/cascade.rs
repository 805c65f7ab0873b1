//! Which environment, and which files make it up. The one implementation that everything uses.
//!
//! Files of a tier, later ones win: dev `.env.dev .env.local .env`; staging `.env.dev .env.staging .env`; prod
//! `.env.dev .env.staging .env.prod .env.secrets .env`. Then, for an environment with a folder of its own (any name,
//! `staging` and `prod` too), `.environments/<name>/.env` and `.environments/<name>/.env.secrets`: what stands there is
//! about this environment alone, so it wins over the shared `.env`.
//!
//! Variables of the process do not override files, as in the Bash tool: what runs must not depend on the shell it was
//! started from. Only `TARGET_ENV` and `NSELF_ENV` count, because they choose the environment.

use std::path::{Path, PathBuf};

use crate::environments::Server;
use crate::resolve::Layer;
use crate::{EnvName, Error, Problem, Project, Tier, Toml, dotenv, files};

/// The folder of named environments.
pub const ENVIRONMENTS: &str = ".environments";
/// Where `nself env switch` writes the active environment's name.
pub const CURRENT: &str = ".current-env";

/// An environment that was chosen.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub name: EnvName,
    pub tier: Tier,
    pub by: Chooser,
    pub problems: Vec<Problem>,
}

/// What chose the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chooser {
    /// `--env`
    Argument,
    TargetEnv,
    NselfEnv,
    /// `.current-env`
    Switch,
    /// `ENV=` in `.env`
    File,
    /// `ENV` of the process
    Process,
    Default,
}

type Process<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Chooses the environment: `--env`, then `TARGET_ENV`, `NSELF_ENV`, `.current-env` (written by `nself env switch`),
/// `ENV=` in `.env`, `ENV` of the process, `dev`.
///
/// # Errors
/// [`Error::UnknownEnvironment`], [`Error::EnvironmentName`], or a file that cannot be read.
pub fn choose(project: &Project, argument: Option<&str>, process: Process<'_>) -> Result<Chosen, Error> {
    let (text, by) = wanted(project, argument, process)?;
    let name = EnvName::parse(&text).ok_or(Error::EnvironmentName(text))?;
    let mut problems = Vec::new();
    let tier = tier(project, &name, &mut problems)?;
    Ok(Chosen { name, tier, by, problems })
}

/// [`choose`] with this process's environment.
///
/// # Errors
/// As [`choose`].
pub fn active(project: &Project, argument: Option<&str>) -> Result<Chosen, Error> {
    choose(project, argument, &|name| std::env::var(name).ok())
}

fn wanted(project: &Project, argument: Option<&str>, process: Process<'_>) -> Result<(String, Chooser), Error> {
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut choice = given(argument.map(str::to_owned)).map(|text| (text, Chooser::Argument));
    choice = choice.or_else(|| Some((given(process("TARGET_ENV"))?, Chooser::TargetEnv)));
    choice = choice.or_else(|| Some((given(process("NSELF_ENV"))?, Chooser::NselfEnv)));
    if let Some(choice) = choice {
        return Ok(choice);
    }
    if let Some(text) = given(files::read_optional(&project.root().join(CURRENT))?) {
        return Ok((text, Chooser::Switch));
    }
    if let Some(text) = given(env_line(project)?) {
        return Ok((text, Chooser::File));
    }
    // POSIX shells use `ENV` for the path of a start-up file, so only a name counts.
    let process = given(process("ENV")).filter(|text| EnvName::parse(text).is_some_and(|name| exists(project, &name)));
    Ok(process.map_or(("dev".to_owned(), Chooser::Default), |text| (text, Chooser::Process)))
}

/// The value of the last `ENV=` line of `.env`.
fn env_line(project: &Project) -> Result<Option<String>, Error> {
    let Some(text) = files::read_optional(&project.root().join(".env"))? else { return Ok(None) };
    let entries = dotenv::parse(&text).entries;
    Ok(entries.iter().rev().find(|entry| entry.name == "ENV").and_then(|entry| match entry.value.as_slice() {
        [dotenv::Piece::Text(text)] => Some(text.clone()),
        _ => None,
    }))
}

/// The tier of an environment: its name says it, or the `type` in its `server.json`; a folder without a type is treated
/// as staging, because a guess must not make data easier to destroy.
fn tier(project: &Project, name: &EnvName, problems: &mut Vec<Problem>) -> Result<Tier, Error> {
    if let Some(tier) = Tier::of_name(name) {
        return Ok(tier);
    }
    let Some(folder) = folder(project, name) else {
        return Err(Error::UnknownEnvironment { name: name.to_string(), known: known(project) });
    };
    if let Some(tier) = Server::read(&folder)?.and_then(|server| server.tier()) {
        return Ok(tier);
    }
    let message = format!("the environment {name} has no type; it is treated as staging");
    let path = Path::new(ENVIRONMENTS).join(name.as_str()).join("server.json");
    problems.push(Problem::warning(message).at(path, None));
    Ok(Tier::Staging)
}

fn exists(project: &Project, name: &EnvName) -> bool {
    Tier::of_name(name).is_some() || folder(project, name).is_some()
}

/// The folder of a named environment, whatever alias it was created under.
pub(crate) fn folder(project: &Project, name: &EnvName) -> Option<PathBuf> {
    let folder = project.root().join(ENVIRONMENTS);
    let exact = folder.join(name.as_str());
    if exact.is_dir() {
        return Some(exact);
    }
    let entries = std::fs::read_dir(folder).ok()?;
    let mut matching: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.is_dir() && path.file_name().and_then(|file| EnvName::parse(file.to_str()?)).as_ref() == Some(name)
        })
        .collect();
    matching.sort();
    matching.into_iter().next()
}

/// Names of every environment this project has: the three tiers, then the folders.
pub(crate) fn known(project: &Project) -> Vec<String> {
    let mut names = vec!["dev".to_owned(), "staging".to_owned(), "prod".to_owned()];
    let entries = std::fs::read_dir(project.root().join(ENVIRONMENTS)).into_iter().flatten();
    let mut folders: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(EnvName::parse(path.file_name()?.to_str()?)?.to_string()))
        .filter(|name| !names.contains(name))
        .collect();
    folders.sort();
    folders.dedup();
    names.append(&mut folders);
    names
}

/// The files of an environment, lowest first, relative to the root; whether they exist or not.
pub(crate) fn paths(project: &Project, name: &EnvName, tier: Tier) -> Vec<PathBuf> {
    let shared: &[&str] = match tier {
        Tier::Dev => &[".env.dev", ".env.local", ".env"],
        Tier::Staging => &[".env.dev", ".env.staging", ".env"],
        Tier::Prod => &[".env.dev", ".env.staging", ".env.prod", ".env.secrets", ".env"],
    };
    let mut paths: Vec<PathBuf> = shared.iter().map(PathBuf::from).collect();
    if let Some(folder) = folder(project, name) {
        let folder = folder.strip_prefix(project.root()).unwrap_or(&folder);
        paths.extend([folder.join(".env"), folder.join(".env.secrets")]);
    }
    paths
}

/// Reads the files of an environment that exist.
pub(crate) fn read(project: &Project, name: &EnvName, tier: Tier) -> Result<Vec<Layer>, Error> {
    let mut layers = Vec::new();
    for path in paths(project, name, tier) {
        if let Some(text) = files::read_optional(&project.root().join(&path))? {
            layers.push(Layer { path, file: dotenv::parse(&text) });
        }
    }
    Ok(layers)
}

pub(crate) fn read_toml(project: &Project, problems: &mut Vec<Problem>) -> Result<Toml, Error> {
    let text = files::read_optional(&project.root().join(crate::toml::FILE))?;
    Ok(text.map(|text| Toml::parse(&text, problems)).unwrap_or_default())
}
