//! `nself data`: export, import, anonymize, reset.

use std::path::Path;

use super::World;

const ROWS: &str = "
    INSERT INTO users (email, name, phone, ssn, address, created_at) VALUES
        ('carla@corp.example', 'Carla \"CC\", Conti', '555-010-4477', '078-05-1120', E'12 Rose Lane\\nBack door', '2024-02-29 12:34:56.789012+02'),
        ('dan@corp.example', 'Ωmega 🦀', null, '', '\\N', '2024-10-27 02:30:00 Europe/Berlin');
    INSERT INTO posts (user_id, title, body, published) SELECT id, 'On tea', repeat('leaf ', 2000), true FROM users;
    INSERT INTO comments (user_id, post_id, content) SELECT u.id, p.id, 'good' FROM users u, posts p;
    INSERT INTO payments (user_id, credit_card, billing_address, amount) SELECT id, '4111111111111111', '9 Bill Street', 10.50 FROM users;";

#[test]
fn data_goes_out_comes_in_and_is_anonymised() {
    let world = World::local();
    world.seeded();
    world.sql("local", ROWS);
    round_trips(&world);
    imports(&world);
    faulty(&world);
    resets(&world);
    anonymises(&world);
}

/// Out and in again, in each format, without a difference.
fn round_trips(world: &World) {
    let local = world.url("local");
    let before = world.fingerprint(&local);
    let again = |report: serde_json::Value| {
        let output = report["output"].as_str().unwrap_or_else(|| panic!("{report}")).to_owned();
        let rows = report["tables"]
            .as_array()
            .unwrap()
            .iter()
            .find(|table| table["table"].as_str().is_some_and(|name| name.ends_with("users")));
        assert_eq!(rows.unwrap()["rows"], 5, "{report}");
        world.sql("local", "TRUNCATE roles, users, app_config CASCADE");
        // A folder or a file: the importer sees what it is.
        world.line("nself data import file.json").with("file.json", &output).ok();
        assert_eq!(world.fingerprint(&local), before, "{output}");
        world.sql("local", "INSERT INTO users (email, name) VALUES ('next@example.com', 'Next')");
        world.sql("local", "DELETE FROM users WHERE name = 'Next'");
    };
    again(world.line("nself data export").json());
    again(world.line("nself data export --format csv").and(&["-o", "out-csv"]).json());
    again(world.line("nself data export --format parquet").and(&["-o", "out-parquet"]).json());
    again(world.line("nself data export").and(&["--format", "ndjson", "-o", "out.tar"]).json());
    // Rows are somebody's: nobody else may read them.
    for path in ["out-csv", "out-parquet", "out.tar"] {
        let mode = world.sandbox.folder().join(path).metadata().unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o077, 0, "others can read {path}");
    }
}

