use project::environments::{apply, create, delete, diff, list, migration, status, switch, validate};
use project::guard::{Consent, destructive};
use project::{Error, Tier, secrets};

use crate::Folder;

fn project() -> Folder {
    Folder::new(&[
        (".env", "ENV=dev\nPROJECT_NAME=shop\nBASE_DOMAIN=localhost\nPOSTGRES_PASSWORD=the-password-of-dev-1\n"),
        (".env.staging", "REDIS_ENABLED=true\nHASURA_ROUTE=gql.${BASE_DOMAIN}\nSMTP_PASS=from-staging\n"),
    ])
}

fn allowed() -> project::guard::Allowed<project::guard::Destructive> {
    destructive(Tier::Dev, "shop", &Consent::default()).unwrap()
}

#[test]
fn an_environment_is_made_with_its_own_secrets() {
    let folder = project();
    let created = create(&folder.project(), "production", None, false).unwrap();
    assert_eq!((created.name.as_str(), created.tier), ("prod", Tier::Prod));
    assert_eq!(folder.mode(".environments/prod/.env.secrets"), 0o600);
    assert_eq!(folder.mode(".environments/prod"), 0o755);
    let settings = folder.project().settings(Some("prod")).unwrap();
    secrets::check(&settings).unwrap();
    assert_ne!(settings.secret("POSTGRES_PASSWORD").unwrap().expose(), "the-password-of-dev-1");
    assert!(matches!(create(&folder.project(), "prod", None, false), Err(Error::EnvironmentExists(_))));
    let again = create(&folder.project(), "prod", None, true).unwrap();
    assert!(folder.path().join(again.backup.unwrap()).join(".env.secrets").exists());
    for wrong in ["", "../x", "a b", ".hidden"] {
        assert!(matches!(create(&folder.project(), wrong, None, false), Err(Error::EnvironmentName(_))), "{wrong}");
    }
}

#[test]
fn the_switched_environment_is_the_active_one() {
    let folder = project();
    create(&folder.project(), "qa", Some(Tier::Staging), false).unwrap();
    switch(&folder.project(), "qa").unwrap();
    let active: Vec<String> = list(&folder.project(), None)
        .unwrap()
        .into_iter()
        .filter(|env| env.active)
        .map(|env| env.name.to_string())
        .collect();
    assert_eq!(active, ["qa"]);
    assert_eq!(folder.project().settings(None).unwrap().tier(), Tier::Staging);
    assert!(matches!(switch(&folder.project(), "nowhere"), Err(Error::UnknownEnvironment { .. })));
    assert!(matches!(delete(&folder.project(), "qa", &allowed()), Err(Error::EnvironmentKept { .. })));
    switch(&folder.project(), "dev").unwrap();
    let backup = delete(&folder.project(), "qa", &allowed()).unwrap();
    assert!(folder.path().join(backup).join("server.json").exists() && !folder.exists(".environments/qa"));
    assert!(matches!(delete(&folder.project(), "staging", &allowed()), Err(Error::EnvironmentKept { .. })));
}

#[test]
fn differences_mask_secrets() {
    let folder = project();
    let differences = diff(&folder.project(), "dev", "staging").unwrap();
    let names: Vec<&str> = differences.iter().map(|difference| difference.name.as_str()).collect();
    assert_eq!(names, ["HASURA_ROUTE", "REDIS_ENABLED", "SMTP_PASS"]);
    assert_eq!(differences[0].left.value.as_deref(), Some("api"));
    assert!(differences[0].left.default && !differences[0].right.default);
    assert_eq!(differences[2].right.value.as_deref(), Some("••••"));
    assert!(!serde_json::to_string(&differences).unwrap().contains("from-staging"));
}

#[test]
fn a_migration_copies_settings_and_names_secrets() {
    let folder = project();
    create(&folder.project(), "prod", None, false).unwrap();
    folder.write(".env.prod", "PROD_DOMAIN=shop.example.com\n");
    let staging_only = "HASURA_ROUTE=gql2.${BASE_DOMAIN}\nLOG_MAX_SIZE=5M\n";
    create(&folder.project(), "qa", Some(Tier::Staging), false).unwrap();
    folder.write(".environments/qa/.env", staging_only);
    let plan = migration(&folder.project(), "qa", "prod").unwrap();
    let copied: Vec<&str> = plan.copies.iter().map(|copy| copy.change.name.as_str()).collect();
    assert_eq!(copied, ["HASURA_ROUTE", "LOG_MAX_SIZE"]);
    assert!(plan.kept.contains(&"BASE_DOMAIN".to_owned()));
    assert!(plan.secrets.contains(&"POSTGRES_PASSWORD".to_owned()));
    let before = folder.project().settings(Some("prod")).unwrap().secret("POSTGRES_PASSWORD").unwrap();
    apply(&folder.project(), &plan).unwrap();
    let settings = folder.project().settings(Some("prod")).unwrap();
    assert_eq!(settings.text("HASURA_ROUTE"), Some("gql2.shop.example.com"));
    assert!(settings.secret("POSTGRES_PASSWORD").unwrap() == before);
    assert!(migration(&folder.project(), "qa", "prod").unwrap().copies.is_empty());
}

#[test]
fn validation_says_what_prod_lacks() {
    let folder = project();
    let problems = validate(&folder.project(), Some("prod")).unwrap();
    let errors: Vec<_> =
        problems.iter().filter(|problem| problem.is_error()).filter_map(|problem| problem.name.as_deref()).collect();
    assert_eq!(errors, ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_JWT_KEY"]);
    let recommended = problems.iter().find(|problem| problem.name.as_deref() == Some("MINIO_ROOT_PASSWORD")).unwrap();
    assert!(!recommended.is_error(), "storage runs without the S3 endpoint");
    assert!(problems.iter().any(|problem| problem.message.contains("only this machine can reach")));
    assert!(validate(&folder.project(), Some("dev")).unwrap().iter().all(|problem| !problem.is_error()));
    let status = status(&folder.project(), Some("prod")).unwrap();
    assert_eq!((status.errors, status.files.len(), status.summary.active), (4, 5, false));
}
