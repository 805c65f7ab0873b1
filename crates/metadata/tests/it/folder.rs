use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use metadata::folder;
use serde_json::{Value, json};

fn shop() -> Value {
    json!({
        "version": 3,
        "sources": [{
            "name": "default", "kind": "postgres",
            "tables": [
                {"table": {"schema": "public", "name": "users"}, "select_permissions": [
                    {"role": "user", "permission": {"columns": ["id"], "filter": {"id": {"_eq": "X-Hasura-User-Id"}}}}]},
                {"table": {"schema": "sales", "name": "orders"}, "event_triggers": [{
                    "name": "placed", "definition": {"enable_manual": false, "insert": {"columns": "*"}},
                    "retry_conf": {"interval_sec": 10, "num_retries": 0, "timeout_sec": 60},
                    "webhook": "{{HOOKS}}/placed"}]},
            ],
            "functions": [{"function": {"schema": "public", "name": "search"}}],
            "configuration": {"connection_info": {"database_url": {"from_env": "HASURA_GRAPHQL_DATABASE_URL"},
                "isolation_level": "read-committed", "use_prepared_statements": true}},
        }],
        "query_collections": [{"name": "allowed-queries", "definition": {"queries": [
            {"name": "users", "query": "query {\n  users {\n    id\n  }\n}\n"}]}}],
        "allowlist": [{"collection": "allowed-queries", "scope": {"global": true}}],
        "actions": [
            {"name": "login", "definition": {"handler": "{{HOOKS}}/login", "output_type": "Token",
                "forward_client_headers": true,
                "arguments": [{"name": "input", "type": "LoginInput!", "description": "who"}],
                "type": "mutation", "kind": "synchronous", "timeout": 10}, "permissions": [{"role": "user"}]},
            {"name": "now", "definition": {"handler": "{{HOOKS}}/now", "output_type": "String!", "arguments": [],
                "type": "query"}, "comment": "The time"},
        ],
        "custom_types": {
            "input_objects": [{"name": "LoginInput", "fields": [{"name": "name", "type": "String!"}]}],
            "objects": [{"name": "Token", "fields": [{"name": "token", "type": "String!"}, {"name": "kind", "type": "Kind"}],
                "relationships": [{"name": "user", "type": "object", "field_mapping": {"token": "id"},
                    "remote_table": {"schema": "public", "name": "users"}, "source": "default"}]}],
            "scalars": [{"name": "Day", "description": "A day"}],
            "enums": [{"name": "Kind", "values": [{"value": "A"}, {"value": "B"}]}],
        },
        "cron_triggers": [{"name": "nightly", "webhook": "http://h", "schedule": "0 3 * * *", "include_in_metadata": true}],
        "inherited_roles": [{"role_name": "both", "role_set": ["a", "b"]}],
    })
}

