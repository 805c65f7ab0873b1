//! A project comes from Nhost: its database is taken over as it is, and its people sign in and find their files.

use std::path::Path;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, http};

const FILE: &str = "55555555-5555-4555-8555-555555555555";

/// A stack over the database that Nhost's services have left, and over their bucket.
fn taken_over() -> Sandbox {
    let sandbox = Sandbox::plain();
    for switch in ["AUTH_ENABLED", "STORAGE_ENABLED"] {
        sandbox.ok(&["config", "set", switch, "false"]);
    }
    sandbox.start();
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/takeover/nhost.sql");
    sandbox.ok(&["db", "query", "--single-transaction", "--file", sql.to_str().unwrap()]);
    sandbox.ok(&["stop"]);
    // Nhost's service keeps the bytes under the file's id.
    sandbox.write(&format!(".nself/data/storage/{FILE}"), "hello, world\n");
    for switch in ["AUTH_ENABLED", "STORAGE_ENABLED"] {
        sandbox.ok(&["config", "set", switch, "true"]);
    }
    sandbox.start();
    sandbox
}

fn post(sandbox: &Sandbox, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let json = [("content-type", "application/json")];
    let (status, text) = http(sandbox.http, "POST", path, &[&json, headers].concat(), &body.to_string());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[test]
fn nhosts_users_sign_in_and_download_their_files() {
    let sandbox = taken_over();
    let sign_in = |email: &str, password: &str| {
        post(&sandbox, "/v1/auth/v1/signin/email-password", &[], &json!({"email": email, "password": password}))
    };
    assert_eq!(sign_in("ann@example.com", "bob has another one").0, 401);
    let (status, ann) = sign_in("ann@example.com", "ann has a password");
    assert_eq!(status, 200, "{ann}");
    let user = &ann["session"]["user"];
    assert_eq!(user["id"], "11111111-1111-4111-8111-111111111111");
    assert_eq!((&user["roles"], &user["metadata"]["plan"]), (&json!(["me", "user"]), &json!("gold")));
    let hash = "select left(password_hash, 10) as hash from auth.users order by email";
    let hashes = sandbox.sql(hash);
    assert_eq!(hashes[0]["hash"], "$argon2id$", "whoever signs in gets a better hash");
    assert!(hashes[1]["hash"].as_str().unwrap().starts_with("$2a$10$"), "{hashes}");

    // A session that Nhost's service has begun goes on.
    let token = json!({"refreshToken": "44444444-4444-4444-8444-444444444444"});
    let (status, bob) = post(&sandbox, "/v1/auth/v1/token", &[], &token);
    assert_eq!((status, &bob["user"]["defaultRole"]), (200, &json!("editor")), "{bob}");
    assert_eq!(bob["refreshTokenId"], "33333333-3333-4333-8333-333333333333");

    let secret = sandbox.admin_secret();
    let permission = json!({"type": "pg_create_select_permission", "args": {
        "source": "default", "table": {"schema": "storage", "name": "files"}, "role": "user",
        "permission": {"columns": "*", "filter": {"uploaded_by_user_id": {"_eq": "X-Hasura-User-Id"}}}}});
    let (status, answer) = post(&sandbox, "/v1/metadata", &[("x-hasura-admin-secret", &secret)], &permission);
    assert_eq!(status, 200, "{answer}");
    let download = |session: &Value| {
        let bearer = format!("Bearer {}", session["accessToken"].as_str().unwrap());
        http(sandbox.http, "GET", &format!("/v1/storage/v1/files/{FILE}"), &[("authorization", &bearer)], "")
    };
    assert_eq!(download(&ann["session"]), (200, "hello, world\n".to_owned()));
    assert!([403, 404].contains(&download(&bob).0), "another user's file");

    // Under the names that Nhost gives its tables.
    let found = sandbox.graphql("{ users(order_by: {email: asc}) { displayName roles { role } } file(id: \"55555555-5555-4555-8555-555555555555\") { name bucket { id } } }");
    assert_eq!(found["data"]["users"][1]["displayName"], "Bob", "{found}");
    assert_eq!(found["data"]["file"]["bucket"]["id"], "invoices", "{found}");
}
