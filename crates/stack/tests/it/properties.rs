//! What holds for every plan that is accepted.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use project::{EnvName, Project, Settings};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use stack::Plan;

/// Few enough values that they meet: names, ports and routes must collide often for refusals to be tried at all.
fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["api", "web", "shop", "docs", "jobs", "console", "app1", "web-api"])
}

fn port() -> impl Strategy<Value = String> {
    select(vec!["0", "80", "3000", "3001", "5432", "8001", "8002", "8080", "8443", "9100", "65535"])
        .prop_map(str::to_owned)
}

fn route() -> impl Strategy<Value = String> {
    select(vec!["api", "web", "console", "api.v1", "shop.com", "localhost", "web.localhost", "x.${BASE_DOMAIN}", "API"])
        .prop_map(str::to_owned)
}

type Pairs = Vec<(String, String)>;

fn custom() -> impl Strategy<Value = Pairs> {
    let field = |strategy: BoxedStrategy<String>| proptest::option::of(strategy);
    (1..6u32, name(), field(port().boxed()), field(route().boxed()), field(port().boxed()), any::<bool>()).prop_map(
        |(number, name, port, route, other, public)| {
            let line = match (port, route) {
                (None, None) => format!("{name}:node-js"),
                (Some(port), None) => format!("{name}:node-js:{port}"),
                (port, Some(route)) => format!("{name}:node-js:{}:{route}", port.unwrap_or_default()),
            };
            let mut pairs = vec![(format!("CS_{number}"), line)];
            pairs.extend(other.map(|port| (format!("CS_{number}_PORT"), port)));
            pairs.extend(public.then(|| (format!("CS_{number}_PUBLIC"), "true".to_owned())));
            pairs
        },
    )
}

fn frontend() -> impl Strategy<Value = Pairs> {
    let port = port().prop_filter("a frontend has a port", |port| port != "0");
    (1..6u32, name(), proptest::option::of(port), proptest::option::of(route()), any::<bool>()).prop_map(
        |(number, name, port, route, api)| {
            let setting = |field: &str| format!("FRONTEND_APP_{number}_{field}");
            let mut pairs = vec![(setting("NAME"), name.to_owned())];
            pairs.extend(port.map(|port| (setting("PORT"), port)));
            pairs.extend(route.map(|route| (setting("ROUTE"), route)));
            pairs.extend(api.then(|| (setting("API_PORT"), (4000 + number).to_string())));
            pairs
        },
    )
}

fn general() -> impl Strategy<Value = Pairs> {
    let choices = vec![
        ("BASE_DOMAIN", "local.nself.org"),
        ("DEV_DOMAIN", "shop.test"),
        ("GATEWAY_PORT", "80"),
        ("GATEWAY_SSL_PORT", "8080"),
        ("SSL_MODE", "none"),
        ("HASURA_ENABLED", "false"),
        ("HASURA_ROUTE", "web"),
        ("HASURA_ROUTE", "localhost"),
        ("POSTGRES_ENABLED", "false"),
        ("POSTGRES_PORT", "8001"),
        ("HASURA_GRAPHQL_ENABLE_CONSOLE", "false"),
        ("REDIS_ENABLED", "true"),
        ("FRONTEND_APPS", "web,docs:3000,shop"),
    ];
    proptest::collection::vec(select(choices), 0..4)
        .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn pairs() -> impl Strategy<Value = Pairs> {
    (general(), proptest::collection::vec(custom(), 0..4), proptest::collection::vec(frontend(), 0..4)).prop_map(
        |(general, customs, frontends)| {
            let all: HashMap<String, String> = general
                .into_iter()
                .chain(customs.into_iter().flatten())
                .chain(frontends.into_iter().flatten())
                .chain(crate::SECRETS.map(|(name, value)| (name.to_owned(), value.to_owned())))
                .chain([("REDIS_PASSWORD".to_owned(), "a-long-redis-password".to_owned())])
                .collect();
            let mut all: Pairs = all.into_iter().collect();
            all.sort();
            all
        },
    )
}

/// Settings of a project on disk: the start commands of custom services stand in nself.toml. `None` when the settings
/// are wrong by themselves.
fn on_disk(pairs: &Pairs) -> Option<Settings> {
    let folder = tempfile::tempdir().unwrap();
    let text: String = pairs.iter().fold("ENV=dev\n".to_owned(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}={value}");
        text
    });
    std::fs::write(folder.path().join(".env"), text).unwrap();
    let names: BTreeSet<&str> = pairs
        .iter()
        .filter(|(name, _)| name.strip_prefix("CS_").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())))
        .filter_map(|(_, line)| line.split(':').next())
        .collect();
    let toml: String = names.iter().fold(String::new(), |mut text, name| {
        let _ = writeln!(text, "[services.{name}]\ncommand = [\"node\"]");
        text
    });
    std::fs::write(folder.path().join("nself.toml"), toml).unwrap();
    Project::at(folder.path()).settings(Some("dev")).ok()
}

