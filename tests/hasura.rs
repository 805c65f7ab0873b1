//! `nself hasura` against a running stack.

use crate::sandbox::{Sandbox, said};

const TABLE: &str = "table:\n  name: notes\n  schema: public\nselect_permissions:\n  - role: user\n    permission:\n      columns:\n        - id\n      filter: {}\n";

/// A Hasura project beside the sandbox's own, with one migration and one table.
fn project(sandbox: &Sandbox) {
    project_of(sandbox, "default");
}

/// With a database of some name.
fn project_of(sandbox: &Sandbox, database: &str) {
    let files = [
        ("old/config.yaml", "version: 3\nmetadata_directory: metadata\n"),
        (
            "old/migrations/default/1700000000000_notes/up.sql",
            "create table notes (id serial primary key, body text);\n",
        ),
        ("old/migrations/default/1700000000000_notes/down.sql", "drop table notes;\n"),
        ("old/seeds/default/notes.sql", "insert into notes (body) values ('seeded');\n"),
        ("old/metadata/version.yaml", "version: 3\n"),
        (
            "old/metadata/databases/databases.yaml",
            "- name: default\n  kind: postgres\n  configuration:\n    connection_info:\n      database_url:\n        from_env: HASURA_GRAPHQL_DATABASE_URL\n  tables: \"!include default/tables/tables.yaml\"\n",
        ),
        ("old/metadata/databases/default/tables/tables.yaml", "- \"!include public_notes.yaml\"\n"),
        ("old/metadata/databases/default/tables/public_notes.yaml", TABLE),
    ];
    for (path, text) in files {
        let (path, text) = (path.replace("/default/", &format!("/{database}/")), text.replace("default", database));
        sandbox.write(&path, &text);
    }
}

#[test]
fn the_only_database_of_a_project_becomes_default() {
    let sandbox = Sandbox::plain();
    project_of(&sandbox, "shop");
    let imported = sandbox.json(&["hasura", "import", "old"]);
    assert_eq!((&imported["renamed"], &imported["other_sources"]), (&"shop".into(), &serde_json::json!([])));
    assert_eq!(imported["copied"].as_array().unwrap().len(), 3, "{imported}");
    assert!(sandbox.read("hasura/metadata/databases/databases.yaml").starts_with("- name: default\n"));
    assert_eq!(sandbox.read("hasura/metadata/databases/default/tables/public_notes.yaml"), TABLE);
    assert_eq!(sandbox.read("hasura/migrations/default/1700000000000_notes/down.sql"), "drop table notes;\n");

    // Of several, the one that is called so; the others are told.
    sandbox.write("old/migrations/stock/1_x/up.sql", "select 1;\n");
    let planned = sandbox.json(&["hasura", "import", "old", "--dry-run"]);
    assert_eq!(planned["other_sources"], serde_json::json!(["shop", "stock"]));
}

