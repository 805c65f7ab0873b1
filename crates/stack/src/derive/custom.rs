//! Custom services: `CS_N=name:template[:port][:route]` and `CS_N_*`.

use std::path::PathBuf;

use project::{Settings, Tier, value};

use super::domains::Domains;
use super::draft::Draft;
use super::environment::Subject;
use super::{front_door, limits};
use crate::{Error, Gateway, Group, Kind, Metrics, Port, Probe, Resources, Route, Run, Service};

const PRIORITY: u8 = 5;

/// Languages that may stand before a template's name, as in `api:python:fastapi`.
const LANGUAGES: &[&str] = &[
    "cpp",
    "csharp",
    "dotnet",
    "elixir",
    "go",
    "golang",
    "java",
    "javascript",
    "js",
    "kotlin",
    "lua",
    "node",
    "php",
    "py",
    "python",
    "ruby",
    "rust",
    "swift",
    "ts",
    "typescript",
    "zig",
];

/// The one-line form, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line<'a> {
    name: &'a str,
    template: String,
    port: Option<&'a str>,
    route: Option<&'a str>,
}

/// A custom service with its overrides applied.
#[derive(Debug)]
struct Custom {
    number: u32,
    /// The setting that names it, for messages.
    setting: String,
    name: String,
    template: String,
    port: Option<u16>,
    host: Option<Option<String>>,
    route_setting: String,
}

pub(crate) fn add(
    settings: &Settings,
    domains: &Domains,
    gateway: &mut Gateway,
    draft: &mut Draft,
) -> Result<(), Error> {
    for number in settings.indices("CS") {
        if let Some(custom) = read(settings, domains, number)? {
            draft.take_name(&custom.name, &custom.setting)?;
            service(settings, domains, gateway, draft, custom)?;
        }
    }
    match settings.toml().services.keys().find(|name| !draft.has_name(name)) {
        Some(name) => Err(Error::Unknown { name: name.clone(), known: draft.names() }),
        None => Ok(()),
    }
}

fn read(settings: &Settings, domains: &Domains, number: u32) -> Result<Option<Custom>, Error> {
    let own = |field: &str| settings.indexed("CS", number, field);
    let wrong = |setting: &str, reason: String| Error::Service { setting: setting.to_owned(), reason };
    let setting = format!("CS_{number}");
    let line = match own("") {
        Some(text) => parse(text).map_err(|reason| wrong(&setting, reason))?,
        // Defaults of the family stand here too: only a name makes a service.
        None if own("NAME").is_none() => return Ok(None),
        None => Line::default(),
    };
    let named = own("NAME").map(|name| (name, format!("{setting}_NAME")));
    let (name, name_setting) = named.unwrap_or((line.name, setting.clone()));
    if !value::is_name(name) {
        return Err(wrong(&name_setting, format!("`{name}` is no name of letters, digits, `-` and `_`")));
    }
    let port_text = own("PORT").or(line.port);
    let port = match port_text {
        None => u16::try_from(8000 + number).ok(),
        Some(text) => match text.trim().parse::<u16>() {
            Ok(0) => None,
            Ok(port) => Some(port),
            Err(_) => return Err(wrong(&setting, format!("`{text}` is no port from 0 to 65535"))),
        },
    };
    let (route, route_setting) = route(settings, number, name, &line);
    let host = match &route {
        Some(route) => {
            Some(domains.host(route).map_err(|reason| Error::Route { setting: route_setting.clone(), reason })?)
        }
        None => None,
    };
    if host.is_some() && port.is_none() {
        return Err(Error::Route {
            setting: route_setting,
            reason: format!("{name} has port 0, so nothing answers there"),
        });
    }
    let template = own("TEMPLATE").map_or(line.template, str::to_owned);
    Ok(Some(Custom {
        number,
        setting: name_setting,
        name: name.to_owned(),
        template: if template.is_empty() { "custom".to_owned() } else { template },
        port,
        host,
        route_setting,
    }))
}

