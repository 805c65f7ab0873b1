use std::collections::BTreeMap;
use std::path::Path;

use stack::{EnvValue, Plan, Probe, Run};

use crate::{plan, routes, with_toml};

const TOML: &str = r#"
[services.api]
command = ["node", "server.js"]
environment = { MODE = "fast", STRIPE_KEY = "sk_live_from_toml" }

[services.worker]
command = ["python3", "-m", "worker"]
directory = "jobs"
"#;

const LINES: &[(&str, &str)] = &[
    ("CS_1", "api:node-js:8101:shop-api"),
    ("CS_1_ENV", "API_TOKEN=abc123abc123,PLAIN=yes,OWN_URL=http://x/?p=${POSTGRES_PASSWORD}"),
    ("CS_1_RATE_LIMIT", "30"),
    ("CS_2_NAME", "worker"),
    ("CS_2_TEMPLATE", "celery"),
    ("CS_2_PORT", "0"),
    ("CS_2_QUEUE_NAME", "mail"),
    ("CS_2_MEMORY", "1G"),
];

#[test]
fn a_start_command_makes_a_service() {
    let (_folder, settings) = with_toml(TOML, LINES);
    let plan = Plan::new(&settings).unwrap();
    let api = plan.service("api").unwrap();
    assert_eq!(
        api.run,
        Run::Command { argv: vec!["node".into(), "server.js".into()], directory: "services/api".into() }
    );
    assert_eq!((api.ports[0].number, api.ports[0].setting.as_str()), (8101, "CS_1_PORT"));
    assert_eq!(api.depends_on, ["postgres", "hasura", "auth"]);
    assert_eq!(api.probe, Probe::Http { path: "/health".to_owned() });
    assert_eq!((api.resources.memory_bytes, api.resources.cpu_millicores), (Some(256 << 20), Some(250)));
    assert_eq!(api.metrics.as_ref().unwrap().job, "custom_api");
    assert_eq!(routes(&plan, "api"), [(Some("shop-api.localhost"), "/")]);
    assert_eq!(plan.gateway.zones["service-api"].requests, 30);

    let worker = plan.service("worker").unwrap();
    assert!(matches!(&worker.run, Run::Command { directory, .. } if directory == Path::new("jobs")));
    assert_eq!((worker.ports.len(), &worker.probe, &worker.metrics), (0, &Probe::None, &None));
    assert_eq!(worker.resources.memory_bytes, Some(1 << 30));
    assert_eq!(worker.environment["QUEUE_NAME"], EnvValue::Plain("mail".to_owned()));
    assert!(!worker.environment.contains_key("PORT"));
    assert_eq!(routes(&plan, "worker"), []);
}

#[test]
fn the_environment_names_secrets_and_the_process_gets_them() {
    let (_folder, settings) =
        with_toml(TOML, &[LINES, &[("POSTGRES_PASSWORD", "'p@ss/w:rd-and-much-more#1'")]].concat());
    let plan = Plan::new(&settings).unwrap();
    let api = plan.service("api").unwrap();
    let json = plan.to_json();
    for secret in ["p@ss/w:rd", "Adm1n-secret", "abc123abc123", "sk_live_from_toml", "Jwt-key"] {
        assert!(!json.contains(secret), "{secret} stands in the plan");
    }
    let environment: BTreeMap<String, String> = api.resolve_environment(&settings).into_iter().collect();
    for (name, value) in [
        ("ENV", "dev"),
        ("NODE_ENV", "development"),
        ("PROJECT_NAME", "shop"),
        ("BASE_DOMAIN", "localhost"),
        ("SERVICE_NAME", "api"),
        ("PORT", "8101"),
        ("POSTGRES_HOST", "127.0.0.1"),
        ("POSTGRES_PASSWORD", "p@ss/w:rd-and-much-more#1"),
        ("DATABASE_URL", "postgres://postgres:p%40ss%2Fw%3Ard-and-much-more%231@127.0.0.1:5432/nhost"),
        ("HASURA_GRAPHQL_ENDPOINT", "http://127.0.0.1:8080/v1/graphql"),
        ("HASURA_ADMIN_SECRET", crate::SECRETS[1].1),
        ("API_TOKEN", "abc123abc123"),
        ("PLAIN", "yes"),
        ("OWN_URL", "http://x/?p=p@ss/w:rd-and-much-more#1"),
        ("MODE", "fast"),
        ("STRIPE_KEY", "sk_live_from_toml"),
    ] {
        assert_eq!(environment.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn addresses_of_a_container_network_become_those_of_this_machine() {
    let own = [
        ("CS_1", "api:node-js"),
        ("DATABASE_URL", "postgres://u:secret-secret@postgres:5432/db"),
        ("HASURA_GRAPHQL_ENDPOINT", "http://hasura:8080/v1/graphql"),
    ];
    let toml = "[services.api]\ncommand = [\"node\"]\n";
    let (_folder, settings) = with_toml(toml, &own);
    let environment: BTreeMap<_, _> =
        Plan::new(&settings).unwrap().service("api").unwrap().resolve_environment(&settings).into_iter().collect();
    assert!(environment["DATABASE_URL"].contains("@127.0.0.1:5432/nhost"), "{}", environment["DATABASE_URL"]);
    assert_eq!(environment["HASURA_GRAPHQL_ENDPOINT"], "http://127.0.0.1:8080/v1/graphql");

    let elsewhere = [("CS_1", "api:node-js"), ("DATABASE_URL", "postgres://u:secret-secret@db.example.com/db")];
    let (_folder, settings) = with_toml(toml, &elsewhere);
    let environment: BTreeMap<_, _> =
        Plan::new(&settings).unwrap().service("api").unwrap().resolve_environment(&settings).into_iter().collect();
    assert_eq!(environment["DATABASE_URL"], "postgres://u:secret-secret@db.example.com/db");
}

#[test]
fn without_a_command_it_waits_for_a_later_version_and_says_what_helps() {
    let plan = plan(&[("CS_1", "api:fastapi:8001:ml")]);
    assert!(plan.service("api").is_none() && routes(&plan, "api").is_empty());
    let deferred = &plan.deferred[0];
    assert_eq!((deferred.name.as_str(), deferred.setting.as_str()), ("api", "CS_1"));
    assert!(deferred.reason.contains("fastapi") && deferred.fix.contains("[services.api] command ="), "{deferred:?}");
}

#[test]
fn public_and_domains_decide_about_the_route() {
    let toml = "[services.media]\ncommand = [\"node\"]\n";
    let hosts = |pairs: &[(&str, &str)]| {
        let (_folder, settings) = with_toml(toml, pairs);
        let plan = Plan::new(&settings).unwrap();
        routes(&plan, "media").first().and_then(|(host, _)| host.map(str::to_owned))
    };
    assert_eq!(hosts(&[("CS_1", "media:node-js")]), None);
    assert_eq!(hosts(&[("CS_1", "media:node-js"), ("CS_1_PUBLIC", "true")]).as_deref(), Some("media.localhost"));
    assert_eq!(hosts(&[("CS_1", "media:node-js::x"), ("CS_1_PUBLIC", "false")]), None);
    assert_eq!(hosts(&[("CS_1", "media:node-js::x"), ("CS_1_ROUTE", "y")]).as_deref(), Some("y.localhost"));
    let domain = [("CS_1", "media:node-js::x"), ("CS_1_DEV_DOMAIN", "dev.shop.com"), ("CS_1_PROD_DOMAIN", "shop.com")];
    assert_eq!(hosts(&domain).as_deref(), Some("dev.shop.com"));
}
