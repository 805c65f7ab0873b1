//! Projects and scripts of the Bash nself keep working: the scenarios of its exhaustive-qa and e2e suites that this
//! version covers, and what a migrating user expects (`docs/guide/migrating.md`).

mod spellings;

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::sandbox::{Sandbox, said};

/// What `nself init` of the Bash tool wrote, on this sandbox's ports and with its spelling of them.
fn bash_env(sandbox: &Sandbox) -> String {
    format!(
        "ENV=dev\nPROJECT_NAME=old\nBASE_DOMAIN=local.nself.org\nNGINX_PORT={}\nNGINX_SSL_PORT={}\nPOSTGRES_PORT={}\n",
        sandbox.http, sandbox.https, sandbox.postgres
    )
}

fn bash_project(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".env", &format!("{}{more}", bash_env(&sandbox)));
    sandbox
}

fn plan(sandbox: &Sandbox) -> serde_json::Value {
    sandbox.ok(&["build"]);
    serde_json::from_str(&sandbox.read(".nself/build/plan.json")).unwrap()
}

/// The service that a host and a path lead to.
fn routed(plan: &serde_json::Value, host: &str, path: &str) -> Option<String> {
    let routes = plan["routes"].as_array().unwrap();
    let route = routes.iter().find(|route| route["host"] == host && route["path"] == path)?;
    Some(route["service"].as_str().unwrap().to_owned())
}

fn mode(sandbox: &Sandbox, path: &str) -> u32 {
    std::fs::metadata(sandbox.folder().join(path)).unwrap().permissions().mode() & 0o777
}

/// The value of a setting, as the product resolves it.
fn get(sandbox: &Sandbox, name: &str) -> String {
    sandbox.ok(&["config", "get", name, "--reveal"]).trim().to_owned()
}

#[test]
fn init_makes_the_files_and_keeps_them_private() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init"]);
    assert_eq!(mode(&sandbox, ".env"), 0o600);
    assert_eq!(mode(&sandbox, ".env.example") & 0o400, 0o400);
    let env = sandbox.read(".env");
    for line in ["ENV=dev", "PROJECT_NAME=", "BASE_DOMAIN="] {
        assert!(env.lines().any(|found| found.starts_with(line)), "no {line} in .env");
    }
    let ignored = sandbox.read(".gitignore");
    for line in
        [".env", ".env.local", ".env.*.local", ".env.secrets", "_backup*", ".volumes/", "logs/", "*.log", ".DS_Store"]
    {
        assert!(ignored.lines().any(|found| found == line), "{line} is not in .gitignore:\n{ignored}");
    }
}

#[test]
fn init_full_and_admin_make_their_files() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init", "--full", "--admin"]);
    for file in [".env", ".env.dev", ".env.staging", ".env.prod", ".env.secrets", ".env.example", "schema.dbml"] {
        assert!(sandbox.folder().join(file).is_file(), "{file} is missing");
    }
    assert_eq!(mode(&sandbox, ".env.secrets"), 0o600);
    assert_eq!(get(&sandbox, "NSELF_ADMIN_ENABLED"), "true");
    sandbox.ok(&["build"]);
}

#[test]
fn init_again_changes_nothing_and_force_keeps_copies() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["init"]);
    let files = [".env", ".env.example", ".gitignore", "nself.toml"];
    let before = files.map(|file| sandbox.read(file));
    sandbox.ok(&["init"]);
    assert_eq!(before, files.map(|file| sandbox.read(file)));

    sandbox.write(".env", "ENV=dev\nPROJECT_NAME=mine\n# my own line\n");
    sandbox.ok(&["init"]);
    assert!(sandbox.read(".env").contains("# my own line"));
    sandbox.ok(&["init", "--force"]);
    assert!(!sandbox.read(".env").contains("# my own line"));
    assert_eq!(mode(&sandbox, ".env"), 0o600);
    let mut copies = Vec::new();
    for folder in std::fs::read_dir(sandbox.folder().join(".env-backups")).unwrap().flatten() {
        let copy = folder.path().join(".env");
        copies.push(std::fs::read_to_string(&copy).unwrap());
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o077, 0, "{}", copy.display());
    }
    assert!(copies.iter().any(|text| text.contains("# my own line")), "{copies:?}");
}

