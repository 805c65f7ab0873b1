//! nself's own services: PostgreSQL, GraphQL and the console.

use std::collections::BTreeMap;

use project::Settings;

use super::domains::Domains;
use super::draft::Draft;
use super::limits;
use crate::{Error, Group, Kind, Port, Probe, Route, Run, Service, Volume};

/// Weights in the share of memory and cores, from the Bash tool's table. The console weighs what its nginx did.
const POSTGRES_PRIORITY: u8 = 10;
const HASURA_PRIORITY: u8 = 8;
const CONSOLE_PRIORITY: u8 = 4;

/// Paths of the base domain that the GraphQL engine answers, with their rate zones.
const GRAPHQL_PATHS: [(&str, &str); 13] = [
    ("/v1/graphql", "graphql"),
    ("/v1/metadata", "graphql"),
    ("/v1/query", "graphql"),
    ("/v2/query", "graphql"),
    ("/v1alpha1", "graphql"),
    ("/v1beta1", "graphql"),
    ("/api/rest", "graphql"),
    ("/api/swagger", "general"),
    ("/v1/config", "general"),
    ("/v1/metrics", "general"),
    ("/v1/version", "general"),
    ("/healthz", "general"),
    ("/hasura/healthz", "general"),
];

pub(crate) fn add(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    let database = settings.flag("POSTGRES_ENABLED");
    if database {
        postgres(settings, draft)?;
    }
    if settings.flag("HASURA_ENABLED") {
        if database {
            hasura(settings, domains, draft)?;
        } else {
            draft.defer(
                "hasura",
                "POSTGRES_ENABLED",
                "this version serves GraphQL over its own PostgreSQL only",
                "nself config set POSTGRES_ENABLED true, or HASURA_ENABLED false",
            );
        }
    }
    Ok(())
}

/// The console: off in prod unless asked for, as Hasura's is.
pub(crate) fn add_console(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    if settings.flag("HASURA_GRAPHQL_ENABLE_CONSOLE") { console(settings, domains, draft) } else { Ok(()) }
}

/// It listens on this machine only, in every environment: `POSTGRES_EXPOSE_PORT` was about a container's port.
fn postgres(settings: &Settings, draft: &mut Draft) -> Result<(), Error> {
    let number = settings.port("POSTGRES_PORT").unwrap_or(5432);
    draft.take_port(number, "POSTGRES_PORT")?;
    let version = settings.text("POSTGRES_VERSION").unwrap_or("16-alpine");
    draft.services.push(Service {
        name: "postgres".to_owned(),
        kind: Kind::Postgres,
        group: Group::Required,
        // Without a wish the embedded runtime takes the newest that is installed.
        version: settings.is_set("POSTGRES_VERSION").then(|| version.to_owned()),
        run: Run::Postgres { image: format!("postgres:{version}") },
        ports: vec![Port { name: "postgres".to_owned(), number, setting: "POSTGRES_PORT".to_owned(), public: false }],
        environment: BTreeMap::new(),
        depends_on: Vec::new(),
        probe: Probe::Postgres,
        resources: limits::resources(settings, "POSTGRES", POSTGRES_PRIORITY),
        volumes: vec![Volume { name: "postgres_data".to_owned(), mount: "/var/lib/postgresql/data".to_owned() }],
        log: limits::log(settings, None),
        metrics: None,
    });
    Ok(())
}

fn hasura(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    let version = settings.text("HASURA_VERSION").unwrap_or("v2.44.0");
    draft.services.push(Service {
        name: "hasura".to_owned(),
        kind: Kind::Graphql,
        group: Group::Required,
        version: None,
        run: Run::Builtin { image: Some(format!("hasura/graphql-engine:{version}")) },
        ports: Vec::new(),
        environment: BTreeMap::new(),
        depends_on: vec!["postgres".to_owned()],
        probe: Probe::Builtin,
        resources: limits::resources(settings, "HASURA", HASURA_PRIORITY),
        volumes: Vec::new(),
        log: limits::log(settings, settings.text("HASURA_LOG_LEVEL").filter(|_| settings.is_set("HASURA_LOG_LEVEL"))),
        metrics: None,
    });
    let route = |host: &Option<String>, path: &str, zone: &str| Route {
        host: host.clone(),
        path: path.to_owned(),
        service: "hasura".to_owned(),
        rewrite: None,
        zone: zone.to_owned(),
        max_body_bytes: None,
    };
    for (path, zone) in GRAPHQL_PATHS {
        draft.take_route(route(&None, path, zone), "HASURA_ENABLED")?;
    }
    let own = settings.text("HASURA_ROUTE").unwrap_or("api");
    let host = domains.host(own).map_err(|reason| Error::Route { setting: "HASURA_ROUTE".to_owned(), reason })?;
    draft.take_route(route(&host, "/v1/graphql", "graphql"), "HASURA_ROUTE")?;
    if host.is_some() {
        draft.take_route(route(&host, "/", "general"), "HASURA_ROUTE")?;
    }
    Ok(())
}

fn console(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    draft.services.push(Service {
        name: "console".to_owned(),
        kind: Kind::Console,
        group: Group::Optional,
        version: None,
        run: Run::Builtin { image: None },
        ports: Vec::new(),
        environment: BTreeMap::new(),
        depends_on: Vec::new(),
        probe: Probe::Builtin,
        resources: crate::Resources {
            priority: CONSOLE_PRIORITY,
            memory_bytes: None,
            cpu_millicores: None,
            replicas: 1,
        },
        volumes: Vec::new(),
        log: limits::log(settings, None),
        metrics: None,
    });
    // A page brings a dozen small files with it.
    let route = |host: Option<String>, path: &str| Route {
        host,
        path: path.to_owned(),
        service: "console".to_owned(),
        rewrite: None,
        zone: "static".to_owned(),
        max_body_bytes: None,
    };
    let setting = "HASURA_GRAPHQL_ENABLE_CONSOLE";
    draft.take_route(route(None, "/console"), setting)?;
    draft.take_route(route(Some(format!("console.{}", domains.base())), "/"), setting)
}
