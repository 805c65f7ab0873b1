use project::cascade::{Chooser, choose};
use project::{Error, Origin, Project, Tier};

use crate::Folder;

fn none(_: &str) -> Option<String> {
    None
}

#[test]
fn later_files_win_in_every_tier() {
    let all = [".env.dev", ".env.local", ".env.staging", ".env.prod", ".env.secrets", ".env"];
    for (env, cascade) in [
        ("dev", vec![".env.dev", ".env.local", ".env"]),
        ("staging", vec![".env.dev", ".env.staging", ".env"]),
        ("prod", vec![".env.dev", ".env.staging", ".env.prod", ".env.secrets", ".env"]),
        ("development", vec![".env.dev", ".env.local", ".env"]),
        ("stage", vec![".env.dev", ".env.staging", ".env"]),
        ("production", vec![".env.dev", ".env.staging", ".env.prod", ".env.secrets", ".env"]),
    ] {
        let folder = Folder::new(&[]);
        let mut read = Vec::new();
        for file in all {
            folder.write(
                file,
                &format!("PROJECT_DESCRIPTION={file}\nONLY_{}=1\n", file.replace('.', "_").to_uppercase()),
            );
            let settings = folder.project().settings(Some(env)).unwrap();
            if settings.text("PROJECT_DESCRIPTION") == Some(file) {
                read.push(file);
            }
        }
        assert_eq!(read, cascade, "{env}");
        let settings = folder.project().settings(Some(env)).unwrap();
        assert_eq!(settings.extra().count(), cascade.len());
        assert_eq!(settings.origin("PROJECT_DESCRIPTION"), Origin::File { path: ".env".into(), line: 1 });
    }
}

#[test]
fn the_environment_is_chosen_in_order() {
    let folder = Folder::new(&[(".env", "ENV=staging\n"), (".current-env", "prod\n")]);
    let process = |known: &'static [(&str, &str)]| {
        move |name: &str| known.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    let chosen = |argument: Option<&str>, known| {
        let chosen = choose(&folder.project(), argument, &process(known)).unwrap();
        (chosen.name.to_string(), chosen.by)
    };
    let everything: &[(&str, &str)] = &[("TARGET_ENV", "local"), ("NSELF_ENV", "stage"), ("ENV", "dev")];
    assert_eq!(chosen(Some("prod"), everything), ("prod".into(), Chooser::Argument));
    assert_eq!(chosen(None, everything), ("dev".into(), Chooser::TargetEnv));
    assert_eq!(chosen(None, &[("NSELF_ENV", "stage"), ("ENV", "dev")]), ("staging".into(), Chooser::NselfEnv));
    assert_eq!(chosen(None, &[("ENV", "dev")]), ("prod".into(), Chooser::Switch));
    std::fs::remove_file(folder.path().join(".current-env")).unwrap();
    assert_eq!(chosen(None, &[("ENV", "dev")]), ("staging".into(), Chooser::File));
    folder.write(".env", "PROJECT_NAME=x\n");
    assert_eq!(chosen(None, &[("ENV", "production")]), ("prod".into(), Chooser::Process));
    assert_eq!(chosen(None, &[("ENV", "/root/.shinit")]), ("dev".into(), Chooser::Default));
    assert!(matches!(choose(&folder.project(), Some("qa"), &none), Err(Error::UnknownEnvironment { .. })));
    assert!(matches!(choose(&folder.project(), Some("../x"), &none), Err(Error::EnvironmentName(_))));
}

