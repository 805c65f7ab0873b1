//! Between environments: `nself db clone` and `nself data sync`.

use super::World;

/// What stands in prod and must not be seen anywhere else.
const SECRETS: [&str; 7] = [
    "carla@corp.example",
    "Carla Conti",
    "555-010-4477",
    "078-05-1120",
    "12 Rose Lane",
    "4111111111111111",
    "9 Bill Street",
];

const PEOPLE: &str = "
    INSERT INTO users (email, name, phone, ssn, address) VALUES
        ('carla@corp.example', 'Carla Conti', '555-010-4477', '078-05-1120', '12 Rose Lane'),
        ('dan@corp.example', 'Dan Dorn', '555-010-8890', '219-09-9999', '3 Oak Road');
    INSERT INTO posts (user_id, title) SELECT id, 'On tea' FROM users;
    INSERT INTO comments (user_id, post_id, content) SELECT u.id, p.id, 'good' FROM users u, posts p;
    INSERT INTO payments (user_id, credit_card, billing_address, amount)
        SELECT id, '4111111111111111', '9 Bill Street', 10.50 FROM users;";

/// Every row of every table of the project, as text.
fn everything(world: &World, place: &str) -> String {
    let tables = ["users", "posts", "comments", "payments", "roles", "permissions", "app_config"];
    tables.map(|table| world.sql(place, &format!("SELECT t::text FROM {table} t ORDER BY 1"))).join("\n")
}

#[track_caller]
fn nothing_leaked(world: &World, place: &str) {
    let text = everything(world, place);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{place} has {secret}");
    }
    let counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT count(*) FROM comments), \
                  (SELECT count(*) FROM payments), (SELECT count(*) FROM users JOIN posts ON posts.user_id = users.id)";
    assert_eq!(world.sql(place, counts), "2|2|4|2|2", "rows and what binds them are all there");
    assert_eq!(world.sql(place, "SELECT count(DISTINCT email) FROM users WHERE email LIKE '%@%'"), "2");
    assert_eq!(world.sql(place, "SELECT count(*) FROM payments WHERE credit_card IS NULL"), "2");
    assert_eq!(world.sql(place, "SELECT string_agg(label, ' ' ORDER BY name) FROM roles"), "Runs the place Uses it");
    // The next row gets a number of its own.
    world.sql(place, "INSERT INTO users (email, name) VALUES ('new@example.com', 'New')");
    world.sql(place, "DELETE FROM users WHERE email = 'new@example.com'");
}

#[test]
fn environments_are_copied_and_prod_only_anonymised() {
    let world = World::three();
    world.seeded();
    world.sandbox.ok(&["db", "migrate", "--env", "prod"]);
    world.sql("prod", PEOPLE);
    let before = world.fingerprint(&world.url("prod"));

    // Local to staging: the same rows, the schema included, over what stood there.
    world.sql("staging", "CREATE TABLE stale (id int)");
    world.line("nself db clone staging").and(&["--confirm", "shop"]).ok();
    assert_eq!(world.fingerprint(&world.url("staging")), world.fingerprint(&world.url("local")));
    world.sql("staging", "DELETE FROM posts; UPDATE users SET name = 'changed'");
    world.line("nself data sync --from local --to staging").and(&["--confirm", "shop"]).ok();
    assert_eq!(world.fingerprint(&world.url("staging")), world.fingerprint(&world.url("local")));

    // Prod to local and to staging.
    world.line("nself db clone --from prod --anonymize").ok();
    nothing_leaked(&world, "local");
    let plan = world.line("nself data sync --from prod --to staging --anonymize").and(&["--dry-run"]).run();
    assert_eq!(plan.code, 0, "{plan:?}");
    assert_eq!(world.sql("staging", "SELECT count(*) FROM users"), "3", "a dry run changes nothing");
    world.line("nself data sync --from prod --to staging --anonymize").and(&["--confirm", "shop"]).ok();
    nothing_leaked(&world, "staging");
    // The key makes it the same everywhere: joins over environments still work.
    assert_eq!(everything(&world, "staging"), everything(&world, "local"));

    subset(&world);
    unclassified(&world);
    assert_eq!(world.fingerprint(&world.url("prod")), before, "prod is only read");
}

/// A part of prod with everything that it refers to and that refers to it.
fn subset(world: &World) {
    let part = ["--subset", "users where name = 'Dan Dorn'", "--confirm", "shop"];
    world.line("nself data sync --from prod --to staging --anonymize").and(&part).ok();
    let counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM payments), (SELECT count(*) FROM roles)";
    let counts = world.sql("staging", counts);
    assert!(counts.ends_with('2') || counts.ends_with('1'), "{counts}");
    let broken = "SELECT count(*) FROM comments c LEFT JOIN posts p ON p.id = c.post_id LEFT JOIN users u ON u.id = c.user_id \
                  WHERE p.id IS NULL OR u.id IS NULL";
    assert_eq!(world.sql("staging", broken), "0");
}

/// A column that looks like personal data and is not in the rules stops everything before the first row.
fn unclassified(world: &World) {
    world.sql("prod", "ALTER TABLE payments ADD iban text; UPDATE payments SET iban = 'DE89370400440532013000'");
    let before = world.fingerprint(&world.url("staging"));
    for command in [vec!["data", "sync"], vec!["db", "clone"]] {
        let arguments = ["--from", "prod", "--to", "staging", "--anonymize", "--confirm", "shop"];
        let said = world.sandbox.run(&[command.as_slice(), &arguments].concat());
        assert_ne!(said.code, 0, "{said:?}");
        assert!(said.stderr.contains("iban") && !said.stderr.contains("DE8937"), "{}", said.stderr);
    }
    assert_eq!(world.fingerprint(&world.url("staging")), before);
    world.sql("prod", "ALTER TABLE payments DROP iban");
}
