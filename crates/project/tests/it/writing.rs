use project::{Error, Tier, config, secrets};

use crate::Folder;

#[test]
fn a_setting_is_changed_where_it_counts() {
    let folder =
        Folder::new(&[(".env.dev", "REDIS_PORT=1 # shared\n"), (".env", "# mine\r\nNGINX_PORT=81 # door\r\n")]);
    let project = folder.project();
    let change = config::set(&project, None, "GATEWAY_PORT", "8081").unwrap();
    assert_eq!((change.name.as_str(), change.added), ("NGINX_PORT", false));
    config::set(&project, None, "REDIS_PORT", "2").unwrap();
    config::set(&project, None, "POSTGRES_PORT", "3").unwrap();
    assert_eq!(folder.read(".env"), "# mine\r\nNGINX_PORT=8081 # door\r\nPOSTGRES_PORT=3\r\n");
    assert_eq!(folder.read(".env.dev"), "REDIS_PORT=2 # shared\n");
    let settings = project.settings(None).unwrap();
    let ports = ["GATEWAY_PORT", "REDIS_PORT", "POSTGRES_PORT"].map(|name| settings.port(name).unwrap());
    assert_eq!(ports, [8081, 2, 3]);
}

#[test]
fn another_environment_never_changes_the_shared_file() {
    let folder = Folder::new(&[(".env", "ENV=dev\nPOSTGRES_PASSWORD=dev-password-of-mine\nPOSTGRES_PORT=5432\n")]);
    let project = folder.project();
    let before = folder.read(".env");
    for env in ["staging", "prod"] {
        for (name, value) in [("POSTGRES_PORT", "6000"), ("REDIS_PORT", "6001"), ("PROJECT_DESCRIPTION", "two words")] {
            config::set(&project, Some(env), name, value).unwrap();
            assert_eq!(project.settings(Some(env)).unwrap().text(name), Some(value), "{env} {name}");
        }
        let made = secrets::fill_in(&project, Some(env)).unwrap();
        assert!(!made.is_empty());
        assert!(made.iter().all(|change| folder.mode(change.file.to_str().unwrap()) == 0o600), "{made:?}");
    }
    assert_eq!(folder.read(".env"), before);
    secrets::check(&project.settings(Some("prod")).unwrap()).unwrap();
}

#[test]
fn wrong_names_and_values_change_nothing() {
    let folder = Folder::new(&[(".env", "POSTGRES_PORT=1\n")]);
    let set = |name: &str, value: &str| config::set(&folder.project(), None, name, value).unwrap_err();
    assert!(matches!(set("POSTGRES_PORT", "x"), Error::WrongValue { .. }));
    assert!(matches!(set("POSTGRES_PROT", "1"), Error::UnknownSetting { suggestion: Some(_), .. }));
    assert!(matches!(set("A B", "1"), Error::VariableName { .. }));
    assert_eq!(folder.read(".env"), "POSTGRES_PORT=1\n");
    config::set(&folder.project(), None, "MY_OWN_THING", "it's \"quoted\" $${x}\n").unwrap();
    let settings = folder.project().settings(None).unwrap();
    assert_eq!(settings.extra().collect::<Vec<_>>(), [("MY_OWN_THING", "it's \"quoted\" ${x}\n")]);
}

#[test]
fn modes_and_links_survive() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&[("real.env", "PROJECT_NAME=x\n"), (".env.dev", "REDIS_PORT=1\n")]);
    std::os::unix::fs::symlink("real.env", folder.path().join(".env")).unwrap();
    std::fs::set_permissions(folder.path().join("real.env"), PermissionsExt::from_mode(0o640)).unwrap();
    config::set(&folder.project(), None, "POSTGRES_PORT", "2").unwrap();
    assert!(std::fs::symlink_metadata(folder.path().join(".env")).unwrap().is_symlink());
    assert_eq!(folder.mode("real.env"), 0o640);
    config::set(&folder.project(), None, "POSTGRES_PASSWORD", "x").unwrap();
    assert_eq!(folder.mode("real.env"), 0o600);
}

#[test]
fn a_plain_project_of_the_bash_tool_gets_its_secrets() {
    let folder = Folder::new(&[(".env", "ENV=dev\nPROJECT_NAME=shop\nREDIS_ENABLED=true\nPOSTGRES_PASSWORD=\n")]);
    let ensured = secrets::ensure(&folder.project(), None).unwrap();
    let names: Vec<_> = ensured.made.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(
        names,
        ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_JWT_KEY", "MINIO_ROOT_PASSWORD"]
    );
    assert_eq!(folder.mode(".env"), 0o600);
    assert_eq!(ensured.settings.secret("REDIS_PASSWORD").unwrap().expose().len(), secrets::LENGTH);
    let before = folder.read(".env");
    assert!(secrets::ensure(&folder.project(), None).unwrap().made.is_empty());
    assert_eq!(folder.read(".env"), before);
}