fn check(plan: &Plan) -> Result<(), TestCaseError> {
    let gateway = [Some(plan.gateway.http_port), plan.gateway.https_port].into_iter().flatten();
    let ports: Vec<u16> =
        gateway.chain(plan.services.iter().flat_map(|service| &service.ports).map(|port| port.number)).collect();
    prop_assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), ports.len(), "a port twice: {:?}", ports);

    let addresses: BTreeSet<_> = plan.routes.iter().map(|route| (&route.host, &route.path)).collect();
    prop_assert_eq!(addresses.len(), plan.routes.len(), "a route twice: {:?}", plan.routes);
    for route in &plan.routes {
        let service = plan.service(&route.service);
        prop_assert!(service.is_some(), "{} leads nowhere", route.service);
        let answers = service
            .is_some_and(|service| !service.ports.is_empty() || matches!(service.run, stack::Run::Builtin { .. }));
        prop_assert!(answers, "{} answers on no port", route.service);
        prop_assert!(route.path.starts_with('/'));
        prop_assert!(
            route.host.as_ref().is_none_or(|host| *host == host.to_ascii_lowercase() && *host != plan.base_domain)
        );
    }

    let mut started = BTreeSet::new();
    for service in &plan.services {
        for need in &service.depends_on {
            prop_assert!(started.contains(need), "{} starts before {need}", service.name);
        }
        prop_assert!(started.insert(service.name.clone()), "{} twice", service.name);
    }
    for service in plan.deferred.iter().filter(|deferred| !deferred.setting.ends_with("_REPLICAS")) {
        prop_assert!(plan.service(&service.name).is_none(), "{} runs and is deferred", service.name);
    }
    for url in plan.urls() {
        prop_assert!(plan.service(&url.service).is_some());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_plan_keeps_its_promises(pairs in pairs()) {
        let Some(settings) = on_disk(&pairs) else { return Ok(()) };
        match Plan::new(&settings) {
            Ok(plan) => {
                check(&plan)?;
                let json = plan.to_json();
                for (_, secret) in crate::SECRETS {
                    prop_assert!(!json.contains(secret));
                }
                prop_assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
            }
            Err(error) => prop_assert!(project::Diagnostic::fix(&error).is_some()),
        }
    }

    #[test]
    fn the_same_settings_give_the_same_bytes_in_any_order(pairs in pairs(), swaps in proptest::collection::vec((any::<Index>(), any::<Index>()), 0..20)) {
        let mut shuffled = pairs.clone();
        for (from, to) in swaps {
            let (from, to) = (from.index(shuffled.len()), to.index(shuffled.len()));
            shuffled.swap(from, to);
        }
        let plan = |pairs: Pairs| {
            Settings::from_pairs(EnvName::dev(), pairs).ok().map(|settings| Plan::new(&settings).map(|plan| plan.to_json()))
        };
        prop_assert_eq!(plan(pairs), plan(shuffled));
    }
}
