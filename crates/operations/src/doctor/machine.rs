//! Memory, disk and programs.

use std::path::Path;

use super::{Check, Status};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// What this machine has; a value, so that checks can be tested without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Bytes of memory, or of the control group's limit when that is less.
    pub memory: u64,
    /// Bytes that may still be written where the project is.
    pub disk: u64,
    /// False when nothing can be written there.
    pub writable: bool,
    pub git: bool,
}

impl Machine {
    /// Looks at the machine and at the disk that holds `folder`.
    pub fn detect(folder: &Path) -> Self {
        let disk = nix::sys::statvfs::statvfs(folder);
        let (free, read_only) = disk.map_or((0, false), |disk| {
            (
                disk.blocks_available() * disk.fragment_size(),
                disk.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY),
            )
        });
        let writable = !read_only && nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK).is_ok();
        let git = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("git").is_file()));
        Self { memory: postgres::tune::Machine::detect(folder).memory, disk: free, writable, git }
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        vec![self.memory_check(), self.disk_check(), self.git_check()]
    }

    fn memory_check(&self) -> Check {
        let found = format!("{} MiB", self.memory / MIB);
        match self.memory {
            // A machine sold as 2 GB shows a little less.
            memory if memory >= 2 * GIB - 256 * MIB => Check::ok("memory", found),
            memory if memory >= 512 * MIB => {
                Check::new("memory", Status::Warn, format!("{found}, 2 GiB are comfortable"))
                    .advise("nself resources calculate shows what PostgreSQL will use")
            }
            _ => Check::new("memory", Status::Fail, format!("{found}, at least 512 MiB are needed"))
                .advise("give the machine or container more memory"),
        }
    }

    fn disk_check(&self) -> Check {
        let found = format!("{:.1} GiB free", self.disk as f64 / GIB as f64);
        if !self.writable {
            return Check::new("disk", Status::Fail, "the project's folder cannot be written to")
                .advise("mount it writable, or make it yours: sudo chown -R \"$USER\" .");
        }
        match self.disk {
            disk if disk >= 5 * GIB => Check::ok("disk", found),
            disk if disk >= 256 * MIB => {
                Check::new("disk", Status::Warn, format!("{found}, 5 GiB are comfortable")).advise("nself clean")
            }
            _ => Check::new("disk", Status::Fail, format!("{found}, PostgreSQL needs at least 0.25 GiB"))
                .advise("nself clean, and remove what is not needed"),
        }
    }

    fn git_check(&self) -> Check {
        if self.git {
            Check::ok("git", "found")
        } else {
            Check::new("git", Status::Warn, "not found; doctor cannot see whether secrets are tracked")
                .advise("install git with the system's package manager")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_warns_and_too_little_fails() {
        let machine = |memory, disk, writable| Machine { memory, disk, writable, git: true };
        let of = |machine: &Machine| machine.checks().iter().map(|check| check.status).collect::<Vec<_>>();
        assert_eq!(of(&machine(2 * GIB, 5 * GIB, true)), [Status::Ok, Status::Ok, Status::Ok]);
        assert_eq!(of(&machine(GIB, GIB, true)), [Status::Warn, Status::Warn, Status::Ok]);
        assert_eq!(of(&machine(MIB, MIB, true)), [Status::Fail, Status::Fail, Status::Ok]);
        assert_eq!(of(&machine(4 * GIB, 50 * GIB, false))[1], Status::Fail);
    }

    #[test]
    fn this_machine_has_memory_and_disk() {
        let machine = Machine::detect(&std::env::temp_dir());
        assert!(machine.memory > MIB && machine.disk > 0 && machine.writable, "{machine:?}");
    }
}