#[test]
fn a_weak_secret_is_fine_in_dev_and_refused_in_prod() {
    let folder = Folder::new(&[(
        ".env",
        "POSTGRES_PASSWORD=postgres\nHASURA_GRAPHQL_ADMIN_SECRET=short\nHASURA_JWT_KEY=also-short\nSTORAGE_ENABLED=false\n",
    )]);
    let project = folder.project();
    assert!(secrets::ensure(&project, None).unwrap().made.is_empty());
    let Err(Error::Secrets { problems, .. }) = secrets::ensure(&project, Some("prod")) else {
        panic!("must be refused")
    };
    assert_eq!(problems.len(), 3);
    assert_eq!(problems[0].to_string(), ".env:1: POSTGRES_PASSWORD has a value that everybody knows");
}

#[test]
fn prod_does_not_borrow_from_dev() {
    let folder = Folder::new(&[(".env", "ENV=dev\n")]);
    secrets::ensure(&folder.project(), None).unwrap();
    let settings = folder.project().settings(Some("prod")).unwrap();
    assert_eq!(settings.tier(), Tier::Prod);
    let error = secrets::check(&settings).unwrap_err();
    assert!(error.problems().iter().all(|problem| problem.message.ends_with("is the one of dev")), "{error:?}");
}

#[test]
fn rotation_changes_one_or_all() {
    let folder = Folder::new(&[(".env", "ENV=dev\n")]);
    let project = folder.project();
    secrets::ensure(&project, None).unwrap();
    let values =
        || ["POSTGRES_PASSWORD", "HASURA_JWT_KEY"].map(|name| project.settings(None).unwrap().secret(name).unwrap());
    let first = values();
    secrets::rotate(&project, None, Some("HASURA_JWT_KEY")).unwrap();
    let second = values();
    assert!(first[0] == second[0] && first[1] != second[1]);
    secrets::rotate(&project, None, None).unwrap();
    assert!(values()[0] != second[0]);
    assert!(matches!(secrets::rotate(&project, None, Some("POSTGRES_PORT")), Err(Error::NotGenerated(_))));
    assert!(matches!(secrets::rotate(&project, None, Some("STRIPE_API_KEY")), Err(Error::NotGenerated(_))));
}

#[test]
fn a_reference_stays_one() {
    let folder = Folder::new(&[(".env", "BASE_DOMAIN=shop.test\n")]);
    let project = folder.project();
    config::set(&project, None, "HASURA_ROUTE", "gql.${BASE_DOMAIN}").unwrap();
    config::set(&project, None, "BASE_DOMAIN", "other.test").unwrap();
    assert_eq!(project.settings(None).unwrap().text("HASURA_ROUTE"), Some("gql.other.test"));
    assert!(matches!(config::set(&project, None, "REDIS_PORT", "${BASE_DOMAIN}"), Err(Error::WrongValue { .. })));
    assert!(matches!(config::set(&project, None, "HASURA_ROUTE", "${oops"), Err(Error::WrongValue { .. })));
    config::set(&project, None, "SMTP_PASS", "a${b}c").unwrap();
    assert_eq!(project.settings(None).unwrap().secret("SMTP_PASS").unwrap().expose(), "a${b}c");
}

#[test]
fn a_wrong_environment_in_dot_env_can_be_mended() {
    let folder = Folder::new(&[(".env", "ENV=wat\nPROJECT_NAME=x\n")]);
    assert!(project::config::set(&folder.project(), None, "POSTGRES_PORT", "5433").is_err());
    project::config::set(&folder.project(), None, "ENV", "dev").unwrap();
    assert_eq!(folder.read(".env"), "ENV=dev\nPROJECT_NAME=x\n");
}

#[test]
fn unsetting_takes_the_highest_line_away() {
    let folder = Folder::new(&[
        (".env.dev", "NGINX_PORT=1000\n"),
        (".env", "# top\nA=1\nGATEWAY_PORT=1\nNGINX_PORT=2000 # mine\nexporter=1\n"),
    ]);
    let change = project::config::unset(&folder.project(), None, "GATEWAY_PORT").unwrap().unwrap();
    assert_eq!(change.file, std::path::Path::new(".env"));
    assert_eq!(folder.read(".env"), "# top\nA=1\nexporter=1\n");
    assert_eq!(folder.project().settings(None).unwrap().port("GATEWAY_PORT"), Some(1000));
    assert!(project::config::unset(&folder.project(), None, "NOWHERE").unwrap().is_none());
    project::config::set(&folder.project(), None, "exporter", "2").unwrap();
    assert_eq!(folder.read(".env"), "# top\nA=1\nexporter=2\n");
}
