//! Plans from settings, as the rest of nself uses them.
#![allow(clippy::unwrap_used)]

mod contradictions;
mod custom;
mod front_door;
mod properties;
mod services;

use project::{EnvName, Settings};
use stack::{Error, Plan};

const SECRETS: [(&str, &str); 3] = [
    ("POSTGRES_PASSWORD", "Str0ng-enough-for-any-t1er-and-then-some-more-0123"),
    ("HASURA_GRAPHQL_ADMIN_SECRET", "Adm1n-secret-strong-enough-for-any-tier-0123456789"),
    ("HASURA_JWT_KEY", "Jwt-key-strong-enough-for-any-tier-0123456789-abcd"),
];

fn settings_in(environment: &str, pairs: &[(&str, &str)]) -> Settings {
    let base = [("PROJECT_NAME", "shop"), ("BASE_DOMAIN", "localhost")];
    let unset = |name: &str| pairs.iter().all(|(given, _)| *given != name);
    let base = base.into_iter().chain(SECRETS).filter(|(name, _)| unset(name));
    let pairs: Vec<(&str, &str)> = base.chain(pairs.iter().copied()).collect();
    Settings::from_pairs(EnvName::parse(environment).unwrap(), pairs)
        .unwrap_or_else(|error| panic!("{error}: {:?}", project::Diagnostic::why(&error)))
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    settings_in("dev", pairs)
}

fn plan_in(environment: &str, pairs: &[(&str, &str)]) -> Plan {
    Plan::new(&settings_in(environment, pairs)).unwrap()
}

fn plan(pairs: &[(&str, &str)]) -> Plan {
    plan_in("dev", pairs)
}

fn refused(pairs: &[(&str, &str)]) -> Error {
    Plan::new(&settings(pairs)).unwrap_err()
}

/// A project in a folder, for what only `nself.toml` can say.
fn with_toml(toml: &str, pairs: &[(&str, &str)]) -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = [("PROJECT_NAME", "shop"), ("BASE_DOMAIN", "localhost"), ("ENV", "dev")]
        .iter()
        .chain(&SECRETS)
        .chain(pairs)
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    std::fs::write(folder.path().join(".env"), lines.concat()).unwrap();
    std::fs::write(folder.path().join("nself.toml"), toml).unwrap();
    let settings = project::Project::at(folder.path()).settings(Some("dev")).unwrap();
    (folder, settings)
}

/// Host, path and service of every route of a service.
fn routes<'a>(plan: &'a Plan, service: &str) -> Vec<(Option<&'a str>, &'a str)> {
    plan.routes
        .iter()
        .filter(|route| route.service == service)
        .map(|route| (route.host.as_deref(), route.path.as_str()))
        .collect()
}