#[test]
fn a_named_environment_stands_on_its_tier() {
    let folder = Folder::new(&[
        (".env.dev", "POSTGRES_PORT=1111\nREDIS_PORT=1111\nSMTP_HOST=dev\n"),
        (".env.staging", "REDIS_PORT=2222\n"),
        (".env", "POSTGRES_PORT=3333\n"),
        (".environments/qa/.env", "POSTGRES_PORT=4444\n"),
        (".environments/qa/.env.secrets", "POSTGRES_PASSWORD=from-the-folder\n"),
        (".environments/qa/server.json", r#"{"name":"qa","type":"staging","host":"qa.example.com"}"#),
    ]);
    let settings = folder.project().settings(Some("qa")).unwrap();
    assert_eq!(settings.tier(), Tier::Staging);
    assert_eq!(settings.port("POSTGRES_PORT"), Some(4444));
    assert_eq!(settings.port("REDIS_PORT"), Some(2222));
    assert_eq!(settings.text("SMTP_HOST"), Some("dev"));
    assert_eq!(settings.secret("POSTGRES_PASSWORD").unwrap().expose(), "from-the-folder");
    assert_eq!(settings.text("ENV"), Some("qa"));
}

#[test]
fn an_environment_without_a_type_is_treated_with_care() {
    let folder = Folder::new(&[(".environments/eu/.env", "PROJECT_NAME=x\n")]);
    let settings = folder.project().settings(Some("eu")).unwrap();
    assert_eq!(settings.tier(), Tier::Staging);
    assert!(settings.warnings()[0].message.contains("no type"));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let folder = Folder::new(&[
        (".env.dev", "POSTGRES_PORT=abc\nthis is nothing\n"),
        (
            ".env",
            "# top\r\nREDIS_PORT=99999\r\nBASE_DOMIAN=x\r\nHASURA_ENABLED=perhaps\r\nA=${B}\r\nB=${A}\r\nLOG_LEVEL=info\r\nLOG_LEVEL=warn\r\n",
        ),
        ("nself.toml", "[service.web]\n"),
    ]);
    let Err(Error::Settings(problems)) = folder.project().settings(None) else { panic!("must be refused") };
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "nself.toml:1: service is unknown here (column 2); did you mean services?",
            ".env.dev:2: this line is no KEY=value",
            ".env:5: A refers to itself: A → B → A",
            ".env:4: HASURA_ENABLED must be true or false, not `perhaps`",
            ".env.dev:1: POSTGRES_PORT must be a port from 1 to 65535, not `abc`",
            ".env:2: REDIS_PORT must be a port from 1 to 65535, not `99999`",
            ".env:8: LOG_LEVEL is set twice; line 8 counts, line 7 does not",
            ".env:5: A is not a setting of nself",
            ".env:6: B is not a setting of nself",
            ".env:3: BASE_DOMIAN is not a setting of nself; did you mean BASE_DOMAIN?",
        ]
    );
}

#[test]
fn values_of_secrets_stay_out_of_messages() {
    let folder =
        Folder::new(&[(".env", "HASURA_GRAPHQL_JWT_SECRET={broken-json-hunter2\nPOSTGRES_PASSWORD=hunter2-hunter2\n")]);
    let error = folder.project().settings(None).unwrap_err();
    let shown = format!("{error} {error:?} {:?}", project::Diagnostic::why(&error));
    assert!(shown.contains("HASURA_GRAPHQL_JWT_SECRET") && !shown.contains("hunter2"), "{shown}");
    let settings = folder.project().inspect(None).unwrap().settings;
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.redact("login hunter2-hunter2 failed"), "login •••• failed");
}

#[test]
fn values_expand_across_files_and_aliases() {
    let folder = Folder::new(&[
        (".env.dev", "HASURA_ROUTE=api.${BASE_DOMAIN}\nNGINX_PORT=9090\nFILES_ROUTE=${NGINX_HTTP_PORT}.x\n"),
        (".env", "PROJECT_NAME=shop\nBASE_DOMAIN=shop.test\nMINIO_ENABLED=yes\nREDIS_ENABLED=\n"),
    ]);
    let settings = folder.project().settings(None).unwrap();
    assert_eq!(settings.text("HASURA_ROUTE"), Some("api.shop.test"));
    assert_eq!(settings.port("GATEWAY_PORT"), Some(9090));
    assert_eq!(settings.text("FILES_ROUTE"), Some("9090.x"));
    assert!(settings.flag("STORAGE_ENABLED") && settings.is_set("MINIO_ENABLED") && !settings.is_set("REDIS_ENABLED"));
    assert_eq!(settings.text("DOCKER_NETWORK"), Some("shop_network"));
    assert_eq!(settings.text("AUTH_SMTP_SENDER"), Some("noreply@shop.test"));
    assert_eq!(settings.port("GATEWAY_SSL_PORT"), Some(8443));
}