/// The route and the setting it comes from: a domain of the environment, then `CS_N_ROUTE`, then the line;
/// `CS_N_PUBLIC=false` takes it away and `true` makes it the name when there is none.
fn route(settings: &Settings, number: u32, name: &str, line: &Line<'_>) -> (Option<String>, String) {
    let own = |field: &str| {
        settings.indexed("CS", number, field).map(|text| (text.to_owned(), format!("CS_{number}_{field}")))
    };
    let domain = match settings.tier() {
        Tier::Dev => own("DEV_DOMAIN"),
        Tier::Staging => None,
        Tier::Prod => own("PROD_DOMAIN"),
    };
    let given =
        domain.or_else(|| own("ROUTE")).or_else(|| line.route.map(|route| (route.to_owned(), format!("CS_{number}"))));
    let public = settings.indexed("CS", number, "PUBLIC").unwrap_or("auto");
    match given {
        _ if public.eq_ignore_ascii_case("false") => (None, format!("CS_{number}_PUBLIC")),
        Some((route, setting)) => (Some(route), setting),
        None if public.eq_ignore_ascii_case("true") => (Some(name.to_owned()), format!("CS_{number}_PUBLIC")),
        None => (None, format!("CS_{number}_ROUTE")),
    }
}

/// Takes `name:template[:port][:route]` apart. An empty port (`a:b::route`) is the default one; a template may have its
/// language before it (`a:python:fastapi:8001`).
fn parse(text: &str) -> Result<Line<'_>, String> {
    let mut fields: Vec<&str> = text.split(':').map(str::trim).collect();
    let number = |field: &str| field.bytes().all(|byte| byte.is_ascii_digit());
    let mut language = None;
    if fields.len() > 2 && LANGUAGES.contains(&fields[1]) && !number(fields[2]) {
        language = Some(fields.remove(1));
    }
    let (name, template, port, route) = match fields[..] {
        [name] => (name, "", "", ""),
        [name, template] => (name, template, "", ""),
        // Without a port: a number is one, anything else is a route.
        [name, template, third] if number(third) => (name, template, third, ""),
        [name, template, third] => (name, template, "", third),
        [name, template, port, route] => (name, template, port, route),
        _ => return Err("it has more than four fields".to_owned()),
    };
    let given = |field| Some(field).filter(|field: &&str| !field.is_empty());
    let template = match language {
        Some(language) => format!("{language}:{template}"),
        None => template.to_owned(),
    };
    Ok(Line { name, template, port: given(port), route: given(route) })
}

fn service(
    settings: &Settings,
    domains: &Domains,
    gateway: &mut Gateway,
    draft: &mut Draft,
    custom: Custom,
) -> Result<(), Error> {
    let described = settings.toml().services.get(&custom.name);
    let Some(described) = described.filter(|service| !service.command.is_empty()) else {
        draft.defer(
            &custom.name,
            &custom.setting,
            format!("this version does not build the template {} yet and it has no start command", custom.template),
            format!("write [services.{}] command = [\"program\", \"argument\"] into nself.toml", custom.name),
        );
        return Ok(());
    };
    let directory = described.directory.clone().unwrap_or_else(|| PathBuf::from("services").join(&custom.name));
    let run = Run::Command { argv: described.command.clone(), directory };
    let own = |field: &str| settings.indexed("CS", custom.number, field);
    let port_setting = format!("CS_{}_PORT", custom.number);
    if let Some(port) = custom.port {
        draft.take_port(port, &port_setting)?;
    }
    if let Some(host) = &custom.host {
        let zone = zone(gateway, &custom.name, own("RATE_LIMIT"));
        let (host, path, service) = (host.clone(), "/".to_owned(), custom.name.clone());
        draft.take_route(
            Route { host, path, service, rewrite: None, zone, max_body_bytes: None },
            &custom.route_setting,
        )?;
    }
    let replicas = own("REPLICAS").and_then(|count| count.trim().parse().ok()).unwrap_or(1);
    if replicas != 1 {
        draft.defer(
            &custom.name,
            &format!("CS_{}_REPLICAS", custom.number),
            "one process of each service runs on this machine",
            format!("nself config set CS_{}_REPLICAS 1", custom.number),
        );
    }
    let subject = Subject {
        settings,
        gateway,
        base_domain: domains.base(),
        name: &custom.name,
        number: custom.number,
        port: custom.port,
    };
    let depends_on = draft.services.iter().filter(|service| service.group == Group::Required);
    let service = Service {
        kind: Kind::Custom,
        group: Group::Custom,
        version: None,
        run,
        ports: custom
            .port
            .map(|number| Port { name: "http".to_owned(), number, setting: port_setting, public: false })
            .into_iter()
            .collect(),
        environment: subject.environment(),
        depends_on: depends_on.map(|service| service.name.clone()).collect(),
        probe: probe(custom.port, own("HEALTHCHECK")),
        resources: Resources {
            priority: PRIORITY,
            memory_bytes: own("MEMORY").and_then(value::bytes),
            cpu_millicores: own("CPU").and_then(value::millicores),
            replicas,
        },
        volumes: Vec::new(),
        log: limits::log(settings, None),
        metrics: custom.port.map(|_| Metrics { job: format!("custom_{}", custom.name), path: "/metrics".to_owned() }),
        name: custom.name,
    };
    draft.services.push(service);
    Ok(())
}

