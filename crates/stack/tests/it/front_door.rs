use std::path::PathBuf;

use stack::{Rate, Tls};

use crate::{plan, plan_in, routes};

#[test]
fn dev_listens_here_and_prod_everywhere() {
    let dev = plan(&[]).gateway;
    assert_eq!((dev.bind.to_string().as_str(), dev.http_port, dev.https_port), ("127.0.0.1", 8080, Some(8443)));
    let prod = plan_in("prod", &[]).gateway;
    assert_eq!((prod.bind.to_string().as_str(), prod.http_port, prod.https_port), ("0.0.0.0", 80, Some(443)));
    let old_names = plan(&[("NGINX_PORT", "8000"), ("NGINX_HTTPS_PORT", "8001")]).gateway;
    assert_eq!((old_names.http_port, old_names.https_port), (8000, Some(8001)));
}

#[test]
fn tls_follows_its_mode() {
    assert_eq!(plan(&[]).gateway.tls, Tls::Local);
    for off in [("SSL_MODE", "none"), ("SSL_ENABLED", "false")] {
        let gateway = plan(&[off]).gateway;
        assert_eq!((gateway.tls, gateway.https_port), (Tls::Off, None));
    }
    let own = plan(&[("SSL_MODE", "custom"), ("SSL_CERT_PATH", "a.pem"), ("SSL_KEY_PATH", "b.pem")]).gateway;
    assert_eq!(own.tls, Tls::Custom { certificate: PathBuf::from("a.pem"), key: PathBuf::from("b.pem") });
    let later = plan(&[("SSL_MODE", "letsencrypt")]);
    assert_eq!(later.gateway.tls, Tls::Local);
    assert_eq!(later.deferred[0].setting, "SSL_MODE");
}

#[test]
fn a_developer_is_limited_only_by_what_was_asked_for() {
    assert!(plan(&[]).gateway.zones.is_empty());
    let asked = plan(&[("RATE_LIMIT_GRAPHQL_RATE", "100r/m"), ("NGINX_RATE_LIMIT", "5r/s")]).gateway.zones;
    assert_eq!(asked["graphql"], Rate { requests: 100, per_seconds: 60, burst: 100 });
    assert_eq!(asked["general"], Rate { requests: 5, per_seconds: 1, burst: 10 });
    assert_eq!(asked.len(), 2);
    let prod = plan_in("prod", &[]).gateway.zones;
    let names: Vec<&str> = prod.keys().map(String::as_str).collect();
    assert_eq!(names, ["auth", "functions", "general", "graphql", "static", "upload", "user", "webhook"]);
    assert_eq!(prod["upload"], Rate { requests: 5, per_seconds: 60, burst: 5 });
}

#[test]
fn the_api_and_the_console_have_their_paths_and_their_sub_domains() {
    let plan = plan(&[]);
    assert_eq!(
        routes(&plan, "hasura"),
        [
            (None, "/hasura/healthz"),
            (None, "/api/swagger"),
            (None, "/v1/metadata"),
            (None, "/v1/graphql"),
            (None, "/v1/metrics"),
            (None, "/v1/version"),
            (None, "/v1/config"),
            (None, "/api/rest"),
            (None, "/v1/query"),
            (None, "/v1alpha1"),
            (None, "/v2/query"),
            (None, "/healthz"),
            (None, "/v1beta1"),
            (Some("api.localhost"), "/v1/graphql"),
            (Some("api.localhost"), "/")
        ]
    );
    assert_eq!(routes(&plan, "console"), [(None, "/console"), (Some("console.localhost"), "/")]);
    let zone = |path| plan.routes.iter().find(|route| route.path == path).unwrap().zone.as_str();
    assert_eq!((zone("/v1/graphql"), zone("/v1/version")), ("graphql", "general"));
}

