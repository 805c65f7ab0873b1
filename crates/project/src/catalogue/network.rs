//! The gateway, its rate limits and TLS.

use super::{Group, Kind, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[
    Group { title: "Gateway", settings: GATEWAY },
    Group { title: "Rate limits", settings: RATES },
    Group { title: "TLS", settings: TLS },
];

const GATEWAY: &[Setting] = &[
    Setting::new("GATEWAY_PORT", Kind::Port, "HTTP port of the front door")
        .defaults("8080", "80", "80")
        .aliases(&["NGINX_PORT", "NGINX_HTTP_PORT"])
        .since("0.1"),
    Setting::new("GATEWAY_SSL_PORT", Kind::Port, "HTTPS port of the front door")
        .defaults("8443", "443", "443")
        .aliases(&["NGINX_SSL_PORT", "NGINX_HTTPS_PORT"])
        .since("0.1"),
    Setting::new("NGINX_ENABLED", Kind::Flag, "Run the front door").default("true"),
    Setting::new("NGINX_VERSION", Kind::Text, "Image tag, where nginx itself runs").default("alpine"),
    Setting::new("NGINX_CLIENT_MAX_BODY_SIZE", Kind::Bytes, "Largest request body")
        .default("100M")
        .aliases(&["NGINX_MAX_BODY_SIZE"]),
    Setting::new("NGINX_GZIP_ENABLED", Kind::Flag, "Compress answers").default("true"),
];

const RATES: &[Setting] = &[
    Setting::new("RATE_LIMIT_GENERAL_RATE", Kind::Rate, "Everything without a zone of its own")
        .default("10r/s")
        .aliases(&["NGINX_RATE_LIMIT"]),
    Setting::new("RATE_LIMIT_GRAPHQL_RATE", Kind::Rate, "GraphQL").default("100r/m"),
    Setting::new("RATE_LIMIT_AUTH_RATE", Kind::Rate, "Auth").default("10r/m"),
    Setting::new("RATE_LIMIT_UPLOAD_RATE", Kind::Rate, "Uploads").default("5r/m"),
    Setting::new("RATE_LIMIT_STATIC_RATE", Kind::Rate, "Static files").default("1000r/m"),
    Setting::new("RATE_LIMIT_WEBHOOK_RATE", Kind::Rate, "Webhooks").default("30r/m"),
    Setting::new("RATE_LIMIT_FUNCTIONS_RATE", Kind::Rate, "Functions").default("50r/m"),
    Setting::new("RATE_LIMIT_USER_RATE", Kind::Rate, "One user's token").default("1000r/m"),
];

const TLS: &[Setting] = &[
    Setting::new("SSL_ENABLED", Kind::Flag, "Serve HTTPS").default("true"),
    Setting::new(
        "SSL_MODE",
        Kind::Choice(&["local", "letsencrypt", "custom", "none", "self-signed", "lets-encrypt"]),
        "Where certificates come from",
    )
    .default("local"),
    Setting::new("SSL_PROVIDER", Kind::Text, "Authority in letsencrypt mode").default("letsencrypt"),
    Setting::new("SSL_CERT_NAME", Kind::Text, "Name of the certificate's folder").default("localhost"),
    Setting::new("SSL_CERT_PATH", Kind::Path, "Certificate chain in custom mode"),
    Setting::new("SSL_KEY_PATH", Kind::Path, "Private key in custom mode"),
    Setting::new("SSL_AUTO_TRUST", Kind::Flag, "Offer to trust the local authority").defaults("true", "false", "false"),
    Setting::new("SSL_PUBLIC_WILDCARD", Kind::Flag, "Try for a public wildcard certificate").default("true"),
    Setting::new("SSL_FALLBACK_LOCALHOST", Kind::Flag, "Also make a certificate for localhost").default("true"),
    Setting::new("SSL_NSELF_ORG_DOMAIN", Kind::Domain, "Domain whose names all resolve to this machine")
        .default("local.nself.org"),
    Setting::new("SSL_LOCALHOST_NAMES", Kind::List, "Names in the localhost certificate")
        .default("localhost,*.localhost,127.0.0.1,::1"),
    Setting::new("SSL_EMAIL", Kind::Email, "Contact for the authority").aliases(&["LETSENCRYPT_EMAIL"]),
    Setting::new("LETSENCRYPT_STAGING", Kind::Flag, "Use Let's Encrypt's test authority").default("false"),
    Setting::new(
        "DNS_PROVIDER",
        Kind::Choice(&["cloudflare", "route53", "digitalocean", "namecheap", "godaddy"]),
        "Who serves the domain, for wildcard certificates",
    ),
    Setting::new("DNS_API_TOKEN", Kind::Secret(Strength::External), "Token for that provider"),
];
