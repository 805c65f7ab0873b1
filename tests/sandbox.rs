//! An empty folder with the built binary and ports of its own; leaves nothing behind.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A temporary home and an empty project folder in it.
pub struct Sandbox {
    home: tempfile::TempDir,
    pub http: u16,
    pub https: u16,
    pub postgres: u16,
    pub smtp: u16,
    /// Of the mail catcher's page and API.
    pub mail: u16,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("nself-product-").tempdir().unwrap();
        std::fs::create_dir(home.path().join("shop")).unwrap();
        let [http, https, postgres, smtp, mail] = free_ports();
        Self { home, http, https, postgres, smtp, mail }
    }

    /// A project made by `nself init --demo`, on this sandbox's ports.
    pub fn demo() -> Self {
        let sandbox = Self::new();
        sandbox.ok(&["init", "--demo"]);
        sandbox.use_ports();
        sandbox
    }

    /// A project made by `nself init`, on this sandbox's ports.
    pub fn plain() -> Self {
        let sandbox = Self::new();
        sandbox.ok(&["init"]);
        sandbox.use_ports();
        sandbox
    }

    pub fn use_ports(&self) {
        let ports = [
            ("GATEWAY_PORT", self.http),
            ("GATEWAY_SSL_PORT", self.https),
            ("POSTGRES_PORT", self.postgres),
            ("MAILPIT_SMTP_PORT", self.smtp),
            ("MAILPIT_UI_PORT", self.mail),
        ];
        for (name, port) in ports {
            self.ok(&["config", "set", name, &port.to_string()]);
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.home.path().join("shop")
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nself"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("NSELF_HOME", self.home.path().join("nself-home"))
            .env("NO_COLOR", "1")
            .env_remove("ENV")
            .env_remove("NSELF_ENV")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// Writes a file of the project, and the folders above it.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Reads a file of the project.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs a command that must succeed; its stdout.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "nself {arguments:?}: {}\n{}", said.stdout, said.stderr);
        said.stdout
    }

    /// Runs a command that must succeed with `--json`; its report.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let mut with_json = arguments.to_vec();
        with_json.push("--json");
        serde_json::from_str(&self.ok(&with_json)).unwrap()
    }

    /// Starts the stack; its log is shown when that fails.
    #[track_caller]
    pub fn start(&self) {
        let said = self.run(&["start"]);
        if said.code != 0 {
            let logs = self.run(&["logs", "-n", "200"]);
            panic!("start: {}\n{}\n--- logs\n{}", said.stdout, said.stderr, logs.stdout);
        }
    }

    pub fn server_pid(&self) -> u32 {
        let status = self.json(&["status"]);
        u32::try_from(status["server"]["pid"].as_u64().unwrap()).unwrap()
    }

    /// What the status says of one service, also while something is red (exit code 5).
    pub fn service(&self, name: &str) -> serde_json::Value {
        let said = self.run(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        status["services"].as_array().unwrap().iter().find(|service| service["name"] == name).unwrap().clone()
    }

    pub fn sql(&self, text: &str) -> serde_json::Value {
        serde_json::from_str(&self.ok(&["db", "query", text, "--format", "json"])).unwrap()
    }

    pub fn admin_secret(&self) -> String {
        self.ok(&["config", "get", "HASURA_GRAPHQL_ADMIN_SECRET", "--reveal"]).trim().to_owned()
    }

    pub fn graphql(&self, query: &str) -> serde_json::Value {
        let body = serde_json::json!({ "query": query }).to_string();
        let secret = self.admin_secret();
        let headers = [("x-hasura-admin-secret", secret.as_str()), ("content-type", "application/json")];
        let (code, text) = http(self.http, "POST", "/v1/graphql", &headers, &body);
        assert_eq!(code, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The data folder, wherever it is.
    pub fn data(&self) -> PathBuf {
        self.folder().join(".nself/data/postgres").canonicalize().unwrap()
    }

    /// Processes whose folder, environment or arguments belong to this sandbox.
    pub fn processes(&self) -> Vec<String> {
        let home = self.home.path().to_str().unwrap().to_owned();
        let data = self.folder().join(".nself/data").canonicalize().ok();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            if pid == std::process::id() {
                continue;
            }
            let read = |file: &str| {
                String::from_utf8_lossy(&std::fs::read(entry.path().join(file)).unwrap_or_default()).into_owned()
            };
            let folder = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let inside = data.as_ref().is_some_and(|data| folder.starts_with(data)) || folder.starts_with(&home);
            if (inside || read("environ").contains(&home)) && !read("stat").contains(") Z ") {
                found.push(format!("{pid}: {}", read("cmdline").replace('\0', " ")));
            }
        }
        found
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.command(&["stop"]).output();
        if let Ok(data) = self.folder().join(".nself/data").canonicalize() {
            // As root the data lives outside the sandbox's folder.
            if !data.starts_with(self.home.path()) && data.starts_with("/var/lib/nself") {
                let _ = std::fs::remove_dir_all(data);
            }
        }
    }
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// One request over HTTP/1.1; status code and body.
pub fn http(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    http_to("localhost", port, method, path, headers, body)
}

/// As [`http`], to another host name of the same front door.
pub fn http_to(host: &str, port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    (code, if chunked { unchunk(body) } else { body.to_owned() })
}

fn unchunk(mut text: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        whole += &rest[..size];
        text = &rest[size + 2..];
    }
    whole
}

/// Waits for something to become true; the limit is generous because machines are slow, not because it may take long.
#[track_caller]
pub fn eventually(what: &str, mut test: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !test() {
        assert!(Instant::now() < limit, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn kill(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}
