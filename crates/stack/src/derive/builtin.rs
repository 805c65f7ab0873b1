//! Auth, storage and the mail catcher: services of the server's own process over the project's database.

use std::collections::BTreeMap;

use project::Settings;

use super::domains::Domains;
use super::draft::Draft;
use super::limits;
use crate::{Error, Group, Kind, Port, Probe, Route, Run, Service, Volume};

/// Weights in the share of memory and cores, from the Bash tool's table.
const AUTH_PRIORITY: u8 = 5;
const STORAGE_PRIORITY: u8 = 7;
const MAIL_PRIORITY: u8 = 2;

/// Requests of auth are small JSON.
const AUTH_BODY: u64 = 1 << 20;
/// Each bucket has a largest file of its own; S3's largest object is the largest there can be.
const STORAGE_BODY: u64 = 5 << 40;

pub(crate) fn add(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    let auth = settings.flag("AUTH_ENABLED") && needs(settings, draft, "auth", "AUTH_ENABLED", &["POSTGRES_ENABLED"]);
    if auth && signs(settings, draft) {
        self::auth(settings, domains, draft)?;
    }
    let storage = ["POSTGRES_ENABLED", "HASURA_ENABLED"];
    if settings.flag("STORAGE_ENABLED") && needs(settings, draft, "storage", "STORAGE_ENABLED", &storage) {
        self::storage(settings, domains, draft)?;
    }
    let mail = ["POSTGRES_ENABLED"];
    if settings.flag("MAILPIT_ENABLED") && needs(settings, draft, "mailpit", "MAILPIT_ENABLED", &mail) {
        self::mail(settings, domains, draft)?;
    }
    Ok(())
}

/// Whether everything that the service stands on is on. It is named only when the user has asked for it.
fn needs(settings: &Settings, draft: &mut Draft, name: &str, own: &str, others: &[&str]) -> bool {
    let Some(missing) = others.iter().find(|other| !settings.flag(other)) else { return true };
    if settings.is_set(own) {
        draft.defer(
            name,
            own,
            format!("it works with {missing} only"),
            format!("nself config set {missing} true, or {own} false"),
        );
    }
    false
}

/// Whether there is a key to sign tokens with: a project whose tokens are somebody else's has only what verifies them.
fn signs(settings: &Settings, draft: &mut Draft) -> bool {
    let lists = settings.text("HASURA_GRAPHQL_JWT_SECRETS").filter(|text| !text.trim().is_empty());
    let single = settings.text("HASURA_GRAPHQL_JWT_SECRET").filter(|text| !text.trim().is_empty());
    let (name, foreign) = match (lists, single) {
        (Some(_), _) => ("HASURA_GRAPHQL_JWT_SECRETS", true),
        (None, Some(text)) => ("HASURA_GRAPHQL_JWT_SECRET", !is_signing(text)),
        (None, None) => return true,
    };
    if foreign && settings.is_set("AUTH_ENABLED") {
        draft.defer(
            "auth",
            "AUTH_ENABLED",
            format!("{name} has no key to sign tokens with"),
            "nself config set AUTH_ENABLED false, or give HASURA_GRAPHQL_JWT_SECRET a secret or a signing_key",
        );
    }
    !foreign
}

/// Whether a key of Hasura's JSON can sign. What cannot be read is for auth itself to complain of.
fn is_signing(text: &str) -> bool {
    let Ok(key) = serde_json::from_str::<serde_json::Value>(text) else { return true };
    let is_secret = key["type"].as_str().is_none_or(|kind| kind.starts_with("HS"));
    key["jwk_url"].is_null() && (is_secret || key["signing_key"].is_string())
}

fn auth(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    let level = settings.text("AUTH_LOG_LEVEL").filter(|_| settings.is_set("AUTH_LOG_LEVEL"));
    let image = settings.text("AUTH_IMAGE").filter(|_| settings.is_set("AUTH_IMAGE")).map(str::to_owned);
    let version = settings.text("AUTH_VERSION").unwrap_or("latest");
    let spec = Spec {
        name: "auth",
        kind: Kind::Auth,
        group: Group::Required,
        prefix: "AUTH",
        priority: AUTH_PRIORITY,
        level,
        image: image.unwrap_or_else(|| format!("nhost/hasura-auth:{version}")),
        depends_on: engine(settings),
    };
    draft.services.push(spec.service(settings));
    let service = |host, path: &str, rewrite: Option<&str>| Route {
        max_body_bytes: Some(AUTH_BODY),
        ..route(host, path, "auth", rewrite, "auth")
    };
    draft.take_route(service(None, "/v1/auth", Some("/")), "AUTH_ENABLED")?;
    if let Some(host) = host(settings, domains, "AUTH_ROUTE")? {
        draft.take_route(service(Some(host), "/", None), "AUTH_ROUTE")?;
    }
    Ok(())
}