#[test]
fn a_route_may_be_a_label_a_full_domain_or_an_expanded_one() {
    let host = |pairs: &[(&str, &str)]| {
        let plan = plan(pairs);
        plan.routes.iter().find(|route| route.path == "/" && route.service == "hasura").and_then(|r| r.host.clone())
    };
    assert_eq!(host(&[("HASURA_ROUTE", "graph")]).as_deref(), Some("graph.localhost"));
    assert_eq!(host(&[("HASURA_ROUTE", "api.shop.com")]).as_deref(), Some("api.shop.com"));
    let nself_org = ("BASE_DOMAIN", "local.nself.org");
    assert_eq!(host(&[nself_org, ("HASURA_ROUTE", "api.${BASE_DOMAIN}")]).as_deref(), Some("api.local.nself.org"));
    let replaced = [nself_org, ("DEV_DOMAIN", "shop.test"), ("HASURA_ROUTE", "api.${BASE_DOMAIN}")];
    assert_eq!(host(&replaced).as_deref(), Some("api.shop.test"));
    // The base domain itself: the API's paths are there already.
    assert_eq!(host(&[("HASURA_ROUTE", "localhost")]), None);
    assert_eq!(routes(&plan(&[("HASURA_ROUTE", "localhost")]), "hasura").len(), 13);
}

#[test]
fn origins_follow_the_domain_and_the_frontends() {
    assert_eq!(plan(&[]).gateway.cors_origins, ["*"]);
    let shop = [("BASE_DOMAIN", "shop.com"), ("FRONTEND_APP_1_NAME", "web"), ("FRONTEND_APP_2_ROUTE", "other.com")];
    assert_eq!(
        plan_in("prod", &shop).gateway.cors_origins,
        ["https://*.shop.com", "https://shop.com", "https://other.com"]
    );
    let moved = plan_in("prod", &[("BASE_DOMAIN", "localhost"), ("PROD_DOMAIN", "shop.com")]);
    assert_eq!(moved.base_domain, "shop.com");
    assert_eq!(moved.gateway.cors_origins, ["https://*.shop.com", "https://shop.com"]);
    let given = plan_in("prod", &[("HASURA_GRAPHQL_CORS_DOMAIN", "https://a.com"), ("FRONTEND_APP_1_ROUTE", "b.com")]);
    assert_eq!(given.gateway.cors_origins, ["https://a.com"], "what the user lists stays");
}

#[test]
fn urls_lead_a_person_to_every_service() {
    let plan = plan(&[("FRONTEND_APP_1_NAME", "web")]);
    let urls: Vec<_> = plan.urls().into_iter().map(|url| (url.label, url.primary, url.http, url.https)).collect();
    let url = |label: &str, primary, http: &str, https: &str| {
        (label.to_owned(), primary, http.to_owned(), Some(https.to_owned()))
    };
    assert_eq!(
        urls,
        [
            url("GraphQL", true, "http://localhost:8080/v1/graphql", "https://localhost:8443/v1/graphql"),
            url("GraphQL", false, "http://api.localhost:8080/v1/graphql", "https://api.localhost:8443/v1/graphql"),
            url("Auth", true, "http://localhost:8080/v1/auth/v1", "https://localhost:8443/v1/auth/v1"),
            url("Auth", false, "http://auth.localhost:8080/v1", "https://auth.localhost:8443/v1"),
            url("Storage", true, "http://localhost:8080/v1/storage/v1", "https://localhost:8443/v1/storage/v1"),
            url("Storage", false, "http://storage.localhost:8080/v1", "https://storage.localhost:8443/v1"),
            url("Mail", true, "http://mail.localhost:8080", "https://mail.localhost:8443"),
            url("Console", true, "http://localhost:8080/console", "https://localhost:8443/console"),
            url("Console", false, "http://console.localhost:8080", "https://console.localhost:8443"),
            url("web", true, "http://web.localhost:8080", "https://web.localhost:8443"),
        ]
    );
    let prod = plan_in("prod", &[("BASE_DOMAIN", "shop.com")]);
    assert_eq!(prod.urls()[0].http, "http://shop.com/v1/graphql");
    assert_eq!(plan_in("prod", &[("SSL_MODE", "none")]).urls()[0].https, None);
}
