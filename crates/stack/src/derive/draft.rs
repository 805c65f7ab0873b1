//! A plan in the making, and the rules that hold between its parts.

use std::collections::BTreeMap;

use crate::{Deferred, Error, Route, Service};

/// Keys of nself's own services, of this version and of those that are deferred: a custom service cannot take them.
const RESERVED: &[&str] = &[
    "alertmanager",
    "auth",
    "cadvisor",
    "console",
    "functions",
    "gateway",
    "grafana",
    "hasura",
    "loki",
    "mailpit",
    "meilisearch",
    "minio",
    "mlflow",
    "nginx",
    "node-exporter",
    "nself-admin",
    "pgbouncer",
    "postgres",
    "postgres-exporter",
    "prometheus",
    "promtail",
    "redis",
    "redis-exporter",
    "server",
    "storage",
    "tempo",
    "typesense",
];

#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub services: Vec<Service>,
    pub routes: Vec<Route>,
    pub deferred: Vec<Deferred>,
    /// Who has each name, port and address: the setting that gave it.
    names: BTreeMap<String, String>,
    ports: BTreeMap<u16, String>,
    addresses: BTreeMap<(Option<String>, String), (String, String)>,
}

impl Draft {
    /// Takes a name for a service of the user's own.
    pub fn take_name(&mut self, name: &str, setting: &str) -> Result<(), Error> {
        let twice = |first: &str| Error::NameTwice {
            name: name.to_owned(),
            first: first.to_owned(),
            second: setting.to_owned(),
        };
        if RESERVED.contains(&name) {
            return Err(twice("nself itself"));
        }
        match self.names.insert(name.to_owned(), setting.to_owned()) {
            Some(first) => Err(twice(&first)),
            None => Ok(()),
        }
    }

    pub fn has_name(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub fn take_port(&mut self, port: u16, setting: &str) -> Result<(), Error> {
        match self.ports.insert(port, setting.to_owned()) {
            Some(first) => Err(Error::PortTwice { port, first, second: setting.to_owned() }),
            None => Ok(()),
        }
    }

    /// Adds a route. The same address for the same service twice is one route: `HASURA_ROUTE` may name the base domain.
    pub fn take_route(&mut self, route: Route, setting: &str) -> Result<(), Error> {
        let address = (route.host.clone(), route.path.clone());
        match self.addresses.get(&address) {
            Some((service, _)) if *service == route.service => Ok(()),
            Some((_, first)) => Err(Error::RouteTwice {
                address: format!("{}{}", route.host.as_deref().unwrap_or("the base domain, "), route.path),
                first: first.clone(),
                second: setting.to_owned(),
            }),
            None => {
                self.addresses.insert(address, (route.service.clone(), setting.to_owned()));
                self.routes.push(route);
                Ok(())
            }
        }
    }

    pub fn defer(&mut self, name: &str, setting: &str, reason: impl Into<String>, fix: impl Into<String>) {
        self.deferred.push(Deferred {
            name: name.to_owned(),
            setting: setting.to_owned(),
            reason: reason.into(),
            fix: fix.into(),
        });
    }
}
