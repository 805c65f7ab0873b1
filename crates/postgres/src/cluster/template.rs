//! A prepared data directory, made once for each PostgreSQL and set of options, copied for every new project.
//!
//! It has never been started and holds no password. Each copy gets a system identifier of its own (`identity`); see
//! docs/adr/0011-template-cluster.md.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::Cluster;
use super::launch::environment;
use crate::{Error, Installation, files, placement, user};

/// Raised whenever what is in a template changes without a change of its options.
const LAYOUT: u32 = 1;

/// Where templates are kept: `/var/cache/nself/templates` for root, whose home PostgreSQL's user cannot enter, else
/// `$XDG_CACHE_HOME/nself/templates`.
pub fn default_folder() -> PathBuf {
    if user::is_root() {
        PathBuf::from("/var/cache/nself/templates")
    } else {
        user::xdg("XDG_CACHE_HOME", ".cache").join("nself/templates")
    }
}

/// The template for `cluster`, made now if it is not there yet.
pub(super) fn obtain(cluster: &Cluster, folder: &Path) -> Result<PathBuf, Error> {
    let template = folder.join(key(cluster));
    if template.join("PG_VERSION").is_file() {
        return Ok(template);
    }
    placement::make(folder, 0o755)?;
    let lock = template.with_extension("lock");
    File::create(&lock).map_err(Error::io("make", &lock))?;
    let _held = files::lock(&lock)?;
    if template.join("PG_VERSION").is_file() {
        return Ok(template);
    }
    let partial = template.with_extension("partial");
    files::remove(&partial)?;
    files::folder(&partial, cluster.run_as.as_ref())?;
    initialise(cluster, &partial).inspect_err(|_| _ = files::remove(&partial))?;
    files::sync_all(&partial)?;
    project::fault::hit("postgres.template-made");
    files::rename(&partial, &template)?;
    Ok(template)
}

/// Version, options and programs: whatever could make one cluster differ from another.
fn key(cluster: &Cluster) -> String {
    let Installation { full_version, bin, version, .. } = &cluster.installation;
    let mut hash = Sha256::new();
    let owner = cluster.run_as.as_ref().map_or("", |user| user.name.as_str());
    for part in [full_version, &bin.display().to_string(), &cluster.superuser, owner, &LAYOUT.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hash: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    // No dot may follow the version: with_extension() would eat it.
    format!("pg{}_{}-{hash}", version.major, version.minor)
}

/// Runs initdb in the empty folder `data_dir`: checksums, UTF-8, and the best locale that this build and system have.
///
/// Flushing it to disk is the caller's part. The new cluster trusts local connections; [`Cluster::prepare`] writes its real rules before it is put into place.
pub(super) fn initialise(cluster: &Cluster, data_dir: &Path) -> Result<(), Error> {
    let major = cluster.installation.version.major;
    let mut first = None;
    for locale in locales(major) {
        let output = initdb(cluster, data_dir, locale)?;
        if output.status.success() {
            return Ok(());
        }
        let complaint = complaint(&output);
        // A build without ICU and a system without C.UTF-8 say so; anything else would be the same with another locale.
        let about_locale = ["ICU", "locale", "collation"].iter().any(|word| complaint.contains(word));
        let complaint = first.get_or_insert(complaint);
        if !about_locale {
            return Err(Error::Initdb { directory: data_dir.to_owned(), output: complaint.clone() });
        }
        files::remove(data_dir)?;
        files::folder(data_dir, cluster.run_as.as_ref())?;
    }
    Err(Error::Initdb { directory: data_dir.to_owned(), output: first.unwrap_or_default() })
}

/// Locale arguments, best first. ICU's root collation sorts every language sensibly and does not change with the C
/// library; `und` stands for it.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    const ICU: &[&str] = &["--locale-provider=icu", "--icu-locale=und", "--locale=C.UTF-8"];
    const ICU_PLAIN: &[&str] = &["--locale-provider=icu", "--icu-locale=und", "--locale=C"];
    const BUILTIN: &[&str] = &["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
    const LIBC: &[&str] = &["--locale=C.UTF-8"];
    const PLAIN: &[&str] = &["--locale=C"];
    match major {
        ..=14 => &[LIBC, PLAIN],
        15 | 16 => &[ICU, ICU_PLAIN, LIBC, PLAIN],
        17.. => &[ICU, ICU_PLAIN, BUILTIN, LIBC, PLAIN],
    }
}

fn initdb(cluster: &Cluster, data_dir: &Path, locale: &[&str]) -> Result<std::process::Output, Error> {
    use std::os::unix::process::CommandExt;
    let program = cluster.installation.bin.join("initdb");
    let mut command = Command::new(&program);
    command
        .args(["--encoding=UTF8", "--data-checksums", "--auth=trust", "--no-instructions", "--no-sync", "--username"])
        .arg(&cluster.superuser)
        .args(locale)
        .arg("--pgdata")
        .arg(data_dir)
        .env_clear()
        .envs(environment())
        .current_dir(data_dir)
        .stdin(Stdio::null());
    if let Some(user) = &cluster.run_as {
        command.uid(user.uid).gid(user.gid);
    }
    command.output().map_err(Error::io("run", program))
}

/// The last lines of what initdb said; it repeats its plan before them.
fn complaint(output: &std::process::Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join("\n")
}

/// Adds the line that makes the server read nself's parameters to the end of `postgresql.conf`.
pub(super) fn include(data_dir: &Path) -> Result<(), Error> {
    let path = data_dir.join("postgresql.conf");
    let append = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path)?;
        file.write_all(include_str!("../../../../assets/postgres/include.conf").as_bytes())
    };
    append().map_err(Error::io("write", &path))
}
