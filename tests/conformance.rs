//! Hasura's own fixtures, replayed against a started stack. They lie beside the repository (`../shared`), not in it;
//! where they are missing there is nothing to test.
//!
//! What fails is written down with its reason in `tests/conformance/known.json`, and `docs/reference/
//! hasura-compatibility.md` is generated from that and from the run: `NSELF_UPDATE_DOCS=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::sandbox::Sandbox;

/// Share of the cases that must pass.
const WANTED: f64 = 0.95;

/// Settings of one run of the server: those every run has, and one group's own.
const COMMON: [(&str, &str); 6] = [
    ("HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES", "true"),
    ("HASURA_GRAPHQL_DEV_MODE", "true"),
    ("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", ""),
    ("NSELF_GRAPHQL_AUTO_TRACK", "false"),
    ("ACTION_WEBHOOK_HANDLER", "http://127.0.0.1:5593"),
    ("EVENT_WEBHOOK_HANDLER", "http://127.0.0.1:5592"),
];
const GROUPS: [&[(&str, &str)]; 8] = [
    &[],
    &[("HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS", "false")],
    &[("HASURA_GRAPHQL_ENABLE_ALLOWLIST", "true")],
    &[("HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS", "true")],
    &[
        ("HASURA_GRAPHQL_ENABLE_REMOTE_SCHEMA_PERMISSIONS", "true"),
        ("HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS", "false"),
    ],
    &[("HASURA_GRAPHQL_UNAUTHORIZED_ROLE", "anonymous")],
    &[("EVENT_WEBHOOK_HEADER", "MyEnvValue")],
    &[("HASURA_GRAPHQL_EXPERIMENTAL_FEATURES", "naming_convention")],
];

#[derive(Deserialize)]
struct Report {
    results: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    index: usize,
    transport: String,
    verdict: String,
    detail: Vec<String>,
}

#[derive(Deserialize)]
struct Known {
    /// As [`Case::name`].
    case: String,
    why: String,
}

impl Case {
    fn name(&self) -> String {
        format!("{}[{}] {}", self.file, self.index, self.transport)
    }

    fn folder(&self) -> String {
        let parts: Vec<&str> = self.file.split('/').collect();
        parts[..parts.len().saturating_sub(1).min(3)].join("/")
    }

    fn passed(&self) -> bool {
        self.verdict.starts_with("pass")
    }
}

#[test]
fn hasuras_fixtures_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let suite = root.join("../shared/conformance/hasura");
    if !suite.join("replay.py").exists() {
        eprintln!("{} is not here: nothing to replay", suite.display());
        return;
    }
    let cases = replay(&suite);
    let known: Vec<Known> =
        serde_json::from_str(&std::fs::read_to_string(root.join("tests/conformance/known.json")).unwrap()).unwrap();
    let reasons: BTreeMap<&str, &str> = known.iter().map(|known| (known.case.as_str(), known.why.as_str())).collect();
    let failed: BTreeMap<String, String> =
        cases.iter().filter(|case| !case.passed()).map(|case| (case.name(), case.detail.join(" | "))).collect();
    let page = page(&cases, &reasons);
    let path = root.join("docs/reference/hasura-compatibility.md");
    if std::env::var_os("NSELF_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let unexplained: Vec<String> = failed
        .iter()
        .filter(|(name, _)| !reasons.contains_key(name.as_str()))
        .map(|(name, detail)| format!("{name}: {detail}"))
        .collect();
    assert!(unexplained.is_empty(), "{} cases fail without a reason:\n{}", unexplained.len(), unexplained.join("\n"));
    let gone: BTreeSet<&&str> = reasons.keys().filter(|name| !failed.contains_key(**name)).collect();
    assert!(gone.is_empty(), "these pass now; take them out of tests/conformance/known.json: {gone:?}");
    let share = 1.0 - failed.len() as f64 / cases.len() as f64;
    assert!(share >= WANTED, "{} of {} cases fail", failed.len(), cases.len());
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/reference/hasura-compatibility.md is not today's; NSELF_UPDATE_DOCS=1 writes it");
}

/// Every case that can be replayed from data, over every transport it is meant for.
fn replay(suite: &Path) -> Vec<Case> {
    let sandbox = Sandbox::plain();
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for (number, group) in GROUPS.iter().enumerate() {
        let dotenv: String =
            COMMON.iter().chain(group.iter()).map(|(name, value)| format!("{name}={value}\n")).collect();
        let own = sandbox.read(".env");
        sandbox.write(".env", &format!("{own}\n{dotenv}"));
        sandbox.start();
        let report = sandbox.home().join(format!("report-{number}.json"));
        let mut command = python();
        command
            .arg(suite.join("replay.py"))
            .arg(suite.join("fixtures"))
            .args(["--endpoint", &format!("http://127.0.0.1:{}", sandbox.http)])
            .args(["--admin-secret", &sandbox.admin_secret(), "--helpers", "--json"])
            .arg(&report)
            .args(["--transports", "http,websocket,subscription"]);
        if !group.is_empty() {
            command.arg("--only-env");
        }
        for (name, value) in *group {
            command.args(["--server-env", &format!("{name}={value}")]);
        }
        let output = command.output().unwrap();
        let Ok(text) = std::fs::read_to_string(&report) else {
            panic!("the replay did not finish: {}", String::from_utf8_lossy(&output.stderr));
        };
        let found: Report = serde_json::from_str(&text).unwrap();
        for case in found.results.into_iter().filter(|case| case.verdict != "skip") {
            cases.insert(case.name(), case);
        }
        sandbox.ok(&["stop"]);
        sandbox.write(".env", &own);
    }
    cases.into_values().collect()
}

/// Python with the packages that `./test` puts into the cache.
fn python() -> Command {
    let cache = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/nself/python"));
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", cache.unwrap_or_default()).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn page(cases: &[Case], reasons: &BTreeMap<&str, &str>) -> String {
    let mut folders: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in cases {
        let counts = folders.entry(case.folder()).or_default();
        counts.0 += usize::from(case.passed());
        counts.1 += 1;
    }
    let passed: usize = folders.values().map(|counts| counts.0).sum();
    let mut out = format!(
        "# Hasura compatibility\n\nGenerated by `tests/conformance.rs` from a replay of Hasura's own test fixtures \
         (the cases that can be replayed from data) against a started stack, over HTTP and both WebSocket forms.\n\n\
         **{passed} of {} cases pass.**\n\n| Fixtures | Pass | Of |\n| --- | ---: | ---: |\n",
        cases.len()
    );
    for (folder, (passed, of)) in &folders {
        let _ = writeln!(out, "| `{folder}` | {passed} | {of} |");
    }
    out += "\n## What fails, and why\n\n";
    if reasons.is_empty() {
        out += "Nothing.\n";
    } else {
        out += "| Case | Why |\n| --- | --- |\n";
        for (case, why) in reasons {
            let _ = writeln!(out, "| `{case}` | {why} |");
        }
    }
    out
}
