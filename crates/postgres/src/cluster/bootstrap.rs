use std::collections::BTreeSet;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

use super::{Cluster, prepare};
use crate::{Error, Ident, install, scram};

/// What has to be in the server before services use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// `POSTGRES_DB`.
    pub database: String,
    pub schemas: Vec<String>,
    /// `POSTGRES_EXTENSIONS` and those that services need.
    pub extensions: Vec<String>,
}

impl Bootstrap {
    /// `database` with nself's schemas (`auth`, `storage`, `nself`), `pgcrypto`, `citext` and `extensions`.
    pub fn new(database: impl Into<String>, extensions: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = vec!["pgcrypto".to_owned(), "citext".to_owned()];
        for extension in extensions {
            if !all.contains(&extension) {
                all.push(extension);
            }
        }
        let schemas = ["auth", "storage", "nself"].map(str::to_owned).to_vec();
        Self { database: database.into(), schemas, extensions: all }
    }
}

/// What is there already, read in one round trip.
struct Present {
    schemas: BTreeSet<String>,
    extensions: BTreeSet<String>,
    verifier: Option<String>,
}

const PRESENT: &str = "SELECT
    (SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1),
    ARRAY(SELECT nspname::text FROM pg_catalog.pg_namespace),
    ARRAY(SELECT extname::text FROM pg_catalog.pg_extension)";

impl Cluster {
    /// Makes the superuser's password what the settings say, and the database, schemas and extensions be there.
    /// A second run changes nothing and takes one connection and one query.
    ///
    /// # Errors
    /// [`Error::MissingExtension`] with the package that holds it; [`Error::Connect`] and [`Error::Statement`].
    pub async fn bootstrap(&self, wanted: &Bootstrap) -> Result<(), Error> {
        if self.is_empty() {
            // Asking for it would only put a refusal into the first lines of the log.
            self.create_database(&wanted.database).await?;
        }
        let client = match self.connect(&self.superuser, &wanted.database).await {
            Ok(client) => client,
            Err(Error::Connect { source, .. }) if missing(&source) => {
                self.create_database(&wanted.database).await?;
                self.connect(&self.superuser, &wanted.database).await?
            }
            Err(error) => return Err(error),
        };
        let present = present(&client, &self.superuser).await?;
        self.apply_password(&client, present.verifier.as_deref()).await?;
        for schema in wanted.schemas.iter().filter(|schema| !present.schemas.contains(*schema)) {
            let statement = format!("CREATE SCHEMA IF NOT EXISTS {}", Ident::new(schema));
            run(&client, &statement, format!("create the schema {schema}")).await?;
        }
        for extension in wanted.extensions.iter().filter(|extension| !present.extensions.contains(*extension)) {
            if !self.create_extension(&client, extension).await? {
                return Err(self.missing_extensions(&client, wanted).await?);
            }
        }
        Ok(())
    }

    /// Whether no database but initdb's own is in the cluster, by the folders on disk: those of users' databases are
    /// numbered from 16384 (`FirstNormalObjectId`). Databases in table spaces are not seen.
    fn is_empty(&self) -> bool {
        let Ok(entries) = std::fs::read_dir(self.data_dir.join("base")) else { return false };
        let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        numbers.max().is_some_and(|highest| highest < 16384)
    }

