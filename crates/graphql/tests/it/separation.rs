//! Two users of one role, and another role: neither sees or changes what its permissions forbid, whatever it asks with.

use graphql::{Request, Session};
use serde_json::{Value, json};

use super::support::{Shop, database_with};

pub const BANK: &str = "
    CREATE TABLE kind (name text PRIMARY KEY, comment text);
    INSERT INTO kind VALUES ('open', 'money'), ('covert', 'more money');
    CREATE TABLE account (
        id int PRIMARY KEY, owner_id int NOT NULL, email text UNIQUE, balance int NOT NULL DEFAULT 0 CHECK (balance < 1000),
        secret text, kind text REFERENCES kind, changed_by text
    );
    CREATE TABLE note (id int PRIMARY KEY, account_id int NOT NULL REFERENCES account, body text);
    CREATE TABLE vault (id int PRIMARY KEY, account_id int NOT NULL REFERENCES account, code text);
    CREATE TABLE audit (id int PRIMARY KEY, line text);
    INSERT INTO account VALUES
        (1, 1, 'one@x', 10, 'alpha', 'open'), (2, 2, 'two@x', 20, 'beta', 'covert'), (3, 1, 'three@x', 0, 'gamma', 'open');
    INSERT INTO note VALUES (1, 1, 'mine'), (2, 2, 'theirs');
    INSERT INTO vault VALUES (1, 1, '1234'), (2, 2, '5678');
    CREATE FUNCTION rich(minimum int) RETURNS SETOF account LANGUAGE sql STABLE AS
        $$ SELECT * FROM account WHERE balance >= minimum $$;
    CREATE FUNCTION empty_all() RETURNS SETOF account LANGUAGE sql VOLATILE AS
        $$ UPDATE account SET balance = 0 RETURNING * $$;
    CREATE FUNCTION account_hint(one account) RETURNS text LANGUAGE sql STABLE AS $$ SELECT left(one.secret, 1) $$;
    CREATE FUNCTION account_vaults(one account) RETURNS SETOF vault LANGUAGE sql STABLE AS
        $$ SELECT * FROM vault WHERE account_id = one.id $$;
    CREATE FUNCTION account_notes(one account) RETURNS SETOF note LANGUAGE sql STABLE AS
        $$ SELECT * FROM note $$;";

fn own() -> Value {
    json!({ "owner_id": { "_eq": "X-Hasura-User-Id" } })
}

pub async fn bank() -> Shop {
    bank_with(|_| {}).await
}

pub async fn bank_with(change: impl FnOnce(&mut graphql::Options)) -> Shop {
    let shop = database_with(BANK, change).await;
    let answer = |kind: &str, args: Value| json!({ "type": format!("pg_{kind}"), "args": args });
    let permission = |kind: &str, table: &str, role: &str, permission: Value| {
        let args = json!({ "source": "default", "table": table, "role": role, "permission": permission });
        answer(&format!("create_{kind}_permission"), args)
    };
    let mut commands = Vec::new();
    for table in ["kind", "account", "note", "vault", "audit"] {
        commands.push(answer("track_table", json!({ "table": table })));
    }
    commands.push(answer("set_table_is_enum", json!({ "table": "kind", "is_enum": true })));
    for table in ["note", "vault"] {
        let using = json!({ "foreign_key_constraint_on": { "table": table, "column": "account_id" } });
        let args = json!({ "table": "account", "name": format!("{table}s"), "using": using });
        commands.push(answer("create_array_relationship", args));
        let args = json!({ "table": table, "name": "account", "using": { "foreign_key_constraint_on": "account_id" } });
        commands.push(answer("create_object_relationship", args));
    }
    for (name, function) in [("hint", "account_hint"), ("coffers", "account_vaults"), ("jottings", "account_notes")] {
        let args = json!({ "table": "account", "name": name, "definition": { "function": function } });
        commands.push(answer("add_computed_field", args));
    }
    commands.push(answer("track_function", json!({ "function": "rich" })));
    let exposed = json!({ "function": "empty_all", "configuration": { "exposed_as": "mutation" } });
    commands.push(answer("track_function", exposed));
    let through = json!({ "account": own() });
    commands.extend([
        permission("select", "account", "user", json!({ "columns": ["id", "owner_id", "balance"], "filter": own() })),
        permission(
            "insert",
            "account",
            "user",
            json!({ "columns": ["id", "owner_id", "email", "balance"], "check": own(), "set": { "secret": "none" } }),
        ),
        permission(
            "update",
            "account",
            "user",
            json!({ "columns": ["owner_id", "balance", "email"], "filter": own(), "check": own(),
                "set": { "changed_by": "X-Hasura-User-Id" } }),
        ),
        permission("delete", "account", "user", json!({ "filter": { "_and": [own(), { "balance": { "_eq": 0 } }] } })),
        permission("select", "note", "user", json!({ "columns": ["id", "body"], "filter": through })),
        permission("insert", "note", "user", json!({ "columns": ["id", "account_id", "body"], "check": through })),
        permission("insert", "audit", "user", json!({ "columns": "*", "check": {}, "backend_only": true })),
        permission(
            "select",
            "account",
            "clerk",
            json!({ "columns": ["id", "secret", "kind"], "filter": {}, "computed_fields": ["hint"],
                "allow_aggregations": true }),
        ),
        permission("select", "vault", "clerk", json!({ "columns": ["id"], "filter": { "id": { "_eq": 1 } } })),
    ]);
    for command in commands {
        shop.command(command).await;
    }
    shop
}

