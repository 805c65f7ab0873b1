use database::place::{self, Address, Cancel, Place, PlaceError, Tunnel};
use project::{Project, Settings, Tier, cascade, environments};
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
    /// Where it is, for more connections and for programs.
    pub place: Place,
    // Last, so that the way stays open until everything that uses it has ended.
    tunnel: Option<Tunnel>,
}

impl Opened {
    /// True for the stack on this machine, whose GraphQL follows its schema.
    pub fn is_here(&self) -> bool {
        self.here
    }
}

/// Where an environment's database is. The way there stays open as long as the value lives.
#[derive(Debug)]
pub struct Opened {
    pub place: Place,
    pub settings: Settings,
    tunnel: Option<Tunnel>,
    /// It is the stack on this machine.
    here: bool,
}

impl Database {
    /// Ends the connection and keeps the way open, where there is one to keep.
    pub fn into_tunnel(self) -> Option<Tunnel> {
        self.tunnel
    }

    /// What cancels the statement that runs.
    pub fn cancel(&self) -> Cancel {
        self.place.cancel(&self.client)
    }
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

    /// The same without the warnings, for a command that has asked already.
    pub fn settings_quietly(&self) -> Result<Settings, Failure> {
        Ok(self.project()?.settings(self.env.as_deref())?)
    }

    pub fn plan(&self) -> Result<Plan, Failure> {
        Ok(Plan::new(&self.settings()?)?)
    }

    /// A runtime for one command: the current thread, with network and time.
    pub fn runtime(&self) -> Result<tokio::runtime::Runtime, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(runtime.map_err(|source| Error::Runtime { source })?)
    }

    /// A connection to the database of the environment these settings are of.
    pub fn client(&self, settings: &Settings) -> Result<Database, Failure> {
        connect(self.reach(settings.clone())?)
    }

    /// A connection to the database of the environment named, else of the one that everything works on.
    pub fn open(&self, env: Option<&str>) -> Result<Database, Failure> {
        connect(self.place(env)?)
    }

    /// Where the database of an environment is, its name given or else the one that everything works on. Opens the SSH
    /// tunnel when that is the way.
    pub fn place(&self, env: Option<&str>) -> Result<Opened, Failure> {
        let settings = match env {
            None => self.settings()?,
            Some(env) => self.project()?.settings(Some(env))?,
        };
        self.reach(settings)
    }

    fn reach(&self, settings: Settings) -> Result<Opened, Failure> {
        let project = self.project()?;
        let server = environments::server(&project, settings.environment())?;
        let address = place::address(&project, &settings, server.as_ref())?;
        let opened = |place, tunnel, here| Ok(Opened { place, settings: settings.clone(), tunnel, here });
        match address {
            Address::Direct(place) => opened(*place, None, false),
            // On the server itself, its own stack is the nearer way.
            Address::Tunnel { .. } if runs_here(&project, &settings) => opened(place::here(&settings), None, true),
            Address::Tunnel { ssh, port, place } => {
                let tunnel = Tunnel::open(&ssh, port).map_err(database::Error::from)?;
                opened(place.through(&tunnel), Some(tunnel), false)
            }
            Address::Here(place) => {
                self.belongs_here(&project, &settings)?;
                opened(*place, None, true)
            }
        }
    }

    /// Refuses to take this machine's PostgreSQL for an environment that is not at home here.
    fn belongs_here(&self, project: &Project, settings: &Settings) -> Result<(), Failure> {
        let wanted = settings.environment();
        if let Ok(status) = runtimes::embedded::status(project) {
            if status.environment == wanted.as_str() {
                return Ok(());
            }
            return Err(Error::OtherStack { running: status.environment, wanted: wanted.to_string() }.into());
        }
        let active = settings.tier() == Tier::Dev || cascade::active(project, None)?.name == *wanted;
        match (active, settings.flag("POSTGRES_ENABLED")) {
            (false, _) => Err(database::Error::from(PlaceError::Nowhere { environment: wanted.clone() }).into()),
            // Without this, another PostgreSQL on the same port would be asked, and its refusal would explain nothing.
            (true, true) => Err(runtimes::Error::NotRunning.into()),
            (true, false) => Ok(()),
        }
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

/// Whether the stack that runs on this machine is this environment's.
fn runs_here(project: &Project, settings: &Settings) -> bool {
    runtimes::embedded::status(project).is_ok_and(|status| status.environment == settings.environment().as_str())
}

fn connect(opened: Opened) -> Result<Database, Failure> {
    let Opened { place, settings, tunnel, here } = opened;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Error::Runtime { source })?;
    let client = runtime.block_on(place.connect()).map_err(|error| match error {
        database::Error::Place(PlaceError::Connect { source, .. }) if here => {
            let port = settings.port("POSTGRES_PORT").unwrap_or(5432);
            Failure::from(Error::Connect { host: "127.0.0.1".to_owned(), port, source })
        }
        error => {
            let mut failure = Failure::from(error);
            // ssh knows why the way ends at the server's door.
            if let Some(said) = tunnel.as_ref().map(Tunnel::said).filter(|said| !said.is_empty()) {
                failure.why = Some(failure.why.map_or_else(|| said.clone(), |why| format!("{why}\n{said}")));
            }
            failure
        }
    })?;
    Ok(Database { runtime, client, place, tunnel })
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
