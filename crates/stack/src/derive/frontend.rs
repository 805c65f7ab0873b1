//! Frontends: somebody else's dev servers that the front door routes to.

use std::collections::BTreeMap;

use project::{Settings, value};

use super::domains::Domains;
use super::draft::Draft;
use super::limits;
use crate::{Error, Gateway, Group, Kind, Port, Probe, Resources, Route, Run, Service};

const PRIORITY: u8 = 1;
const LISTS: [&str; 3] = ["FRONTEND_APPS", "NEXTJS_APPS", "REACT_APPS"];

struct Frontend {
    name: String,
    name_setting: String,
    port: u16,
    port_setting: String,
    route: String,
    route_setting: String,
}

pub(crate) fn add(
    settings: &Settings,
    domains: &Domains,
    gateway: &mut Gateway,
    draft: &mut Draft,
) -> Result<(), Error> {
    let mut frontends = Vec::new();
    for number in settings.indices("FRONTEND_APP") {
        frontends.extend(numbered(settings, number)?);
    }
    listed(settings, &mut frontends)?;
    for frontend in frontends {
        draft.take_name(&frontend.name, &frontend.name_setting)?;
        draft.take_port(frontend.port, &frontend.port_setting)?;
        let host = domains
            .host(&frontend.route)
            .map_err(|reason| Error::Route { setting: frontend.route_setting.clone(), reason })?;
        allow_origin(settings, domains, gateway, host.as_deref());
        let route = Route {
            host,
            path: "/".to_owned(),
            service: frontend.name.clone(),
            rewrite: None,
            zone: "general".to_owned(),
            max_body_bytes: None,
        };
        draft.take_route(route, &frontend.route_setting)?;
        draft.services.push(service(settings, frontend));
    }
    Ok(())
}

/// `FRONTEND_APP_N_*`: the frontend, and its own API when it says that it has one.
fn numbered(settings: &Settings, number: u32) -> Result<Vec<Frontend>, Error> {
    let own = |field: &str| settings.indexed("FRONTEND_APP", number, field);
    let setting = |field: &str| format!("FRONTEND_APP_{number}_{field}");
    // A prefix or a label alone makes no frontend.
    if ["NAME", "SYSTEM_NAME", "PORT", "ROUTE"].iter().all(|field| own(field).is_none()) {
        return Ok(Vec::new());
    }
    let (name, name_setting) = match (own("NAME"), own("SYSTEM_NAME")) {
        (Some(name), _) => (name.to_owned(), setting("NAME")),
        (None, Some(name)) => (name.to_owned(), setting("SYSTEM_NAME")),
        (None, None) => (format!("app{number}"), setting("NAME")),
    };
    let mut frontends = vec![Frontend {
        port: port(own("PORT"), 2999, number, &setting("PORT"))?,
        port_setting: setting("PORT"),
        route: own("ROUTE").unwrap_or(&name).to_owned(),
        route_setting: setting("ROUTE"),
        name: name.clone(),
        name_setting: name_setting.clone(),
    }];
    if own("API_PORT").is_some() || own("API_ROUTE").is_some() {
        frontends.push(Frontend {
            port: port(own("API_PORT"), 4000, number, &setting("API_PORT"))?,
            port_setting: setting("API_PORT"),
            route: own("API_ROUTE").map_or_else(|| format!("api.{name}"), str::to_owned),
            route_setting: setting("API_ROUTE"),
            name: format!("{name}-api"),
            name_setting,
        });
    }
    Ok(frontends)
}

/// `name[:port[:prefix]]` lists. An entry whose name a numbered frontend has is that frontend and adds nothing; ports
/// that are not given count on from the frontends before.
fn listed(settings: &Settings, frontends: &mut Vec<Frontend>) -> Result<(), Error> {
    let mut number = settings.indices("FRONTEND_APP").last().copied().unwrap_or(0);
    for list in LISTS {
        for entry in settings.list(list) {
            let mut fields = entry.split(':').map(str::trim);
            let name = fields.next().unwrap_or_default();
            if frontends.iter().any(|frontend| frontend.name == name && frontend.name_setting != list) {
                continue;
            }
            number += 1;
            if !value::is_name(name) {
                let reason = format!("`{name}` is no name of letters, digits, `-` and `_`");
                return Err(Error::Service { setting: list.to_owned(), reason });
            }
            let given = fields.next().filter(|port| !port.is_empty());
            frontends.push(Frontend {
                name: name.to_owned(),
                name_setting: list.to_owned(),
                port: port(given, 2999, number, list)?,
                port_setting: list.to_owned(),
                route: name.to_owned(),
                route_setting: list.to_owned(),
            });
        }
    }
    Ok(())
}

/// The given port, or the usual one of the Nth frontend.
fn port(given: Option<&str>, before_first: u16, number: u32, setting: &str) -> Result<u16, Error> {
    let usual = || u16::try_from(number).ok().and_then(|number| before_first.checked_add(number));
    let port = given.map_or_else(usual, value::port);
    port.ok_or_else(|| Error::Service {
        setting: setting.to_owned(),
        reason: format!("`{}` is no port from 1 to 65535", given.unwrap_or_default()),
    })
}

/// A frontend on a domain of its own calls the API from there. Origins that the user listed stay as they are.
fn allow_origin(settings: &Settings, domains: &Domains, gateway: &mut Gateway, host: Option<&str>) {
    let Some(host) = host.filter(|host| !domains.covers(host)) else { return };
    let any = gateway.cors_origins.iter().any(|origin| origin == "*");
    if any || settings.is_set("HASURA_GRAPHQL_CORS_DOMAIN") {
        return;
    }
    let origin = gateway.https_url(host, "").unwrap_or_else(|| gateway.http_url(host, ""));
    if !gateway.cors_origins.contains(&origin) {
        gateway.cors_origins.push(origin);
    }
}

fn service(settings: &Settings, frontend: Frontend) -> Service {
    Service {
        name: frontend.name,
        kind: Kind::Frontend,
        group: Group::Frontend,
        version: None,
        run: Run::External,
        ports: vec![Port {
            name: "http".to_owned(),
            number: frontend.port,
            setting: frontend.port_setting,
            public: false,
        }],
        environment: BTreeMap::new(),
        depends_on: Vec::new(),
        probe: Probe::Tcp,
        resources: Resources { priority: PRIORITY, memory_bytes: None, cpu_millicores: None, replicas: 1 },
        volumes: Vec::new(),
        log: limits::log(settings, None),
        metrics: None,
    }
}