pub fn user(id: u32) -> Session {
    Session::role("user").with("x-hasura-user-id", id.to_string())
}

pub fn clerk() -> Session {
    Session::role("clerk")
}

async fn ask(shop: &Shop, session: &Session, query: &str) -> Value {
    shop.ask_as(session, &Request::new(query)).await
}

async fn data(shop: &Shop, session: &Session, query: &str) -> Value {
    let answer = ask(shop, session, query).await;
    assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
    answer["data"].clone()
}

async fn refused(shop: &Shop, session: &Session, query: &str) -> String {
    let answer = ask(shop, session, query).await;
    answer["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{query}\n{answer:#}")).to_owned()
}

async fn unknown(shop: &Shop, session: &Session, queries: &[&str]) {
    for query in queries {
        let found = refused(shop, session, query).await;
        assert!(found.contains("not found in type") || found.contains("has no argument"), "{query}: {found}");
    }
}

/// What is in the database, as one text.
async fn content(shop: &Shop) -> String {
    let query = "SELECT (SELECT json_agg(account ORDER BY id) FROM account)::text || (SELECT json_agg(note ORDER BY id) FROM note)::text
        || (SELECT json_agg(vault ORDER BY id) FROM vault)::text || (SELECT count(*) FROM audit)";
    shop.database.client().await.query_one(query, &[]).await.unwrap().get(0)
}

async fn unchanged(shop: &Shop, session: &Session, queries: &[&str]) -> Vec<Value> {
    let before = content(shop).await;
    let mut answers = Vec::new();
    for query in queries {
        answers.push(ask(shop, session, query).await);
        assert_eq!(content(shop).await, before, "{query}");
    }
    answers
}

#[tokio::test]
async fn rows_of_others_are_not_read() {
    let shop = bank().await;
    let seen = data(
        &shop,
        &user(1),
        "{ account(order_by: {id: asc}) { id notes { id body } } other: account_by_pk(id: 2) { id }
           note { id account { id } } guess: account(where: {_or: [{}, {id: {_eq: 2}}]}) { id }
           not: account(where: {_not: {id: {_eq: 1}}}) { id } rich(args: {minimum: 0}, order_by: {id: asc}) { id }
           jottings: account_by_pk(id: 1) { jottings { id } } }",
    )
    .await;
    assert_eq!(seen["account"], json!([{ "id": 1, "notes": [{ "id": 1, "body": "mine" }] }, { "id": 3, "notes": [] }]));
    assert_eq!((&seen["other"], &seen["not"]), (&Value::Null, &json!([{ "id": 3 }])));
    assert_eq!(seen["note"], json!([{ "id": 1, "account": { "id": 1 } }]));
    assert_eq!(seen["guess"].as_array().unwrap().len(), 2);
    assert_eq!(seen["rich"], json!([{ "id": 1 }, { "id": 3 }]));
    assert_eq!(seen["jottings"], json!({ "jottings": [{ "id": 1 }] }), "a computed field's rows are filtered too");
}

