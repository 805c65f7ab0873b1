//! What answers whom: every route of a running demo without credentials and with wrong ones. And what it logs.

use crate::sandbox::{Sandbox, http_to};

/// Who may have an answer from a route.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Policy {
    /// Everybody.
    Public,
    /// Whoever holds the admin secret.
    AdminSecret,
    /// Whoever signed in at the console.
    Session,
    /// A program of the user's own, which decides for itself.
    Frontend,
    /// A host's catch-all: nothing is there but what other entries say.
    Nothing,
}

/// The routes of the demo's plan. A new route needs a line here.
const PLANNED: &[(&str, &str, Policy)] = &[
    ("localhost", "/v1/graphql", Policy::AdminSecret),
    ("localhost", "/v1/metadata", Policy::AdminSecret),
    ("localhost", "/v1/query", Policy::AdminSecret),
    ("localhost", "/v2/query", Policy::AdminSecret),
    ("localhost", "/v1alpha1", Policy::AdminSecret),
    ("localhost", "/v1beta1", Policy::AdminSecret),
    ("localhost", "/api/rest", Policy::AdminSecret),
    ("localhost", "/api/swagger", Policy::AdminSecret),
    ("localhost", "/v1/config", Policy::AdminSecret),
    ("localhost", "/v1/metrics", Policy::AdminSecret),
    ("localhost", "/v1/version", Policy::Public),
    ("localhost", "/healthz", Policy::Public),
    ("localhost", "/hasura/healthz", Policy::Public),
    ("localhost", "/console", Policy::Session),
    // What these answer below their paths is tried, route by route, in the crates auth, storage and mail.
    ("localhost", "/v1/auth", Policy::Nothing),
    ("auth.localhost", "/", Policy::Nothing),
    ("localhost", "/v1/storage", Policy::Nothing),
    ("storage.localhost", "/", Policy::Nothing),
    ("s3.localhost", "/", Policy::Nothing),
    // In dev the caught mails are on the developer's own machine.
    ("mail.localhost", "/", Policy::Public),
    ("api.localhost", "/v1/graphql", Policy::AdminSecret),
    ("api.localhost", "/", Policy::Nothing),
    ("app1.localhost", "/", Policy::Frontend),
    // Only a way to /console.
    ("console.localhost", "/", Policy::Public),
];

/// Paths that the gateway, GraphQL, the console, or Hasura could know, and who may have an answer with content.
const KNOWN: &[(&str, Policy)] = &[
    ("/health", Policy::Public),
    ("/ready", Policy::Public),
    ("/status", Policy::Public),
    ("/healthz", Policy::Public),
    ("/hasura/healthz", Policy::Public),
    ("/v1/version", Policy::Public),
    ("/console/login", Policy::Public),
    ("/v1/graphql", Policy::AdminSecret),
    ("/console", Policy::Session),
    ("/console/", Policy::Session),
    ("/console/live", Policy::Session),
    ("/console/live?service=postgres", Policy::Session),
    ("/console/graphiql", Policy::Session),
    ("/console/graphql", Policy::Session),
    ("/console/logs", Policy::Nothing),
    ("/console/../v1/graphql", Policy::Nothing),
    ("/console/assets/x/../../../../.env", Policy::Nothing),
    ("/console/%2e%2e/%2e%2e/.env", Policy::Nothing),
    ("/.env", Policy::Nothing),
    ("/.nself/run/control.sock", Policy::Nothing),
    ("/metrics", Policy::Nothing),
    ("/v1/metadata", Policy::AdminSecret),
    ("/v1/query", Policy::AdminSecret),
    ("/v2/query", Policy::AdminSecret),
    ("/v1/config", Policy::AdminSecret),
    ("/v1/metrics", Policy::AdminSecret),
    ("/v1alpha1/config", Policy::AdminSecret),
    ("/v1alpha1/graphql", Policy::AdminSecret),
    ("/v1alpha1/pg_dump", Policy::AdminSecret),
    ("/v1/graphql/explain", Policy::AdminSecret),
    ("/v1beta1/relay", Policy::AdminSecret),
    ("/api/rest/anything", Policy::AdminSecret),
    ("/api/swagger/json", Policy::AdminSecret),
];

struct Walk {
    sandbox: Sandbox,
    secrets: Vec<String>,
}

impl Walk {
    /// A running demo with rows, and a frontend's port at which nobody listens.
    fn new() -> Self {
        let sandbox = Sandbox::demo();
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        sandbox.ok(&["config", "set", "FRONTEND_APP_1_PORT", &nobody.to_string()]);
        sandbox.ok(&["build"]);
        sandbox.start();
        sandbox.ok(&["db", "migrate"]);
        sandbox.ok(&["seed"]);
        let names = ["POSTGRES_PASSWORD", "HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_JWT_KEY"];
        let secrets: Vec<String> =
            names.iter().map(|name| sandbox.ok(&["config", "get", name, "--reveal"]).trim().to_owned()).collect();
        assert!(secrets.iter().all(|secret| secret.len() >= 32));
        Self { sandbox, secrets }
    }

