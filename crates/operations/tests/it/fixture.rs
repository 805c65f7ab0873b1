use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use operations::{reset, restore};
use project::guard::{self, Allowed, Consent, Destructive};
use project::{Project, Tier};

/// A project with configuration, certificates, logs and a data directory that looks like a stopped cluster's.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub project: Project,
}

pub const ENV: &str = "ENV=dev\nPROJECT_NAME=shop\nPOSTGRES_PASSWORD=one\n";

impl Fixture {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Self { project: Project::at(folder.path()), folder };
        fixture.write(".env", ENV, 0o600);
        fixture.write(".env.dev", "LOG_MAX_SIZE=1M\n", 0o644);
        fixture.write(".env.example", "# example\n", 0o644);
        fixture.write("nself.toml", "[services]\n", 0o644);
        fixture.write(".environments/qa/.env", "X=1\n", 0o600);
        fixture.write("nself/migrations/001_a.sql", "SELECT 1", 0o644);
        fixture.write(".nself/certs/gateway.pem", "certificate", 0o600);
        fixture.write(".nself/logs/postgres.log", "{}\n", 0o600);
        fixture.write(".nself/build/plan.json", "{}", 0o644);
        fixture.write(".nself/data/project.json", "{\"place\":1}", 0o600);
        fixture.data("first");
        fixture
    }

    /// Puts a data directory there whose content says `mark`.
    pub fn data(&self, mark: &str) {
        self.write(".nself/data/postgres/PG_VERSION", "15\n", 0o600);
        self.write(".nself/data/postgres/postmaster.pid", "999999999\n", 0o600);
        self.write(".nself/data/postgres/base/5/1259", &mark.repeat(20_000), 0o600);
        std::fs::create_dir_all(self.path(".nself/data/postgres/pg_tblspc")).unwrap();
        let link = self.path(".nself/data/postgres/pg_tblspc/16400");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink("/nowhere/space", link).unwrap();
        std::fs::set_permissions(self.path(".nself/data/postgres"), PermissionsExt::from_mode(0o700)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// What the data directory's mark is; panics when it is there and not whole.
    pub fn mark(&self) -> Option<String> {
        let text = self.read(".nself/data/postgres/base/5/1259")?;
        let length = text.len() / 20_000;
        assert!(length > 0 && text == text[..length].repeat(20_000), "torn data");
        assert_eq!(self.read(".nself/data/postgres/PG_VERSION").as_deref(), Some("15\n"), "half a cluster");
        Some(text[..length].to_owned())
    }

    pub fn archives(&self) -> Vec<String> {
        operations::archive::list(&self.project).into_iter().map(|archive| archive.name).collect()
    }
}

pub fn allowed() -> Allowed<Destructive> {
    guard::destructive(Tier::Dev, "shop", &Consent::default()).unwrap()
}

/// A moment that differs with `second`.
pub fn at(second: i8) -> Zoned {
    jiff::civil::date(2026, 5, 4).at(10, 20, second, 0).in_tz("UTC").unwrap()
}

pub fn reset(project: &Project, second: i8, options: reset::Options) -> Result<reset::Done, operations::Error> {
    let plan = reset::plan(project, "shop", "dev", options);
    plan.apply(&project.lock("server").unwrap(), allowed(), &at(second))
}

pub fn restore(project: &Project, second: i8, name: Option<&str>) -> Result<restore::Done, operations::Error> {
    let plan = restore::plan(project, "shop", "dev", name)?;
    plan.apply(&project.lock("server").unwrap(), allowed(), &at(second))
}

/// Runs the ignored test `child` of this binary, which ends itself at the fault point `point`. True when it died there.
pub fn run_child(child: &str, root: &Path, point: &str) -> bool {
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env("NSELF_FAULT", point)
        .env("OPERATIONS_ROOT", root)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(6)
}

pub fn child_project() -> Project {
    Project::at(std::env::var_os("OPERATIONS_ROOT").unwrap())
}
