//! `nself clean`: leftovers of runs that were cut short, rotated logs, stale run files, and with `--all` whatever is
//! made again by itself. Never data, never configuration, never archives.

use project::{Lock, Project};
use serde::Serialize;

use crate::layout::{Layout, names};
use crate::{Error, Item, archive, restore, trash};

/// What a clean will remove.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub removes: Vec<Item>,
    #[serde(skip)]
    layout: Layout,
}

/// Looks at what is there. `all` adds the files of `nself build` and all logs; the live log files of a running stack
/// are left out, and so are its run files.
pub fn plan(project: &Project, all: bool, running: bool) -> Plan {
    let layout = Layout::new(project, "");
    let mut removes = Vec::new();
    let mut add = |path: &std::path::Path, what| removes.push(layout.item(path, what));
    let journal = layout.state.join(restore::JOURNAL).exists();
    for folder in layout.trash_folders() {
        if folder.exists() {
            add(&folder, "left by a removal");
        }
    }
    // While a restore waits to be finished, what it unpacked is the data.
    for folder in layout.staging_folders().iter().filter(|folder| !journal && folder.exists()) {
        add(folder, "left by a restore");
    }
    for path in archive::partials(&layout) {
        add(&path, "unfinished archive");
    }
    for folder in [&layout.root, &layout.state] {
        for name in names(folder).iter().filter(|name| name.starts_with(".nself-unfinished-")) {
            add(&folder.join(name), "unfinished file");
        }
    }
    let logs = layout.state.join("logs");
    for name in sorted(&logs) {
        if !name.ends_with(".log") {
            add(&logs.join(name), "rotated log");
        } else if all && !running {
            add(&logs.join(name), "log");
        }
    }
    let run = layout.state.join("run");
    for name in sorted(&run) {
        // A lock's file means nothing by itself, and removing one that is held would let a second holder in.
        if !running && !name.ends_with(".lock") {
            add(&run.join(name), "stale run file");
        }
    }
    for name in sorted(&layout.state) {
        if name.starts_with("cache") || (all && name == "build") {
            add(&layout.state.join(name), "made again when needed");
        }
    }
    Plan { removes, layout }
}

fn sorted(folder: &std::path::Path) -> Vec<String> {
    let mut found = names(folder);
    found.sort();
    found
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.removes.is_empty()
    }

    /// Does it. `stopped` is the project's `server` lock, or `None` while the stack runs (see [`plan`]).
    ///
    /// # Errors
    /// A file cannot be removed; a second run goes on.
    pub fn apply(self, stopped: Option<&Lock>) -> Result<Vec<Item>, Error> {
        if stopped.is_some() {
            self.layout.check_stopped()?;
        }
        for item in &self.removes {
            trash::remove(&self.layout.root.join(&item.path))?;
        }
        Ok(self.removes)
    }
}
