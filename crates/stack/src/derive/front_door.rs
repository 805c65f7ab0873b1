//! The gateway: where it listens, how it is encrypted, what it limits.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use project::{Settings, Tier};

use super::domains::Domains;
use super::draft::Draft;
use crate::{Error, Gateway, Rate, Tls};

/// Largest request head: what nginx takes by default (four buffers of 8 KiB).
const MAX_HEADER_BYTES: u64 = 32 * 1024;

const ZONES: [(&str, &str); 8] = [
    ("general", "RATE_LIMIT_GENERAL_RATE"),
    ("graphql", "RATE_LIMIT_GRAPHQL_RATE"),
    ("auth", "RATE_LIMIT_AUTH_RATE"),
    ("upload", "RATE_LIMIT_UPLOAD_RATE"),
    ("static", "RATE_LIMIT_STATIC_RATE"),
    ("webhook", "RATE_LIMIT_WEBHOOK_RATE"),
    ("functions", "RATE_LIMIT_FUNCTIONS_RATE"),
    ("user", "RATE_LIMIT_USER_RATE"),
];

pub(crate) fn gateway(settings: &Settings, domains: &Domains, draft: &mut Draft) -> Result<Gateway, Error> {
    let tls = tls(settings, draft)?;
    let http_port = settings.port("GATEWAY_PORT").unwrap_or(8080);
    let https_port = (tls != Tls::Off).then(|| settings.port("GATEWAY_SSL_PORT").unwrap_or(8443));
    draft.take_port(http_port, "GATEWAY_PORT")?;
    if let Some(port) = https_port {
        draft.take_port(port, "GATEWAY_SSL_PORT")?;
    }
    if !settings.flag("NGINX_ENABLED") {
        draft.defer(
            "gateway",
            "NGINX_ENABLED",
            "the front door is part of the server and always runs",
            "take NGINX_ENABLED=false away",
        );
    }
    let bind = if settings.tier() == Tier::Dev { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
    Ok(Gateway {
        bind: IpAddr::V4(bind),
        http_port,
        https_port,
        tls,
        max_body_bytes: settings.bytes("NGINX_CLIENT_MAX_BODY_SIZE").unwrap_or(100 << 20),
        max_header_bytes: MAX_HEADER_BYTES,
        compression: settings.flag("NGINX_GZIP_ENABLED"),
        zones: zones(settings),
        cors_origins: cors_origins(settings, domains),
    })
}

fn tls(settings: &Settings, draft: &mut Draft) -> Result<Tls, Error> {
    let mode = settings.text("SSL_MODE").unwrap_or("local").to_ascii_lowercase();
    if !settings.flag("SSL_ENABLED") || mode == "none" {
        return Ok(Tls::Off);
    }
    match mode.as_str() {
        "custom" => {
            let file =
                |setting| settings.text(setting).map(PathBuf::from).ok_or(Error::Certificate { missing: setting });
            Ok(Tls::Custom { certificate: file("SSL_CERT_PATH")?, key: file("SSL_KEY_PATH")? })
        }
        "letsencrypt" | "lets-encrypt" => {
            draft.defer(
                "letsencrypt",
                "SSL_MODE",
                "this version cannot get certificates from Let's Encrypt; it serves one of the local authority",
                "nself config set SSL_MODE custom, with SSL_CERT_PATH and SSL_KEY_PATH",
            );
            Ok(Tls::Local)
        }
        _ => Ok(Tls::Local),
    }
}

/// In dev a zone limits only when the user gave its rate: a page that reloads on every save, a test run or a load
/// test on one's own machine is no attack. In staging and prod every zone has its rate.
///
/// The burst is twice the requests of a rate a second, and a whole period's requests of a slower one: a page may ask
/// for everything it needs at once, and who goes on like that is limited to the rate.
fn zones(settings: &Settings) -> BTreeMap<String, Rate> {
    let limited = |setting: &str| settings.tier() != Tier::Dev || settings.is_set(setting);
    ZONES
        .into_iter()
        .filter(|(_, setting)| limited(setting))
        .filter_map(|(zone, setting)| Some((zone.to_owned(), rate(settings.rate(setting)?))))
        .collect()
}

pub(crate) fn rate(rate: project::value::Rate) -> Rate {
    let burst = if rate.per_seconds == 1 { rate.requests.saturating_mul(2) } else { rate.requests };
    Rate { requests: rate.requests, per_seconds: rate.per_seconds, burst }
}

fn cors_origins(settings: &Settings, domains: &Domains) -> Vec<String> {
    let origins = settings.list("HASURA_GRAPHQL_CORS_DOMAIN");
    if settings.is_set("HASURA_GRAPHQL_CORS_DOMAIN") {
        return origins;
    }
    origins.iter().map(|origin| domains.rebase(origin)).collect()
}
