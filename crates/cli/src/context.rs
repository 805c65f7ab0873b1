use project::{Project, Settings};
use stack::Plan;
use terminal::{Failure, Report, Terminal};

use crate::Error;

/// What a command's `run` returns: a report to show or a failure to explain.
pub type Outcome = Result<Box<dyn Report>, Failure>;

/// What every command can reach: the terminal, the project around the current folder, and its database.
#[derive(Debug)]
pub struct Context {
    pub terminal: Terminal,
    /// `--env NAME`, as typed.
    pub env: Option<String>,
}

/// A connection and the runtime that drives it.
#[derive(Debug)]
pub struct Database {
    pub runtime: tokio::runtime::Runtime,
    pub client: tokio_postgres::Client,
}

impl Context {
    pub fn new(terminal: Terminal, env: Option<String>) -> Self {
        Self { terminal, env }
    }

    /// The project that the current folder belongs to.
    pub fn project(&self) -> Result<Project, Failure> {
        let here = std::env::current_dir().map_err(|source| Error::CurrentFolder { source })?;
        Ok(Project::discover(&here)?)
    }

    /// The project's settings in the environment of `--env` or the active one. Warnings about them go to stderr.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let settings = self.project()?.settings(self.env.as_deref())?;
        for warning in settings.warnings() {
            self.terminal.warn(&warning.to_string());
        }
        Ok(settings)
    }

    pub fn plan(&self) -> Result<Plan, Failure> {
        Ok(Plan::new(&self.settings()?)?)
    }

    /// A runtime for one command: the current thread, with network and time.
    pub fn runtime(&self) -> Result<tokio::runtime::Runtime, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(runtime.map_err(|source| Error::Runtime { source })?)
    }

    /// A connection to the project's database as its superuser.
    pub fn client(&self, settings: &Settings) -> Result<Database, Failure> {
        // Without this, another PostgreSQL on the same port would be asked, and its refusal would explain nothing.
        let own = host(settings) == "127.0.0.1" && settings.flag("POSTGRES_ENABLED");
        if own && !runtimes::embedded::is_running(&self.project()?) {
            return Err(runtimes::Error::NotRunning.into());
        }
        let runtime = self.runtime()?;
        let config = connection(settings);
        let (client, connection) =
            runtime.block_on(config.connect(tokio_postgres::NoTls)).map_err(|source| Error::Connect {
                host: host(settings).to_owned(),
                port: settings.port("POSTGRES_PORT").unwrap_or(5432),
                source,
            })?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the database connection ended: {error}");
            }
        });
        Ok(Database { runtime, client })
    }

    /// Tells a running server that the database's schema has changed; the change itself is done, so a server that
    /// cannot follow is a warning.
    pub fn schema_changed(&self) {
        let told = self.project().map(|project| runtimes::embedded::reload_schema(&project));
        if let Ok(Err(error)) = told {
            self.terminal.warn(&format!("GraphQL did not read the new schema: {error}. Run: nself restart hasura"));
        }
    }
}

/// How to reach the project's database from this machine.
pub fn connection(settings: &Settings) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .host(host(settings))
        .port(settings.port("POSTGRES_PORT").unwrap_or(5432))
        .dbname(settings.text("POSTGRES_DB").unwrap_or("nhost"))
        .user(settings.text("POSTGRES_USER").unwrap_or("postgres"))
        .application_name("nself")
        .connect_timeout(std::time::Duration::from_secs(5));
    if let Some(password) = settings.secret("POSTGRES_PASSWORD") {
        config.password(password.expose());
    }
    config
}

/// The host of the database as seen from here: `postgres`, the name inside a container network, is this machine.
pub fn host(settings: &Settings) -> &str {
    match settings.text("POSTGRES_HOST") {
        None | Some("postgres" | "localhost" | "") => "127.0.0.1",
        Some(host) => host,
    }
}
