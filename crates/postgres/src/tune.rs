//! The server's parameters for a machine: a pure function of memory, cores and disk.
//!
//! The formulas are those of pgtune (github.com/le0pard/pgtune, its `desktop` profile for development and its `web`
//! profile for staging and production), with a cap on `shared_buffers` in development, where the database shares a
//! laptop with everything else, and JIT off, which costs short statements more than it gives.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Serialize;

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

/// What the server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Bytes of memory, or of the control group's limit when that is less.
    pub memory: u64,
    pub cores: u32,
    pub ssd: bool,
}

/// How much of the machine the database may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A small part: it is one of many programs on somebody's desk.
    Development,
    /// Most of it.
    Server,
}

impl From<project::Tier> for Profile {
    fn from(tier: project::Tier) -> Self {
        match tier {
            project::Tier::Dev => Self::Development,
            project::Tier::Staging | project::Tier::Prod => Self::Server,
        }
    }
}

/// What the user's `POSTGRES_*` settings say; each wins over the computed value. Sizes are bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `POSTGRES_MEMORY`: memory to tune for instead of the machine's.
    pub memory: Option<u64>,
    pub max_connections: Option<u32>,
    pub shared_buffers: Option<u64>,
    pub effective_cache_size: Option<u64>,
    pub work_mem: Option<u64>,
    pub maintenance_work_mem: Option<u64>,
}

impl Overrides {
    /// What the user wrote; a default of the catalogue is no override.
    pub fn from_settings(settings: &project::Settings) -> Self {
        let bytes = |name: &str| settings.is_set(name).then(|| settings.bytes(name)).flatten();
        let connections =
            settings.is_set("POSTGRES_MAX_CONNECTIONS").then(|| settings.integer("POSTGRES_MAX_CONNECTIONS"));
        Self {
            memory: bytes("POSTGRES_MEMORY"),
            max_connections: connections.flatten().and_then(|count| u32::try_from(count).ok()),
            shared_buffers: bytes("POSTGRES_SHARED_BUFFERS"),
            effective_cache_size: bytes("POSTGRES_EFFECTIVE_CACHE_SIZE"),
            work_mem: bytes("POSTGRES_WORK_MEM"),
            maintenance_work_mem: bytes("POSTGRES_MAINTENANCE_WORK_MEM"),
        }
    }
}

/// Computed parameters. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuning {
    pub max_connections: u32,
    pub shared_buffers: u64,
    pub effective_cache_size: u64,
    pub work_mem: u64,
    pub maintenance_work_mem: u64,
    pub wal_buffers: u64,
    pub min_wal_size: u64,
    pub max_wal_size: u64,
    pub random_page_cost: f64,
    pub effective_io_concurrency: u32,
    pub max_worker_processes: u32,
    pub max_parallel_workers: u32,
    pub max_parallel_workers_per_gather: u32,
    pub max_parallel_maintenance_workers: u32,
    pub jit: bool,
}

/// Computes the parameters. Equal input gives equal output on every machine.
pub fn tune(machine: &Machine, profile: Profile, overrides: &Overrides) -> Tuning {
    let memory = overrides.memory.unwrap_or(machine.memory).max(256 * MB);
    let cores = machine.cores.max(1);
    let server = profile == Profile::Server;
    let max_connections = overrides.max_connections.unwrap_or(if server { 200 } else { 100 }).max(10);
    let shared_buffers = overrides.shared_buffers.unwrap_or_else(|| match profile {
        Profile::Development => floor_to((memory / 16).clamp(16 * MB, 128 * MB), MB),
        Profile::Server => floor_to(memory / 4, MB),
    });
    // pgtune: what is left, divided by three for each connection and worker; a desktop takes a sixth of that.
    let workers = cores.max(8);
    let per_process = memory.saturating_sub(shared_buffers) / (u64::from(max_connections + workers) * 3);
    let work_mem = if server { per_process } else { per_process / 6 };
    let half = cores.div_ceil(2);
    Tuning {
        max_connections,
        shared_buffers,
        effective_cache_size: overrides
            .effective_cache_size
            .unwrap_or_else(|| floor_to(if server { memory / 4 * 3 } else { memory / 4 }, MB)),
        work_mem: overrides.work_mem.unwrap_or_else(|| floor_to(work_mem.clamp(4 * MB, GB), MB)),
        maintenance_work_mem: overrides
            .maintenance_work_mem
            .unwrap_or_else(|| floor_to((memory / 16).clamp(16 * MB, if server { 2 * GB } else { 256 * MB }), MB)),
        wal_buffers: floor_to((shared_buffers / 100 * 3).clamp(64 * KB, 16 * MB), 64 * KB),
        min_wal_size: if server { GB } else { 80 * MB },
        max_wal_size: if server { 4 * GB } else { GB },
        random_page_cost: if machine.ssd { 1.1 } else { 4.0 },
        effective_io_concurrency: match (cfg!(target_os = "linux"), machine.ssd) {
            (false, _) => 0,
            (true, true) => 200,
            (true, false) => 2,
        },
        max_worker_processes: workers,
        max_parallel_workers: cores,
        max_parallel_workers_per_gather: half.min(4),
        max_parallel_maintenance_workers: half.min(4),
        jit: false,
    }
}

