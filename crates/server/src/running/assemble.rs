//! Everything that is there before the first service starts: logs, the front door, the console.

use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use stack::Plan;
use stack::log::Line;
use stack::status::{ServerStatus, StackStatus};
use tokio::sync::{broadcast, watch};

use super::{Running, Shared, lock};
use crate::board::Board;
use crate::logs::{LogLayer, Logs, Policy};
use crate::{Error, Options, front_door, revocations};

impl Running {
    /// Opens the logs and the front door; no service runs yet.
    pub async fn assemble(options: &Options) -> Result<Self, Error> {
        let (project, plan) = (&options.project, &options.plan);
        let logs = open_logs(options)?;
        let placement = postgres::place_data(&project.state_dir(), &plan.project, project.root())?;
        let swept = crate::sweep::orphans(project.root(), &placement.data_dir);
        if swept > 0 {
            tracing::warn!("ended {swept} processes that an earlier server of this project had left behind");
        }
        front_door::check_ports(plan)?;
        let board = Arc::new(Board::new(plan, server_status(plan)));
        let graphql = watch::channel(None).0;
        let settings = Arc::new(Mutex::new(Arc::new(options.settings.clone())));
        let view = View {
            board: board.clone(),
            logs: logs.clone(),
            urls: urls(plan),
            graphql: graphql.subscribe(),
            settings: settings.clone(),
        };
        let console =
            console::Service::start(console::Options { stack: Arc::new(view), base_url: board.status().server.url });
        let (service, gateway) = gateway::Service::bind(gateway::Options {
            plan: plan.gateway.clone(),
            routes: plan.routes.clone(),
            backends: plan
                .services
                .iter()
                .map(|service| (service.name.clone(), front_door::waiting(service)))
                .collect(),
            certificates: front_door::certificates(project, plan)?,
            status: board.clone(),
            access_log: Arc::new(logs.clone()),
            tier: plan.tier,
            limits: gateway::Limits::default(),
            trusted_proxies: Vec::new(),
        })
        .await?;
        Ok(Self {
            board,
            logs,
            project: project.clone(),
            settings,
            plan: plan.clone(),
            gateway,
            gateway_task: Mutex::new(Some(tokio::spawn(service.run()))),
            console,
            graphql,
            children: Mutex::default(),
            failures: Arc::default(),
            placement,
            cluster: OnceLock::new(),
            pool: Mutex::default(),
            services_pool: OnceLock::new(),
            storage: Mutex::default(),
            mail: watch::channel(None).0,
            schema_watch: OnceLock::new(),
            revocations: revocations::of(&options.settings, plan),
        })
    }
}

fn open_logs(options: &Options) -> Result<Logs, Error> {
    use tracing_subscriber::layer::SubscriberExt;

    let directory = options.project.logs_dir();
    let path = directory.display().to_string();
    let default = stack::Log { level: "info".to_owned(), max_bytes: 100_000_000, keep_days: 7, compress: true };
    let own = options.plan.services.first().map_or(default, |service| service.log.clone());
    let services = options.plan.services.iter().map(|service| (service.name.clone(), service.log.clone())).collect();
    let filter = tracing_subscriber::EnvFilter::new(format!(
        "warn,server={level},gateway={level},graphql={level},auth={level},storage={level},mail={level},\
         console={level},postgres={level}",
        level = own.level
    ));
    let logs = Logs::start(Policy { directory, default: own, services }).map_err(|source| Error::Io {
        action: "write logs to",
        path,
        source,
    })?;
    let subscriber = tracing_subscriber::registry().with(filter).with(LogLayer::new(logs.clone()));
    // A second server in one process (tests) keeps the first one's subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(echo) = options.echo.clone() {
        let mut lines = logs.follow();
        tokio::spawn(async move {
            loop {
                match lines.recv().await {
                    Ok(line) => {
                        if echo.send(line).is_err() {
                            return;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
    }
    Ok(logs)
}

fn server_status(plan: &Plan) -> ServerStatus {
    let at = |scheme: &str, port: u16| format!("{scheme}://{}:{port}", plan.base_domain);
    ServerStatus {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Timestamp::now(),
        url: at("http", plan.gateway.http_port),
        https_url: plan.gateway.https_port.map(|port| at("https", port)),
    }
}

fn urls(plan: &Plan) -> Vec<(String, String)> {
    plan.urls().into_iter().map(|url| (url.service, url.http)).collect()
}

/// What the console sees of the stack.
struct View {
    board: Arc<Board>,
    logs: Logs,
    urls: Vec<(String, String)>,
    graphql: watch::Receiver<Option<graphql::Handle>>,
    settings: Shared,
}

impl console::Stack for View {
    fn status(&self) -> StackStatus {
        self.board.status()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.board.changes()
    }

    fn urls(&self) -> Vec<(String, String)> {
        self.urls.clone()
    }

    fn tail(&self, service: Option<&str>, lines: usize) -> Vec<Line> {
        self.logs.tail(service, lines)
    }

    fn follow(&self) -> broadcast::Receiver<Line> {
        self.logs.follow()
    }

    fn graphql(&self) -> Option<console::GraphqlApi> {
        let handle = self.graphql.borrow().clone()?;
        Some(console::GraphqlApi {
            roles: handle.roles(),
            router: handle.router(),
            admin_secret: lock(&self.settings).secret("HASURA_GRAPHQL_ADMIN_SECRET"),
        })
    }
}