    /// Credentials that are none.
    fn impostors(&self) -> Vec<Vec<(&'static str, String)>> {
        let secret = &self.secrets[1];
        vec![
            vec![],
            vec![("x-hasura-admin-secret", "wrong".to_owned())],
            vec![("x-hasura-admin-secret", String::new())],
            vec![("x-hasura-admin-secret", secret[..secret.len() - 1].to_owned())],
            vec![("x-hasura-admin-secret", format!("{secret}x"))],
            vec![("authorization", format!("Bearer {secret}")), ("x-hasura-role", "admin".to_owned())],
            vec![("cookie", "nself_console=00000000000000000000000000000000".to_owned())],
        ]
    }

    /// Tries a path with every wrong credential and says what went against its policy.
    fn check(&self, host: &str, path: &str, policy: Policy) -> Vec<String> {
        let mut wrong = Vec::new();
        let query = r#"{"query":"{ products { name } customers { email } __schema { types { name } } }"}"#;
        for credentials in self.impostors() {
            for (method, body) in [("GET", ""), ("POST", query), ("DELETE", "")] {
                let mut headers: Vec<(&str, &str)> =
                    credentials.iter().map(|(name, value)| (*name, value.as_str())).collect();
                headers.push(("content-type", "application/json"));
                let (code, text) = http_to(host, self.sandbox.http, method, path, &headers, body);
                let answered = (200..300).contains(&code) && !refusal(&text);
                let allowed = match policy {
                    Policy::Public => method == "GET" || !answered,
                    Policy::AdminSecret | Policy::Nothing => !answered && (code < 500),
                    Policy::Session => !answered && (code == 401 || method != "GET"),
                    Policy::Frontend => code == 502,
                };
                let leak = self.secrets.iter().any(|secret| text.contains(secret.as_str()));
                if !allowed || leak || code == 429 || (code >= 500 && policy != Policy::Frontend) {
                    let names: Vec<_> = credentials.iter().map(|(name, _)| *name).collect();
                    wrong.push(format!("{method} {host}{path} with {names:?}: {code} {text:.200}"));
                }
            }
        }
        wrong
    }
}

/// GraphQL refuses inside a 200, as Hasura does.
fn refusal(text: &str) -> bool {
    let answer: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    answer["errors"].is_array() && answer.get("data").is_none()
}

#[test]
fn nothing_answers_whom_it_should_not() {
    let walk = Walk::new();
    let plan: serde_json::Value = serde_json::from_str(&walk.sandbox.read(".nself/build/plan.json")).unwrap();
    let mut wrong = Vec::new();
    let routes = plan["routes"].as_array().unwrap();
    for route in routes {
        let (host, path) = (route["host"].as_str().unwrap_or("localhost"), route["path"].as_str().unwrap());
        match PLANNED.iter().find(|(h, p, _)| (*h, *p) == (host, path)) {
            Some((_, _, policy)) => wrong.extend(walk.check(host, path, *policy)),
            None => wrong.push(format!("{host}{path} is a new route: say in PLANNED who may have an answer")),
        }
    }
    assert_eq!(routes.len(), PLANNED.len(), "PLANNED names a route that is no longer there");
    for (path, policy) in KNOWN {
        for host in ["localhost", "127.0.0.1", "api.localhost", "console.localhost", "nobody.example"] {
            // Where a host does not have the path, that is an answer of its own: 404, and still no content.
            let policy = if *policy == Policy::Session && !has_console(host) { Policy::Nothing } else { *policy };
            wrong.extend(walk.check(host, path, policy));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The same doors open for those who may.
    let rows = walk.sandbox.graphql("{ products(limit: 1) { name } }");
    assert!(rows["data"]["products"][0]["name"].is_string(), "{rows}");
    for path in ["/health", "/ready", "/status", "/healthz", "/v1/version", "/console/login"] {
        assert_eq!(http_to("localhost", walk.sandbox.http, "GET", path, &[], "").0, 200, "{path}");
    }
}

fn has_console(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "console.localhost" | "nobody.example")
}

/// Lines that a log may hold although their level is warn or worse: part of the message, and why.
const EXPECTED: &[(&str, &str)] = &[];

#[test]
fn a_day_of_the_demo_logs_no_warning() {
    let sandbox = Sandbox::demo();
    sandbox.ok(&["build"]);
    sandbox.start();
    sandbox.ok(&["db", "migrate"]);
    sandbox.ok(&["seed"]);
    sandbox.graphql("{ products(limit: 3) { name } bestsellers { name sold } }");
    sandbox.sql("select count(*)::int as count from orders");
    sandbox.ok(&["status"]);
    sandbox.ok(&["health"]);
    sandbox.ok(&["restart"]);
    sandbox.graphql("{ products_aggregate { aggregate { count } } }");
    sandbox.ok(&["stop"]);

    let mut lines = 0;
    let mut unexpected = Vec::new();
    for log in std::fs::read_dir(sandbox.folder().join(".nself/logs")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = log.file_name().unwrap().to_string_lossy().into_owned();
        for line in std::fs::read_to_string(&log).unwrap().lines() {
            lines += 1;
            let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            let calm = matches!(record["level"].as_str(), Some("trace" | "debug" | "info"));
            if !calm && !EXPECTED.iter().any(|(part, _)| line.contains(part)) {
                unexpected.push(format!("{name}: {line}"));
            }
        }
    }
    assert!(lines > 10, "only {lines} lines were logged");
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}