#[test]
fn the_domain_of_a_tier_replaces_the_common_one() {
    let folder = Folder::new(&[(".env", "BASE_DOMAIN=localhost\nPRODUCTION_DOMAIN=shop.example.com\n")]);
    let domain = |env: &str| folder.project().settings(Some(env)).unwrap().text("BASE_DOMAIN").unwrap().to_owned();
    assert_eq!((domain("dev"), domain("prod")), ("localhost".to_owned(), "shop.example.com".to_owned()));
}

#[test]
fn families_are_counted() {
    let folder = Folder::new(&[(
        ".env",
        "CS_1=web:node\nCS_2_NAME=worker\nCS_10=x:y\nCS_4=\nFRONTEND_APP_1_NAME=app\nFRONTEND_APP_COUNT=1\n",
    )]);
    let settings = folder.project().settings(None).unwrap();
    assert_eq!(settings.indices("CS"), [1, 2, 10]);
    assert_eq!(settings.indices("FRONTEND_APP"), [1]);
    assert_eq!(settings.indexed("CS", 1, ""), Some("web:node"));
    assert_eq!(settings.indexed("CS", 2, "NAME"), Some("worker"));
    assert_eq!(settings.indexed("CS", 2, "HEALTHCHECK"), Some("/health"));
    assert_eq!(settings.indexed("CS", 2, "PORT"), None);
}

#[test]
fn own_variables_are_no_typing_errors() {
    let folder = Folder::new(&[
        (".env", "NEXT_PUBLIC_API=x\nPOSTGRES_PROT=1\n"),
        ("nself.toml", "[variables]\nown = [\"NEXT_PUBLIC_*\"]\n"),
    ]);
    let settings = folder.project().settings(None).unwrap();
    let names: Vec<_> = settings.warnings().iter().filter_map(|warning| warning.name.as_deref()).collect();
    assert_eq!(names, ["POSTGRES_PROT"]);
}

#[test]
fn a_project_is_found_from_any_folder_inside() {
    let folder = Folder::new(&[
        (".env", "PROJECT_NAME=shop\n"),
        ("frontend/.env", "NEXT_PUBLIC_API=x\n"),
        ("frontend/src/app.ts", ""),
        (".environments/prod/.env", "PROJECT_NAME=shop\n"),
        ("nested/nself.toml", ""),
        ("nested/deep/er/x", ""),
    ]);
    for (from, root) in
        [("", ""), ("frontend", ""), ("frontend/src", ""), (".environments/prod", ""), ("nested/deep/er", "nested")]
    {
        let found = Project::discover(&folder.path().join(from)).unwrap();
        assert_eq!(found.root(), folder.path().join(root).components().collect::<std::path::PathBuf>(), "{from}");
    }
}

#[test]
fn a_lone_env_file_counts_and_an_empty_folder_does_not() {
    let lone = Folder::new(&[(".env", "POSTGRES_PORT=5433\n"), ("sub/x", "")]);
    assert_eq!(Project::discover(&lone.path().join("sub")).unwrap().root(), lone.path());
    let state = Folder::new(&[(".nself/run/x", "")]);
    assert_eq!(Project::discover(state.path()).unwrap().root(), state.path());
    let empty = Folder::new(&[]);
    assert!(matches!(Project::discover(empty.path()), Err(Error::NoProject { .. })));
}

