//! What a newcomer does, from an empty folder to an answered query.

use crate::sandbox::{Sandbox, eventually, http};

#[test]
fn the_demo_answers_through_the_front_door() {
    let sandbox = Sandbox::demo();
    sandbox.ok(&["build"]);
    sandbox.start();
    sandbox.ok(&["db", "migrate"]);
    sandbox.ok(&["seed"]);

    let answer = sandbox
        .graphql("{ products(limit: 2, order_by: {name: asc}) { name } products_aggregate { aggregate { count } } }");
    assert_eq!(answer["data"]["products"].as_array().unwrap().len(), 2, "{answer}");
    let rows = sandbox.sql("select count(*)::int as count from products");
    assert_eq!(answer["data"]["products_aggregate"]["aggregate"]["count"], rows[0]["count"]);

    let (code, _) = http(sandbox.http, "GET", "/health", &[], "");
    assert_eq!(code, 200);
    let (code, status) = http(sandbox.http, "GET", "/status", &[], "");
    assert_eq!(code, 200);
    assert!(!status.contains(&sandbox.admin_secret()), "the status shows a secret");
    let (_, refused) = http(sandbox.http, "POST", "/v1/graphql", &[], r#"{"query":"{ products { name } }"}"#);
    assert!(refused.contains("errors"), "{refused}");

    let urls = sandbox.ok(&["urls"]);
    assert!(urls.contains(&sandbox.http.to_string()), "{urls}");
    assert!(sandbox.ok(&["exec", "postgres", "psql", "-Atc", "select 6 * 7"]).contains("42"));
    assert!(sandbox.ok(&["logs", "postgres"]).contains("ready to accept connections"));
    assert_eq!(sandbox.json(&["health"])["unhealthy"], 0);

    sandbox.ok(&["stop"]);
    assert_eq!(sandbox.processes(), Vec::<String>::new());
    assert_eq!(sandbox.json(&["status"])["running"], false);
}

#[test]
fn data_survives_stop_start_and_restart() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.ok(&[
        "db",
        "query",
        "create table notes (id int primary key, body text); insert into notes values (1, 'kept')",
    ]);
    sandbox.ok(&["stop"]);
    sandbox.start();
    assert_eq!(sandbox.sql("select body from notes")[0]["body"], "kept");
    let before = sandbox.server_pid();
    sandbox.ok(&["restart"]);
    assert_ne!(before, sandbox.server_pid());
    assert_eq!(sandbox.sql("select body from notes")[0]["body"], "kept");
    // A second start finds the stack running and changes nothing.
    let pid = sandbox.server_pid();
    sandbox.start();
    assert_eq!(pid, sandbox.server_pid());
}

#[test]
fn a_restart_with_wrong_settings_stops_nothing() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let pid = sandbox.server_pid();
    let env = sandbox.folder().join(".env");
    let text = std::fs::read_to_string(&env).unwrap();
    std::fs::write(&env, format!("{text}REDIS_PORT=abc\n")).unwrap();
    let refused = sandbox.run(&["restart"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(refused.stderr.matches("REDIS_PORT").count(), 1, "{}", refused.stderr);
    std::fs::write(&env, text).unwrap();
    assert_eq!(sandbox.server_pid(), pid);
}

#[test]
fn data_of_another_major_is_refused_with_the_way_on() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.ok(&["stop"]);
    std::fs::write(sandbox.data().join("PG_VERSION"), "13\n").unwrap();
    for _ in 0..3 {
        let refused = sandbox.run(&["start"]);
        assert!(refused.stderr.contains("error[NS-PG-"), "{}", refused.stderr);
        assert_eq!(sandbox.processes(), Vec::<String>::new());
    }
}

#[test]
fn ctrl_c_during_a_start_says_what_it_leaves() {
    let sandbox = Sandbox::plain();
    let mut command = sandbox.command(&["start"]);
    let child = command.stderr(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    eventually("the server is on its own", || sandbox.folder().join(".nself/logs/server.stderr").exists());
    crate::sandbox::kill(child.id(), nix::sys::signal::Signal::SIGINT);
    let said = crate::sandbox::said(child.wait_with_output().unwrap());
    if said.code != 0 {
        assert_eq!(said.code, 130, "{said:?}");
        assert!(said.stderr.contains("nself status") && said.stderr.contains("nself stop"), "{}", said.stderr);
    }
    sandbox.start();
    assert_eq!(sandbox.json(&["health"])["unhealthy"], 0);
}

#[test]
fn graphql_follows_a_schema_that_any_program_changes() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let psql = |sql: &str| sandbox.ok(&["exec", "postgres", "psql", "-qAtc", sql]);
    psql("create table notes (id int primary key, body text); insert into notes values (1, 'seen')");
    let notes = || sandbox.graphql("{ notes { body } }")["data"]["notes"][0]["body"].clone();
    eventually("the new table is there", || notes() == "seen");
    psql("alter table notes rename column body to text");
    eventually("the column has its new name", || {
        sandbox.graphql("{ notes { text } }")["data"]["notes"][0]["text"] == "seen"
    });
    psql("drop table notes");
    eventually("the table is gone", || sandbox.graphql("{ notes { text } }")["errors"].is_array());
}

#[test]
fn services_stop_and_start_one_by_one() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let postgres = sandbox.service("postgres")["pid"].as_u64().unwrap();
    sandbox.ok(&["stop", "hasura"]);
    assert_eq!(sandbox.service("hasura")["state"], "stopped");
    let (code, body) = http(sandbox.http, "POST", "/v1/graphql", &[], "{}");
    assert_eq!(code, 503, "{body}");
    sandbox.ok(&["start", "hasura"]);
    assert_eq!(sandbox.service("hasura")["state"], "ready");
    sandbox.ok(&["restart", "postgres"]);
    eventually("postgres is ready again", || sandbox.service("postgres")["state"] == "ready");
    assert_ne!(sandbox.service("postgres")["pid"].as_u64(), Some(postgres));
    assert_eq!(sandbox.graphql("{ __typename }")["data"]["__typename"], "query_root");
    let wrong = sandbox.run(&["restart", "hasra"]);
    assert_ne!(wrong.code, 0);
}