fn list(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(current) = waiting.pop() {
        for entry in std::fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found
}

fn assert_same(found: &Value, expected: &Value) {
    let changes = metadata::diff::changes(expected, found);
    assert!(changes.is_empty(), "{changes:#?}");
}

#[test]
fn the_layout_is_hasuras() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("metadata");
    let written = folder::write(&folder, &shop()).unwrap();
    assert!(written.changed.is_empty() && written.removed.is_empty());
    let expected = [
        "actions.graphql",
        "actions.yaml",
        "allow_list.yaml",
        "api_limits.yaml",
        "backend_configs.yaml",
        "cron_triggers.yaml",
        "databases/databases.yaml",
        "databases/default/functions/functions.yaml",
        "databases/default/functions/public_search.yaml",
        "databases/default/tables/public_users.yaml",
        "databases/default/tables/sales_orders.yaml",
        "databases/default/tables/tables.yaml",
        "graphql_schema_introspection.yaml",
        "inherited_roles.yaml",
        "metrics_config.yaml",
        "network.yaml",
        "opentelemetry.yaml",
        "query_collections.yaml",
        "remote_schemas.yaml",
        "rest_endpoints.yaml",
        "version.yaml",
    ];
    assert_eq!(list(&folder), expected.into_iter().map(str::to_owned).collect());
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(
        text("databases/default/tables/tables.yaml"),
        "- \"!include public_users.yaml\"\n- \"!include sales_orders.yaml\"\n"
    );
    assert_eq!(
        text("databases/databases.yaml"),
        "- name: default\n  kind: postgres\n  configuration:\n    connection_info:\n      database_url:\n        \
         from_env: HASURA_GRAPHQL_DATABASE_URL\n      isolation_level: read-committed\n      \
         use_prepared_statements: true\n  tables: \"!include default/tables/tables.yaml\"\n  \
         functions: \"!include default/functions/functions.yaml\"\n"
    );
    assert_eq!(
        text("databases/default/tables/sales_orders.yaml"),
        "table:\n  schema: sales\n  name: orders\nevent_triggers:\n  - name: placed\n    definition:\n      \
         enable_manual: false\n      insert:\n        columns: '*'\n    retry_conf:\n      interval_sec: 10\n      \
         num_retries: 0\n      timeout_sec: 60\n    webhook: '{{HOOKS}}/placed'\n"
    );
    assert_eq!(
        text("actions.graphql"),
        "type Mutation {\n  login(\n    \"\"\"who\"\"\"\n    input: LoginInput!\n  ): Token\n}\n\n\
         type Query {\n  now: String!\n}\n\ninput LoginInput {\n  name: String!\n}\n\n\
         type Token {\n  token: String!\n  kind: Kind\n}\n\n\"\"\"A day\"\"\"\nscalar Day\n\n\
         enum Kind {\n  A\n  B\n}\n\n"
    );
    assert!(text("actions.yaml").starts_with(
        "actions:\n  - name: login\n    definition:\n      kind: synchronous\n      handler: '{{HOOKS}}/login'\n      \
         forward_client_headers: true\n      timeout: 10\n    permissions:\n      - role: user\n  - name: now\n    \
         definition:\n      kind: \"\"\n"
    ));
    assert!(text("query_collections.yaml").contains("        query: |\n          query {\n            users {\n"));
    assert_eq!((text("api_limits.yaml"), text("rest_endpoints.yaml")), ("{}\n".to_owned(), "[]\n".to_owned()));
    assert_same(&folder::read(&folder).unwrap(), &shop());
    assert!(folder::write(&folder, &shop()).unwrap().is_unchanged());
}

#[test]
fn what_says_the_same_keeps_its_bytes_and_what_is_gone_goes() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("metadata");
    folder::write(&folder, &shop()).unwrap();
    let users = folder.join("databases/default/tables/public_users.yaml");
    let own = "# mine\n{table: {name: users, schema: public}, select_permissions: [{role: user, permission: {columns: [id], filter: {id: {_eq: X-Hasura-User-Id}}}}]}\n";
    std::fs::write(&users, own).unwrap();
    std::fs::write(folder.join("README.md"), "notes").unwrap();
    std::fs::create_dir_all(folder.join("extra/deep")).unwrap();
    std::fs::write(folder.join("extra/deep/file"), "kept").unwrap();
    let mut changed = shop();
    changed["sources"][0]["tables"].as_array_mut().unwrap().remove(1);
    changed["sources"][0].as_object_mut().unwrap().remove("functions");
    changed["cron_triggers"][0]["schedule"] = "0 4 * * *".into();
    let written = folder::write(&folder, &changed).unwrap();
    let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert_eq!(
        written.removed,
        paths(&[
            "databases/default/functions/functions.yaml",
            "databases/default/functions/public_search.yaml",
            "databases/default/tables/sales_orders.yaml"
        ])
    );
    assert_eq!(
        written.changed,
        paths(&["cron_triggers.yaml", "databases/databases.yaml", "databases/default/tables/tables.yaml"])
    );
    assert_eq!(std::fs::read_to_string(&users).unwrap(), own);
    assert_eq!(std::fs::read_to_string(folder.join("extra/deep/file")).unwrap(), "kept");
    assert!(folder.join("README.md").exists() && !folder.join("databases/default/tables/sales_orders.yaml").exists());
    assert_same(&folder::read(&folder).unwrap(), &changed);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_kill_leaves_the_old_folder_or_the_new_one() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("metadata");
    folder::write(&folder, &shop()).unwrap();
    let mut changed = shop();
    changed["inherited_roles"][0]["role_set"] = json!(["a"]);
    for (point, expected) in [("metadata.before-swap", shop()), ("metadata.after-swap", changed.clone())] {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "folder::helper_that_is_killed", "--ignored"])
            .env("NSELF_FAULT", point)
            .env("FOLDER", &folder)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "it dies at {point}");
        assert_same(&folder::read(&folder).unwrap(), &expected);
    }
}

