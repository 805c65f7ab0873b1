//! `nself seed`.

use super::World;

#[test]
fn seeds_run_in_their_environment_and_are_extracted() {
    let world = World::three();
    let sandbox = &world.sandbox;
    sandbox.ok(&["db", "migrate"]);
    let report = world.line("nself seed").json();
    assert_eq!(report["ran"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(world.sql("local", "SELECT title FROM posts"), "Local");
    assert_eq!(world.sql("local", "SELECT count(*) FROM users"), "3");
    assert!(world.line("nself seed").ok().contains("unchanged"));

    // A changed file runs again, the others do not.
    let users = sandbox.read("nself/seeds/002_users.sql").replace("('bob", "('eve@example.com', 'Eve'), ('bob");
    sandbox.write("nself/seeds/002_users.sql", &users);
    let report = world.line("nself seed run users").json();
    assert_eq!(report["ran"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(world.sql("local", "SELECT count(*) FROM users"), "4");

    // The environment's own folder, in the environment's own database.
    sandbox.ok(&["db", "migrate", "--env", "staging"]);
    world.line("nself seed run --env staging").ok();
    assert_eq!(world.sql("staging", "SELECT title FROM posts"), "Staging");
    assert_eq!(world.sql("local", "SELECT title FROM posts"), "Local");

    // Fresh: what was there goes, what the seeds say comes back.
    world.sql("local", "INSERT INTO users (email, name) VALUES ('mallory@example.com', 'Mallory')");
    world.line("nself seed run --fresh").ok();
    assert_eq!(world.sql("local", "SELECT count(*), count(*) FILTER (WHERE name = 'Mallory') FROM users"), "4|0");
    assert_eq!(world.sql("local", "SELECT count(*) FROM posts"), "1");
    assert_eq!(world.sql("local", "SELECT count(*) FROM roles"), "2", "rows of migrations stay");

    management(&world);
    extraction(&world);
    errors(&world);
}

fn management(world: &World) {
    let sandbox = &world.sandbox;
    world.line("nself seed init").ok();
    for folder in ["common", "local", "staging", "production"] {
        assert!(sandbox.folder().join("nself/seeds").join(folder).is_dir(), "{folder}");
    }
    let created = world.line("nself seed create <name>").with("<name>", "coupons").json();
    let file = created["file"].as_str().unwrap().to_owned();
    assert_eq!(file, "nself/seeds/local/002_coupons.sql");
    let list = world.line("nself seed list").json();
    let text = list.to_string();
    assert!(text.contains("001_admin_users.sql") && text.contains("002_coupons.sql"), "{list}");
    assert!(!text.contains("demo_data"), "{list}");
    let status = world.line("nself seed status").ok();
    assert!(status.contains("admin_users") && status.contains("coupons"), "{status}");
    std::fs::remove_file(sandbox.folder().join(file)).unwrap();
}

/// What was extracted makes the same rows in an empty copy of the schema, and the next key is free.
fn extraction(world: &World) {
    let sandbox = &world.sandbox;
    world.sql("local", "UPDATE users SET phone = E'it''s\\n\\\\N', address = '', avatar = null WHERE role = 'admin'");
    let before = world.sql("local", "SELECT t::text FROM users t ORDER BY id");
    let only_admin = world.sql("local", "SELECT t::text FROM users t WHERE role = 'admin'");

    let whole = world.line("nself seed extract users").json();
    let file = whole["file"].as_str().unwrap_or_else(|| panic!("{whole}")).to_owned();
    assert!(file.starts_with("nself/seeds/"), "{file}");
    world.sql("local", "TRUNCATE users CASCADE");
    sandbox.ok(&["seed", "run", &file, "--force"]);
    assert_eq!(world.sql("local", "SELECT t::text FROM users t ORDER BY id"), before);
    world.sql("local", "INSERT INTO users (email, name) VALUES ('next@example.com', 'Next')");
    std::fs::remove_file(sandbox.folder().join(&file)).unwrap();

    let part = world.line(r#"nself seed extract users --where "role = 'admin'""#).json();
    let file = part["file"].as_str().unwrap().to_owned();
    world.sql("local", "TRUNCATE users CASCADE");
    sandbox.ok(&["seed", "run", &file, "--force"]);
    assert_eq!(world.sql("local", "SELECT t::text FROM users t"), only_admin);
    std::fs::remove_file(sandbox.folder().join(file)).unwrap();
}

fn errors(world: &World) {
    let sandbox = &world.sandbox;
    sandbox.write(
        "nself/seeds/009_wrong.sql",
        "INSERT INTO users (email, name) VALUES ('z@example.com', 'Z');\nINSERT INTO nowhere VALUES (1);\n",
    );
    let said = sandbox.run(&["seed"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("009_wrong.sql:2"), "{}", said.stderr);
    assert_eq!(world.sql("local", "SELECT count(*) FROM users WHERE name = 'Z'"), "0", "a seed is one transaction");
}
