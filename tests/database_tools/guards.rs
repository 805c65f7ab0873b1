//! The table of guards, a cell a check: what may happen where, and what has to be said for it.

use super::World;

/// Commands that production never gets, whatever is said.
const NEVER_IN_PRODUCTION: [&[&str]; 4] =
    [&["mock", "generate"], &["data", "reset"], &["db", "migrate:fresh"], &["db", "reset"]];

/// Spellings that do the same as those above.
const SAME: [&[&str]; 3] = [&["db", "migrate", "fresh"], &["mock", "clear"], &["seed", "run", "--fresh"]];

/// A row of one's own.
const KEEP: &str = "INSERT INTO roles VALUES ('user', 'Uses it') ON CONFLICT DO NOTHING;
    INSERT INTO users (email, name) VALUES ('keep@example.com', 'Keep') ON CONFLICT DO NOTHING";

const CERTAIN: [&str; 3] = ["--confirm", "shop", "--i-know-this-is-production"];

#[test]
fn every_cell_of_the_guard_table() {
    let world = World::three();
    for place in ["local", "staging", "prod"] {
        let name = if place == "local" { "dev" } else { place };
        world.sandbox.ok(&["db", "migrate", "--env", name]);
        world.sql(place, "INSERT INTO users (email, name) VALUES ('keep@example.com', 'Keep')");
    }
    in_production(&world);
    in_staging(&world);
    from_production(&world);
    to_production(&world);
    locally(&world);
}

fn in_production(world: &World) {
    let before = world.fingerprint(&world.url("prod"));
    for command in NEVER_IN_PRODUCTION.iter().chain(&SAME[..2]) {
        for consent in [&[][..], &["--confirm", "shop"], &CERTAIN] {
            let arguments = [command, &["--env", "prod"][..], consent].concat();
            let said = world.sandbox.run(&arguments);
            // A flag that the command does not have is a usage error: it opens nothing either.
            assert!(said.code == 3 || (said.code == 2 && !consent.is_empty()), "{arguments:?}: {said:?}");
            if consent.is_empty() {
                assert!(said.stderr.contains("error[NS-"), "{}", said.stderr);
            }
        }
    }
    // What an environment variable chooses is guarded in the same way.
    let mut command = world.sandbox.command(&["mock", "generate"]);
    assert_eq!(command.env("NSELF_ENV", "prod").output().unwrap().status.code(), Some(3));
    // In place, prod would lose its originals.
    for consent in [&[][..], &CERTAIN] {
        let said = world.sandbox.run(&[&["data", "anonymize", "--env", "prod"][..], consent].concat());
        assert!(said.code == 3 || (said.code == 2 && !consent.is_empty()), "{said:?}");
    }
    assert_eq!(world.fingerprint(&world.url("prod")), before);
}

fn in_staging(world: &World) {
    let staging = world.url("staging");
    for command in NEVER_IN_PRODUCTION.iter().chain(&SAME) {
        let before = world.fingerprint(&staging);
        let arguments = |more: &[&'static str]| [command, &["--env", "staging"][..], more].concat();
        for consent in [&[][..], &["--confirm", "store"], &["--confirm", ""]] {
            let said = world.sandbox.run(&arguments(consent));
            assert_eq!(said.code, 3, "{:?}: {said:?}", arguments(consent));
            assert!(said.stderr.contains("--confirm shop"), "{}", said.stderr);
        }
        // A general yes is never the project's name.
        let said = world.sandbox.run(&arguments(&["--yes"]));
        assert!(matches!(said.code, 2 | 3), "{said:?}");
        assert_eq!(world.fingerprint(&staging), before, "{command:?} was refused");
    }
    // With the name each of them does its work.
    for command in NEVER_IN_PRODUCTION {
        world.sandbox.ok(&["db", "migrate", "--env", "staging"]);
        world.sql("staging", KEEP);
        world.sandbox.ok(&[command, &["--env", "staging", "--confirm", "shop"][..]].concat());
        // Mock data comes beside rows of one's own; the others leave none of them.
        let done = match (command, world.sql("staging", "SELECT to_regclass('users') IS NULL").as_str()) {
            (["mock", _], _) => "SELECT count(*) > 0 FROM posts",
            (_, "t") => "SELECT true",
            _ => "SELECT count(*) = 0 FROM users WHERE name = 'Keep'",
        };
        assert_eq!(world.sql("staging", done), "t", "{command:?}");
    }
}

/// What leaves prod is anonymised.
fn from_production(world: &World) {
    for place in ["staging", "dev"] {
        let target = world.url(if place == "dev" { "local" } else { place });
        let before = world.fingerprint(&target);
        for command in [["data", "sync"], ["db", "clone"]] {
            for consent in [&[][..], &["--confirm", "shop"], &CERTAIN] {
                let arguments = [&command[..], &["--from", "prod", "--to", place], consent].concat();
                let said = world.sandbox.run(&arguments);
                assert_eq!(said.code, 3, "{arguments:?}: {said:?}");
                assert!(said.stderr.contains("--anonymize"), "{}", said.stderr);
            }
            // With it, staging still wants the project's name.
            if place == "staging" {
                let said =
                    world.sandbox.run(&[&command[..], &["--from", "prod", "--to", place, "--anonymize"]].concat());
                assert_eq!(said.code, 3, "{said:?}");
            }
        }
        assert_eq!(world.fingerprint(&target), before);
    }
}

/// Into prod only with both words.
fn to_production(world: &World) {
    let sandbox = &world.sandbox;
    sandbox.ok(&["db", "dump", "-o", "all.dump"]);
    let before = world.fingerprint(&world.url("prod"));
    let commands: [&[&str]; 3] = [
        &["data", "sync", "--from", "local", "--to", "prod"],
        &["db", "clone", "--from", "local", "--to", "prod"],
        &["db", "load", "all.dump", "--env", "prod"],
    ];
    for command in commands {
        for consent in [
            &[][..],
            &["--confirm", "shop"],
            &["--i-know-this-is-production"],
            &["--confirm", "store", "--i-know-this-is-production"],
        ] {
            let said = sandbox.run(&[command, consent].concat());
            assert_eq!(said.code, 3, "{command:?} {consent:?}: {said:?}");
        }
    }
    assert_eq!(world.fingerprint(&world.url("prod")), before);
    world.sql("local", "UPDATE users SET name = 'From local'");
    for command in &commands[..2] {
        world.sql("prod", "UPDATE users SET name = 'Old'");
        sandbox.ok(&[command, &CERTAIN[..]].concat());
        assert_eq!(world.sql("prod", "SELECT name FROM users"), "From local", "{command:?}");
    }
}

/// Nothing is asked at home.
fn locally(world: &World) {
    for command in [
        &["mock", "generate", "--preset", "minimal"][..],
        &["data", "reset"],
        &["db", "migrate:fresh"],
        &["db", "reset"],
    ] {
        world.sandbox.ok(command);
        world.sandbox.ok(&["db", "migrate"]);
    }
}