#[tokio::test]
async fn hidden_columns_and_tables_are_in_no_place_of_a_query() {
    let shop = bank().await;
    unknown(
        &shop,
        &user(1),
        &[
            "{ account { secret } }",
            "{ account { hint } }",
            "{ account { coffers { id } } }",
            "{ account { vaults { id } } }",
            "{ account { vaults { __typename } } }",
            "{ account(where: {secret: {_like: \"a%\"}}) { id } }",
            "{ account(where: {hint: {_eq: \"a\"}}) { id } }",
            "{ account(where: {vaults: {code: {_eq: \"1234\"}}}) { id } }",
            "{ account(where: {vaults: {}}) { id } }",
            "{ account(where: {coffers: {}}) { id } }",
            "{ account(order_by: {secret: asc}) { id } }",
            "{ account(order_by: {hint: asc}) { id } }",
            "{ account(order_by: {vaults_aggregate: {count: asc}}) { id } }",
            "{ account(order_by: {notes_aggregate: {count: asc}}) { id } }",
            "{ account(order_by: {jottings_aggregate: {count: asc}}) { id } }",
            "{ account(where: {notes_aggregate: {count: {predicate: {_gt: 0}}}}) { id } }",
            "{ account_aggregate { aggregate { count } } }",
            "{ rich_aggregate(args: {minimum: 0}) { aggregate { count } } }",
            "{ account { notes_aggregate { aggregate { count } } } }",
            "{ vault { id } }",
            "{ note { account { secret } } }",
            "{ note(where: {account: {secret: {_eq: \"alpha\"}}}) { id } }",
            "{ note(order_by: {account: {secret: asc}}) { id } }",
            "{ note(where: {account_id: {_eq: 1}}) { id } }",
            "{ kind { name } }",
            "{ empty_all { id } }",
            "mutation { empty_all { id } }",
            "{ rich(args: {minimum: 0}, where: {secret: {_eq: \"a\"}}) { id } }",
        ],
    )
    .await;
    let found = refused(&shop, &user(1), "{ account(distinct_on: secret) { id } }").await;
    assert!(found.starts_with("expected one of the values ['balance', 'id', 'owner_id']"), "{found}");
    // A fragment or an alias is no way around.
    let fragment = "{ account { ...all } } fragment all on account { id: secret }";
    assert!(refused(&shop, &user(1), fragment).await.contains("'secret' not found"));
}

#[tokio::test]
async fn aggregates_count_what_the_role_sees() {
    let shop = bank().await;
    let seen = data(
        &shop,
        &clerk(),
        "{ account_aggregate { aggregate { count(columns: secret) max { id secret } } nodes { id hint } } vault { id }
           account(where: {vaults: {id: {_gt: 0}}}) { id } coffers: account_by_pk(id: 2) { coffers { id } vaults { id } } }",
    )
    .await;
    assert_eq!(seen["account_aggregate"]["aggregate"], json!({ "count": 3, "max": { "id": 3, "secret": "gamma" } }));
    assert_eq!((&seen["vault"], &seen["account"]), (&json!([{ "id": 1 }]), &json!([{ "id": 1 }])));
    assert_eq!(seen["coffers"], json!({ "coffers": [], "vaults": [] }));
    for query in [
        "{ account_aggregate { aggregate { count(columns: [email]) } } }",
        "{ account_aggregate { aggregate { max { email } } } }",
        "{ account_aggregate { aggregate { sum { balance } } } }",
        "{ account_aggregate(where: {balance: {_gt: 1}}) { aggregate { count } } }",
        "{ account_aggregate(distinct_on: email) { aggregate { count } } }",
        "{ account_aggregate { nodes { email } } }",
        "{ account_aggregate { nodes { owner_id } } }",
    ] {
        let found = refused(&shop, &clerk(), query).await;
        assert!(found.contains("not found") || found.contains("expected one of"), "{query}: {found}");
    }
}