impl Tuning {
    /// Name and value of every parameter, as `postgresql.conf` wants them.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        vec![
            ("max_connections", self.max_connections.to_string()),
            ("shared_buffers", size(self.shared_buffers)),
            ("effective_cache_size", size(self.effective_cache_size)),
            ("work_mem", size(self.work_mem)),
            ("maintenance_work_mem", size(self.maintenance_work_mem)),
            ("wal_buffers", size(self.wal_buffers)),
            ("min_wal_size", size(self.min_wal_size)),
            ("max_wal_size", size(self.max_wal_size)),
            ("checkpoint_completion_target", "0.9".to_owned()),
            ("random_page_cost", self.random_page_cost.to_string()),
            ("effective_io_concurrency", self.effective_io_concurrency.to_string()),
            ("max_worker_processes", self.max_worker_processes.to_string()),
            ("max_parallel_workers", self.max_parallel_workers.to_string()),
            ("max_parallel_workers_per_gather", self.max_parallel_workers_per_gather.to_string()),
            ("max_parallel_maintenance_workers", self.max_parallel_maintenance_workers.to_string()),
            ("jit", if self.jit { "on" } else { "off" }.to_owned()),
        ]
    }
}

impl Machine {
    /// Looks at this machine; the disk is the one that holds `directory` (or its nearest parent that exists).
    pub fn detect(directory: &Path) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        Self { memory: memory(), cores, ssd: directory.ancestors().find_map(rotational).is_none_or(|spins| !spins) }
    }
}

/// Memory of the machine in bytes, or the control group's limit when that is less; 4 GiB when nothing can be read.
fn memory() -> u64 {
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * KB)
    });
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limits.iter().find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    total.into_iter().chain(limit).min().unwrap_or(4 * GB)
}

/// Whether the disk under `path` spins, by the kernel's word; `None` when the path or the answer is not there (an overlay
/// of a container has no device), which counts as an SSD.
fn rotational(path: &Path) -> Option<bool> {
    let device = std::fs::metadata(path).ok()?.dev();
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    spins(&Path::new("/sys/dev/block").join(format!("{major}:{minor}")).canonicalize().ok()?)
}

/// The same for a block device's folder below `/sys/devices`.
///
/// Disks of virtual machines say that they spin whatever is below them, which is hardly ever true, so they are taken for
/// SSDs: virtio (`vda`), Xen (`xvda`), and SCSI disks whose vendor is a hypervisor. A mapped device (LVM, encryption) and
/// a software RAID repeat what the first disk below them says, so it is asked instead.
fn spins(device: &Path) -> Option<bool> {
    // A partition has no queue of its own, its disk above it does.
    let disk = if device.join("partition").exists() { device.parent()? } else { device };
    let below = std::fs::read_dir(disk.join("slaves")).into_iter().flatten().flatten().next();
    if let Some(below) = below.and_then(|slave| slave.path().canonicalize().ok()) {
        return spins(&below);
    }
    let name = disk.file_name()?.to_str()?;
    let vendor = std::fs::read_to_string(disk.join("device/vendor")).unwrap_or_default();
    let hypervisors = ["QEMU", "VMware", "Msft", "VBOX", "Virtual", "Google", "Nutanix", "DO"];
    if ["vd", "xvd"].iter().any(|prefix| name.starts_with(prefix)) || hypervisors.contains(&vendor.trim()) {
        return Some(false);
    }
    std::fs::read_to_string(disk.join("queue/rotational")).ok().map(|text| text.trim() == "1")
}

/// A size in the largest unit that loses nothing, for example `128MB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= GB && bytes.is_multiple_of(GB) => format!("{}GB", bytes / GB),
        bytes if bytes >= MB && bytes.is_multiple_of(MB) => format!("{}MB", bytes / MB),
        bytes => format!("{}kB", bytes / KB),
    }
}

