//! kill -9 at every durable step of the engine: the state is the old one or the new one, and the same command goes on.

use std::path::Path;

use super::World;
use crate::sandbox::said;

/// Names of the fault points in crates/database that begin with `prefix`.
fn points(prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../database/src"), &mut found);
    found.retain(|point: &String| point.starts_with(prefix));
    found.sort();
    found.dedup();
    found
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, found);
        } else {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let calls = text.split("fault::hit(\"").skip(1);
            found.extend(calls.filter_map(|rest| rest.split_once('"')).map(|(point, _)| point.to_owned()));
        }
    }
}

/// Runs the command with each point's power cut, and once more without; the points that were reached.
fn cut(
    world: &World,
    prefix: &str,
    command: &[&str],
    mut prepare: impl FnMut(),
    mut check: impl FnMut(&str),
) -> Vec<String> {
    let mut reached = Vec::new();
    for point in points(prefix) {
        prepare();
        let cut = said(world.sandbox.command(command).env("NSELF_FAULT", &point).output().unwrap());
        if cut.code == 0 {
            continue;
        }
        // abort() has no exit code.
        assert_eq!(cut.code, -1, "{point}: {cut:?}");
        check(&point);
        let again = world.sandbox.run(command);
        assert_eq!(again.code, 0, "after {point}: {}\n{}", again.stdout, again.stderr);
        check("");
        reached.push(point);
    }
    reached
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new() {
    let world = World::three();
    migrations(&world);
    clones(&world);
    imports(&world);
}

fn migrations(world: &World) {
    let local = |sql: &str| world.sql("local", sql);
    let state = "SELECT to_regclass('users') IS NOT NULL, to_regclass('posts') IS NOT NULL";
    let records = || {
        if local("SELECT to_regclass('nself.migrations') IS NULL") == "t" {
            return "f|f".to_owned();
        }
        local("SELECT bool_or(version LIKE '001%') IS TRUE, bool_or(version LIKE '002%') IS TRUE FROM nself.migrations")
    };
    let prepare = || drop(world.sandbox.run(&["db", "migrate", "rollback", "--steps", "2"]));
    let reached = cut(world, "migrate.", &["db", "migrate"], prepare, |point| {
        assert_eq!(local(state), records(), "after {point}: a migration and its record are one");
        if point.is_empty() {
            assert_eq!(local(state), "t|t");
        }
    });
    assert!(reached.len() >= 3, "{reached:?}");
}

fn clones(world: &World) {
    world.seeded();
    let staging = world.url("staging");
    let new = world.fingerprint(&world.url("local"));
    for (prefix, command) in [
        ("clone.", &["db", "clone", "staging", "--confirm", "shop"][..]),
        ("scratch.", &["data", "sync", "--from", "local", "--to", "staging", "--confirm", "shop"]),
    ] {
        let old = || world.sql("staging", "DELETE FROM users WHERE name <> 'Root'; UPDATE users SET name = 'Root'");
        world.sandbox.ok(&["db", "clone", "staging", "--confirm", "shop"]);
        old();
        let before = world.fingerprint(&staging);
        let reached = cut(
            world,
            prefix,
            command,
            || drop(old()),
            |point| {
                let have = world.fingerprint(&staging);
                assert!(have == new || (have == before && !point.is_empty()), "after {point}: {have}");
            },
        );
        assert!(reached.len() >= 2, "{prefix}: {reached:?}");
        let databases = world.sql("staging", "SELECT count(*) FROM pg_database WHERE NOT datistemplate");
        assert_eq!(databases, "2", "{prefix}: scratch databases are left");
    }
}

fn imports(world: &World) {
    let local = world.url("local");
    world.sandbox.ok(&["data", "export", "-o", "out"]);
    let new = world.fingerprint(&local);
    let empty = || drop(world.sql("local", "TRUNCATE roles, users, app_config CASCADE"));
    empty();
    let old = world.fingerprint(&local);
    let reached = cut(world, "import.", &["data", "import", "out"], empty, |point| {
        let have = world.fingerprint(&local);
        assert!(have == new || (have == old && !point.is_empty()), "after {point}: {have}");
    });
    assert!(!reached.is_empty());
}
