//! Nhost's own client, from npm, against a started stack: the conformance run of 39 checks that stands beside the
//! repository.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Sandbox, said};

/// The checks; a checkout without them cannot run them.
fn checks() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/nhost");
    let file = folder.join("nhost_e2e.mjs");
    if !file.exists() {
        eprintln!("left out: {} is not there", file.display());
    }
    file.exists().then_some(file)
}

/// What a new project has off and the checks try.
const SWITCHES: [&str; 3] = ["AUTH_MFA_ENABLED", "AUTH_EMAIL_PASSWORDLESS_ENABLED", "AUTH_ANONYMOUS_USERS_ENABLED"];

#[test]
fn nhosts_client_works_unchanged() {
    let Some(checks) = checks() else { return };
    let sandbox = Sandbox::plain();
    for switch in SWITCHES {
        sandbox.ok(&["config", "set", switch, "true"]);
    }
    sandbox.start();
    let folder = installed(&checks);
    let front = |path: &str| format!("http://localhost:{}{path}", sandbox.http);
    let output = Command::new("node")
        .arg("nhost_e2e.mjs")
        .current_dir(&folder)
        .env("NSELF_AUTH_URL", front("/v1/auth/v1"))
        .env("NSELF_STORAGE_URL", front("/v1/storage/v1"))
        .env("NSELF_GRAPHQL_URL", front("/v1/graphql"))
        .env("NSELF_FUNCTIONS_URL", format!("http://127.0.0.1:{}/v1", functions()))
        .env("NSELF_MAIL_URL", format!("http://127.0.0.1:{}", sandbox.mail))
        .env("NSELF_ADMIN_SECRET", sandbox.admin_secret())
        .output()
        .unwrap();
    let said = said(output);
    assert!(said.code == 0 && said.stdout.contains("39 passed, 0 failed\n"), "{}\n{}", said.stdout, said.stderr);
}

/// A folder with the checks and the client, kept in the cache from run to run.
fn installed(checks: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/nhost");
    let folder = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/nself/nhost");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::read(source.join("package-lock.json")).unwrap();
    let current = std::fs::read(folder.join("node_modules/.installed")).is_ok_and(|kept| kept == lock);
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    std::fs::copy(checks, folder.join("nhost_e2e.mjs")).unwrap();
    if !current {
        let npm = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output().unwrap();
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        std::fs::write(folder.join("node_modules/.installed"), lock).unwrap();
    }
    folder
}

/// Stands in for the functions runtime: `/v1/echo` answers, everything else is unknown.
fn functions() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up in the middle is no event.
            std::thread::spawn(move || answer(stream).ok());
        }
    });
    port
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    let mut body = vec![0; length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let known = head.split(' ').nth(1) == Some("/v1/echo");
    let (status, text) = if known { ("200 OK", r#"{"ok":true}"#) } else { ("404 Not Found", r#"{"error":"unknown"}"#) };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}