fn floor_to(value: u64, step: u64) -> u64 {
    value / step * step
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A disk below a make-believe `/sys/devices`, and one partition of it.
    fn disk(root: &Path, name: &str, vendor: &str, rotational: &str) -> std::path::PathBuf {
        let disk = root.join(name);
        for (file, text) in [
            ("queue/rotational".to_owned(), rotational),
            ("device/vendor".to_owned(), vendor),
            (format!("{name}1/partition"), "1"),
        ] {
            std::fs::create_dir_all(disk.join(&file).parent().unwrap()).unwrap();
            std::fs::write(disk.join(file), format!("{text}\n")).unwrap();
        }
        disk.join(format!("{name}1"))
    }

    #[test]
    fn only_a_real_disk_that_spins_spins() {
        let root = tempfile::tempdir().unwrap();
        let disk = |name, vendor, rotational| disk(root.path(), name, vendor, rotational);
        let iron = disk("sda", "ATA     ", "1");
        assert_eq!(spins(&iron), Some(true));
        assert_eq!(spins(&disk("nvme0n1", "", "0")), Some(false));
        let virtio = disk("vda", "0x1af4", "1");
        assert_eq!(spins(&virtio), Some(false), "virtio");
        assert_eq!(spins(&disk("sdb", "QEMU    ", "1")), Some(false), "a hypervisor's SCSI disk");
        for (name, below, expected) in [("dm-0", &iron, true), ("dm-1", &virtio, false)] {
            let mapped = disk(name, "", "1");
            let mapped = mapped.parent().unwrap();
            std::fs::create_dir(mapped.join("slaves")).unwrap();
            std::os::unix::fs::symlink(below, mapped.join("slaves/below")).unwrap();
            assert_eq!(spins(mapped), Some(expected), "{name}");
        }
        assert_eq!(spins(&root.path().join("nothing")), None);
    }

    const LAPTOP: Machine = Machine { memory: 16 * GB, cores: 8, ssd: true };

    #[test]
    fn development_stays_modest() {
        let tuning = tune(&LAPTOP, Profile::Development, &Overrides::default());
        assert_eq!(tuning.shared_buffers, 128 * MB);
        assert_eq!(tuning.max_connections, 100);
        assert!(tuning.work_mem <= 16 * MB, "{}", tuning.work_mem);
    }

    #[test]
    fn production_follows_pgtune_web() {
        // pgtune, web, 16 GB, 8 cores, 200 connections, SSD: 4 GB buffers, 12 GB cache, 1 GB maintenance, 16 MB WAL.
        let tuning = tune(&LAPTOP, Profile::Server, &Overrides::default());
        assert_eq!(tuning.shared_buffers, 4 * GB);
        assert_eq!(tuning.effective_cache_size, 12 * GB);
        assert_eq!(tuning.maintenance_work_mem, GB);
        assert_eq!(floor_to(tuning.wal_buffers, MB), 16 * MB);
        assert_eq!((tuning.random_page_cost, tuning.max_parallel_workers_per_gather), (1.1, 4));
    }

    #[test]
    fn the_user_has_the_last_word() {
        let overrides = Overrides {
            memory: Some(8 * GB),
            max_connections: Some(500),
            shared_buffers: Some(300 * MB),
            work_mem: Some(3 * MB),
            ..Overrides::default()
        };
        let tuning = tune(&LAPTOP, Profile::Server, &overrides);
        assert_eq!((tuning.max_connections, tuning.shared_buffers, tuning.work_mem), (500, 300 * MB, 3 * MB));
        assert_eq!(tuning.effective_cache_size, 6 * GB);
    }

    #[test]
    fn a_tiny_machine_still_gets_values_the_server_accepts() {
        let tiny = Machine { memory: 64 * MB, cores: 0, ssd: false };
        for profile in [Profile::Development, Profile::Server] {
            let tuning = tune(&tiny, profile, &Overrides::default());
            assert!(tuning.work_mem >= 64 * KB && tuning.shared_buffers >= 128 * KB);
            assert!(tuning.max_parallel_workers >= 1 && tuning.max_wal_size > tuning.min_wal_size);
        }
    }

    #[test]
    fn sizes_lose_nothing() {
        assert_eq!((size(GB), size(128 * MB), size(MB + KB)), ("1GB".into(), "128MB".into(), "1025kB".into()));
    }
}
