//! Projects on a real file system.
#![allow(clippy::unwrap_used)]

mod environments;
mod errors;
mod init;
mod leaks;
mod settings;
mod writing;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use project::Project;

/// A folder that is a project with these files.
pub struct Folder {
    pub folder: tempfile::TempDir,
}

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        for (name, content) in files {
            this.write(name, content);
        }
        this
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn project(&self) -> Project {
        Project::at(self.path())
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path().join(name)).unwrap().permissions().mode() & 0o777
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }
}