#[test]
fn a_lock_names_its_owner() {
    let folder = Folder::new(&[(".env", "")]);
    let project = folder.project();
    let held = project.lock("start").unwrap();
    let Err(Error::Busy { pid, .. }) = project.lock("start") else { panic!("must be busy") };
    assert_eq!(pid, Some(std::process::id()));
    project.lock("other").unwrap();
    drop(held);
    project.lock("start").unwrap();
}

#[test]
fn loading_takes_no_noticeable_time() {
    let folder = Folder::new(&[]);
    let options = project::init::Options { full: true, demo: true, ..Default::default() };
    project::init::init(folder.path(), &options).unwrap();
    let project = folder.project();
    project.settings(None).unwrap();
    let best = (0..20)
        .map(|_| {
            let began = std::time::Instant::now();
            project.settings(None).unwrap();
            began.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < std::time::Duration::from_millis(2), "{best:?}");
}

#[test]
fn a_secret_is_not_shown_where_another_value_holds_it() {
    let folder = Folder::new(&[(
        ".env",
        "SMTP_PASS=hunter2hunter2\nNEAR=x${SMTP_PASS}\nFAR=${NEAR:-y}\nPLAIN=${PROJECT_NAME}\nLOG_LEVEL=${FAR}\n\
         POSTGRES_PORT=${SMTP_PASS}\nAUTH_CLIENT_URL=ftp//u:hunter2hunter2@x y\nHOOK=https://u:hunter2hunter2@x\n\
         DSN=z\nROUND=${TRIP}\nTRIP=${ROUND}\nCS_1=web:custom\nCS_1_ENV=A=1,TOKEN=hunter2hunter2\n",
    )]);
    let inspection = folder.project().inspect(None).unwrap();
    let settings = &inspection.settings;
    for name in ["SMTP_PASS", "NEAR", "FAR", "LOG_LEVEL", "DSN"] {
        assert!(settings.hides(name), "{name}");
    }
    for name in ["PLAIN", "ROUND", "PROJECT_NAME", "HOOK"] {
        assert!(!settings.hides(name), "{name}");
    }
    for (name, value, _) in settings.set_values().filter(|(name, ..)| *name != "AUTH_CLIENT_URL") {
        assert!(!settings.shown(name, value).contains("hunter2"), "{name}");
    }
    assert_eq!(settings.shown("CS_1_ENV", "A=1,TOKEN=hunter2hunter2"), "A=1,TOKEN=••••");
    let said: Vec<String> = inspection.problems.iter().map(ToString::to_string).collect();
    let said: Vec<&String> = said.iter().filter(|line| !line.contains("AUTH_CLIENT_URL")).collect();
    assert!(said.iter().any(|line| line.contains("LOG_LEVEL must be one of")), "{said:?}");
    assert!(said.iter().all(|line| !line.contains("hunter2")), "{said:?}");
    let refused = project::config::set(&folder.project(), None, "POSTGRES_PORT", "${FAR}").unwrap_err();
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}

#[test]
fn a_long_chain_of_references_does_no_harm() {
    let mut text = String::from("A0=${SMTP_PASS}\n");
    for number in 1..300 {
        text.push_str(&format!("A{number}=${{A{}}}\n", number - 1));
    }
    let folder = Folder::new(&[(".env", &text)]);
    let inspection = folder.project().inspect(None).unwrap();
    assert!(inspection.settings.hides("A299"));
}

#[test]
fn a_file_that_is_no_text_says_where_and_what_to_do() {
    use project::{Diagnostic, Exit};
    let folder = Folder::new(&[]);
    std::fs::write(folder.path().join(".env"), b"A=1\nB=caf\xe9\n").unwrap();
    let error = folder.project().inspect(None).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.why().unwrap().contains("line 2"), "{:?}", error.why());
    assert!(error.fix().unwrap().contains("UTF-8"));
}
