//! `nself db shell`, `query`, `dump` and `load`.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use nix::sys::signal::Signal;

use super::World;
use super::world::Line;
use crate::sandbox::{eventually, kill, said};

/// Types into psql what a person would.
#[track_caller]
fn typed(line: &Line<'_>, text: &str) -> String {
    let mut child = line.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    said.stdout
}

#[test]
fn shell_query_dump_and_load() {
    let world = World::three();
    world.seeded();
    world.sql("staging", "CREATE TABLE here (place text); INSERT INTO here VALUES ('staging')");

    assert!(typed(&world.line("nself db shell"), "SELECT count(*) + 39 FROM users;\n\\q\n").contains("42"));
    assert!(typed(&world.line("nself db shell --env staging"), "SELECT place FROM here;\n").contains("staging"));
    let readonly = world.line("nself db shell").and(&["--readonly", "--", "-c", "DELETE FROM users"]).run();
    assert_ne!(readonly.code, 0, "{readonly:?}");
    assert_eq!(world.sql("local", "SELECT count(*) FROM users"), "3");

    let query = |sql: &str| world.line("nself db query \"<sql>\"").with("<sql>", sql);
    assert!(query("SELECT name FROM users WHERE role = 'admin'").ok().contains("Root"));
    assert_eq!(query("SELECT 1 AS one, null AS none").and(&["--format", "csv"]).ok(), "one,none\n1,\n");
    assert_eq!(
        query("SELECT 9007199254740993 AS big").and(&["--format", "ndjson"]).ok().trim(),
        r#"{"big":9007199254740993}"#
    );
    assert!(query("SELECT place FROM here").and(&["--env", "staging"]).ok().contains("staging"));
    assert_eq!(query("SELECT 1 AS one").json()["results"][0]["rows"][0]["one"], 1);
    let script = world.line("nself db query -f script.sql").and(&["--format", "json"]).ok();
    assert!(script.contains(r#""total":10"#) || script.contains(r#""total": 10"#), "{script}");

    interrupted(&world);
    dump_and_load(&world);
}

/// Ctrl-C ends the statement, not only the program.
fn interrupted(world: &World) {
    let mut command = world.sandbox.command(&["db", "query", "SELECT pg_sleep(60)"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asleep = || {
        world
            .sql("local", "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND state = 'active'")
    };
    eventually("the statement runs", || asleep() == "1");
    kill(child.id(), Signal::SIGINT);
    assert_eq!(said(child.wait_with_output().unwrap()).code, 130);
    eventually("the statement has ended", || asleep() == "0");
}

fn dump_and_load(world: &World) {
    let local = world.url("local");
    let before = world.fingerprint(&local);
    let report = world.line("nself db dump").json();
    let file = report["file"].as_str().unwrap_or_else(|| panic!("{report}")).to_owned();
    let path = world.sandbox.folder().join(&file);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "others can read the dump");
    world.sql("local", "DELETE FROM users");
    world.line("nself db load <file>").with("<file>", &file).ok();
    assert_eq!(world.fingerprint(&local), before);

    let schema = "schema.sql";
    world.line("nself db dump --schema-only").and(&["-o", schema]).ok();
    let text = world.sandbox.read(schema);
    assert!(text.contains("CREATE TABLE public.users") && !text.contains("root@example.com"), "{text:.500}");
    world.line("nself db load <file>").with("<file>", schema).and(&["--env", "staging", "--confirm", "shop"]).ok();
    assert_eq!(world.sql("staging", "SELECT count(*) FROM users"), "0");
    let printed = world.sandbox.ok(&["db", "dump", "--table", "roles", "-o", "-"]);
    assert!(printed.contains("COPY public.roles") && printed.contains("Runs the place"), "{printed:.500}");
    world.sandbox.ok(&["db", "dump", "--data-only", "--table", "roles", "-o", "roles.sql"]);
    assert!(!world.sandbox.read("roles.sql").contains("CREATE TABLE"));
}
