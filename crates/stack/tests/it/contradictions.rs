use project::{Diagnostic, Exit};
use stack::{CODES, Error, Plan};

use crate::{refused, with_toml};

#[test]
fn a_port_twice_names_both_settings() {
    let error = refused(&[("GATEWAY_PORT", "5432")]);
    assert_eq!(error.to_string(), "port 5432 is given twice: by GATEWAY_PORT and by POSTGRES_PORT");
    let error = refused(&[("FRONTEND_APP_1_PORT", "8080")]);
    assert_eq!(error.to_string(), "port 8080 is given twice: by GATEWAY_PORT and by FRONTEND_APP_1_PORT");
    let toml = "[services.api]\ncommand = [\"node\"]\n";
    let (_folder, settings) = with_toml(toml, &[("CS_1", "api:node-js:3000"), ("FRONTEND_APP_1_NAME", "web")]);
    assert_eq!(
        Plan::new(&settings).unwrap_err().to_string(),
        "port 3000 is given twice: by CS_1_PORT and by FRONTEND_APP_1_PORT"
    );
}

#[test]
fn a_route_twice_names_both_settings() {
    let error = refused(&[("FRONTEND_APP_1_ROUTE", "api")]);
    assert_eq!(
        error.to_string(),
        "api.localhost/ is given to two services: by HASURA_ROUTE and by FRONTEND_APP_1_ROUTE"
    );
    let error = refused(&[("FRONTEND_APP_1_ROUTE", "console")]);
    assert!(matches!(error, Error::RouteTwice { first, .. } if first == "HASURA_GRAPHQL_ENABLE_CONSOLE"));
    let error = refused(&[("FRONTEND_APP_1_ROUTE", "localhost"), ("FRONTEND_APP_2_ROUTE", "localhost")]);
    assert!(error.to_string().starts_with("the base domain, / is given"), "{error}");
}

#[test]
fn a_name_twice_or_one_of_ours_is_refused() {
    let error = refused(&[("FRONTEND_APP_1_NAME", "web"), ("FRONTEND_APP_2_NAME", "web")]);
    assert_eq!(error.to_string(), "two services are named web: by FRONTEND_APP_1_NAME and by FRONTEND_APP_2_NAME");
    let error = refused(&[("CS_1", "postgres:node-js")]);
    assert_eq!(error.to_string(), "two services are named postgres: by nself itself and by CS_1");
    assert!(matches!(refused(&[("REACT_APPS", "a,a")]), Error::NameTwice { .. }));
}

#[test]
fn lines_that_say_nothing_are_refused() {
    for line in [":node-js", "a b:node-js", "api:node-js:99999", "api:node-js:1:r:more", "api:node-js:x1:r"] {
        let error = refused(&[("CS_1", line)]);
        assert_eq!(error.code(), "NS-PLAN-004", "{line}: {error}");
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("CS_1"), "{error}");
    }
    for route in ["api:node-js:0:r", "api:node-js:8001:*.r", "api:node-js:8001:a/b"] {
        assert_eq!(refused(&[("CS_1", route)]).code(), "NS-PLAN-006", "{route}");
    }
}

#[test]
fn custom_tls_needs_both_files() {
    let error = refused(&[("SSL_MODE", "custom"), ("SSL_CERT_PATH", "a.pem")]);
    assert_eq!(error.to_string(), "SSL_MODE=custom needs SSL_KEY_PATH");
}

#[test]
fn a_service_that_only_nself_toml_knows_is_a_mistake() {
    let (_folder, settings) = with_toml("[services.ap]\ncommand = [\"node\"]\n", &[("CS_1", "api:node-js")]);
    let error = Plan::new(&settings).unwrap_err();
    assert_eq!(error, Error::Unknown { name: "ap".to_owned(), known: vec!["api".to_owned()] });
    assert!(error.fix().unwrap().contains("CS_1=ap:custom"));
}

#[test]
fn every_error_has_its_code_its_page_and_a_next_step() {
    let text = String::new;
    let samples = [
        Error::PortTwice { port: 1, first: text(), second: text() },
        Error::RouteTwice { address: text(), first: text(), second: text() },
        Error::NameTwice { name: text(), first: text(), second: text() },
        Error::Service { setting: text(), reason: text() },
        Error::Cycle(Vec::new()),
        Error::Route { setting: text(), reason: text() },
        Error::Certificate { missing: "SSL_KEY_PATH" },
        Error::Unknown { name: text(), known: Vec::new() },
    ];
    let codes: Vec<&str> = samples
        .iter()
        .map(|error| {
            // A new variant must be added here and to the samples.
            match error {
                Error::PortTwice { .. }
                | Error::RouteTwice { .. }
                | Error::NameTwice { .. }
                | Error::Service { .. } => {}
                Error::Cycle(_) | Error::Route { .. } | Error::Certificate { .. } | Error::Unknown { .. } => {}
            }
            assert!(error.fix().is_some());
            error.code()
        })
        .collect();
    assert_eq!(codes, CODES);
    for code in CODES {
        let page = format!("{}/../../assets/errors/{code}.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        assert!(
            page.contains("**What it means**")
                && page.contains("**Why it happens**")
                && page.contains("**What to do**")
        );
    }
}