/// The service's rate zone: its own when `CS_N_RATE_LIMIT` says how many requests a minute it takes.
fn zone(gateway: &mut Gateway, name: &str, limit: Option<&str>) -> String {
    let requests = limit.and_then(|limit| limit.trim().parse::<u32>().ok()).filter(|requests| *requests > 0);
    match requests {
        Some(requests) => {
            let zone = format!("service-{name}");
            gateway.zones.insert(zone.clone(), front_door::rate(value::Rate { requests, per_seconds: 60 }));
            zone
        }
        None => "general".to_owned(),
    }
}

/// `CS_N_HEALTHCHECK` is a path; `tcp` asks for a connection only and `none` for nothing.
fn probe(port: Option<u16>, check: Option<&str>) -> Probe {
    match (port, check.unwrap_or("/health").trim()) {
        (None, _) | (_, "none" | "off" | "false") => Probe::None,
        (_, "tcp") => Probe::Tcp,
        (_, path) if path.starts_with('/') => Probe::Http { path: path.to_owned() },
        (_, path) => Probe::Http { path: format!("/{path}") },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn line(text: &str) -> (String, String, Option<&str>, Option<&str>) {
        let line = parse(text).unwrap();
        (line.name.to_owned(), line.template, line.port, line.route)
    }

    #[test]
    fn every_form_of_the_line_is_understood() {
        let case = |text, name: &str, template: &str, port, route| {
            assert_eq!(line(text), (name.to_owned(), template.to_owned(), port, route), "{text}");
        };
        case("api:fastapi", "api", "fastapi", None, None);
        case("api:fastapi:8004", "api", "fastapi", Some("8004"), None);
        case("api:fastapi:8004:ml", "api", "fastapi", Some("8004"), Some("ml"));
        case("api:fastapi::ml.example.com", "api", "fastapi", None, Some("ml.example.com"));
        case("api:fastapi:ml", "api", "fastapi", None, Some("ml"));
        case("api:fastapi:0", "api", "fastapi", Some("0"), None);
        case("api:python:fastapi:8004:ml", "api", "python:fastapi", Some("8004"), Some("ml"));
        case("api:python:fastapi", "api", "python:fastapi", None, None);
        case("api:node:8004", "api", "node", Some("8004"), None);
        case(" api : fastapi : 8004 ", "api", "fastapi", Some("8004"), None);
        case("api", "api", "", None, None);
        assert!(parse("a:b:1:c:d").is_err());
    }

    #[test]
    fn a_health_check_is_a_path_or_less() {
        assert_eq!(probe(Some(1), None), Probe::Http { path: "/health".to_owned() });
        assert_eq!(probe(Some(1), Some("ready")), Probe::Http { path: "/ready".to_owned() });
        assert_eq!(probe(Some(1), Some("tcp")), Probe::Tcp);
        assert_eq!(probe(Some(1), Some("none")), Probe::None);
        assert_eq!(probe(None, Some("/health")), Probe::None);
    }
}