#[tokio::test]
async fn nothing_hidden_is_introspected() {
    let shop = bank().await;
    let whole = "{ __schema { queryType { name } types { name description fields { name args { name type { name } } }
        inputFields { name } enumValues { name description } } } }";
    let text = ask(&shop, &user(1), whole).await.to_string();
    for hidden in ["secret", "vault", "hint", "kind_enum", "covert", "empty_all", "audit", "changed_by", "aggregate"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert!(text.contains("balance") && ask(&shop, &clerk(), whole).await.to_string().contains("covert"));
    for hidden in ["kind_enum", "kind_enum_comparison_exp", "vault", "vault_bool_exp", "audit_insert_input", "kind"] {
        let query = format!("{{ __type(name: \"{hidden}\") {{ name enumValues {{ name }} inputFields {{ name }} }} }}");
        assert_eq!(data(&shop, &user(1), &query).await, json!({ "__type": null }), "{hidden}");
    }
    let query = "{ __type(name: \"kind_enum\") { enumValues { name } } }";
    assert_eq!(data(&shop, &clerk(), query).await["__type"]["enumValues"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn others_rows_are_not_inserted() {
    let shop = bank().await;
    let one = user(1);
    let answers = unchanged(
        &shop,
        &one,
        &[
            "mutation { insert_account_one(object: {id: 9, owner_id: 2}) { id } }",
            "mutation { insert_account(objects: [{id: 8, owner_id: 1}, {id: 9, owner_id: 2}]) { affected_rows } }",
            "mutation { insert_note_one(object: {id: 9, account_id: 2, body: \"x\"}) { id } }",
            "mutation { insert_account_one(object: {id: 9, owner_id: 1, notes: {data: [{id: 9, account_id: 2}]}}) { id } }",
            // The first field is undone with the second.
            "mutation { a: insert_account_one(object: {id: 8, owner_id: 1}) { id } b: insert_account_one(object: {id: 9, owner_id: 2}) { id } }",
            // A preset is not the client's to give, nor is a column without permission.
            "mutation { insert_account_one(object: {id: 9, owner_id: 1, secret: \"x\"}) { id } }",
            "mutation { insert_account_one(object: {id: 9, owner_id: 1, kind: covert}) { id } }",
            // No permission to insert below, or above.
            "mutation { insert_account_one(object: {id: 9, owner_id: 1, vaults: {data: [{id: 9}]}}) { id } }",
            "mutation { insert_vault_one(object: {id: 9, account_id: 1}) { id } }",
            "mutation { insert_note_one(object: {id: 9, account: {data: {id: 9, owner_id: 2}}}) { id } }",
            // Only for backends.
            "mutation { insert_audit(objects: {id: 1}) { affected_rows } }",
            "mutation { insert_account_one(object: {id: 9, owner_id: 1}) { id secret } }",
            "mutation { insert_audit_one(object: {id: 1}) { id } }",
        ],
    )
    .await;
    for (at, answer) in answers.iter().enumerate() {
        assert!(answer["errors"].is_array(), "{at}: {answer}");
    }
    assert_eq!(answers[0]["errors"][0]["extensions"]["code"], "permission-error");
    let made = data(&shop, &one, "mutation { insert_account_one(object: {id: 9, owner_id: 1}) { id balance } }").await;
    assert_eq!(made["insert_account_one"], json!({ "id": 9, "balance": 0 }));
    assert!(content(&shop).await.contains("\"secret\":\"none\""));
    let mut backend = user(1);
    backend.backend = true;
    data(&shop, &backend, "mutation { insert_audit(objects: {id: 1}) { affected_rows } }").await;
    unchanged(&shop, &one, &["mutation { insert_audit(objects: {id: 2}) { affected_rows } }"]).await;
}

#[tokio::test]
async fn others_rows_are_not_reached_by_conflicts() {
    let shop = bank().await;
    let upsert = |object: &str, conflict: &str| {
        format!(
            "mutation {{ insert_account(objects: [{object}], on_conflict: {{{conflict}}}) {{ affected_rows returning {{ id balance }} }} }}"
        )
    };
    let key = "constraint: account_pkey, update_columns: ";
    // The row of somebody else is left alone and not shown.
    let queries = [
        upsert("{id: 2, owner_id: 1, balance: 5}", &format!("{key}[balance]")),
        upsert("{id: 2, owner_id: 1, balance: 5}", &format!("{key}[owner_id]")),
        upsert("{id: 2, owner_id: 1}", &format!("{key}[balance], where: {{id: {{_gt: 0}}}}")),
        upsert("{id: 8, owner_id: 1, email: \"two@x\"}", "constraint: account_email_key, update_columns: [balance]"),
        upsert("{id: 2, owner_id: 1}", &format!("{key}[]")),
    ];
    let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
    for answer in unchanged(&shop, &user(1), &texts).await {
        assert_eq!(answer["data"]["insert_account"], json!({ "affected_rows": 0, "returning": [] }));
    }
    // One's own row is not given away: the update's check holds, and columns without permission are unknown.
    let queries = [
        upsert("{id: 1, owner_id: 2}", &format!("{key}[owner_id]")),
        upsert("{id: 1, owner_id: 1}", &format!("{key}[secret]")),
        upsert("{id: 1, owner_id: 1}", &format!("{key}[changed_by]")),
        upsert("{id: 1, owner_id: 1}", &format!("{key}[id]")),
        upsert("{id: 1, owner_id: 1}", &format!("{key}[balance], where: {{secret: {{_eq: \"alpha\"}}}}")),
        "mutation { insert_note(objects: {id: 1, account_id: 1, body: \"x\"}, on_conflict: {constraint: note_pkey, update_columns: [body]}) { affected_rows } }".to_owned(),
    ];
    let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
    for answer in unchanged(&shop, &user(1), &texts).await {
        assert!(answer["errors"].is_array(), "{answer}");
    }
    let own = data(&shop, &user(1), &upsert("{id: 1, owner_id: 1, balance: 7}", &format!("{key}[balance]"))).await;
    assert_eq!(own["insert_account"]["returning"], json!([{ "id": 1, "balance": 7 }]));
    assert!(content(&shop).await.contains("\"changed_by\":\"1\""), "the update's preset is set");
}

#[tokio::test]
async fn others_rows_are_not_updated_or_deleted() {
    let shop = bank().await;
    let none = json!({ "affected_rows": 0 });
    let answers = unchanged(
        &shop,
        &user(1),
        &[
            "mutation { r: update_account(where: {id: {_eq: 2}}, _set: {balance: 1}) { affected_rows } }",
            "mutation { r: update_account(where: {_or: [{owner_id: {_eq: 2}}]}, _inc: {balance: 1}) { affected_rows } }",
            "mutation { r: delete_account(where: {id: {_gte: 2}, balance: {_gt: 0}}) { affected_rows } }",
        ],
    )
    .await;
    answers.iter().for_each(|answer| assert_eq!(answer["data"]["r"], none));
    let answers = unchanged(
        &shop,
        &user(1),
        &[
            "mutation { r: update_account_by_pk(pk_columns: {id: 2}, _set: {balance: 1}) { id } }",
            "mutation { r: delete_account_by_pk(id: 2) { id } }",
            "mutation { r: delete_account_by_pk(id: 1) { id } }",
        ],
    )
    .await;
    answers.iter().for_each(|answer| assert_eq!(answer["data"]["r"], Value::Null, "{answer}"));
    let many = "mutation { r: update_account_many(updates: [{where: {id: {_eq: 2}}, _set: {balance: 1}}, {where: {}, _set: {owner_id: 2}}]) { affected_rows } }";
    let answers = unchanged(
        &shop,
        &user(1),
        &[
            many,
            "mutation { update_account(where: {}, _set: {owner_id: 2}) { affected_rows } }",
            "mutation { update_account_by_pk(pk_columns: {id: 1}, _set: {owner_id: 2}) { id } }",
            "mutation { update_account(where: {}, _set: {secret: \"x\"}) { affected_rows } }",
            "mutation { update_account(where: {}, _set: {changed_by: \"x\"}) { affected_rows } }",
            "mutation { update_account(where: {secret: {_eq: \"alpha\"}}, _set: {balance: 1}) { affected_rows } }",
            "mutation { update_account(where: {vaults: {}}, _set: {balance: 1}) { affected_rows } }",
            "mutation { update_account(where: {id: {_eq: 1}}, _set: {balance: 1}) { returning { secret } } }",
            "mutation { update_note(where: {}, _set: {body: \"x\"}) { affected_rows } }",
            "mutation { delete_note(where: {}) { affected_rows } }",
            "mutation { delete_vault(where: {}) { affected_rows } }",
            "mutation { empty_all { id } }",
        ],
    )
    .await;
    answers.iter().for_each(|answer| assert!(answer["errors"].is_array(), "{answer}"));
    let shown = data(
        &shop,
        &user(1),
        "mutation { update_account(where: {}, _inc: {balance: 1}) { affected_rows returning { id notes { id } jottings { id } } } }",
    )
    .await;
    let expected = json!([{ "id": 1, "notes": [{ "id": 1 }], "jottings": [{ "id": 1 }] }, { "id": 3, "notes": [], "jottings": [{ "id": 1 }] }]);
    assert_eq!(shown["update_account"]["returning"], expected);
    let all = data(&shop, &user(2), "mutation { delete_account(where: {}) { affected_rows } }").await;
    assert_eq!(all["delete_account"]["affected_rows"], 0, "neither others' nor rows with money");
}

#[tokio::test]
async fn errors_tell_nothing_of_rows() {
    let shop = bank().await;
    let taken = "mutation { insert_account_one(object: {id: 9, owner_id: 1, email: \"two@x\"}) { id } }";
    let answer = ask(&shop, &user(1), taken).await.to_string();
    assert!(
        answer.contains("Uniqueness violation") && !answer.contains("two@x") && !answer.contains("internal"),
        "{answer}"
    );
    let above = "mutation { insert_account_one(object: {id: 9, owner_id: 1, balance: 5000}) { id } }";
    let answer = ask(&shop, &user(1), above).await.to_string();
    assert!(answer.contains("Check constraint violation") && !answer.contains("Failing row"), "{answer}");
}

#[tokio::test]
async fn plans_are_kept_for_their_role_alone() {
    let shop = bank().await;
    let query = "query ($id: Int!) { account_by_pk(id: $id) { __typename id } account(order_by: {id: asc}) { id } }";
    let ids = async |session: &Session, id: u32| {
        let variables = json!({ "id": id }).as_object().unwrap().clone();
        let request = Request { variables, ..Request::new(query) };
        let answer = shop.ask_as(session, &request).await;
        let ids = answer["data"]["account"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap());
        (answer["data"]["account_by_pk"]["id"].as_u64(), ids.collect::<Vec<_>>())
    };
    for _ in 0..2 {
        assert_eq!(ids(&Session::admin(), 2).await, (Some(2), vec![1, 2, 3]));
        assert_eq!(ids(&user(1), 2).await, (None, vec![1, 3]));
        assert_eq!(ids(&user(2), 2).await, (Some(2), vec![2]));
        assert_eq!(ids(&clerk(), 2).await, (Some(2), vec![1, 2, 3]));
    }
    // A kept plan does not serve a session that lacks the variable, nor one that writes SQL into it.
    assert!(refused(&shop, &Session::role("user"), "{ account { id } }").await.contains("missing session variable"));
    let hostile = Session::role("user").with("x-hasura-user-id", "1 OR true");
    assert!(refused(&shop, &hostile, "{ account { id } }").await.contains("invalid input syntax"));
    assert!(refused(&shop, &Session::role("nobody"), "{ account { id } }").await.contains("not found in type"));
}

#[tokio::test]
async fn relays_ids_and_cursors_open_nothing() {
    use base64::Engine as _;
    let shop = bank().await;
    let relay = |query: String| Request { relay: true, ..Request::new(query) };
    let id = |json: &str| base64::engine::general_purpose::STANDARD.encode(json);
    for (node, seen) in [("[1, \"public\", \"account\", 1]", true), ("[1, \"public\", \"account\", 2]", false)] {
        let query = format!("{{ node(id: \"{}\") {{ id ... on account {{ balance }} }} }}", id(node));
        let answer = shop.ask_as(&user(1), &relay(query)).await;
        assert_eq!(answer["data"]["node"].is_object(), seen, "{answer}");
    }
    for node in [
        "[1, \"public\", \"vault\", 1]",
        "[1, \"pg_catalog\", \"pg_class\", 1]",
        "[1, \"public\", \"account\", \"1 OR true\"]",
        "[1, \"public\", \"account\", null]",
        "[1, \"public\", \"account\", 1, 2]",
    ] {
        let query = format!("{{ node(id: \"{}\") {{ id }} }}", id(node));
        let answer = shop.ask_as(&user(1), &relay(query)).await;
        assert!(answer["errors"].is_array(), "{node}: {answer}");
    }
    let query =
        format!("{{ account_connection(before: \"{}\") {{ edges {{ node {{ balance }} }} }} }}", id("{\"id\": 100}"));
    let answer = shop.ask_as(&user(1), &relay(query)).await;
    assert_eq!(answer["data"]["account_connection"]["edges"].as_array().unwrap().len(), 2, "{answer}");
    let query = "{ account_connection { edges { node { notes_connection { edges { node { body } } } } } } vault_connection { edges { cursor } } }";
    assert!(shop.ask_as(&user(1), &relay(query.to_owned())).await["errors"].is_array());
}
