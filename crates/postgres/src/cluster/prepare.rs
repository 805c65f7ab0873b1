use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Cluster, data_major, identity, postmaster, template};
use crate::{Error, User, files, log, placement};

/// What [`Cluster::prepare`] found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prepared {
    pub origin: Origin,
}

/// How the data directory came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It was there.
    Existing,
    /// Copied from a template.
    Template,
    /// Made by initdb.
    Initdb,
}

/// What nself notes in a data directory when it makes one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The superuser that initdb made; it stays one even when `POSTGRES_USER` changes.
    pub superuser: String,
}

const NOTE: &str = "nself.json";

impl Cluster {
    /// Makes the data directory when there is none, checks it when there is one, and writes its parameters. The server
    /// can be started afterwards.
    ///
    /// Killed at any moment it leaves either no data directory or a whole one; two at once wait for each other.
    ///
    /// # Errors
    /// [`Error::OtherMajor`], [`Error::AlreadyRunning`], [`Error::NotADataDirectory`], [`Error::Initdb`], [`Error::Io`].
    pub fn prepare(&self) -> Result<Prepared, Error> {
        let parent = self.data_dir.parent().unwrap_or(Path::new("/"));
        placement::make(parent, 0o755)?;
        let _held = files::lock(parent)?;
        let origin = match self.existing()? {
            true => Origin::Existing,
            false => self.create()?,
        };
        postmaster::claim(&self.data_dir, self.run_as.as_ref())?;
        files::folder(&self.socket_dir, self.run_as.as_ref())?;
        postmaster::release_socket(&self.socket_dir, self.port, self.run_as.as_ref())?;
        self.configure(&self.data_dir)?;
        Ok(Prepared { origin })
    }

    /// Whether a cluster that this installation can open is there.
    fn existing(&self) -> Result<bool, Error> {
        if let Some(found) = data_major(&self.data_dir) {
            let installed = self.installation.version;
            if found != installed.major {
                return Err(Error::OtherMajor { directory: self.data_dir.clone(), found, installed });
            }
            return Ok(true);
        }
        match std::fs::read_dir(&self.data_dir) {
            Ok(mut entries) => match entries.next() {
                Some(_) => Err(Error::NotADataDirectory { directory: self.data_dir.clone() }),
                None => Ok(false),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("read", &self.data_dir)(error)),
        }
    }

    /// Makes the data directory beside its place, whole and durable, and renames it.
    fn create(&self) -> Result<Origin, Error> {
        let partial = sibling(&self.data_dir, "partial");
        files::remove(&partial)?;
        let origin = match self.templates.as_deref().map(|folder| template::obtain(self, folder)) {
            Some(Ok(template)) => {
                files::copy(&template, &partial, self.run_as.as_ref())?;
                identity::renew(&partial)?;
                Origin::Template
            }
            // A cache that cannot be written is no reason to fail; what initdb itself says is.
            Some(Err(error)) if !matches!(error, Error::Io { .. }) => return Err(error),
            Some(Err(_)) | None => {
                files::folder(&partial, self.run_as.as_ref())?;
                template::initialise(self, &partial).inspect_err(|_| _ = files::remove(&partial))?;
                Origin::Initdb
            }
        };
        project::fault::hit("postgres.copied");
        template::include(&partial)?;
        let note = Note { superuser: self.superuser.clone() };
        let note =
            serde_json::to_vec_pretty(&note).map_err(|error| Error::io("write", partial.join(NOTE))(error.into()))?;
        files::replace(&partial.join(NOTE), &note, self.run_as.as_ref())?;
        self.configure(&partial)?;
        files::sync_all(&partial)?;
        project::fault::hit("postgres.synced");
        files::rename(&partial, &self.data_dir)?;
        project::fault::hit("postgres.renamed");
        Ok(origin)
    }

    /// Writes `nself.conf`, `pg_hba.conf` and `pg_ident.conf` where they differ from what the settings ask for.
    fn configure(&self, data_dir: &Path) -> Result<(), Error> {
        let owner = self.run_as.as_ref();
        files::update(&data_dir.join("nself.conf"), &self.parameters_file(), owner)?;
        files::update(&data_dir.join("pg_hba.conf"), &self.access_rules(data_dir), owner)?;
        files::update(&data_dir.join("pg_ident.conf"), &self.user_map(data_dir), owner)
    }

    fn parameters_file(&self) -> String {
        let listen: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
        let mut parameters: Vec<(&str, String)> = vec![
            ("listen_addresses", listen.join(",")),
            ("port", self.port.to_string()),
            ("unix_socket_directories", self.socket_dir.display().to_string()),
            ("password_encryption", "scram-sha-256".to_owned()),
            ("shared_preload_libraries", self.preload.join(",")),
            ("timezone", "UTC".to_owned()),
            ("log_timezone", "UTC".to_owned()),
            ("log_destination", "stderr".to_owned()),
            ("logging_collector", "off".to_owned()),
            ("log_line_prefix", log::LINE_PREFIX.to_owned()),
            ("log_checkpoints", "off".to_owned()),
            ("lc_messages", "C".to_owned()),
            // Live queries hear of changes by logical decoding.
            ("wal_level", "logical".to_owned()),
        ];
        parameters.extend(self.tuning.parameters());
        parameters.extend(self.parameters.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let mut text =
            String::from("# Written by nself at every start; see postgresql.conf for where to put your own.\n");
        for (name, value) in parameters {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''"));
        }
        text
    }

    fn access_rules(&self, data_dir: &Path) -> String {
        let names: Vec<String> = self.superusers(data_dir).iter().map(|name| quote(name)).collect();
        include_str!("../../../../assets/postgres/pg_hba.conf").replace("{superusers}", &names.join(","))
    }

    /// Who may come in as a superuser over the socket: the user the server runs as, and the one nself runs as.
    fn user_map(&self, data_dir: &Path) -> String {
        let mut users: Vec<String> = self.run_as.iter().cloned().chain(User::current()).map(|user| user.name).collect();
        users.dedup();
        let mut text = String::from("# Written by nself at every start.\n");
        for user in &users {
            for superuser in self.superusers(data_dir) {
                let _ = writeln!(text, "nself  {}  {}", quote(user), quote(&superuser));
            }
        }
        text
    }

    /// The superuser of the settings and the one that initdb made, which differ once `POSTGRES_USER` was changed.
    fn superusers(&self, data_dir: &Path) -> Vec<String> {
        let mut names = vec![self.superuser.clone()];
        names.extend(first_superuser(data_dir).filter(|name| *name != self.superuser));
        names
    }
}

/// The superuser that initdb made; `None` for a data directory that nself did not make.
pub(super) fn first_superuser(data_dir: &Path) -> Option<String> {
    let note = std::fs::read(data_dir.join(NOTE)).ok()?;
    serde_json::from_slice::<Note>(&note).ok().map(|note| note.superuser)
}

/// `data` → `data.partial`, whatever dots the name has.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}"));
    path.with_file_name(name)
}

/// A name for `pg_hba.conf` and `pg_ident.conf`: quoted, so that no name is a keyword, a list or a pattern.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