#[test]
#[ignore = "run by another test, which kills it"]
fn helper_that_is_killed() {
    let Some(folder) = std::env::var_os("FOLDER") else { return };
    let mut changed = shop();
    changed["inherited_roles"][0]["role_set"] = json!(["a"]);
    folder::write(Path::new(&folder), &changed).unwrap();
}

#[test]
fn version_2_and_exported_files_are_read() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("metadata");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("version.yaml", "version: 2\n");
    write("tables.yaml", "- table:\n    schema: public\n    name: users\n  is_enum: true\n");
    write("functions.yaml", "- function:\n    schema: public\n    name: f\n");
    write("remote_schemas.yaml", "[]\n");
    write("cron_triggers.yaml", "# nothing yet\n");
    let found = folder::read(&folder).unwrap();
    assert_eq!(found["version"], 3);
    assert_eq!(
        found["sources"][0]["tables"][0],
        json!({"table": {"schema": "public", "name": "users"}, "is_enum": true})
    );
    assert_eq!(found["sources"][0]["functions"][0]["function"]["name"], "f");
    assert!(found.get("cron_triggers").is_none());
    // Written, it is version 3, and the old files are gone.
    folder::write(&folder, &found).unwrap();
    assert!(!folder.join("tables.yaml").exists());
    assert_same(&folder::read(&folder).unwrap(), &found);

    let file = parent.path().join("metadata.json");
    std::fs::write(&file, json!({"resource_version": 7, "metadata": shop()}).to_string()).unwrap();
    assert_eq!(folder::read(&file).unwrap(), shop());
    std::fs::write(&file, json!({"version": 2, "tables": [{"table": "users"}]}).to_string()).unwrap();
    assert_eq!(folder::read(&file).unwrap()["sources"][0]["tables"][0]["table"], "users");
}

#[test]
fn mistakes_name_their_file() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("metadata");
    let message = |folder: &Path| {
        use project::Diagnostic;
        let error = folder::read(folder).unwrap_err();
        format!("{} {error}: {}", error.code(), error.why().unwrap()).replace(&parent.path().display().to_string(), "")
    };
    assert!(message(&folder).starts_with("NS-META-001 there is no Hasura metadata in /metadata"));
    folder::write(&folder, &shop()).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("databases/default/tables/tables.yaml", "- \"!include ../../../../secret.yaml\"\n");
    assert!(
        message(&folder).ends_with("it includes ../../../../secret.yaml, which is outside the folder"),
        "{}",
        message(&folder)
    );
    write("databases/default/tables/tables.yaml", "- \"!include tables.yaml\"\n");
    assert!(message(&folder).contains("files name files more than 16 deep"), "{}", message(&folder));
    write("databases/default/tables/tables.yaml", "- \"!include gone.yaml\"\n");
    assert!(message(&folder).starts_with("NS-META-002 cannot read /metadata/databases/default/tables/gone.yaml"));
    write("databases/default/tables/tables.yaml", "[]\n");
    write("cron_triggers.yaml", "<<<<<<< HEAD\n- a\n");
    assert!(message(&folder).starts_with("NS-META-003 /metadata/cron_triggers.yaml cannot be understood"));
    write("cron_triggers.yaml", "{}\n");
    assert!(message(&folder).ends_with("it should hold a list"));
    write("cron_triggers.yaml", "[]\n");
    write("actions.yaml", "actions:\n  - name: gone\n");
    assert!(message(&folder).ends_with("action gone is not present in actions.graphql"));
}

#[test]
fn names_that_no_path_can_hold_get_one() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("metadata");
    let table = |schema: &str, name: &str| json!({"table": {"schema": schema, "name": name}});
    let tables = json!([table("a_b", "c"), table("a", "b_c"), table("a", "B_C"), table("..", "/etc/passwd")]);
    let metadata = json!({"version": 3, "sources": [{"name": "../x", "kind": "postgres", "tables": tables}]});
    folder::write(&folder, &metadata).unwrap();
    assert_same(&folder::read(&folder).unwrap(), &metadata);
    assert!(list(&folder).contains("databases/_..-x/tables/a_B_C_3.yaml"), "{:?}", list(&folder));
}