#[test]
fn gitignore_is_completed_and_stays_as_it_was() {
    let sandbox = Sandbox::new();
    // Without a newline at the end, as editors leave it.
    let own = "# mine\nnode_modules/\n.env\n!keep.log";
    sandbox.write(".gitignore", own);
    sandbox.ok(&["init"]);
    let text = sandbox.read(".gitignore");
    assert!(text.starts_with(&format!("{own}\n")), "{text}");
    assert_eq!(text.lines().filter(|line| *line == ".env").count(), 1, "{text}");
    assert!(text.lines().any(|line| line == ".env.secrets"), "{text}");
}

#[test]
fn git_sees_no_secret_after_init() {
    let sandbox = Sandbox::new();
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        said(command.args(arguments).current_dir(sandbox.folder()).output().unwrap())
    };
    assert_eq!(git(&["init", "--quiet"]).code, 0);
    sandbox.ok(&["init", "--full"]);
    sandbox.ok(&["env", "create", "qa", "staging"]);
    sandbox.ok(&["build"]);
    assert_eq!(git(&["add", "--all"]).code, 0);
    let tracked = git(&["ls-files"]).stdout;
    let tracked: Vec<&str> = tracked.lines().collect();
    for file in [".env", ".env.secrets", ".environments/qa/.env.secrets"] {
        assert!(!tracked.contains(&file), "git tracks {file}");
    }
    assert!(
        tracked.contains(&".env.example") && !tracked.iter().any(|file| file.starts_with(".nself/")),
        "{tracked:?}"
    );
}

