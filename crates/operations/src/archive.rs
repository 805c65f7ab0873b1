//! Archives: `_backup/<project>_<YYYYMMDD_HHMMSS>.tar.gz`, a project's configuration and data at one moment.
//!
//! Paths in an archive are relative to the project's root, so that `tar` alone can bring it back; data stands under
//! `.nself/data/` wherever it really lives. The first entry is a [`Manifest`]. Archives of the Bash tool have none and
//! can be restored too.

mod read;
mod write;

use std::path::PathBuf;

use jiff::{Timestamp, Zoned};
use project::Project;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::layout::{Layout, names, sync};
use crate::trash::make_private;

pub(crate) use read::{Target, check, units_of, unpack};

/// Name of the entry that describes an archive.
const MANIFEST: &str = ".nself-archive.json";
/// Version of the layout.
const FORMAT: u32 = 1;
const SUFFIX: &str = ".tar.gz";
const PARTIAL: &str = ".partial";
/// In an archive, what lives in the data folder.
pub(crate) const DATA: &str = ".nself/data";

/// Why an archive was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Reset,
    /// The state that a `restore` replaced; never picked without being named.
    BeforeRestore,
}

/// What an archive says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub project: String,
    pub environment: String,
    pub created: Timestamp,
    /// Version of the nself that wrote it.
    pub nself: String,
    pub reason: Reason,
    /// Major version of the PostgreSQL whose data is in it.
    pub postgres: Option<u32>,
    /// What is swapped in as a whole on restore: files and folders, relative to the root.
    pub units: Vec<String>,
}

/// An archive in `_backup/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Archive {
    /// File name without `.tar.gz`.
    pub name: String,
    pub path: PathBuf,
    /// Compressed.
    pub bytes: u64,
    pub created: Timestamp,
    /// Whether database files are in it; `None` for an archive of the Bash tool, which has not been looked into.
    pub data: Option<bool>,
    pub manifest: Option<Manifest>,
}

/// The archives of a project, newest first. Files that are no archives are left out.
pub fn list(project: &Project) -> Vec<Archive> {
    let folder = project.root().join(crate::layout::BACKUPS);
    let mut found: Vec<Archive> = names(&folder)
        .iter()
        .filter(|name| !name.starts_with('.'))
        .filter_map(|name| {
            let path = folder.join(name);
            let data = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
            let manifest = read::manifest(&path).ok()?;
            let written = data.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_default();
            Some(Archive {
                name: name.strip_suffix(SUFFIX)?.to_owned(),
                bytes: data.len(),
                created: manifest.as_ref().map_or(written, |manifest| manifest.created),
                data: manifest.as_ref().map(|manifest| manifest.units.iter().any(|unit| unit.starts_with(DATA))),
                manifest,
                path,
            })
        })
        .collect();
    found.sort_by(|one, other| (other.created, &other.name).cmp(&(one.created, &one.name)));
    found
}

/// Picks an archive: by name, file name, path or a part of the name that only one has. Without a name the newest that
/// holds data, else the newest; one made before a restore is only taken by name.
///
/// # Errors
/// [`Error::NoArchive`] when none or several fit.
pub fn pick(project: &Project, wanted: Option<&str>) -> Result<Archive, Error> {
    let mut all = list(project);
    let known = || all.iter().map(|archive| archive.name.clone()).collect::<Vec<_>>();
    let place = match wanted {
        None => {
            let automatic = |archive: &Archive| {
                archive.manifest.as_ref().is_none_or(|manifest| manifest.reason != Reason::BeforeRestore)
            };
            let with_data = all.iter().position(|archive| automatic(archive) && archive.data == Some(true));
            with_data.or_else(|| all.iter().position(automatic))
        }
        Some(text) => {
            let file = text.rsplit('/').next().unwrap_or(text);
            let name = file.strip_suffix(SUFFIX).unwrap_or(file);
            all.iter().position(|archive| archive.name == name).or_else(|| {
                let mut fitting = all.iter().enumerate().filter(|(_, archive)| archive.name.contains(name));
                let first = fitting.next();
                first.filter(|_| fitting.next().is_none() && !name.is_empty()).map(|(place, _)| place)
            })
        }
    };
    match place {
        Some(place) => Ok(all.swap_remove(place)),
        None => Err(Error::NoArchive { wanted: wanted.map(str::to_owned), known: known() }),
    }
}

/// Archives everything worth keeping. `None` when there is nothing.
pub(crate) fn create(
    layout: &Layout,
    environment: &str,
    reason: Reason,
    now: &Zoned,
) -> Result<Option<Archive>, Error> {
    let sources = write::sources(layout);
    if sources.is_empty() {
        return Ok(None);
    }
    let manifest = Manifest {
        format: FORMAT,
        project: layout.name.clone(),
        environment: environment.to_owned(),
        created: now.timestamp(),
        nself: env!("CARGO_PKG_VERSION").to_owned(),
        reason,
        postgres: layout.major(),
        units: sources.iter().map(|source| source.name.clone()).collect(),
    };
    let folder = layout.backups();
    make_private(&folder)?;
    let name = free_name(layout, now);
    let partial = folder.join(format!(".{name}{PARTIAL}"));
    crate::trash::remove(&partial)?;
    let written = write::write(&partial, &manifest, &sources).and_then(|written| {
        project::fault::hit("archive.written");
        read::verify(&partial, &written)
    });
    if let Err(error) = written {
        // A full disk needs the room back.
        let _ = std::fs::remove_file(&partial);
        return Err(error);
    }
    let path = folder.join(format!("{name}{SUFFIX}"));
    std::fs::rename(&partial, &path).map_err(Error::io("put into place", &path))?;
    sync(&folder)?;
    sync(&layout.root)?;
    let bytes = crate::layout::size(&path);
    let data = manifest.units.iter().any(|unit| unit.starts_with(DATA));
    Ok(Some(Archive { name, path, bytes, created: manifest.created, data: Some(data), manifest: Some(manifest) }))
}

/// `<project>_<YYYYMMDD_HHMMSS>` in local time, with a number when two fall into one second.
fn free_name(layout: &Layout, now: &Zoned) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let project: String = layout.name.chars().map(safe).collect();
    let base = format!("{project}_{}", now.strftime("%Y%m%d_%H%M%S"));
    let taken = names(&layout.backups());
    let mut candidates = std::iter::once(base.clone()).chain((2..).map(|number: u32| format!("{base}_{number}")));
    let free = candidates.find(|name| !taken.contains(&format!("{name}{SUFFIX}")));
    free.unwrap_or(base)
}

/// Archives that were never finished.
pub(crate) fn partials(layout: &Layout) -> Vec<PathBuf> {
    let folder = layout.backups();
    let left = names(&folder).into_iter().filter(|name| name.starts_with('.') && name.ends_with(PARTIAL));
    left.map(|name| folder.join(name)).collect()
}
