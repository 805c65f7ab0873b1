//! What a custom service finds in its environment.

use std::collections::BTreeMap;

use project::{Settings, is_secret};

use crate::resolve::percent;
use crate::{EnvValue, Gateway};

/// Where a service on this machine finds another one.
const HERE: &str = "127.0.0.1";

/// What the environment is made from.
pub(crate) struct Subject<'a> {
    pub settings: &'a Settings,
    pub gateway: &'a Gateway,
    pub base_domain: &'a str,
    pub name: &'a str,
    /// Its number in `CS_N`.
    pub number: u32,
    pub port: Option<u16>,
}

impl Subject<'_> {
    /// What nself says, then `CS_N_ENV`, then `nself.toml`; later ones win.
    pub fn environment(&self) -> BTreeMap<String, EnvValue> {
        let mut environment = self.general();
        environment.extend(self.database());
        environment.extend(self.graphql());
        let setting = format!("CS_{}_ENV", self.number);
        for entry in self.settings.list(&setting) {
            if let Some((name, value)) = entry.split_once('=') {
                let name = name.trim();
                environment.insert(name.to_owned(), self.own(name, value, &format!("{setting}[{name}]")));
            }
        }
        if let Some(service) = self.settings.toml().services.get(self.name) {
            for (name, value) in &service.environment {
                let reference = format!("{}[{}.{name}]", project::toml::FILE, self.name);
                environment.insert(name.clone(), self.own(name, value, &reference));
            }
        }
        environment
    }

    fn general(&self) -> BTreeMap<String, EnvValue> {
        let settings = self.settings;
        let text = |name: &str| settings.text(name).unwrap_or_default().to_owned();
        let mut plain = vec![
            ("ENV", settings.environment().to_string()),
            ("NODE_ENV", text("NODE_ENV")),
            ("PROJECT_NAME", text("PROJECT_NAME")),
            ("BASE_DOMAIN", self.base_domain.to_owned()),
            ("SERVICE_NAME", self.name.to_owned()),
        ];
        plain.extend(self.port.map(|port| ("PORT", port.to_string())));
        for field in ["TABLE_PREFIX", "REDIS_PREFIX", "QUEUE_NAME"] {
            let value = settings.indexed("CS", self.number, field);
            plain.extend(value.map(|value| (field, value.to_owned())));
        }
        plain.into_iter().map(|(name, value)| (name.to_owned(), EnvValue::Plain(value))).collect()
    }

    fn database(&self) -> Vec<(String, EnvValue)> {
        let settings = self.settings;
        // `postgres` is the name inside a container network.
        let host = match settings.text("POSTGRES_HOST") {
            None | Some("postgres" | "localhost") => HERE,
            Some(host) => host,
        };
        let port = settings.port("POSTGRES_PORT").unwrap_or(5432);
        let user = settings.text("POSTGRES_USER").unwrap_or("postgres");
        let database = settings.text("POSTGRES_DB").unwrap_or("nhost");
        let url = if is_ours(settings.text("DATABASE_URL"), "@postgres:", "@postgres/") {
            secret(
                "POSTGRES_PASSWORD",
                &format!("postgres://{}:{{}}@{host}:{port}/{}", percent(user), percent(database)),
            )
        } else {
            secret("DATABASE_URL", "{}")
        };
        let plain = |name: &str, value: String| (name.to_owned(), EnvValue::Plain(value));
        vec![
            plain("POSTGRES_HOST", host.to_owned()),
            plain("POSTGRES_PORT", port.to_string()),
            plain("POSTGRES_DB", database.to_owned()),
            plain("POSTGRES_USER", user.to_owned()),
            ("POSTGRES_PASSWORD".to_owned(), secret("POSTGRES_PASSWORD", "{}")),
            ("DATABASE_URL".to_owned(), url),
        ]
    }

    fn graphql(&self) -> Vec<(String, EnvValue)> {
        if !self.settings.flag("HASURA_ENABLED") {
            return Vec::new();
        }
        let own = Some("HASURA_GRAPHQL_ENDPOINT").filter(|name| self.settings.is_set(name));
        let own = own.and_then(|name| self.settings.text(name));
        let endpoint = match own {
            Some(own) if !is_ours(Some(own), "//hasura:", "//hasura/") => own.to_owned(),
            _ => self.gateway.http_url(HERE, "/v1/graphql"),
        };
        let admin = || secret("HASURA_GRAPHQL_ADMIN_SECRET", "{}");
        vec![
            (
                "HASURA_GRAPHQL_ENDPOINT".to_owned(),
                self.own("HASURA_GRAPHQL_ENDPOINT", &endpoint, "HASURA_GRAPHQL_ENDPOINT"),
            ),
            ("HASURA_ADMIN_SECRET".to_owned(), admin()),
            ("HASURA_GRAPHQL_ADMIN_SECRET".to_owned(), admin()),
        ]
    }

    /// A value of the user's: by reference when its name or its content is a secret.
    fn own(&self, name: &str, value: &str, reference: &str) -> EnvValue {
        let holds_secret = self.settings.redact(value) != value || self.settings.shown(reference, value) != value;
        if is_secret(name) || holds_secret { secret(reference, "{}") } else { EnvValue::Plain(value.to_owned()) }
    }
}

/// True when a URL is not set, or names a host that exists inside a container network only.
fn is_ours(url: Option<&str>, with_port: &str, without: &str) -> bool {
    url.is_none_or(|url| url.contains(with_port) || url.contains(without))
}

fn secret(setting: &str, template: &str) -> EnvValue {
    EnvValue::Secret { secret: setting.to_owned(), template: template.to_owned() }
}
