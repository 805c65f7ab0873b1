//! Hasura's settings in a running stack: each is tried once, from `.env` to an answer that shows it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, eventually, http};

/// With the role `user` and the id 1, signed by [`KEYS`], for the issuers `one` and `two`.
const TOKENS: [&str; 2] = [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJvbmUiLCJodHRwczovL2hhc3VyYS5pby9qd3QvY2xhaW1zIjp7IngtaGFzdXJhLWRlZmF1bHQtcm9sZSI6InVzZXIiLCJ4LWhhc3VyYS1hbGxvd2VkLXJvbGVzIjpbInVzZXIiXSwieC1oYXN1cmEtdXNlci1pZCI6IjEifX0.V4GGJURqXn9-A_R2vIprJjzcL6iy5W1voIYQNYAl9uE",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJ0d28iLCJodHRwczovL2hhc3VyYS5pby9qd3QvY2xhaW1zIjp7IngtaGFzdXJhLWRlZmF1bHQtcm9sZSI6InVzZXIiLCJ4LWhhc3VyYS1hbGxvd2VkLXJvbGVzIjpbInVzZXIiXSwieC1oYXN1cmEtdXNlci1pZCI6IjEifX0.IRSQt2eMUOy0CxyUVjyS5YI_Um11UHOfqmeyJvTf9AM",
];
const KEYS: [&str; 2] =
    ["the key of the tokens of one, which is long enough", "the key of the tokens of two, which is long enough"];

const TABLES: &str = "
    CREATE TABLE book_shelf (id int PRIMARY KEY, weight_grams bigint, owner_id text);
    INSERT INTO book_shelf VALUES (1, 9007199254740993, '1'), (2, 2, '2');
    CREATE FUNCTION heavy_shelves() RETURNS SETOF book_shelf LANGUAGE sql STABLE AS
        'SELECT * FROM book_shelf WHERE weight_grams > 10'";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

