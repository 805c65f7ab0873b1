//! `nself mock`.

use std::process::Stdio;

use nix::sys::signal::Signal;

use super::World;
use crate::sandbox::{eventually, kill, said};

const COUNTS: &str =
    "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT count(*) FROM comments)";

#[test]
fn mock_data_is_the_same_for_everybody() {
    let world = World::local();
    let sandbox = &world.sandbox;
    sandbox.ok(&["db", "migrate"]);

    // The specification's own configuration, as it stands there.
    let local = world.url("local");
    world.line("nself mock generate").ok();
    assert_eq!(world.sql("local", COUNTS), "100|500|2000");
    let first = world.fingerprint(&local);
    assert_eq!(
        world.sql(
            "local",
            "SELECT count(*) FROM users WHERE email !~ '^[^@]+@[^@]+$' OR name !~ ' ' OR avatar !~ '^https?://'"
        ),
        "0"
    );
    assert_eq!(
        world.sql(
            "local",
            "SELECT count(*) FROM users WHERE created_at > now() OR created_at < now() - interval '4 years'"
        ),
        "0"
    );
    assert_eq!(world.sql("local", "SELECT count(*) BETWEEN 340 AND 460 FROM posts WHERE published"), "t");
    assert_eq!(
        world.sql("local", "SELECT count(*) FROM posts WHERE array_length(regexp_split_to_array(title, ' '), 1) <> 5"),
        "0"
    );

    // The same again; and the same in another person's database, for whom only the files are shared.
    world.line("nself mock generate").ok();
    assert_eq!(world.fingerprint(&local), first, "again is the same, not twice");
    world.line("nself mock generate --seed 42").ok();
    assert_eq!(world.fingerprint(&local), first, "42 is the configuration's own seed");
    world.line("nself mock generate --seed 42").with("42", "43").ok();
    assert_ne!(world.fingerprint(&local), first);
    world.line("nself mock generate users").ok();
    assert_eq!(world.sql("local", "SELECT count(*) FROM users"), "100");

    presets(&world);
    configuration(&world);
    sharing(&world, &first);
    interrupted(&world);
}

/// Each preset begins with the rows of the smaller one.
fn presets(world: &World) {
    world.line("nself mock generate --preset minimal").ok();
    let ten = world.sql("local", "SELECT t::text FROM users t ORDER BY id");
    assert_eq!(ten.lines().count(), 10);
    assert_eq!(world.sql("local", "SELECT count(*) FROM posts"), "10");
    world.line("nself mock generate --preset medium").ok();
    assert_eq!(world.sql("local", COUNTS), "1000|1000|1000");
    assert_eq!(world.sql("local", "SELECT t::text FROM users t ORDER BY id LIMIT 10"), ten);
    let plan = world.line("nself mock generate --preset stress").and(&["--dry-run"]).ok();
    assert!(plan.contains("100000") || plan.contains("100,000") || plan.contains("100 000"), "{plan}");
    assert_eq!(world.sql("local", COUNTS), "1000|1000|1000", "a dry run changes nothing");
}

fn configuration(world: &World) {
    let sandbox = &world.sandbox;
    let preview = world.line("nself mock preview users").ok();
    assert!(preview.contains('@'), "{preview}");
    assert_eq!(world.line("nself mock preview users").ok(), preview);
    assert_eq!(world.sql("local", COUNTS), "1000|1000|1000", "a preview changes nothing");

    // An editor gets the file; what it leaves there is checked.
    let mut config = world.line("nself mock config").command();
    let said = said(config.env("EDITOR", "sed -i s/100/7/").env_remove("VISUAL").output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(sandbox.read("nself/mock/mock.config.yaml").contains("count: 7"));

    // Init writes a configuration with every table, and does not replace one that is there.
    let kept = sandbox.read("nself/mock/mock.config.yaml");
    let again = world.line("nself mock init").run();
    assert_eq!(sandbox.read("nself/mock/mock.config.yaml"), kept, "{again:?}");
    std::fs::remove_dir_all(sandbox.folder().join("nself/mock")).unwrap();
    world.line("nself mock init").ok();
    let config = sandbox.read("nself/mock/mock.config.yaml");
    for word in ["users:", "payments:", "credit_card", "roles:", "email"] {
        assert!(config.contains(word), "no {word} in\n{config}");
    }
    assert!(sandbox.folder().join("nself/mock/mock.seed").is_file());
    world.line("nself mock generate --preset minimal").ok();
    assert_eq!(world.sql("local", "SELECT count(*) FROM payments"), "10");
    sandbox.ok(&["mock", "clear"]);
    assert_eq!(world.sql("local", COUNTS), "0|0|0");
}

/// What one person exports makes the same rows for another one.
fn sharing(world: &World, first: &str) {
    let sandbox = &world.sandbox;
    let config = include_str!("project/nself/mock/mock.config.yaml");
    sandbox.write("nself/mock/mock.config.yaml", config);
    world.line("nself mock export -o mock.tar.gz").ok();
    std::fs::remove_dir_all(sandbox.folder().join("nself/mock")).unwrap();
    world.line("nself mock import mock.tar.gz").ok();
    assert_eq!(sandbox.read("nself/mock/mock.config.yaml"), config);
    sandbox.ok(&["db", "migrate:fresh"]);
    world.line("nself mock generate").ok();
    assert_eq!(world.fingerprint(&world.url("local")), first);
}

/// Ctrl-C: as before, nothing of the new rows.
fn interrupted(world: &World) {
    let before = world.fingerprint(&world.url("local"));
    let mut command = world.line("nself mock generate --preset stress").command();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("rows are being written", || {
        world.sql("local", "SELECT count(*) FROM pg_stat_activity WHERE query ~* '^copy ' AND state = 'active'") != "0"
    });
    kill(child.id(), Signal::SIGINT);
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{said:?}");
    assert_eq!(world.fingerprint(&world.url("local")), before);
}
