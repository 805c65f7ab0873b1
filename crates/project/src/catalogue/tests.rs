#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::path::Path;

use super::*;

#[test]
fn every_variable_of_the_bash_tool_is_known() {
    let facts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/nself-env-vars.tsv");
    // The list stands beside the repository; a checkout without it cannot be compared.
    let Ok(table) = std::fs::read_to_string(facts) else { return };
    let unknown: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .filter(|name| {
            let member = name.replace("_N_", "_1_");
            let member = member.strip_suffix("_N").map(|stem| format!("{stem}_1")).unwrap_or(member);
            find(&member).is_none() && ignored(&member).is_none()
        })
        .collect();
    assert!(unknown.is_empty(), "not in the catalogue: {unknown:?}");
}

#[test]
fn no_name_is_declared_twice() {
    let mut seen = HashSet::new();
    for setting in all() {
        for name in std::iter::once(&setting.name).chain(setting.aliases) {
            assert!(seen.insert(*name), "{name} is declared twice");
            assert!(ignored(name).is_none(), "{name} is declared and ignored");
        }
    }
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    for setting in all() {
        assert!(!setting.description.is_empty() && !setting.description.ends_with('.'), "{}", setting.name);
        for tier in [Tier::Dev, Tier::Staging, Tier::Prod] {
            if let Some(value) = setting.default.of(tier).filter(|value| !value.contains("${")) {
                assert_eq!(setting.kind.check(value), Ok(()), "{}={value}", setting.name);
            }
        }
    }
}

#[test]
fn what_a_setting_points_to_exists() {
    for setting in all() {
        if let Required::With(flags) | Required::Recommended(flags) = setting.required {
            for flag in flags {
                assert_eq!(find(flag).unwrap().kind, Kind::Flag, "{} needs {flag}", setting.name);
            }
        }
        for other in setting.instead {
            assert!(find(other).is_some(), "{other}");
        }
    }
}

#[test]
fn families_take_numbers_and_services_only() {
    assert_eq!(find("CS_12_PORT").unwrap().name, "CS_N_PORT");
    assert_eq!(find("CS_1").unwrap().name, "CS_N");
    assert_eq!(find("FRONTEND_APP_3_NAME").unwrap().name, "FRONTEND_APP_N_NAME");
    assert_eq!(find("POSTGRES_MEMORY_MB").unwrap().name, "<SERVICE>_MEMORY_MB");
    assert_eq!(find("AUTH_PROVIDER_GITHUB_CLIENT_SECRET").unwrap().name, "AUTH_PROVIDER_<NAME>_CLIENT_SECRET");
    for wrong in ["CS_X_PORT", "CS_0", "CS_01", "CS_1_PROT", "WASHER_MEMORY_MB", "CS_", "AUTH_PROVIDER__CLIENT_ID_"] {
        assert!(find(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_typing_error_finds_its_name() {
    assert_eq!(suggest("POSTGRES_PROT"), Some("POSTGRES_PORT"));
    assert_eq!(suggest("BASE_DOMIAN"), Some("BASE_DOMAIN"));
    assert_eq!(suggest("MY_OWN_THING"), None);
}
