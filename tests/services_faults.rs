//! Sign-ups, uploads and mails while what they stand on breaks: nothing is half done, and the client is told.

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::sandbox::{Said, Sandbox, eventually, http, kill, said};

const PASSWORD: &str = "correct horse battery";

fn sign_up(port: u16, email: &str) -> (u16, String) {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    http(port, "POST", "/v1/auth/v1/signup/email-password", &[("content-type", "application/json")], &body)
}

fn sign_in(port: u16, email: &str) -> u16 {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    http(port, "POST", "/v1/auth/v1/signin/email-password", &[("content-type", "application/json")], &body).0
}

fn count(sandbox: &Sandbox, from: &str) -> i64 {
    sandbox.sql(&format!("select count(*)::int as count from {from}"))[0]["count"].as_i64().unwrap()
}

/// An error of the service's own shape, without anything of the database's.
#[track_caller]
fn is_told(answer: &(u16, String)) {
    let (status, body) = answer;
    let error: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{status}: {body}"));
    assert!(*status >= 500 && error["error"].is_string() || error["code"].is_string(), "{status}: {body}");
    assert!(!body.contains("postgres") && !body.contains("auth.users"), "{body}");
}

#[test]
fn postgresql_that_dies_leaves_no_half_user() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let port = sandbox.http;
    let pid = sandbox.service("postgres")["pid"].as_u64().unwrap();
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            std::thread::spawn(move || {
                let people = (0..10).map(|number| format!("person-{worker}-{number}@example.com"));
                people
                    .map(|email| {
                        let answer = sign_up(port, &email);
                        (email, answer)
                    })
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    eventually("somebody has signed up", || count(&sandbox, "auth.users") > 0);
    kill(u32::try_from(pid).unwrap(), Signal::SIGKILL);
    let answers: Vec<(String, (u16, String))> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    eventually("PostgreSQL is back", || {
        let service = sandbox.service("postgres");
        service["state"] == "ready" && service["pid"].as_u64().is_some_and(|new| new != pid)
    });
    for (email, answer) in &answers {
        if answer.0 == 200 {
            let kept = count(&sandbox, &format!("auth.users where email = '{email}'"));
            assert_eq!(kept, 1, "{email} was told that the account is there");
        } else {
            is_told(answer);
        }
    }
    let half = "auth.users where not exists (select from auth.user_roles where user_id = users.id)";
    assert_eq!(count(&sandbox, half), 0, "users without roles");
    let (email, _) = answers.iter().find(|(_, answer)| answer.0 == 200).unwrap();
    eventually("people sign in again", || sign_in(port, email) == 200);
}

#[test]
fn a_mail_server_that_is_down_leaves_no_half_user() {
    let sandbox = Sandbox::plain();
    for (name, value) in [
        ("EMAIL_PROVIDER", "smtp"),
        ("SMTP_HOST", "127.0.0.1"),
        // Nobody listens there.
        ("SMTP_PORT", "1"),
        ("SMTP_SECURE", "false"),
        ("AUTH_EMAIL_VERIFICATION_REQUIRED", "true"),
    ] {
        sandbox.ok(&["config", "set", name, value]);
    }
    sandbox.start();
    let answer = sign_up(sandbox.http, "ann@example.com");
    is_told(&answer);
    assert_eq!(count(&sandbox, "auth.users"), 0, "nobody could ever verify this address");
    sandbox.ok(&["config", "set", "EMAIL_PROVIDER", "mailpit"]);
    sandbox.ok(&["restart"]);
    let (status, body) = sign_up(sandbox.http, "ann@example.com");
    assert_eq!(status, 200, "{body}");
    let mails = http(sandbox.mail, "GET", "/api/v2/search?kind=to&query=ann%40example.com", &[], "").1;
    assert!(mails.contains("verifyEmail"), "{mails}");
}

#[test]
fn a_full_disk_leaves_neither_half_a_file_nor_its_row() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("left out: mounting a disk takes root");
        return;
    }
    let sandbox = Sandbox::plain();
    sandbox.ok(&["config", "set", "STORAGE_FOLDER", "files"]);
    let url = format!("http://localhost:{}/v1/storage/v1/files", sandbox.http);
    let script = format!(
        "set -eu; mkdir files; mount -t tmpfs -o size=1m none files; \"$NSELF\" start >&2; \
         head -c 3M /dev/zero > large; head -c 10K /dev/zero > small; \
         send() {{ curl -s -o answer -w '%{{http_code}} ' -H \"x-hasura-admin-secret: $SECRET\" -F \"file[]=@$1\" {url}; }}; \
         send large; cat answer; echo; find files -type f -size +0 | wc -l; \
         \"$NSELF\" db query --format csv 'select count(*) from storage.files'; send small; echo; \"$NSELF\" stop >&2"
    );
    let said = in_namespace(&sandbox, &script);
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<&str> = said.stdout.lines().map(str::trim).collect();
    assert!(lines[0].starts_with("507 ") || lines[0].starts_with("500 "), "{said:?}");
    assert!(lines[0].contains("\"error\""), "{said:?}");
    assert_eq!(lines[1], "0", "half a file is left: {said:?}");
    assert_eq!(lines[3], "0", "a row without a file: {said:?}");
    assert!(lines[4].starts_with("201"), "there is room again: {said:?}");
}

/// A script in the project's folder that may mount what nobody else sees.
fn in_namespace(sandbox: &Sandbox, script: &str) -> Said {
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", script])
        .current_dir(sandbox.folder())
        .env("NSELF", env!("CARGO_BIN_EXE_nself"))
        .env("NSELF_HOME", sandbox.home().join("nself-home"))
        .env("SECRET", sandbox.admin_secret())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    said(output)
}
