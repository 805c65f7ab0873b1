//! GraphQL clients that people use, from npm, against a started stack.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Sandbox, said};

#[test]
fn graphql_ws_apollo_and_urql_work_unchanged() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    sandbox.ok(&["db", "query", "create table notes (id serial primary key, body text not null)"]);
    let folder = installed();
    let output = Command::new("node")
        .arg("clients.mjs")
        .current_dir(&folder)
        .env("NSELF_URL", format!("http://localhost:{}", sandbox.http))
        .env("NSELF_SECRET", sandbox.admin_secret())
        .output()
        .unwrap();
    let said = said(output);
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    for client in ["graphql-ws", "subscriptions-transport-ws", "apollo", "urql"] {
        assert!(said.stdout.contains(&format!("{client}: ok")), "{}", said.stdout);
    }
}

/// A folder with the script and its packages, kept in the cache from run to run.
fn installed() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/nself/clients");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::read(source.join("package-lock.json")).unwrap();
    let current = std::fs::read(folder.join("node_modules/.installed")).is_ok_and(|kept| kept == lock);
    for file in ["package.json", "package-lock.json", "clients.mjs"] {
        std::fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    if !current {
        let npm = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output().unwrap();
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        std::fs::write(folder.join("node_modules/.installed"), lock).unwrap();
    }
    folder
}
