//! Auth, storage and mail of a running stack, from the outside: the commands for them, sessions that end everywhere at
//! once, services that start anew, and a power cut in the middle of an upload.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, eventually, http, http_to};

const PASSWORD: &str = "correct horse battery";
const JSON: (&str, &str) = ("content-type", "application/json");

fn post(port: u16, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = http(port, "POST", path, &[JSON], &body.to_string());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[test]
fn mails_are_sent_read_and_waited_for() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let list = sandbox.json(&["email", "list"]);
    assert_eq!(list["chosen"], "mailpit");
    assert_eq!(sandbox.json(&["email", "inbox"])["messages"], json!([]));
    let sent = sandbox.json(&["email", "test", "ann@example.com", "--subject", "First"]);
    assert_eq!((&sent["provider"], &sent["to"]), (&json!("mailpit"), &json!("ann@example.com")));
    sandbox.ok(&["email", "test", "bob@example.com", "--subject", "Second"]);
    let inbox = sandbox.json(&["email", "inbox", "--to", "ann@example.com"]);
    assert_eq!(inbox["messages"].as_array().unwrap().len(), 1);
    let id = inbox["messages"][0]["ID"].as_str().unwrap();
    assert!(sandbox.ok(&["email", "show", id]).contains("First"));

    // What auth sends is waited for, and its link is ready to be followed.
    let mut wait =
        sandbox.command(&["email", "wait", "--to", "eve@example.com", "--print", "link", "--timeout", "60s"]);
    let wait = wait.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let user = json!({"email": "eve@example.com", "password": PASSWORD});
    assert_eq!(post(sandbox.http, "/v1/auth/v1/signup/email-password", &user).0, 200);
    assert_eq!(post(sandbox.http, "/v1/auth/v1/user/password/reset", &json!({"email": "eve@example.com"})).0, 200);
    let waited = crate::sandbox::said(wait.wait_with_output().unwrap());
    assert!(waited.stdout.contains("ticket=passwordReset"), "{waited:?}");
    let late = sandbox.run(&["email", "wait", "--to", "nobody@example.com", "--timeout", "100ms"]);
    assert_eq!(late.code, 1, "{}", late.stderr);

    assert_eq!(sandbox.run(&["email", "configure", "nobody-knows-it"]).code, 2);
    sandbox.ok(&["email", "configure", "smtp", "SMTP_HOST=127.0.0.1", "SMTP_PORT=1025"]);
    assert_eq!(sandbox.json(&["email", "list"])["chosen"], "smtp");
}

#[test]
fn files_are_kept_and_given_out_by_the_commands() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    assert_eq!(sandbox.json(&["storage", "init", "photos"])["made"], json!(["photos"]));
    assert_eq!(sandbox.json(&["storage", "init", "photos"])["there"], json!(["photos"]));
    sandbox.write("beach.txt", "sand and water");
    let sent = sandbox.json(&["storage", "upload", "beach.txt", "--bucket", "photos"]);
    let id = sent["files"][0]["id"].as_str().unwrap().to_owned();
    let listed = sandbox.ok(&["storage", "list", "--bucket", "photos"]);
    assert!(listed.contains("beach.txt"), "{listed}");
    sandbox.ok(&["storage", "download", "beach.txt", "--bucket", "photos", "--output", "copy.txt"]);
    assert_eq!(sandbox.read("copy.txt"), "sand and water");
    let again = sandbox.run(&["storage", "download", &id, "--output", "copy.txt"]);
    assert_ne!(again.code, 0, "what is there is not written over: {again:?}");
    let link = sandbox.ok(&["storage", "presign", "beach.txt", "--bucket", "photos"]);
    let path = link.trim().split_once(&format!(":{}", sandbox.http)).unwrap().1;
    assert_eq!(http(sandbox.http, "GET", path, &[], ""), (200, "sand and water".to_owned()), "{link}");
    let status = sandbox.json(&["storage", "status"]);
    let photos = status["buckets"].as_array().unwrap().iter().find(|bucket| bucket["id"] == "photos").unwrap();
    assert_eq!((&photos["files"], &photos["bytes"]), (&json!(1), &json!(14)));
    assert_eq!((&status["orphans"], &status["broken"]), (&json!(0), &json!(0)));
    sandbox.ok(&["storage", "test"]);

    sandbox.ok(&["storage", "delete", "beach.txt", "--bucket", "photos", "--dry-run"]);
    assert_eq!(sandbox.sql("select count(*)::int as n from storage.files")[0]["n"], 1);
    sandbox.ok(&["storage", "delete", "beach.txt", "--bucket", "photos"]);
    assert_eq!(sandbox.sql("select count(*)::int as n from storage.files")[0]["n"], 0);
    assert_ne!(sandbox.run(&["storage", "download", &id, "--output", "gone.txt"]).code, 0);
}

