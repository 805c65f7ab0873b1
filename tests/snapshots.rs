//! What commands say, word for word. A changed text shows up as a diff of `tests/snapshots/`; `cargo insta review`, or
//! `INSTA_UPDATE=always`, takes it over.
//!
//! What depends on the machine, the user or the moment is replaced by a name in brackets; where that would leave
//! nothing (`doctor`, `postgres list`), the structure is asserted instead.

use std::os::unix::fs::PermissionsExt;

use crate::sandbox::{Sandbox, said};

/// A sandbox and everything that was said in it so far.
struct Transcript {
    sandbox: Sandbox,
    text: String,
}

impl Transcript {
    fn new(sandbox: Sandbox) -> Self {
        Self { sandbox, text: String::new() }
    }

    /// Runs a command and writes down what it was and what it said.
    fn run(&mut self, arguments: &[&str]) {
        let mut command = self.sandbox.command(arguments);
        let said = said(command.env("COLUMNS", "100").env("LC_ALL", "C.UTF-8").output().unwrap());
        self.text += "$ nself";
        for argument in arguments {
            self.text += &if argument.contains(' ') { format!(" '{argument}'") } else { format!(" {argument}") };
        }
        self.text += &format!("\n{}", said.stdout);
        if !said.stderr.is_empty() {
            self.text += &format!("[stderr]\n{}", said.stderr);
        }
        self.text += &if said.code == 0 { "\n".to_owned() } else { format!("[exit code {}]\n\n", said.code) };
    }

    /// Runs a command that is only a step on the way.
    #[track_caller]
    fn quietly(&self, arguments: &[&str]) {
        self.sandbox.ok(arguments);
    }

    fn remove_migration(&self, name: &str) {
        let mut files = std::fs::read_dir(self.sandbox.folder().join("nself/migrations")).unwrap().flatten();
        let file = files.find(|file| file.file_name().to_string_lossy().contains(name)).unwrap();
        std::fs::remove_file(file.path()).unwrap();
    }

    /// Compares what was said with `tests/snapshots/<name>.snap`.
    #[track_caller]
    fn check(self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        for (what, name) in self.names() {
            settings.add_filter(&what, name);
        }
        settings.bind(|| insta::assert_snapshot!(name, self.text));
    }

