//! Where a person finds a service.

use serde::{Deserialize, Serialize};

use crate::{Gateway, Group, Kind, Plan, Route, Service};

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Url {
    pub service: String,
    /// What it is, for people: `GraphQL`, `Console`, or the service's name.
    pub label: String,
    pub group: Group,
    /// True for the one address of each service that is shown first.
    pub primary: bool,
    pub http: String,
    /// `None` when TLS is off.
    pub https: Option<String>,
}

impl Plan {
    /// Every address through the front door, in start order of the services; the first of each service is its primary
    /// one. A path of the base domain comes before a sub-domain: it resolves without any set-up.
    pub fn urls(&self) -> Vec<Url> {
        self.services.iter().flat_map(|service| self.urls_of(service)).collect()
    }

    fn urls_of(&self, service: &Service) -> Vec<Url> {
        let shown = |route: &&Route| route.service == service.name && is_for_people(service, route);
        let mut routes: Vec<&Route> = self.routes.iter().filter(shown).collect();
        routes.sort_by_key(|route| (route.host.is_some(), &route.host, &route.path));
        let url = |(position, route): (usize, &Route)| {
            let host = route.host.as_deref().unwrap_or(&self.base_domain);
            let path = match (service.kind, route.path.as_str()) {
                // On a host of its own the API still lives under its path.
                (Kind::Graphql, "/") => "/v1/graphql".to_owned(),
                // Nhost's clients want addresses that end so.
                (Kind::Auth | Kind::Storage, path) => format!("{}/v1", path.trim_end_matches('/')),
                (_, "/") => String::new(),
                (_, path) => path.to_owned(),
            };
            Url {
                service: service.name.clone(),
                label: label(service),
                group: service.group,
                primary: position == 0,
                http: self.gateway.http_url(host, &path),
                https: self.gateway.https_url(host, &path),
            }
        };
        routes.into_iter().enumerate().map(url).collect()
    }
}

impl Gateway {
    /// An http address through the front door; `path` is empty or starts with a slash.
    pub fn http_url(&self, host: &str, path: &str) -> String {
        address("http", host, self.http_port, 80, path)
    }

    /// The https address, `None` when TLS is off.
    pub fn https_url(&self, host: &str, path: &str) -> Option<String> {
        self.https_port.map(|port| address("https", host, port, 443, path))
    }
}

fn address(scheme: &str, host: &str, port: u16, usual: u16, path: &str) -> String {
    if port == usual { format!("{scheme}://{host}{path}") } else { format!("{scheme}://{host}:{port}{path}") }
}

/// The API's version and health paths are for programs, and on a host of its own its one path says it all.
fn is_for_people(service: &Service, route: &Route) -> bool {
    match service.kind {
        Kind::Graphql if route.host.is_none() => route.path == "/v1/graphql",
        Kind::Graphql => route.path == "/",
        _ => true,
    }
}

fn label(service: &Service) -> String {
    match service.kind {
        Kind::Graphql => "GraphQL".to_owned(),
        Kind::Auth => "Auth".to_owned(),
        Kind::Storage => "Storage".to_owned(),
        Kind::S3 => "S3".to_owned(),
        Kind::Mail => "Mail".to_owned(),
        Kind::Console => "Console".to_owned(),
        _ => service.name.clone(),
    }
}