#[test]
fn a_custom_service_runs_with_its_environment_and_is_routed() {
    let sandbox = Sandbox::plain();
    let port = sandbox.postgres.wrapping_add(1).max(1024);
    std::fs::create_dir_all(sandbox.folder().join("services/hello")).unwrap();
    let code = "import http.server, os\n\
        class H(http.server.BaseHTTPRequestHandler):\n    \
            def do_GET(self):\n        \
                text = (os.environ['SERVICE_NAME'] + ' ' + os.environ['DATABASE_URL'].split('@')[1]).encode()\n        \
                self.send_response(200); self.end_headers(); self.wfile.write(text)\n\
        http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n";
    std::fs::write(sandbox.folder().join("services/hello/main.py"), code).unwrap();
    let toml = sandbox.folder().join("nself.toml");
    let mut text = std::fs::read_to_string(&toml).unwrap_or_default();
    text += "\n[services.hello]\ncommand = [\"python3\", \"main.py\"]\ndirectory = \"services/hello\"\n";
    std::fs::write(&toml, text).unwrap();
    sandbox.ok(&["config", "set", "CS_1", &format!("hello:fastapi:{port}:hello")]);
    sandbox.start();
    let host = format!("hello.localhost:{}", sandbox.http);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", sandbox.http)).unwrap();
    use std::io::{Read, Write};
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(&format!("hello 127.0.0.1:{}", sandbox.postgres)), "{answer}");

    // It dies, and comes back by itself.
    let pid = sandbox.service("hello")["pid"].as_u64().unwrap();
    crate::sandbox::kill(u32::try_from(pid).unwrap(), nix::sys::signal::Signal::SIGKILL);
    eventually("the service runs again", || {
        let service = sandbox.service("hello");
        service["state"] == "ready" && service["pid"].as_u64() != Some(pid)
    });
    assert_eq!(sandbox.service("hello")["restarts"], 1);
}

#[test]
fn a_project_of_the_bash_tool_starts_as_it_is() {
    let sandbox = Sandbox::new();
    // What `nself init` of the Bash tool wrote, and nothing else: no secrets at all.
    let env = format!(
        "ENV=dev\nPROJECT_NAME=myproject\nBASE_DOMAIN=local.nself.org\nNGINX_PORT={}\nNGINX_SSL_PORT={}\nPOSTGRES_PORT={}\nPOSTGRES_VERSION=16-alpine\n",
        sandbox.http, sandbox.https, sandbox.postgres
    );
    std::fs::write(sandbox.folder().join(".env"), env).unwrap();
    sandbox.start();
    assert_eq!(sandbox.sql("select 1 as one")[0]["one"], 1);
    assert_eq!(sandbox.graphql("{ __typename }")["data"]["__typename"], "query_root");
}

#[test]
fn production_refuses_weak_secrets_and_lists_them_all() {
    let sandbox = Sandbox::plain();
    std::fs::write(
        sandbox.folder().join(".env"),
        "ENV=prod\nPROJECT_NAME=shop\nBASE_DOMAIN=shop.test\nPOSTGRES_PASSWORD=postgres\nHASURA_GRAPHQL_ADMIN_SECRET=secret\n",
    )
    .unwrap();
    let said = sandbox.run(&["start"]);
    assert_eq!(said.code, 2, "{said:?}");
    for name in ["POSTGRES_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET"] {
        assert!(said.stderr.contains(name), "{}", said.stderr);
    }
    assert!(said.stderr.contains("nself config secrets"), "{}", said.stderr);
}

#[test]
fn reset_archives_and_restore_brings_it_back() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.ok(&["db", "query", "create table notes (body text); insert into notes values ('precious')"]);
    sandbox.ok(&["reset", "--yes"]);
    assert_eq!(sandbox.processes(), Vec::<String>::new());
    let archives = std::fs::read_dir(sandbox.folder().join("_backup")).unwrap().count();
    assert_eq!(archives, 1);
    sandbox.ok(&["restore", "--yes"]);
    sandbox.start();
    assert_eq!(sandbox.sql("select body from notes")[0]["body"], "precious");
}

#[test]
fn no_secret_reaches_a_log_or_a_command_line() {
    let sandbox = Sandbox::demo();
    sandbox.start();
    let secrets: Vec<String> = ["POSTGRES_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET"]
        .map(|name| sandbox.ok(&["config", "get", name, "--reveal"]).trim().to_owned())
        .into();
    assert!(secrets.iter().all(|secret| secret.len() > 20), "generated secrets are long");
    sandbox.graphql("{ __typename }");
    sandbox.ok(&["db", "migrate"]);
    for process in sandbox.processes() {
        assert!(!secrets.iter().any(|secret| process.contains(secret)), "a command line shows a secret");
    }
    sandbox.ok(&["stop"]);
    let mut waiting = vec![sandbox.folder().join(".nself")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                waiting.push(path);
            } else if path.is_file() {
                use std::os::unix::fs::PermissionsExt;
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                let open = path.metadata().unwrap().permissions().mode() & 0o077 != 0;
                let shows = secrets.iter().any(|secret| text.contains(secret));
                let is_log = path.extension().is_some_and(|end| end == "log");
                assert!(!(shows && (open || is_log)), "{} shows a secret", path.display());
            }
        }
    }
}
