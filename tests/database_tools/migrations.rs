//! `nself db migrate` and its verbs.

use std::process::Stdio;

use nix::sys::signal::Signal;

use super::World;
use crate::sandbox::{eventually, kill, said};

fn tables(world: &World) -> String {
    let sql = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class \
               WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    world.sql("local", sql)
}

const ALL: &str = "app_config comments payments permissions posts roles users";

#[test]
fn migrations_go_up_come_down_and_are_told_about() {
    let world = World::local();
    let report = world.line("nself db migrate").json();
    assert_eq!(report["applied"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(tables(&world), ALL);
    assert_eq!(world.sandbox.graphql("{ roles(order_by: {name: asc}) { name } }")["data"]["roles"][0]["name"], "admin");
    assert!(world.line("nself db migrate").ok().contains("Nothing to apply"));

    world.line("nself db migrate:rollback").ok();
    assert_eq!(tables(&world), "app_config permissions roles users");
    let status = world.line("nself db migrate:status").json();
    let states: Vec<&str> =
        status["migrations"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["applied", "pending"], "{status}");
    let text = world.line("nself db migrate:status").ok();
    assert!(text.contains("001") && text.contains("pending"), "{text}");

    // A new file has both directions and is found at once.
    let created = world.line("nself db migrate:create <name>").with("<name>", "add_tags").json();
    let file = created["file"].as_str().unwrap().to_owned();
    assert!(file.starts_with("nself/migrations/003_") && file.ends_with("_add_tags.sql"), "{file}");
    let template = world.sandbox.read(&file);
    assert!(template.contains("UP") && template.contains("DOWN"), "{template}");
    world.sandbox.write(&file, "-- UP\nCREATE TABLE tags (id int PRIMARY KEY);\n-- DOWN\nDROP TABLE tags;\n");
    let plan = world.line("nself db migrate").and(&["--dry-run"]).ok();
    assert!(plan.contains("CREATE TABLE tags") && plan.contains("CREATE TABLE posts"), "{plan}");
    assert_eq!(tables(&world), "app_config permissions roles users", "a dry run changes nothing");
    world.line("nself db migrate").ok();
    assert_eq!(tables(&world), format!("{} tags users", ALL.trim_end_matches(" users")));

    // What somebody made by hand does not survive; the migrations' own rows come back.
    world.sql("local", "CREATE TABLE by_hand (id int); INSERT INTO users (email, name) VALUES ('x@example.com', 'X')");
    world.line("nself db migrate:fresh").ok();
    assert_eq!(tables(&world), format!("{} tags users", ALL.trim_end_matches(" users")));
    assert_eq!(world.sql("local", "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM roles)"), "0|2");
    assert_eq!(world.sandbox.graphql("{ tags { id } }")["data"]["tags"], serde_json::json!([]));

    spellings(&world);
    faults(&world);
    interrupted(&world);
}

/// The Bash tool's spellings with a space, and the verbs beside those of the reference.
fn spellings(world: &World) {
    let sandbox = &world.sandbox;
    for verb in ["status", "rollback", "up", "down", "up", "redo"] {
        sandbox.ok(&["db", "migrate", verb]);
        let spelling = format!("migrate:{verb}");
        sandbox.ok(&["db", &spelling, "--help"]);
    }
    sandbox.ok(&["db", "migrate:redo"]);
    sandbox.ok(&["db", "migrate", "rollback", "--steps", "2"]);
    assert_eq!(tables(world), "app_config permissions roles users");
    sandbox.ok(&["db", "migrate", "--to", "002"]);
    assert_eq!(tables(world), ALL);
    sandbox.ok(&["db", "migrate", "up"]);
    for verb in ["fresh", "repair", "squash", "baseline", "create"] {
        sandbox.ok(&["db", "migrate", verb, "--help"]);
        sandbox.ok(&["db", &format!("migrate:{verb}"), "--help"]);
    }
}

/// What cannot run leaves nothing behind and says where it stands; what cannot run in a transaction runs.
fn faults(world: &World) {
    let sandbox = &world.sandbox;
    let broken = "nself/migrations/004_broken.sql";
    sandbox
        .write(broken, "-- UP\nCREATE TABLE half (id int);\nCREATE TABEL other (id int);\n-- DOWN\nDROP TABLE half;\n");
    let said = sandbox.run(&["db", "migrate"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("004_broken.sql:3"), "{}", said.stderr);
    assert_eq!(world.sql("local", "SELECT to_regclass('half') IS NULL"), "t");
    sandbox.write(broken, "-- UP\nCREATE INDEX CONCURRENTLY users_name ON users (name);\nCREATE TABLE half (id int);\n-- DOWN\nDROP TABLE half;\nDROP INDEX CONCURRENTLY users_name;\n");
    sandbox.ok(&["db", "migrate"]);
    assert_eq!(
        world.sql("local", "SELECT to_regclass('half') IS NOT NULL AND to_regclass('users_name') IS NOT NULL"),
        "t"
    );

    // A migration that throws data away is preceded by a dump that only its owner can read.
    sandbox.write("nself/migrations/005_forget.sql", "-- UP\nDROP TABLE half;\n-- DOWN\nCREATE TABLE half (id int);\n");
    sandbox.ok(&["db", "migrate"]);
    let mut dumps = Vec::new();
    files(&sandbox.folder().join(".nself/backups"), &mut dumps);
    assert!(dumps.iter().any(|dump| dump.to_string_lossy().contains("before_005_forget")), "{dumps:?}");
    for dump in dumps {
        let mode = std::os::unix::fs::PermissionsExt::mode(&dump.metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "others can read {}", dump.display());
    }
}

fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

/// Ctrl-C in the middle of a migration: exit code 130, the state before, and the same command goes on.
fn interrupted(world: &World) {
    let sandbox = &world.sandbox;
    let file = "nself/migrations/006_slow.sql";
    sandbox.write(file, "-- UP\nCREATE TABLE slow (id int);\nSELECT pg_sleep(60);\n-- DOWN\nDROP TABLE slow;\n");
    let mut command = sandbox.command(&["db", "migrate"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the migration sleeps", || {
        world
            .sql("local", "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND state = 'active'")
            == "1"
    });
    kill(child.id(), Signal::SIGINT);
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{said:?}");
    assert_eq!(world.sql("local", "SELECT to_regclass('slow') IS NULL"), "t");
    sandbox.write(file, "-- UP\nCREATE TABLE slow (id int);\n-- DOWN\nDROP TABLE slow;\n");
    sandbox.ok(&["db", "migrate"]);
    assert_eq!(world.sql("local", "SELECT to_regclass('slow') IS NOT NULL"), "t");
}