fn storage(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    let version = settings.text("STORAGE_VERSION").unwrap_or("latest");
    let spec = Spec {
        name: "storage",
        kind: Kind::Storage,
        group: Group::Optional,
        prefix: "STORAGE",
        priority: STORAGE_PRIORITY,
        level: None,
        image: format!("nhost/hasura-storage:{version}"),
        depends_on: engine(settings),
    };
    let volume = Volume { name: "minio_data".to_owned(), mount: "/data".to_owned() };
    draft.services.push(Service { volumes: vec![volume], ..spec.service(settings) });
    let service = |host, path: &str, rewrite: Option<&str>| Route {
        max_body_bytes: Some(STORAGE_BODY),
        ..route(host, path, "storage", rewrite, "general")
    };
    draft.take_route(service(None, "/v1/storage", Some("/")), "STORAGE_ENABLED")?;
    if let Some(host) = host(settings, domains, "STORAGE_ROUTE")? {
        draft.take_route(service(Some(host), "/", None), "STORAGE_ROUTE")?;
    }
    if settings.text("S3_ACCESS_KEY").is_some() && settings.secret("S3_SECRET_KEY").is_some() {
        s3(settings, domains, draft)?;
    }
    Ok(())
}

/// The S3 API over the same files, for who has its keys. Its requests sign host and path, so that it has a host of its
/// own and paths as they come.
fn s3(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    const ROUTE: &str = "STORAGE_S3_ROUTE";
    let Some(host) = host(settings, domains, ROUTE)? else { return Ok(()) };
    let version = settings.text("MINIO_VERSION").unwrap_or("latest");
    let spec = Spec {
        name: "minio",
        kind: Kind::S3,
        group: Group::Optional,
        prefix: "MINIO",
        priority: STORAGE_PRIORITY,
        level: None,
        image: format!("minio/minio:{version}"),
        depends_on: vec!["storage".to_owned()],
    };
    draft.services.push(spec.service(settings));
    let route = route(Some(host), "/", "minio", None, "general");
    draft.take_route(Route { max_body_bytes: Some(STORAGE_BODY), ..route }, ROUTE)
}

fn mail(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<(), Error> {
    // Both on this machine only, as the catcher itself insists.
    let mut port = |name: &str, setting: &str, default: u16| {
        let number = settings.port(setting).unwrap_or(default);
        draft.take_port(number, setting)?;
        Ok::<_, Error>(Port { name: name.to_owned(), number, setting: setting.to_owned(), public: false })
    };
    let ports = vec![port("smtp", "MAILPIT_SMTP_PORT", 1025)?, port("http", "MAILPIT_UI_PORT", 8025)?];
    let version = settings.text("MAILPIT_VERSION").unwrap_or("latest");
    let spec = Spec {
        name: "mailpit",
        kind: Kind::Mail,
        group: Group::Optional,
        prefix: "MAILPIT",
        priority: MAIL_PRIORITY,
        level: None,
        image: format!("axllent/mailpit:{version}"),
        depends_on: vec!["postgres".to_owned()],
    };
    draft.services.push(Service { ports, ..spec.service(settings) });
    // Not on the base domain: a host name that nobody knows leads there, and a page could bring one of its own that
    // reads mail.
    if let Some(host) = host(settings, domains, "MAILPIT_ROUTE")? {
        draft.take_route(route(Some(host), "/", "mailpit", None, "static"), "MAILPIT_ROUTE")?;
    }
    Ok(())
}

/// The database, and GraphQL where it runs: permissions and custom claims are asked of it.
fn engine(settings: &Settings) -> Vec<String> {
    let engine = settings.flag("HASURA_ENABLED").then(|| "hasura".to_owned());
    ["postgres".to_owned()].into_iter().chain(engine).collect()
}

/// A sub-domain or domain of its own; `None` where the setting names the base domain, which has its paths already.
fn host(settings: &Settings, domains: &Domains, setting: &str) -> Result<Option<String>, Error> {
    let Some(route) = settings.text(setting) else { return Ok(None) };
    domains.host(route).map_err(|reason| Error::Route { setting: setting.to_owned(), reason })
}

/// What differs between them.
struct Spec<'a> {
    name: &'a str,
    kind: Kind,
    group: Group,
    /// Of its settings: `AUTH` for `AUTH_MEMORY`.
    prefix: &'a str,
    priority: u8,
    /// Its own log level.
    level: Option<&'a str>,
    /// What stands for it where it runs as a container.
    image: String,
    depends_on: Vec<String>,
}

impl Spec<'_> {
    fn service(self, settings: &Settings) -> Service {
        Service {
            name: self.name.to_owned(),
            kind: self.kind,
            group: self.group,
            version: None,
            run: Run::Builtin { image: Some(self.image) },
            ports: Vec::new(),
            environment: BTreeMap::new(),
            depends_on: self.depends_on,
            probe: Probe::Builtin,
            resources: limits::resources(settings, self.prefix, self.priority),
            volumes: Vec::new(),
            log: limits::log(settings, self.level),
            metrics: None,
        }
    }
}

fn route(host: Option<String>, path: &str, service: &str, rewrite: Option<&str>, zone: &str) -> Route {
    Route {
        host,
        path: path.to_owned(),
        service: service.to_owned(),
        rewrite: rewrite.map(str::to_owned),
        zone: zone.to_owned(),
        max_body_bytes: None,
    }
}