#[test]
fn a_hasura_project_is_taken_over() {
    let sandbox = Sandbox::plain();
    project(&sandbox);
    let away = sandbox.run(&["hasura", "metadata", "apply", "old/metadata"]);
    assert_eq!(away.code, 1);
    assert!(away.stderr.contains("error[NS-RUN-001]") && away.stderr.contains("nself start"), "{}", away.stderr);

    let planned = sandbox.json(&["hasura", "import", "old", "--dry-run"]);
    assert_eq!(planned["copied"].as_array().unwrap().len(), 3, "{planned}");
    assert!(!sandbox.folder().join("hasura").exists());
    sandbox.ok(&["hasura", "import", "old"]);
    assert_eq!(sandbox.json(&["hasura", "import", "old"])["same"], 3);
    sandbox.start();
    assert_eq!(sandbox.json(&["hasura", "migrate", "status"])["pending"], 1);
    let deployed = sandbox.json(&["hasura", "deploy"]);
    assert_eq!(deployed["applied"][0]["version"], "1700000000000");
    assert!(deployed["resource_version"].as_i64().unwrap() > 1);
    assert_eq!(sandbox.json(&["hasura", "metadata", "diff"])["changes"].as_array().unwrap().len(), 0);
    assert_eq!(sandbox.graphql("{ notes { id } }")["data"]["notes"], serde_json::json!([]));

    // What was written by hand stays as it is.
    let exported = sandbox.json(&["hasura", "metadata", "export"]);
    assert!(exported["changed"].as_array().unwrap().is_empty(), "{exported}");
    assert_eq!(sandbox.read("hasura/metadata/databases/default/tables/public_notes.yaml"), TABLE);

    sandbox.write("hasura/metadata/databases/default/tables/public_notes.yaml", &TABLE.replace("- id", "- body"));
    let diff = sandbox.json(&["hasura", "metadata", "diff"]);
    assert_eq!(
        diff["changes"][0]["path"],
        "sources.default.tables.public.notes.select_permissions.user.permission.columns"
    );
    sandbox.ok(&["hasura", "metadata", "apply"]);
    assert_eq!(sandbox.json(&["hasura", "metadata", "diff"])["changes"].as_array().unwrap().len(), 0);

    // What is not there is left out, and told.
    sandbox.write(
        "hasura/metadata/databases/default/tables/tables.yaml",
        "- \"!include public_notes.yaml\"\n- table: {schema: public, name: gone}\n",
    );
    let applied = sandbox.run(&["hasura", "metadata", "apply"]);
    assert_eq!(applied.code, 5, "{}{}", applied.stdout, applied.stderr);
    assert!(applied.stdout.contains("gone"), "{}", applied.stdout);
    let refused = sandbox.run(&["hasura", "metadata", "apply", "--disallow-inconsistent"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("error[NS-CLI-007]") && refused.stderr.contains("inconsistent"),
        "{}",
        refused.stderr
    );
    assert_eq!(sandbox.run(&["hasura", "metadata", "inconsistency", "list"]).code, 5);
    assert_eq!(sandbox.run(&["hasura", "metadata", "reload"]).code, 5);
    assert_eq!(sandbox.run(&["hasura", "metadata", "inconsistency", "drop"]).code, 0);
    sandbox.ok(&["hasura", "metadata", "inconsistency", "list"]);
    sandbox.ok(&["hasura", "metadata", "clear"]);
    assert!(sandbox.graphql("{ notes { id } }").get("errors").is_some());
}

#[test]
fn a_kill_leaves_sql_and_metadata_together_or_neither() {
    let sandbox = Sandbox::plain();
    project(&sandbox);
    sandbox.ok(&["hasura", "import", "old"]);
    sandbox.start();
    let state = |sandbox: &Sandbox| {
        let rows = sandbox.sql(
            "select to_regclass('public.notes') is not null as made,
                 exists (select from nself.migrations where version = '1700000000000') as recorded,
                 (select metadata::text like '%notes%' from hdb_catalog.hdb_metadata) as tracked",
        );
        (rows[0]["made"] == true, rows[0]["recorded"] == true, rows[0]["tracked"] == true)
    };
    // The record's table is made by the first run, in a transaction of its own.
    let points = ["migrate.inside", "migrate.before-metadata", "deploy.metadata-saved", "migrate.before-commit"];
    for point in points {
        let cut = said(sandbox.command(&["hasura", "deploy"]).env("NSELF_FAULT", point).output().unwrap());
        assert_ne!(cut.code, 0, "{point} was never reached");
        assert_eq!(state(&sandbox), (false, false, false), "{point}");
    }
    let cut = said(sandbox.command(&["hasura", "deploy"]).env("NSELF_FAULT", "migrate.after-commit").output().unwrap());
    assert_ne!(cut.code, 0);
    assert_eq!(state(&sandbox), (true, true, true));
    sandbox.ok(&["hasura", "deploy"]);
    assert_eq!(state(&sandbox), (true, true, true));
}

#[test]
fn two_folders_are_compared_without_an_engine() {
    let sandbox = Sandbox::plain();
    project(&sandbox);
    sandbox.write("new/databases/databases.yaml", "- name: default\n  kind: postgres\n  tables: []\n");
    let diff = sandbox.json(&["hasura", "metadata", "diff", "old/metadata", "new"]);
    assert_eq!(diff["changes"][0]["kind"], "removed");
    let said = sandbox.run(&["hasura", "metadata", "diff", "old/metadata", "none"]);
    assert!(said.stderr.contains("error[NS-META-001]"), "{}", said.stderr);
    sandbox.write("new/databases/databases.yaml", "- name: [\n");
    let said = sandbox.run(&["hasura", "metadata", "diff", "old/metadata", "new"]);
    assert!(said.stderr.contains("error[NS-META-003]") && said.stderr.contains("databases.yaml"), "{}", said.stderr);
}
