//! `nself restore`: brings an archive back.
//!
//! The archive is unpacked beside the present state, flushed, and written down in a journal; only then is each unit
//! swapped in by renames. Cut short before the journal, nothing has happened. Cut short after it, [`resume`] (or any
//! later reset or restore) finishes the swap.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use project::guard::{Allowed, Destructive};
use project::{Lock, Project};
use serde::{Deserialize, Serialize};

use crate::archive::{self, Archive, DATA, Reason, Target};
use crate::layout::{Layout, STAGING, sync, sync_all};
use crate::{Error, Item, trash};

/// In `.nself`, while a swap is under way.
pub(crate) const JOURNAL: &str = "restore.json";

/// What a restore will do.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub archive: Archive,
    /// Files and folders that come back, relative to the project's root.
    pub brings: Vec<String>,
    /// What is there now and makes room. It is archived first.
    pub replaces: Vec<Item>,
    #[serde(skip)]
    layout: Layout,
    #[serde(skip)]
    environment: String,
    #[serde(skip)]
    root: Project,
}

#[derive(Debug, Serialize)]
pub struct Done {
    pub archive: Archive,
    pub restored: Vec<String>,
    /// The archive of the state that was replaced.
    pub saved: Option<Archive>,
}

/// One swap: relative to the root, or to the data folder behind `.nself/data`.
#[derive(Debug, Serialize, Deserialize)]
struct Swap {
    unit: String,
    /// Device and inode of what was there: anything else in its place was made later and is kept.
    old: Option<(u64, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    archive: String,
    swaps: Vec<Swap>,
}

/// Looks at an archive (see [`archive::pick`]), reading it whole, and at what it would replace.
///
/// # Errors
/// [`Error::NoArchive`], [`Error::Damaged`], [`Error::Newer`].
pub fn plan(project: &Project, name: &str, environment: &str, wanted: Option<&str>) -> Result<Plan, Error> {
    let archive = archive::pick(project, wanted)?;
    let layout = Layout::new(project, name);
    archive::check(&archive.path)?;
    let brings = archive::units_of(&archive)?;
    let present = brings.iter().filter_map(|unit| place(&layout, unit)).filter(|path| path.symlink_metadata().is_ok());
    let replaces = present.map(|path| layout.item(&path, "replaced")).collect();
    Ok(Plan { archive, brings, replaces, layout, environment: environment.to_owned(), root: project.clone() })
}

impl Plan {
    /// Does it. `_stopped` is the project's `server` lock.
    ///
    /// # Errors
    /// PostgreSQL runs; the archive is damaged or the disk full (then nothing was changed); a rename failed (then
    /// [`resume`] goes on).
    pub fn apply(self, _stopped: &Lock, _allowed: Allowed<Destructive>, now: &Zoned) -> Result<Done, Error> {
        let mut layout = self.layout;
        layout.check_stopped()?;
        finish(&layout)?;
        let saved = if self.replaces.is_empty() {
            None
        } else {
            archive::create(&layout, &self.environment, Reason::BeforeRestore, now)?
        };
        project::fault::hit("restore.saved");
        let with_data = self.brings.iter().any(|unit| unit.starts_with(DATA));
        let owner = if with_data { postgres::User::for_server()? } else { None };
        if with_data && layout.data.is_none() {
            let placement = postgres::place_data(&self.root.state_dir(), &layout.name, self.root.root())?;
            layout.data = Some(placement.folder);
        }
        trash::make_private(&layout.state)?;
        if let Err(error) = stage(&layout, &self.archive, &self.brings, owner) {
            // Nothing has been changed, and a full disk needs the room back.
            let _ = discard_staging(&layout);
            return Err(error);
        }
        project::fault::hit("restore.unpacked");
        write_journal(&layout, &self.archive, &self.brings)?;
        project::fault::hit("restore.journal");
        finish(&layout)?;
        Ok(Done { archive: self.archive, restored: self.brings, saved })
    }
}

/// Finishes a restore that was cut short. The stack must not run. Gives the archive's name when there was one.
///
/// # Errors
/// A rename failed; the next call goes on.
pub fn resume(project: &Project) -> Result<Option<String>, Error> {
    if !project.state_dir().join(JOURNAL).exists() {
        return Ok(None);
    }
    let _stopped = project.lock("server")?;
    finish(&Layout::new(project, ""))
}

/// Finishes a swap that was begun, then removes what lies around of it.
pub(crate) fn finish(layout: &Layout) -> Result<Option<String>, Error> {
    let path = layout.state.join(JOURNAL);
    let journal = match fs::read(&path) {
        Ok(text) => serde_json::from_slice::<Journal>(&text).map_err(|error| Error::damaged(&path, error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            discard_staging(layout)?;
            trash::empty(layout)?;
            return Ok(None);
        }
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    for swap in &journal.swaps {
        swap_in(layout, swap)?;
    }
    project::fault::hit("restore.swapped");
    trash::remove(&path)?;
    sync(&layout.state)?;
    discard_staging(layout)?;
    trash::empty(layout)?;
    Ok(Some(journal.archive))
}

/// Where a unit belongs; `None` for data while there is no data folder.
fn place(layout: &Layout, unit: &str) -> Option<PathBuf> {
    match data_name(unit) {
        Some(name) => layout.data.as_ref().map(|folder| folder.join(name)),
        None => Some(layout.root.join(unit)),
    }
}

/// The folder on the same file system as a unit's place, for moving things about.
fn base<'a>(layout: &'a Layout, unit: &str) -> &'a Path {
    match (&layout.data, data_name(unit)) {
        (Some(folder), Some(_)) => folder,
        _ => &layout.state,
    }
}

fn data_name(unit: &str) -> Option<&str> {
    unit.strip_prefix(DATA)?.strip_prefix('/')
}

fn staged(layout: &Layout, unit: &str) -> PathBuf {
    base(layout, unit).join(STAGING).join(unit)
}

fn stage(layout: &Layout, archive: &Archive, units: &[String], owner: Option<postgres::User>) -> Result<(), Error> {
    for folder in layout.staging_folders() {
        trash::make_private(&folder)?;
    }
    let configuration = layout.state.join(STAGING);
    let data = layout.data.as_ref().map(|folder| folder.join(STAGING));
    archive::unpack(archive, units, &Target { configuration: &configuration, data: data.as_deref(), owner })?;
    for unit in units {
        let path = staged(layout, unit);
        if path.symlink_metadata().is_err() {
            return Err(Error::damaged(&archive.path, format!("{unit} is missing")));
        }
    }
    layout.staging_folders().iter().try_for_each(|folder| sync_all(folder))
}

fn write_journal(layout: &Layout, archive: &Archive, units: &[String]) -> Result<(), Error> {
    let identity = |path: &Path| path.symlink_metadata().ok().map(|data| (data.dev(), data.ino()));
    let swaps = units
        .iter()
        .map(|unit| Swap { unit: unit.clone(), old: place(layout, unit).and_then(|path| identity(&path)) })
        .collect();
    let journal = Journal { archive: archive.name.clone(), swaps };
    let path = layout.state.join(JOURNAL);
    let text = serde_json::to_vec(&journal).map_err(|error| Error::io("write", &path)(error.into()))?;
    Ok(project::files::write(&path, &text, Some(project::files::PRIVATE))?)
}

/// Two renames; either may have happened already.
fn swap_in(layout: &Layout, swap: &Swap) -> Result<(), Error> {
    let staged = staged(layout, &swap.unit);
    let Some(target) = place(layout, &swap.unit) else { return Ok(()) };
    if staged.symlink_metadata().is_err() {
        return Ok(());
    }
    if let Ok(present) = target.symlink_metadata() {
        if swap.old == Some((present.dev(), present.ino())) {
            trash::discard(&target, base(layout, &swap.unit))?;
        } else {
            keep(&target)?;
        }
    }
    project::fault::hit("restore.moved-old");
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(Error::io("make the folder", parent))?;
    }
    fs::rename(&staged, &target).map_err(Error::io("put into place", &target))?;
    project::fault::hit("restore.moved-new");
    target.parent().map_or(Ok(()), sync)
}

/// Moves aside what somebody made in the place of a unit while the swap was interrupted.
fn keep(path: &Path) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kept = (1_u32..)
        .map(|number| path.with_file_name(format!("{name}.kept-{number}")))
        .find(|kept| kept.symlink_metadata().is_err())
        .expect("four thousand million names are not all taken");
    fs::rename(path, &kept).map_err(Error::io("move aside", path))
}

fn discard_staging(layout: &Layout) -> Result<(), Error> {
    layout.staging_folders().iter().try_for_each(|folder| trash::remove(folder))
}