/// Status of a GraphQL query and of a download, with a token.
fn asked(sandbox: &Sandbox, token: &str) -> (Value, u16) {
    let bearer = format!("Bearer {token}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    let (_, text) = http(sandbox.http, "POST", "/v1/graphql", &headers, r#"{"query": "{ __typename }"}"#);
    let answer: Value = serde_json::from_str(&text).unwrap();
    let file = "/v1/storage/v1/files/5fb2b4f5-8b0e-4f9c-a5a4-3a8d0d6c7f10";
    let (status, _) = http(sandbox.http, "GET", file, &[("authorization", bearer.as_str())], "");
    (answer["errors"][0]["extensions"]["code"].clone(), status)
}

#[test]
fn a_session_ends_everywhere_and_services_start_with_what_is_written() {
    let sandbox = Sandbox::plain();
    sandbox.start();
    let user = json!({"email": "ann@example.com", "password": PASSWORD});
    let (status, answer) = post(sandbox.http, "/v1/auth/v1/signup/email-password", &user);
    assert_eq!(status, 200, "{answer}");
    let text = |answer: &Value, name: &str| answer["session"][name].as_str().unwrap().to_owned();
    let first = text(&answer, "accessToken");
    let second = post(sandbox.http, "/v1/auth/v1/signin/email-password", &user).1;
    let second = text(&second, "accessToken");
    let counts = |token: &str| asked(&sandbox, token).0 == Value::Null;
    assert!(counts(&first) && counts(&second));

    post(sandbox.http, "/v1/auth/v1/signout", &json!({"refreshToken": text(&answer, "refreshToken")}));
    eventually("the token of the ended session is refused", || !counts(&first));
    let (code, download) = asked(&sandbox, &first);
    assert_eq!((code, download), (json!("invalid-jwt"), 401));
    assert_eq!(asked(&sandbox, &second), (Value::Null, 403), "the other session goes on; it may not see files");
    // Over a restart too, and by an administrator's hand.
    sandbox.ok(&["restart"]);
    assert!(!counts(&first) && counts(&second));
    sandbox.ok(&["auth", "users", "disable", "ann@example.com"]);
    eventually("a disabled user is refused", || !counts(&second));

    // A service that starts anew has the settings as they are written then.
    let graphql = || http(sandbox.http, "POST", "/v1/graphql", &[JSON], r#"{"query": "{ __typename }"}"#).0;
    assert_eq!(graphql(), 200);
    sandbox.ok(&["config", "set", "HASURA_GRAPHQL_ENABLED_APIS", "metadata"]);
    sandbox.ok(&["restart", "hasura"]);
    eventually("GraphQL is switched off", || graphql() == 404);
    sandbox.ok(&["config", "set", "HASURA_GRAPHQL_ENABLED_APIS", "metadata,graphql"]);
    sandbox.ok(&["restart", "hasura"]);
    eventually("GraphQL is switched on again", || graphql() == 200);
    // What is wrong stops nothing.
    let file = sandbox.folder().join(".env");
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, format!("{kept}\nHASURA_GRAPHQL_PG_CONNECTIONS=many\n")).unwrap();
    assert_ne!(sandbox.run(&["restart", "hasura"]).code, 0);
    assert_eq!(graphql(), 200, "it still runs");
    std::fs::write(&file, kept).unwrap();

    // The S3 API is storage's: it ends and comes back with it.
    let s3 = || http_to("s3.localhost", sandbox.http, "GET", "/", &[], "").0;
    assert_eq!(s3(), 403, "unsigned requests are refused");
    sandbox.ok(&["stop", "storage"]);
    assert_eq!((s3(), sandbox.service("minio")["state"].clone()), (503, json!("stopped")));
    sandbox.ok(&["start", "storage"]);
    eventually("the S3 API is back", || s3() == 403 && sandbox.service("minio")["state"] == "ready");
}

/// A piece of 8 MiB, then the rest: the server dies at each step in turn, and the client goes on as tus says.
#[test]
fn a_power_cut_in_an_upload_costs_no_more_than_a_piece() {
    const SIZE: usize = (8 << 20) + 5;
    let content = "x".repeat(SIZE);
    let sandbox = Sandbox::plain();
    for point in ["storage.tus-piece", "storage.tus-joined", "storage.tus-inserted"] {
        let started = sandbox.command(&["start"]).env("NSELF_FAULT", point).output().unwrap();
        assert!(started.status.success(), "{point}: {}", String::from_utf8_lossy(&started.stderr));
        let secret = sandbox.admin_secret();
        let common = [("x-hasura-admin-secret", secret.as_str()), ("tus-resumable", "1.0.0")];
        let length = SIZE.to_string();
        let create = [&common[..], &[("upload-length", &length), ("upload-metadata", "filename YS50eHQ=")]].concat();
        let id = {
            let head = raw(sandbox.http, "POST", "/v1/storage/v1/uploads", &create, "").unwrap();
            let at = head.to_lowercase().find("location: uploads/").unwrap_or_else(|| panic!("{point}: {head}"));
            head[at + 18..at + 18 + 36].to_owned()
        };
        let path = format!("/v1/storage/v1/uploads/{id}");
        let offset = |sandbox: &Sandbox| -> Option<usize> {
            let head = raw(sandbox.http, "HEAD", &path, &common, "")?.to_lowercase();
            head.lines().find_map(|line| line.strip_prefix("upload-offset: ")?.trim().parse().ok())
        };
        let patch = |sandbox: &Sandbox, from: usize| {
            let from_text = from.to_string();
            let own = [("content-type", "application/offset+octet-stream"), ("upload-offset", from_text.as_str())];
            raw(sandbox.http, "PATCH", &path, &[&common[..], &own].concat(), &content[from..])
        };
        let pid = sandbox.server_pid();
        let answer = patch(&sandbox, 0);
        assert!(answer.is_none_or(|head| !head.starts_with("HTTP/1.1 2")), "{point}: the server died");
        eventually("the server is gone", || !std::path::Path::new(&format!("/proc/{pid}")).exists());

        sandbox.start();
        let at = offset(&sandbox).unwrap_or_else(|| panic!("{point}: the upload is lost"));
        // A piece that was durable counts; after the last one everything does, and asking has made the file.
        let least = if point == "storage.tus-piece" { 8 << 20 } else { SIZE };
        assert!(at >= least, "{point}: {at}");
        if at < SIZE {
            assert!(patch(&sandbox, at).unwrap().starts_with("HTTP/1.1 204"), "{point}");
        }
        let secret = [("x-hasura-admin-secret", secret.as_str())];
        let (status, got) = http(sandbox.http, "GET", &format!("/v1/storage/v1/files/{id}"), &secret, "");
        assert!(status == 200 && got == content, "{point}: {status}, {} bytes", got.len());
        let files = format!("select count(*)::int as n from storage.files where id = '{id}' and is_uploaded");
        assert_eq!(sandbox.sql(&files)[0]["n"], 1, "{point}");
        eventually("the pieces are gone", || sandbox.sql("select count(*)::int as n from storage.parts")[0]["n"] == 0);
        let state = sandbox.json(&["storage", "status"]);
        assert_eq!((&state["orphans"], &state["broken"]), (&json!(0), &json!(0)), "{point}");
        sandbox.ok(&["stop"]);
    }
}

/// The head of an answer; nothing when the server went away.
fn raw(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<String> {
    use std::io::{Read, Write};

    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).ok()?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    // What the server did not wait for it has refused, or it is gone.
    let _ = stream.write_all(body.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Some(answer.split_once("\r\n\r\n")?.0.to_owned())
}