#[test]
fn inits_in_parallel_leave_one_whole_project() {
    let sandbox = Sandbox::new();
    let start = |_| sandbox.command(&["init"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<_> = (0..4).map(start).collect();
    let answers: Vec<_> = children.into_iter().map(|child| said(child.wait_with_output().unwrap())).collect();
    assert!(answers.iter().any(|answer| answer.code == 0), "{answers:?}");
    // Who came too late says so, with a code.
    assert!(answers.iter().all(|answer| answer.code == 0 || answer.stderr.contains("error[NS-")), "{answers:?}");
    let env = sandbox.read(".env");
    assert_eq!(env.lines().filter(|line| line.starts_with("POSTGRES_PASSWORD=")).count(), 1, "{env}");
    sandbox.ok(&["config", "validate"]);
    let left = std::fs::read_dir(sandbox.folder()).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn environments_are_made_switched_compared_and_removed() {
    let sandbox = bash_project("POSTGRES_PASSWORD=a-password-of-dev-only\n");
    sandbox.ok(&["env", "create", "qa", "local"]);
    for file in [".env", ".env.secrets", "server.json"] {
        assert!(sandbox.folder().join(".environments/qa").join(file).is_file(), "{file}");
    }
    assert_eq!(mode(&sandbox, ".environments/qa/.env.secrets"), 0o600);
    let server: serde_json::Value = serde_json::from_str(&sandbox.read(".environments/qa/server.json")).unwrap();
    for key in ["name", "type", "host", "port", "user", "key", "deploy_path", "description"] {
        assert!(server.get(key).is_some(), "server.json has no {key}: {server}");
    }
    assert_ne!(sandbox.run(&["env", "create", "qa"]).code, 0, "an existing environment was made again");
    sandbox.ok(&["env", "create", "qa", "--force"]);

    sandbox.ok(&["env", "switch", "qa"]);
    assert_eq!(sandbox.read(".current-env").trim(), "qa");
    assert!(sandbox.ok(&["env", "list"]).lines().any(|line| line.starts_with('*') && line.contains("qa")));
    assert_eq!(sandbox.json(&["env", "status"])["summary"]["name"], "qa");
    sandbox.write(".environments/qa/.env", "LOG_LEVEL=warn\n");
    let diff = sandbox.run(&["env", "diff", "dev", "qa"]);
    assert!(diff.stdout.contains("LOG_LEVEL") && diff.stdout.contains("warn"), "{diff:?}");
    assert!(!diff.stdout.contains("a-password-of-dev-only"), "the diff shows a secret");
    sandbox.ok(&["env", "validate", "qa"]);

    sandbox.ok(&["env", "switch", "dev"]);
    sandbox.ok(&["env", "delete", "qa"]);
    assert!(!sandbox.folder().join(".environments/qa").exists());
    assert_ne!(sandbox.run(&["env", "switch", "qa"]).code, 0);
    assert_ne!(sandbox.run(&["env", "create", "../up"]).code, 0);
    assert_ne!(sandbox.run(&["env", "delete", "dev"]).code, 0);
}

#[test]
fn old_names_of_settings_mean_the_same() {
    let pairs = [
        ("NGINX_PORT", "GATEWAY_PORT", "8181"),
        ("NGINX_HTTP_PORT", "GATEWAY_PORT", "8182"),
        ("NGINX_SSL_PORT", "GATEWAY_SSL_PORT", "8483"),
        ("NGINX_HTTPS_PORT", "GATEWAY_SSL_PORT", "8484"),
        ("MINIO_ENABLED", "STORAGE_ENABLED", "true"),
        ("NADMIN_ENABLED", "NSELF_ADMIN_ENABLED", "true"),
    ];
    for (old, new, value) in pairs {
        let sandbox = Sandbox::new();
        sandbox.write(".env", &format!("ENV=dev\nPROJECT_NAME=old\nBASE_DOMAIN=localhost\n{old}={value}\n"));
        assert_eq!(get(&sandbox, new), value, "{old} → {new}");
        assert_eq!(get(&sandbox, old), value, "{new} → {old}");
        let report = sandbox.run(&["config", "validate", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
        let doubted = report["problems"].as_array().unwrap().iter().any(|problem| problem["name"] == old);
        assert!(!doubted, "{report}");
    }
    let sandbox = Sandbox::new();
    sandbox.write(".env", "ENV=dev\nPROJECT_NAME=old\nBASE_DOMAIN=localhost\nSTORAGE_ENABLED=true\n");
    assert_eq!(get(&sandbox, "MINIO_ENABLED"), "true");
}

/// Later files win, `.env` last; which files count depends on the environment and its aliases.
#[test]
fn the_cascade_is_the_old_one() {
    let sandbox = Sandbox::new();
    let secrets = "POSTGRES_PASSWORD=0123456789abcdef0123456789abcdef0123456789abcdef\n";
    sandbox.write(".env", "PROJECT_NAME=old\nBASE_DOMAIN=localhost\nADMIN_EMAIL=last@example.org\n");
    sandbox.write(".env.dev", "ADMIN_EMAIL=dev@example.org\nPOSTGRES_DB=dev\nPOSTGRES_USER=dev\nLOG_LEVEL=debug\n");
    sandbox.write(".env.local", "POSTGRES_DB=local\n");
    sandbox.write(".env.staging", "POSTGRES_DB=staging\n");
    sandbox.write(".env.prod", "POSTGRES_DB=prod\n");
    sandbox.write(".env.secrets", secrets);
    let db = |environment: &str| sandbox.ok(&["config", "get", "POSTGRES_DB", "--env", environment]).trim().to_owned();
    for (environment, expected) in [
        ("dev", "local"),
        ("development", "local"),
        ("develop", "local"),
        ("staging", "staging"),
        ("stage", "staging"),
        ("prod", "prod"),
        ("production", "prod"),
    ] {
        assert_eq!(db(environment), expected, "{environment}");
        assert_eq!(sandbox.ok(&["config", "get", "ADMIN_EMAIL", "--env", environment]).trim(), "last@example.org");
        assert_eq!(sandbox.ok(&["config", "get", "POSTGRES_USER", "--env", environment]).trim(), "dev");
    }
    let password = |environment: &str| {
        sandbox.run(&["config", "get", "POSTGRES_PASSWORD", "--reveal", "--env", environment]).stdout
    };
    assert!(secrets.contains(password("prod").trim()) && !password("prod").trim().is_empty());
    assert_eq!(password("dev").trim(), "", ".env.secrets belongs to prod");

    let asked = |name: &str, value: &str| {
        said(sandbox.command(&["config", "get", "POSTGRES_DB"]).env(name, value).output().unwrap())
            .stdout
            .trim()
            .to_owned()
    };
    assert_eq!(asked("NSELF_ENV", "staging"), "staging");
    assert_eq!(asked("TARGET_ENV", "prod"), "prod");
    assert_eq!(db("dev"), "local");
}

#[test]
fn values_are_read_as_people_write_them() {
    let sandbox = Sandbox::new();
    sandbox.write(
        ".env",
        "\u{feff}ENV=dev\r\nexport PROJECT_NAME=\"old\"\r\nBASE_DOMAIN='localhost'\r\n# comment\r\n\r\nPOSTGRES_DB=first\r\nPOSTGRES_DB=second\r\nHASURA_ROUTE=api.${BASE_DOMAIN}\r\nADMIN_EMAIL=${NOBODY:-me@example.org}\r\n",
    );
    assert_eq!(get(&sandbox, "PROJECT_NAME"), "old");
    assert_eq!(get(&sandbox, "BASE_DOMAIN"), "localhost");
    assert_eq!(get(&sandbox, "POSTGRES_DB"), "second");
    assert_eq!(get(&sandbox, "ADMIN_EMAIL"), "me@example.org");
    assert_eq!(get(&sandbox, "HASURA_ROUTE"), "api.localhost");
}

#[test]
fn routes_take_labels_and_whole_names() {
    for (route, host) in [
        ("api.${BASE_DOMAIN}", "api.local.nself.org"),
        ("api", "api.local.nself.org"),
        ("gql.local.nself.org", "gql.local.nself.org"),
        ("api.v1", "api.v1.local.nself.org"),
    ] {
        let sandbox = bash_project(&format!("HASURA_ROUTE={route}\n"));
        assert_eq!(routed(&plan(&sandbox), host, "/v1/graphql").as_deref(), Some("hasura"), "{route}");
    }
}

/// `CS_N=name:template[:port][:route]` with its start command, and `FRONTEND_APP_N_*`.
#[test]
fn custom_services_and_frontends_are_planned_and_routed() {
    let sandbox = bash_project(
        "CS_1=api-js:express-js:8401:express-api\nCS_2=worker:bullmq-js:8402\nCS_3=auto:fastapi\nCS_4=gap:gin::gap\n\
         FRONTEND_APP_COUNT=2\nFRONTEND_APP_1_NAME=web\nFRONTEND_APP_1_PORT=3401\nFRONTEND_APP_1_ROUTE=www\n\
         FRONTEND_APP_2_SYSTEM_NAME=shop\nFRONTEND_APP_2_PORT=3402\n",
    );
    // Without a start command they wait, by name, and the rest is built.
    let waiting = sandbox.json(&["build"]);
    let names: Vec<&str> =
        waiting["deferred"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["api-js", "worker", "auto", "gap"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let toml: String = ["api-js", "worker", "auto", "gap"]
        .iter()
        .map(|name| format!("[services.{name}]\ncommand = [\"true\"]\n"))
        .collect();
    sandbox.write("nself.toml", &toml);
    let plan = plan(&sandbox);
    let port = |name: &str| {
        let service = plan["services"].as_array().unwrap().iter().find(|service| service["name"] == name);
        service.unwrap_or_else(|| panic!("no {name} in {plan}"))["ports"][0]["number"].as_u64().unwrap()
    };
    assert_eq!([port("api-js"), port("worker"), port("auto"), port("gap")], [8401, 8402, 8003, 8004]);
    assert_eq!([port("web"), port("shop")], [3401, 3402]);
    let host = |name: &str| format!("{name}.local.nself.org");
    assert_eq!(routed(&plan, &host("express-api"), "/").as_deref(), Some("api-js"));
    assert_eq!(routed(&plan, &host("gap"), "/").as_deref(), Some("gap"));
    assert_eq!(routed(&plan, &host("www"), "/").as_deref(), Some("web"));
    assert_eq!(routed(&plan, &host("shop"), "/").as_deref(), Some("shop"));
    for internal in ["worker", "auto"] {
        let reached = plan["routes"].as_array().unwrap().iter().any(|route| route["service"] == internal);
        assert!(!reached, "{internal} has no route and must not be reachable");
    }
}

#[test]
fn build_twice_changes_nothing() {
    let sandbox = bash_project("");
    sandbox.ok(&["build"]);
    let before = sandbox.read(".nself/build/plan.json");
    let again = sandbox.json(&["build"]);
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["action"] == "unchanged"), "{again}");
    sandbox.ok(&["build", "--force"]);
    assert_eq!(before, sandbox.read(".nself/build/plan.json"));
}

/// All layouts of migrations and seeds there ever were, in one project, through a life of up and down.
#[test]
fn an_old_project_lives_from_up_to_reset() {
    let sandbox = bash_project("");
    let hasura = "hasura/migrations/default/1700000000000_init";
    sandbox.write(&format!("{hasura}/up.sql"), "create table a (id int primary key);\n");
    sandbox.write(&format!("{hasura}/down.sql"), "drop table a;\n");
    sandbox.write("nself/migrations/20260101000000_b.sql", "create table b (id int primary key);\n");
    sandbox.write("nself/migrations/20260101000000_b_down.sql", "drop table b;\n");
    sandbox.write("nself/migrations/20260102000000_c.up.sql", "create table c (id int primary key);\n");
    sandbox.write("nself/migrations/20260102000000_c.down.sql", "drop table c;\n");
    let marked = "-- UP\ncreate table d (id int primary key);\n-- DOWN\ndrop table d;\n";
    sandbox.write("nself/migrations/20260103000000_d.sql", marked);
    for (path, table) in [
        ("hasura/seeds/default/001_a.sql", "a"),
        ("nself/seeds/common/001_b.sql", "b"),
        ("nself/seeds/local/001_b.sql", "c"),
        ("nself/seeds/production/001_b.sql", "d"),
    ] {
        sandbox.write(path, &format!("insert into {table} values (1);\n"));
    }

    sandbox.ok(&["up"]);
    assert_eq!(sandbox.json(&["db", "migrate", "status"])["pending"], 4);
    sandbox.ok(&["db", "migrate", "up"]);
    let status = sandbox.json(&["db", "migrate:status"]);
    assert_eq!((&status["applied"], &status["pending"]), (&4.into(), &0.into()));
    sandbox.ok(&["db", "seed"]);
    sandbox.ok(&["db", "seed"]);
    let counts = "select (select count(*) from a)::int a, (select count(*) from b)::int b, (select count(*) from c)::int c, (select count(*) from d)::int d";
    assert_eq!(sandbox.sql(counts)[0], serde_json::json!({ "a": 1, "b": 1, "c": 1, "d": 0 }));

    sandbox.ok(&["db", "migrate", "down"]);
    assert_eq!(
        sandbox.sql("select to_regclass('d') is null as gone, to_regclass('c') is null as too")[0]["gone"],
        true
    );
    sandbox.ok(&["db", "migrate", "down", "3"]);
    assert_eq!(sandbox.sql("select to_regclass('a') is null as gone")[0]["gone"], true);
    sandbox.ok(&["db", "migrate"]);
    sandbox.ok(&["db", "migrate", "create", "add", "notes"]);
    let made = std::fs::read_dir(sandbox.folder().join("nself/migrations")).unwrap().flatten();
    let made: Vec<String> = made.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(made.iter().any(|name| name.contains("add_notes")), "{made:?}");

    keys_of_json(&sandbox);
    // Data goes only after a yes.
    assert_eq!(sandbox.run(&["stop", "--volumes"]).code, 3);
    assert!(sandbox.data().is_dir());
    sandbox.ok(&["down"]);
    assert_eq!(sandbox.processes(), Vec::<String>::new());
    sandbox.ok(&["reset", "--force"]);
    let listed = sandbox.ok(&["restore", "--list"]);
    assert!(listed.contains("old_2"), "{listed}");
    assert!(!sandbox.folder().join(".env").exists());
    sandbox.ok(&["restore", "--force"]);
    assert!(sandbox.read(".env").contains("PROJECT_NAME=old"));
}

/// What scripts read: the keys of the Bash tool, and its exit codes.
fn keys_of_json(sandbox: &Sandbox) {
    let status = sandbox.json(&["status"]);
    assert!(status["timestamp"].is_string() && status["services"].is_array(), "{status}");
    assert_eq!(status["environment"], "dev");
    let health = sandbox.json(&["health"]);
    assert_eq!(health["unhealthy"], 0);
    assert_eq!(health["healthy"], health["total"]);
    for key in ["service", "status", "details", "response_time_ms"] {
        assert!(health["services"][0].get(key).is_some(), "{health}");
    }
    let urls = sandbox.json(&["urls"]);
    assert!(urls["urls"].as_array().unwrap().iter().any(|url| url["service"] == "hasura"), "{urls}");
    let started = sandbox.ok(&["status", "--format", "json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&started).unwrap()["services"].is_array());
    for accepted in [&["status", "--fast", "--no-resources"][..], &["start", "--quick"], &["logs", "-n", "3"]] {
        sandbox.ok(accepted);
    }
}