    async fn connect(&self, user: &str, database: &str) -> Result<Client, Error> {
        let mut config = self.config(database);
        config.user(user);
        let refused = |source| Error::Connect { database: database.to_owned(), source };
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        // The connection ends when the client is dropped; an error of it is the error of the query that waits for it.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes the database, and before it the superuser of the settings when initdb made another.
    async fn create_database(&self, database: &str) -> Result<(), Error> {
        let client = match self.connect(&self.superuser, "postgres").await {
            Err(Error::Connect { source, .. }) if missing(&source) => {
                self.create_superuser().await?;
                self.connect(&self.superuser, "postgres").await?
            }
            other => other?,
        };
        // A first start that was killed left the role without its password, so it is set before anything depends on it.
        let verifier = present(&client, &self.superuser).await?.verifier;
        self.apply_password(&client, verifier.as_deref()).await?;
        let exists = "SELECT FROM pg_catalog.pg_database WHERE datname = $1";
        let name = (&database as &(dyn ToSql + Sync), Type::TEXT);
        let failed = |source| Error::Statement { action: format!("create the database {database}"), source };
        if !client.query_typed(exists, &[name]).await.map_err(failed)?.is_empty() {
            return Ok(());
        }
        let statement = format!("CREATE DATABASE {} OWNER {}", Ident::new(database), Ident::new(&self.superuser));
        match client.batch_execute(&statement).await {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            other => other.map_err(failed),
        }
    }

    async fn create_superuser(&self) -> Result<(), Error> {
        let first = prepare::first_superuser(&self.data_dir).unwrap_or_else(|| "postgres".to_owned());
        let client = self.connect(&first, "postgres").await?;
        let statement = format!("CREATE ROLE {} SUPERUSER LOGIN", Ident::new(&self.superuser));
        run(&client, &statement, format!("create the superuser {}", self.superuser)).await
    }

    /// Sends the SCRAM verifier, never the password, and only when the stored one does not fit the password.
    async fn apply_password(&self, client: &Client, verifier: Option<&str>) -> Result<(), Error> {
        if verifier.is_some_and(|verifier| scram::fits(verifier, self.password.expose())) {
            return Ok(());
        }
        let verifier = postgres_protocol::password::scram_sha_256(self.password.expose().as_bytes());
        let statement = format!(
            "SET log_min_error_statement = panic; SET log_statement = none; SET log_min_duration_statement = -1; \
             ALTER ROLE {} PASSWORD '{verifier}'; \
             RESET log_min_error_statement; RESET log_statement; RESET log_min_duration_statement",
            Ident::new(&self.superuser)
        );
        run(client, &statement, format!("set the password of {}", self.superuser)).await
    }

    /// False when the extension's files are not there.
    async fn create_extension(&self, client: &Client, extension: &str) -> Result<bool, Error> {
        let statement = format!("CREATE EXTENSION IF NOT EXISTS {} CASCADE", Ident::new(extension));
        let Err(source) = client.batch_execute(&statement).await else { return Ok(true) };
        // The control file is missing: 58P01 before PostgreSQL 16, 0A000 since.
        let unknown = source.code() == Some(&SqlState::UNDEFINED_FILE)
            || source.as_db_error().is_some_and(|said| said.message().ends_with("is not available"));
        if unknown {
            return Ok(false);
        }
        Err(Error::Statement { action: format!("create the extension {extension}"), source })
    }

    /// All extensions whose files are not there, so that nobody has to find them one start at a time.
    async fn missing_extensions(&self, client: &Client, wanted: &Bootstrap) -> Result<Error, Error> {
        let failed = |source| Error::Statement { action: "look for extensions".to_owned(), source };
        let statement = "SELECT wanted FROM unnest($1::text[]) WITH ORDINALITY AS list (wanted, place)
            WHERE wanted NOT IN (SELECT name FROM pg_catalog.pg_available_extensions) ORDER BY place";
        let rows = client.query_typed(statement, &[(&wanted.extensions, Type::TEXT_ARRAY)]).await.map_err(failed)?;
        let names: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed)?;
        let (packages, command) = install::extensions(&names, self.installation.version.major);
        let portable = self.installation.source == crate::Source::Portable;
        Ok(Error::MissingExtension { names, packages, install: command.map(|command| command.to_string()), portable })
    }
}

async fn present(client: &Client, superuser: &str) -> Result<Present, Error> {
    let failed = |source| Error::Statement { action: "read what is in the database".to_owned(), source };
    let row = client.query_typed(PRESENT, &[(&superuser, Type::TEXT)]).await.map_err(failed)?.pop();
    let Some(row) = row else {
        return Ok(Present { schemas: BTreeSet::new(), extensions: BTreeSet::new(), verifier: None });
    };
    let names = |column: usize| -> Result<BTreeSet<String>, Error> {
        Ok(row.try_get::<_, Vec<String>>(column).map_err(failed)?.into_iter().collect())
    };
    Ok(Present { verifier: row.try_get(0).map_err(failed)?, schemas: names(1)?, extensions: names(2)? })
}

async fn run(client: &Client, statement: &str, action: String) -> Result<(), Error> {
    client.batch_execute(statement).await.map_err(|source| Error::Statement { action, source })
}

/// The database or the role is not there yet.
fn missing(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::INVALID_CATALOG_NAME | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION))
}