impl Sandbox {
    /// Into `.env`: secrets do not go through the command line. The last line of a name counts.
    fn set(&self, pairs: &[(&str, &str)]) {
        let env = self.read(".env");
        let is_set = |line: &&str| pairs.iter().any(|(name, _)| line.starts_with(&format!("{name}=")));
        let mut lines: Vec<String> = env.lines().filter(|line| !is_set(line)).map(str::to_owned).collect();
        lines.extend(pairs.iter().map(|(name, value)| format!("{name}='{value}'")));
        self.write(".env", &(lines.join("\n") + "\n"));
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let (code, text) = http(self.http, "POST", path, &all, &body.to_string());
        (code, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn ask(&self, query: &str, headers: &[(&str, &str)]) -> Value {
        self.post("/v1/graphql", headers, &json!({ "query": query })).1
    }

    fn admin(&self, path: &str, body: &Value) -> Value {
        let (code, answer) = self.post(path, &[("x-hasura-admin-secret", &self.admin_secret())], body);
        assert_eq!(code, 200, "{body} {answer}");
        answer
    }
}

/// Tables, and what the role `user` may see of them.
fn shelves(sandbox: &Sandbox) {
    sandbox.admin("/v2/query", &json!({"type": "run_sql", "args": {"sql": TABLES}}));
    let permission = json!({"columns": "*", "filter": {"owner_id": {"_eq": "X-Hasura-User-Id"}}});
    let commands = json!([
        {"type": "pg_track_table", "args": {"table": "book_shelf"}},
        {"type": "pg_track_function", "args": {"function": "heavy_shelves"}},
        {"type": "pg_create_select_permission", "args": {"table": "book_shelf", "role": "user", "permission": permission}},
        {"type": "pg_create_select_permission", "args":
            {"table": "book_shelf", "role": "visitor", "permission": {"columns": ["id"], "filter": {"id": {"_eq": 2}}}}},
    ]);
    sandbox.admin("/v1/metadata", &json!({"type": "bulk", "args": commands}));
}

#[test]
fn what_the_api_offers_and_to_whom() {
    let sandbox = Sandbox::plain();
    sandbox.set(&[
        ("NSELF_GRAPHQL_AUTO_TRACK", "false"),
        ("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", "visitor"),
        ("HASURA_GRAPHQL_ADMIN_SECRETS", r#"["another secret of the administrator"]"#),
        ("HASURA_GRAPHQL_METRICS_SECRET", "count me"),
        ("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES", "true"),
        ("HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS", "false"),
        ("HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS", "true"),
        ("HASURA_GRAPHQL_DEFAULT_NAMING_CONVENTION", "graphql-default"),
        ("HASURA_GRAPHQL_LIVE_QUERIES_MULTIPLEXED_BATCH_SIZE", "7"),
        ("HASURA_GRAPHQL_STREAMING_QUERIES_MULTIPLEXED_REFETCH_INTERVAL", "2000"),
        ("HASURA_GRAPHQL_JWT_SECRET", &format!(r#"{{"type":"HS256","key":"{}"}}"#, KEYS[0])),
    ]);
    sandbox.start();
    shelves(&sandbox);
    let token = bearer(TOKENS[0]);
    let user = [("authorization", token.as_str())];
    let query = "{ bookShelf { id weightGrams } }";
    let own = json!({"data": {"bookShelf": [{"id": 1, "weightGrams": "9007199254740993"}]}});
    assert_eq!(sandbox.ask(query, &user), own, "token, naming convention, numbers as texts");
    assert_eq!(
        sandbox.ask("{ bookShelf { id } }", &[]),
        json!({"data": {"bookShelf": [{"id": 2}]}}),
        "the role of nobody"
    );
    let other = [("x-hasura-admin-secret", "another secret of the administrator")];
    assert_eq!(sandbox.ask("{ heavyShelves { id } }", &other), json!({"data": {"heavyShelves": [{"id": 1}]}}));
    let refused = sandbox.ask("{ heavyShelves { id } }", &user);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains("'heavyShelves' not found"), "{refused}");
    let get = |path: &str, headers: &[(&str, &str)]| http(sandbox.http, "GET", path, headers, "");
    assert_eq!(get("/v1/metrics", &[]).0, 400);
    assert_eq!(get("/v1/metrics", &[("authorization", "Bearer count me")]).0, 200);
    let config: Value = serde_json::from_str(&get("/v1alpha1/config", &other).1).unwrap();
    for (key, value) in [
        ("is_function_permissions_inferred", json!(false)),
        ("is_remote_schema_permissions_enabled", json!(true)),
        ("is_jwt_set", json!(true)),
        ("default_naming_convention", json!("graphql-default")),
        ("is_allow_list_enabled", json!(false)),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    assert_eq!(config["live_queries"]["batch_size"], 7);
    assert_eq!(config["streaming_queries"]["refetch_delay"], 2.0);
    let (code, dump) = http(sandbox.http, "POST", "/v1alpha1/pg_dump", &other, r#"{"opts":["--schema-only"]}"#);
    assert!(code == 200 && dump.contains("CREATE TABLE public.book_shelf"), "{code} {dump:.300}");

    // The same stack, shut more tightly.
    let two = |index: usize, issuer: &str| json!({"type": "HS256", "key": KEYS[index], "issuer": issuer});
    sandbox.set(&[
        ("HASURA_GRAPHQL_ENABLE_ALLOWLIST", "true"),
        ("HASURA_GRAPHQL_ENABLED_APIS", "graphql,config"),
        ("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", ""),
        ("HASURA_GRAPHQL_JWT_SECRETS", &json!([two(0, "one"), two(1, "two")]).to_string()),
    ]);
    sandbox.ok(&["restart"]);
    for token in TOKENS.map(bearer) {
        let refused = sandbox.ask(query, &[("authorization", &token)]);
        assert_eq!(
            refused["errors"][0]["message"], "query is not allowed",
            "both issuers count, the list holds neither's"
        );
    }
    let nobody = sandbox.ask(query, &[]);
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "invalid-headers", "{nobody}");
    assert_eq!(sandbox.ask("{ bookShelf(limit: 0) { id } }", &other)["data"], json!({"bookShelf": []}));
    for path in ["/v1/metadata", "/v2/query", "/v1alpha1/pg_dump"] {
        assert_eq!(sandbox.post(path, &other, &json!({})).0, 404, "{path}");
    }
    assert_eq!(get("/v1/metrics", &other).0, 404);
}

/// Answers every request with a user's session, and tells what it was asked.
fn hook() -> (u16, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                if let Some(found) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = found.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let method = first.split(' ').next().unwrap().to_owned();
            let answer = r#"{"X-Hasura-Role":"user","X-Hasura-User-Id":"1"}"#;
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            );
            reader.get_mut().write_all(text.as_bytes()).unwrap();
            if sender.send((method, serde_json::from_slice(&body).unwrap_or_default())).is_err() {
                return;
            }
        }
    });
    (port, asked)
}

#[test]
fn a_hook_says_who_asks_and_another_engine_what_there_is() {
    let (port, asked) = hook();
    let sandbox = Sandbox::plain();
    sandbox.set(&[("HASURA_GRAPHQL_AUTH_HOOK", &format!("http://127.0.0.1:{port}/"))]);
    sandbox.start();
    shelves(&sandbox);
    let query = "{ book_shelf { id } }";
    let own = json!({"data": {"book_shelf": [{"id": 1}]}});
    assert_eq!(sandbox.ask(query, &[]), own);
    assert_eq!(asked.recv().unwrap().0, "GET");
    sandbox.set(&[("HASURA_GRAPHQL_AUTH_HOOK_MODE", "POST")]);
    sandbox.ok(&["restart"]);
    assert_eq!(sandbox.ask(query, &[]), own);
    let (method, body) = asked.recv().unwrap();
    assert_eq!((method.as_str(), &body["request"]["query"]), ("POST", &json!(query)));
    sandbox.set(&[("HASURA_GRAPHQL_AUTH_HOOK_SEND_REQUEST_BODY", "false")]);
    sandbox.ok(&["restart"]);
    assert_eq!(sandbox.ask(query, &[]), own);
    let (_, body) = asked.recv().unwrap();
    assert!(body["headers"].is_object() && body["request"].is_null(), "{body}");

    // As a second engine on the database, Hasura itself say, stores a change.
    let change = "
        UPDATE hdb_catalog.hdb_metadata SET resource_version = resource_version + 1,
            metadata = replace(metadata::text, '\"X-Hasura-User-Id\"', '\"2\"')::json;
        INSERT INTO hdb_catalog.hdb_schema_notifications (id, notification, resource_version, instance_id)
        SELECT 1, '{\"metadata\": true, \"remote_schemas\": [], \"sources\": []}', resource_version, gen_random_uuid()
        FROM hdb_catalog.hdb_metadata
        ON CONFLICT (id) DO UPDATE SET notification = excluded.notification, updated_at = now(),
            resource_version = excluded.resource_version, instance_id = excluded.instance_id";
    sandbox.ok(&["exec", "postgres", "psql", "--set", "ON_ERROR_STOP=1", "--command", change]);
    let other = json!({"data": {"book_shelf": [{"id": 2}]}});
    eventually("the other engine's metadata counts", || sandbox.ask(query, &[]) == other);
}

#[test]
fn a_setting_without_effect_is_told_and_a_wrong_one_refused() {
    let sandbox = Sandbox::plain();
    sandbox.set(&[("HASURA_GRAPHQL_PG_STRIPES", "2")]);
    let quiet = sandbox.run(&["build"]);
    assert!(quiet.code == 0 && !quiet.stderr.contains("HASURA_GRAPHQL_"), "{}", quiet.stderr);
    let env = sandbox.read(".env");
    sandbox.write(
        ".env",
        &format!("{env}\nHASURA_GRAPHQL_SERVER_PORT=8090\nHASURA_GRAPHQL_NO_SUCH_THING=1\nHASURA_GRAPHQL_EXPERIMENTAL_FEATURES=hide_stream_fields\n"),
    );
    let said = sandbox.run(&["build"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for part in [
        "HASURA_GRAPHQL_SERVER_PORT has no effect here",
        "HASURA_GRAPHQL_NO_SUCH_THING is not a setting of nself",
        "hide_stream_fields has no effect here",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    sandbox.write(".env", &format!("{env}\nHASURA_GRAPHQL_ENABLED_APIS=metadata,graphq\n"));
    let said = sandbox.run(&["start"]);
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("NS-GQL-006") && said.stderr.contains("graphq"), "{}", said.stderr);
}

#[test]
fn applying_what_drops_tables_from_the_api_says_so() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.admin("/v2/query", &json!({"type": "run_sql", "args": {"sql": TABLES}}));
    assert_eq!(sandbox.graphql("{ book_shelf(limit: 0) { id } }")["data"], json!({"book_shelf": []}));
    sandbox.ok(&["hasura", "metadata", "export"]);
    assert!(sandbox.read("hasura/metadata/databases/default/tables/public_book_shelf.yaml").contains("book_shelf"));
    assert_eq!(sandbox.json(&["hasura", "metadata", "diff"])["changes"], json!([]));
    sandbox.write("hasura/metadata/databases/default/tables/tables.yaml", "[]\n");
    let diff = sandbox.json(&["hasura", "metadata", "diff"]);
    let change = &diff["changes"][0];
    assert!(change["kind"] == "removed" && change.to_string().contains("book_shelf"), "{diff}");
    let said = sandbox.run(&["hasura", "metadata", "apply"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(
        said.stderr.contains("book_shelf") && said.stderr.contains("nself hasura metadata history"),
        "{}",
        said.stderr
    );
    assert!(sandbox.graphql("{ book_shelf { id } }").get("errors").is_some());
    // The way back.
    let history = sandbox.json(&["hasura", "metadata", "history"]);
    let id = history["history"][0]["id"].to_string();
    sandbox.ok(&["hasura", "metadata", "restore", &id]);
    assert_eq!(sandbox.graphql("{ book_shelf(limit: 0) { id } }")["data"], json!({"book_shelf": []}));
    // Migrations and metadata as one change say it too.
    let said = sandbox.run(&["hasura", "deploy"]);
    assert!(said.code == 0 && said.stderr.contains("book_shelf"), "{} {}", said.stdout, said.stderr);
}