    /// Regular expressions for what differs from run to run, and the names that stand in their place.
    fn names(&self) -> Vec<(String, &'static str)> {
        let home = self.sandbox.home().canonicalize().unwrap();
        let home = home.to_str().unwrap().replace('.', r"\.");
        let port = |number: u16| format!(r"\b{number}\b");
        let fixed = [
            (r"/var/lib/nself/[\w-]+|\[HOME\]/shop/\.nself/data", "[DATA]"),
            (r"\b[A-Za-z0-9]{40,}\b", "[SECRET]"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z)", "[TIME]"),
            (r#""(pid|memory_bytes|milliseconds|duration_ms)": \d+"#, r#""$1": "[NUMBER]""#),
            (r"\b\d+(\.\d+)? (ms|s|min)\b", "[DURATION]"),
            (r"\d{8}_add_coupons", "[DATE]_add_coupons"),
            (r"@@ -\d+,\d+ \+\d+,\d+ @@", "@@ [LINES] @@"),
            (r#""applied_by": "[^"]*""#, r#""applied_by": "[USER]""#),
            (concat!(r"\b", env!("CARGO_PKG_VERSION"), r"\b"), "[VERSION]"),
        ];
        let mut names = vec![
            (home, "[HOME]"),
            (port(self.sandbox.http), "[HTTP]"),
            (port(self.sandbox.https), "[HTTPS]"),
            (port(self.sandbox.postgres), "[PG]"),
            (port(self.sandbox.smtp), "[SMTP]"),
            (port(self.sandbox.mail), "[MAIL]"),
        ];
        names.extend(fixed.map(|(what, name)| (what.to_owned(), name)));
        names
    }
}

/// A project with a file of settings that is the same everywhere, on the sandbox's ports.
fn with_env(text: &str) -> Transcript {
    let sandbox = Sandbox::new();
    let ports = format!(
        "GATEWAY_PORT={}\nGATEWAY_SSL_PORT={}\nPOSTGRES_PORT={}\n",
        sandbox.http, sandbox.https, sandbox.postgres
    );
    sandbox.write(".env", &format!("{text}{ports}"));
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(sandbox.folder().join(".env"), private).unwrap();
    Transcript::new(sandbox)
}

#[test]
fn init() {
    let mut transcript = Transcript::new(Sandbox::new());
    transcript.run(&["init"]);
    transcript.run(&["init"]);
    transcript.run(&["init", "--json"]);
    transcript.run(&["init", "--full"]);
    transcript.run(&["init", "--quiet"]);
    transcript.run(&["init", "other/place", "--demo"]);
    transcript.run(&["init", "third", "--demo", "--full", "--json"]);
    transcript.run(&["init", "--wizard"]);
    transcript.check("init");
}

#[test]
fn build_and_urls() {
    let mut transcript = Transcript::new(Sandbox::demo());
    transcript.run(&["build"]);
    transcript.run(&["build"]);
    transcript.run(&["build", "--json"]);
    transcript.quietly(&["config", "set", "FUNCTIONS_ENABLED", "true"]);
    transcript.run(&["build", "--dry-run"]);
    transcript.run(&["build", "--dry-run", "--json"]);
    transcript.run(&["build"]);
    transcript.run(&["urls"]);
    transcript.run(&["urls", "--json"]);
    transcript.run(&["urls", "--check-conflicts"]);
    transcript.check("build_and_urls");
}

#[test]
fn config() {
    let mut transcript = Transcript::new(Sandbox::plain());
    transcript.run(&["config", "show"]);
    transcript.run(&["config", "show", "--origin"]);
    transcript.run(&["config", "show", "--reveal", "--json"]);
    transcript.run(&["config", "get", "BASE_DOMAIN"]);
    transcript.run(&["config", "get", "POSTGRES_PASSWORD"]);
    transcript.run(&["config", "get", "POSTGRES_DB", "--json"]);
    transcript.run(&["config", "set", "ADMIN_EMAIL", "someone@example.org"]);
    transcript.run(&["config", "set", "ADMIN_EMAIL", "else@example.org", "--json"]);
    transcript.run(&["config", "list", "POSTGRES_PORT"]);
    transcript.run(&["config", "secrets", "list"]);
    transcript.run(&["config", "validate"]);
    transcript.run(&["config", "validate", "--json"]);
    transcript.check("config");
}

#[test]
fn config_problems() {
    let mut transcript = with_env(
        "ENV=dev\nPROJECT_NAME=shop\nBASE_DOMAIN=localhost\nPOSTGRS_DB=shop\nREDIS_PORT=abc\nFIRST=${SECOND}\nSECOND=${FIRST}\n",
    );
    for command in [&["config", "validate"][..], &["config", "validate", "--json"], &["build"], &["status", "--json"]] {
        transcript.run(command);
    }
    transcript.check("config_problems");
}

#[test]
fn weak_production_secrets() {
    let mut transcript = with_env(
        "ENV=prod\nPROJECT_NAME=shop\nBASE_DOMAIN=shop.test\nPOSTGRES_PASSWORD=postgres\nHASURA_GRAPHQL_ADMIN_SECRET=secret\n",
    );
    transcript.run(&["start"]);
    transcript.run(&["start", "--json"]);
    transcript.run(&["build"]);
    transcript.run(&["config", "validate"]);
    transcript.run(&["reset", "--yes"]);
    transcript.check("weak_production_secrets");
}

#[test]
fn environments() {
    let mut transcript = Transcript::new(Sandbox::plain());
    transcript.run(&["env", "list"]);
    transcript.run(&["env", "create", "qa", "staging"]);
    transcript.sandbox.write(".environments/qa/.env", "LOG_LEVEL=warn\nPOSTGRES_DB=quality\n");
    transcript.run(&["env", "list"]);
    transcript.run(&["env", "list", "--json"]);
    transcript.run(&["env", "diff", "dev", "qa"]);
    transcript.run(&["env", "diff", "dev", "qa", "--json"]);
    transcript.run(&["env", "status"]);
    transcript.run(&["env", "status", "--json"]);
    transcript.run(&["env", "validate"]);
    transcript.run(&["env", "switch", "qa"]);
    transcript.run(&["env", "switch", "nowhere"]);
    transcript.run(&["env", "create", "Not/Good"]);
    transcript.run(&["env", "delete", "qa"]);
    transcript.run(&["env", "delete", "dev"]);
    transcript.check("environments");
}

#[test]
fn mistakes() {
    let mut transcript = Transcript::new(Sandbox::new());
    transcript.run(&["status"]);
    transcript.run(&["status", "--json"]);
    transcript.quietly(&["init"]);
    transcript.sandbox.use_ports();
    transcript.run(&["status", "nowhere"]);
    transcript.run(&["health"]);
    transcript.run(&["stop"]);
    transcript.run(&["start", "nowhere"]);
    transcript.run(&["start", "--timeout", "soon"]);
    transcript.run(&["start", "--tiemout", "3"]);
    transcript.run(&["statsu"]);
    transcript.run(&["config", "get", "POSTGRS_PORT"]);
    transcript.run(&["config", "set", "POSTGRES_PORT", "abc"]);
    transcript.run(&["config", "set", "POSTGRES_PORT", "abc", "--json"]);
    transcript.run(&["db", "query", "select 1"]);
    transcript.run(&["explain", "NS-CON-001"]);
    transcript.run(&["explain", "ns-con-01"]);
    transcript.check("mistakes");
}

#[test]
fn a_stack_from_start_to_stop() {
    let mut transcript = Transcript::new(Sandbox::demo());
    transcript.run(&["status"]);
    transcript.run(&["status", "--json"]);
    transcript.run(&["start"]);
    transcript.run(&["start", "--json"]);
    transcript.run(&["status"]);
    transcript.run(&["status", "postgres", "--json"]);
    transcript.run(&["health"]);
    transcript.run(&["health", "--json"]);
    transcript.run(&["stop"]);
    transcript.check("stack");
}

#[test]
fn database() {
    let mut transcript = Transcript::new(Sandbox::demo());
    transcript.quietly(&["start"]);
    transcript.run(&["db", "migrate", "status"]);
    transcript.run(&["db", "migrate", "--to", "002"]);
    transcript.run(&["db", "migrate"]);
    transcript.run(&["db", "migrate"]);
    transcript.run(&["db", "migrate", "status"]);
    transcript.run(&["db", "migrate", "status", "--json"]);
    transcript.run(&["db", "migrate", "rollback"]);
    transcript.run(&["db", "migrate", "--json"]);
    transcript.run(&["seed"]);
    transcript.run(&["seed"]);
    transcript.run(&["seed", "status"]);
    let query = r#"select 1 as id, 'x,"y' as text, null as nothing, true as flag, '{"a":1}'::jsonb as data"#;
    for format in ["table", "csv", "json", "ndjson"] {
        transcript.run(&["db", "query", query, "--format", format]);
    }
    transcript.run(&["db", "query", "create table t (id int); insert into t values (1), (2); select * from t"]);
    transcript.run(&["db", "query", "select * from productz"]);
    transcript.run(&["db", "query", "delete from t", "--readonly"]);
    transcript.check("database");
}

#[test]
fn migrations_gone_wrong() {
    let mut transcript = Transcript::new(Sandbox::demo());
    transcript.quietly(&["start"]);
    transcript.run(&["db", "migrate:create", "add_coupons"]);
    transcript.run(&["db", "migrate"]);
    transcript.remove_migration("add_coupons");
    transcript.quietly(&["db", "migrate"]);
    let second = "nself/migrations/002_20260116_create_catalogue.sql";
    let whole = transcript.sandbox.read(second);
    transcript.sandbox.write(second, &whole.replacen("name", "title", 1));
    transcript.run(&["db", "migrate"]);
    transcript.run(&["db", "migrate", "--json"]);
    transcript.run(&["db", "migrate", "status"]);
    transcript.sandbox.write(second, &whole);
    transcript
        .sandbox
        .write("nself/migrations/007_broken.sql", "create table kept (id int);\ncreate tabel lost (id int);\n");
    transcript.run(&["db", "migrate"]);
    transcript.run(&["db", "query", "select to_regclass('kept') is null as undone"]);
    transcript.remove_migration("broken");
    transcript.remove_migration("add_reports");
    transcript.run(&["db", "migrate"]);
    transcript.run(&["db", "migrate", "status"]);
    transcript.check("migrations_gone_wrong");
}

#[test]
fn doctor_and_postgres_list_have_their_shape() {
    let sandbox = Sandbox::plain();
    let report: serde_json::Value = serde_json::from_str(&sandbox.run(&["doctor", "--json"]).stdout).unwrap();
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let http = format!("port {}", sandbox.http);
    for name in ["postgresql", "memory", "disk", "settings", &http, "certificate", "secrets", "leftovers", "clock"] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    for check in report["checks"].as_array().unwrap() {
        let status = check["status"].as_str().unwrap();
        assert!(matches!(status, "ok" | "warn" | "fail"), "{check}");
        assert!(!check["found"].as_str().unwrap().is_empty(), "{check}");
        assert!(status == "ok" || check["fix"].is_object(), "a problem without a fix: {check}");
    }
    let text = sandbox.run(&["doctor"]).stdout;
    assert!(names.iter().all(|name| text.contains(name)), "{text}");

    let report = sandbox.json(&["postgres", "list"]);
    let installations = report["installations"].as_array().unwrap();
    assert_eq!(installations.iter().filter(|one| one["used"] == true).count(), 1, "{report}");
    let text = sandbox.ok(&["postgres", "list"]);
    for installation in installations {
        for key in ["version", "bin", "source"] {
            assert!(text.contains(installation[key].as_str().unwrap()), "{text}");
        }
    }
}
