//! PostgreSQL as a child of the server: from settings to a supervised process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres::{Bootstrap, Cluster, Placement, Wanted};
use project::Settings;
use stack::Service;
use stack::log::{Level, Line};

use crate::Error;
use crate::supervisor::process::Launch;
use crate::supervisor::{Check, Red, Spec};

/// How long PostgreSQL may take to shut down: a checkpoint of a busy server on a slow disk takes its time, and killing
/// it only moves the work into the next start.
const GRACE: Duration = Duration::from_secs(120);

/// Prepares the data directory and says how to run the server in it. `failed` hears of an error that no further try can
/// mend.
pub async fn prepare(
    placement: &Placement,
    settings: &Settings,
    service: &Service,
    failed: impl Fn(Error) + Send + Sync + 'static,
) -> Result<(Arc<Cluster>, Spec), Error> {
    let port = service.ports.first();
    if let Some(port) = port.filter(|port| !project::ports::is_free([127, 0, 0, 1].into(), port.number)) {
        return Err(Error::PortTaken {
            port: port.number,
            service: service.name.clone(),
            setting: port.setting.clone(),
            owner: project::ports::owner(port.number),
        });
    }
    let (placement, settings) = (placement.clone(), settings.clone());
    let number = port.map_or(5432, |port| port.number);
    let public = port.is_some_and(|port| port.public);
    let prepared = tokio::task::spawn_blocking(move || {
        project::fault::hit("start.before-prepare");
        let mut cluster = cluster(&placement, &settings, number, public)?;
        let wanted = bootstrap(&settings);
        cluster.load_for(&wanted);
        cluster.prepare()?;
        project::fault::hit("start.after-prepare");
        Ok::<_, Error>((Arc::new(cluster), wanted))
    });
    let (cluster, wanted) = prepared.await.map_err(|error| Error::Fault(error.to_string()))??;
    let launch = cluster.command();
    let spec = Spec {
        name: service.name.clone(),
        launch: Launch {
            program: launch.program,
            arguments: launch.args,
            directory: launch.directory,
            environment: launch.env,
            owner: launch.user.map(|user| (user.uid, user.gid)),
            stop_signal: launch.stop,
            death_signal: launch.parent_death,
        },
        check: check(cluster.clone(), wanted, failed),
        retry: Duration::from_millis(5),
        watch: Duration::from_secs(10),
        grace: GRACE,
        fail_fast: true,
        parse,
    };
    Ok((cluster, spec))
}

/// Ready means: it answers, and what services need is in it. The second part is looked at once a start.
fn check(cluster: Arc<Cluster>, wanted: Bootstrap, failed: impl Fn(Error) + Send + Sync + 'static) -> Check {
    let complete = Arc::new(AtomicBool::new(false));
    let (wanted, failed) = (Arc::new(wanted), Arc::new(failed));
    Arc::new(move || {
        let (cluster, wanted, complete, failed) = (cluster.clone(), wanted.clone(), complete.clone(), failed.clone());
        Box::pin(async move {
            cluster.ready(Duration::from_secs(5)).await.map_err(|error| Red::Now(error.to_string()))?;
            if !complete.load(Ordering::Relaxed) {
                if let Err(error) = cluster.bootstrap(&wanted).await {
                    let words = error.to_string();
                    if matches!(error, postgres::Error::MissingExtension { .. }) {
                        failed(error.into());
                        return Err(Red::ForGood(words));
                    }
                    return Err(Red::Now(words));
                }
                complete.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
    })
}

fn cluster(placement: &Placement, settings: &Settings, port: u16, public: bool) -> Result<Cluster, Error> {
    let wanted = Wanted::from_settings(settings).for_data(&placement.data_dir);
    let installation = postgres::find(&wanted)?;
    if let Some(warning) = wanted.warning(&installation) {
        tracing::warn!("{warning}");
    }
    let password = settings.secret("POSTGRES_PASSWORD").ok_or_else(|| Error::ServiceFailed {
        name: "postgres".to_owned(),
        why: "POSTGRES_PASSWORD is not set; run nself config secrets generate".to_owned(),
        log: Vec::new(),
    })?;
    let mut cluster = Cluster::new(installation, &placement.data_dir, &placement.socket_dir, password);
    cluster.port = port;
    cluster.run_as = placement.run_as.clone();
    settings.text("POSTGRES_USER").unwrap_or("postgres").clone_into(&mut cluster.superuser);
    if public {
        cluster.listen = vec![[0, 0, 0, 0].into()];
    }
    cluster.tuning = postgres::tune::tune(
        &postgres::tune::Machine::detect(&placement.data_dir),
        settings.tier().into(),
        &postgres::tune::Overrides::from_settings(settings),
    );
    Ok(cluster)
}

fn bootstrap(settings: &Settings) -> Bootstrap {
    Bootstrap::new(settings.text("POSTGRES_DB").unwrap_or("nhost"), settings.list("POSTGRES_EXTENSIONS"))
}

/// A line of the server's own log; what does not begin like one continues the line before.
fn parse(service: &str, text: &str) -> Line {
    // Whoever is still connected when the stack stops is told so: for PostgreSQL that is fatal, for us the usual way.
    const FAREWELL: &str = "terminating connection due to administrator command";
    let parsed = postgres::log::parse(text);
    Line {
        ts: parsed.as_ref().map_or_else(jiff::Timestamp::now, |line| line.timestamp),
        service: service.to_owned(),
        level: match parsed.as_ref().map(|line| line.level) {
            _ if parsed.as_ref().is_some_and(|line| line.message == FAREWELL) => Level::Info,
            Some(postgres::log::Level::Debug) => Level::Debug,
            Some(postgres::log::Level::Warning) => Level::Warn,
            Some(postgres::log::Level::Error | postgres::log::Level::Fatal) => Level::Error,
            Some(postgres::log::Level::Info) | None => Level::Info,
        },
        message: parsed.map_or_else(|| text.to_owned(), |line| line.message.to_owned()),
        fields: serde_json::Map::new(),
    }
}