/// Files that people and other programs wrote.
fn imports(world: &World) {
    let sandbox = &world.sandbox;
    sandbox.write("roles.json", r#"[{"name": "guest", "label": "Looks"}, {"name": "owner", "label": "Owns \"it\""}]"#);
    world.line("nself data import file.json").with("file.json", "roles.json").ok();
    assert_eq!(world.sql("local", "SELECT label FROM roles WHERE name = 'owner'"), "Owns \"it\"");
    sandbox.write("people.csv", "email,name,phone\nfay@example.com,\"Fay, F.\",\ngus@example.com,Gus,123\n");
    world.line("nself data import file.csv --table users").with("file.csv", "people.csv").ok();
    assert_eq!(
        world.sql("local", "SELECT name, phone IS NULL FROM users WHERE email = 'fay@example.com'"),
        "Fay, F.|t"
    );

    // Upsert over a folder: what is there changes, what is not there comes.
    sandbox.write("dir/roles.json", r#"[{"name": "guest", "label": "Looks twice"}, {"name": "new", "label": "New"}]"#);
    sandbox.write("dir/permissions.json", r#"[{"role": "new", "may": "waiting"}]"#);
    world.line("nself data import dir/ --upsert").ok();
    assert_eq!(
        world.sql("local", "SELECT label FROM roles WHERE name IN ('guest', 'new') ORDER BY name"),
        "Looks twice\nNew"
    );
    assert_eq!(world.sql("local", "SELECT may FROM permissions WHERE role = 'new'"), "waiting");
}

/// All or nothing, with the row that is wrong; with --keep-going the others.
fn faulty(world: &World) {
    let sandbox = &world.sandbox;
    sandbox.write("bad.csv", "name,label\nfine,Fine\nadmin,Twice\nfiner,Finer\n");
    let said = sandbox.run(&["data", "import", "bad.csv", "--table", "roles"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("bad.csv") && said.stderr.contains('3'), "{}", said.stderr);
    assert_eq!(world.sql("local", "SELECT count(*) FROM roles WHERE name LIKE 'fine%'"), "0");
    let said = sandbox.run(&["data", "import", "bad.csv", "--table", "roles", "--keep-going"]);
    assert_eq!(world.sql("local", "SELECT count(*) FROM roles WHERE name LIKE 'fine%'"), "2", "{said:?}");
}

fn resets(world: &World) {
    let rows = || world.sql("local", "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts)");
    world.line("nself data reset --keep-schema").ok();
    assert_eq!(rows(), "0|0");
    assert_eq!(world.sql("local", "SELECT count(*) FROM nself.migrations"), "2", "the schema's record stays");
    world.sandbox.ok(&["db", "migrate"]);
    world.line("nself data reset --keep-seeds").ok();
    assert_eq!(rows(), "3|1");
    world.line("nself data reset").ok();
    world.sandbox.ok(&["db", "migrate"]);
    assert_eq!(rows(), "0|0");
    world.sandbox.ok(&["seed"]);
    assert_eq!(rows(), "3|1");
}

fn anonymises(world: &World) {
    let sandbox = &world.sandbox;
    sandbox.ok(&["data", "reset", "--keep-seeds"]);
    world.sql("local", "INSERT INTO roles VALUES ('admin', 'Runs'), ('user', 'Uses') ON CONFLICT DO NOTHING");
    world.sql("local", ROWS);
    let local = world.url("local");
    let before = world.fingerprint(&local);
    let preview = world.line("nself data anonymize --preview").ok();
    assert!(preview.contains("email") && preview.contains("phone"), "{preview}");
    assert_eq!(world.fingerprint(&local), before, "a preview changes nothing");

    // Rules from another file: only what they say.
    let rules = sandbox
        .read("nself/anonymize.yaml")
        .replace("email: fake ", "email: keep ")
        .replace("phone: mask ", "phone: null ");
    sandbox.write("anonymize.yaml", &rules);
    world.line("nself data anonymize --config anonymize.yaml").ok();
    assert_eq!(
        world.sql("local", "SELECT count(*) FROM users WHERE email = 'carla@corp.example' AND phone IS NULL"),
        "1"
    );
    assert_eq!(world.sql("local", "SELECT count(*) FROM users WHERE name LIKE 'Carla%'"), "0");

    world.line("nself data anonymize").ok();
    assert_eq!(
        world.sql("local", "SELECT count(*) FROM users WHERE email LIKE '%corp.example' OR ssn = '078-05-1120'"),
        "0"
    );
    assert_eq!(world.sql("local", "SELECT count(*), count(credit_card) FROM payments"), "5|0");
    assert_eq!(world.sql("local", "SELECT count(*) FROM users"), "5");
    assert!(
        !readable_originals(&sandbox.folder().join(".nself")),
        "an original is left in a file that others can read"
    );
}

/// Whether a file below a folder that others can read has an original of [`ROWS`].
fn readable_originals(folder: &Path) -> bool {
    std::fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        if path.is_symlink() {
            return false;
        }
        if path.is_dir() {
            return readable_originals(&path);
        }
        let open =
            path.metadata().is_ok_and(|meta| std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o077 != 0);
        open && std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("carla@corp.example"))
    })
}
