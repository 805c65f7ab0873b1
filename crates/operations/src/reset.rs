//! `nself reset`: archive everything, then back to an empty project.
//!
//! Safe to be cut short anywhere: the archive is whole before anything goes, data goes by one rename, and a second run
//! archives what is left and goes on.

use jiff::Zoned;
use project::guard::{Allowed, Destructive};
use project::{Lock, Project};
use serde::Serialize;

use crate::archive::{self, Archive, Reason};
use crate::layout::{Layout, names};
use crate::{Error, Item, restore, trash};

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `--no-backup`
    pub no_archive: bool,
    /// `--keep-env`
    pub keep_environment: bool,
}

/// What a reset will do.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// Whether an archive is made first.
    pub archive: bool,
    pub removes: Vec<Item>,
    #[serde(skip)]
    layout: Layout,
    #[serde(skip)]
    environment: String,
    #[serde(skip)]
    options: Options,
}

#[derive(Debug, Serialize)]
pub struct Done {
    pub archive: Option<Archive>,
    pub removed: Vec<Item>,
}

/// Looks at what is there. `name` is the project's, `environment` the active one.
pub fn plan(project: &Project, name: &str, environment: &str, options: Options) -> Plan {
    let layout = Layout::new(project, name);
    let mut removes = data_items(&layout);
    removes.extend(generated_items(&layout));
    if !options.keep_environment {
        let files = layout.environment_files();
        removes.extend(files.iter().map(|file| layout.item(&layout.root.join(file), "environment file")));
    }
    Plan { archive: !options.no_archive, removes, layout, environment: environment.to_owned(), options }
}

impl Plan {
    /// Nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.removes.is_empty()
    }

    /// Does it. `_stopped` is the project's `server` lock.
    ///
    /// # Errors
    /// PostgreSQL runs, the archive cannot be written or does not read back (then nothing was removed), or a file
    /// cannot be removed (then a second run goes on).
    pub fn apply(self, _stopped: &Lock, _allowed: Allowed<Destructive>, now: &Zoned) -> Result<Done, Error> {
        let layout = &self.layout;
        layout.check_stopped()?;
        restore::finish(layout)?;
        let archive = if self.options.no_archive {
            None
        } else {
            archive::create(layout, &self.environment, Reason::Reset, now)?
        };
        project::fault::hit("reset.archived");
        discard_data(layout)?;
        project::fault::hit("reset.data-moved");
        discard_generated(layout)?;
        if !self.options.keep_environment {
            for file in layout.environment_files() {
                trash::discard(&layout.root.join(file), &layout.state)?;
            }
        }
        project::fault::hit("reset.moved");
        trash::empty(layout)?;
        Ok(Done { archive, removed: self.removes })
    }
}

pub(crate) fn data_items(layout: &Layout) -> Vec<Item> {
    let Some(folder) = &layout.data else { return Vec::new() };
    layout.data_names().iter().map(|name| layout.item(&folder.join(name), "data")).collect()
}

/// What nself makes again by itself: everything in `.nself` but data, locks and our own work folders.
pub(crate) fn generated_items(layout: &Layout) -> Vec<Item> {
    let mut found: Vec<String> = generated(layout);
    found.sort();
    found.iter().map(|name| layout.item(&layout.state.join(name), "generated")).collect()
}

fn generated(layout: &Layout) -> Vec<String> {
    let ours = |name: &String| name != "data" && name != "run" && !name.starts_with('.') && name != restore::JOURNAL;
    names(&layout.state).into_iter().filter(ours).collect()
}

pub(crate) fn discard_data(layout: &Layout) -> Result<(), Error> {
    let Some(folder) = &layout.data else { return Ok(()) };
    layout.data_names().iter().try_for_each(|name| trash::discard(&folder.join(name), folder))
}

/// The `run` folder stays, because the lock that we hold is in it.
pub(crate) fn discard_generated(layout: &Layout) -> Result<(), Error> {
    for name in generated(layout) {
        trash::discard(&layout.state.join(name), &layout.state)?;
    }
    let run = layout.state.join("run");
    for name in names(&run).iter().filter(|name| !name.ends_with(".lock")) {
        trash::remove(&run.join(name))?;
    }
    Ok(())
}
