//! `nself destroy`: removes what nself made for a project, data included, without an archive. What the user wrote
//! stays: configuration, migrations, seeds, services, and archives in `_backup/`.

use project::guard::{Allowed, Destructive};
use project::{Lock, Project};
use serde::Serialize;

use crate::layout::Layout;
use crate::{Error, Item, reset, restore, trash};

/// Which part goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    #[default]
    Everything,
    /// `--volumes-only`
    Data,
    /// `--generated-only` and `--keep-volumes`
    Generated,
}

/// What a destroy will remove.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub scope: Scope,
    pub removes: Vec<Item>,
    #[serde(skip)]
    layout: Layout,
    #[serde(skip)]
    root: Project,
}

pub fn plan(project: &Project, name: &str, scope: Scope) -> Plan {
    let layout = Layout::new(project, name);
    let mut removes = Vec::new();
    if scope != Scope::Generated {
        removes.extend(reset::data_items(&layout));
    }
    if scope != Scope::Data {
        removes.extend(reset::generated_items(&layout));
    }
    Plan { scope, removes, layout, root: project.clone() }
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.removes.is_empty()
    }

    /// Does it. `_stopped` is the project's `server` lock.
    ///
    /// # Errors
    /// PostgreSQL runs, or a file cannot be removed; a second run goes on.
    pub fn apply(self, _stopped: &Lock, _allowed: Allowed<Destructive>) -> Result<Vec<Item>, Error> {
        let layout = &self.layout;
        layout.check_stopped()?;
        restore::finish(layout)?;
        if self.scope != Scope::Generated {
            reset::discard_data(layout)?;
            project::fault::hit("destroy.data-moved");
        }
        if self.scope != Scope::Data {
            reset::discard_generated(layout)?;
        }
        trash::empty(layout)?;
        if self.scope == Scope::Everything {
            self.remove_place()?;
        }
        Ok(self.removes)
    }

    /// The data folder itself, and the link to it where it lives outside the project.
    fn remove_place(&self) -> Result<(), Error> {
        let link = self.root.data_dir();
        let outside = link.symlink_metadata().is_ok_and(|data| data.is_symlink());
        match &self.layout.data {
            // The link goes last: without it nothing would find the folder again.
            Some(folder) if outside => {
                trash::remove(folder)?;
                trash::remove(&link)
            }
            _ => trash::remove(&link),
        }
    }
}
