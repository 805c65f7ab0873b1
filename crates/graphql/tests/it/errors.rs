use std::time::Duration;

use serde_json::json;

use crate::support::{shop, shop_with};

#[tokio::test]
async fn names_that_are_not_there() {
    let shop = shop().await;
    let cases = [
        ("{ nope { id } }", "$.selectionSet.nope", "field 'nope' not found in type: 'query_root'"),
        ("{ users { nope } }", "$.selectionSet.users.selectionSet.nope", "field 'nope' not found in type: 'users'"),
        ("{ a: users { b: nope } }", "$.selectionSet.a.selectionSet.b", "field 'nope' not found in type: 'users'"),
        (
            "{ users { manager { orders { nope } } } }",
            "$.selectionSet.users.selectionSet.manager.selectionSet.orders.selectionSet.nope",
            "field 'nope' not found in type: 'orders'",
        ),
        (
            "{ users(where: {name: {_ne: \"x\"}}) { id } }",
            "$.selectionSet.users.args.where.name._ne",
            "field '_ne' not found in type: 'String_comparison_exp'",
        ),
        (
            "{ users(where: {id: {_like: \"x\"}}) { id } }",
            "$.selectionSet.users.args.where.id._like",
            "field '_like' not found in type: 'Int_comparison_exp'",
        ),
        (
            "{ users(where: {_or: [{id: {_eq: 1}}, {nope: {}}]}) { id } }",
            "$.selectionSet.users.args.where._or[1].nope",
            "field 'nope' not found in type: 'users_bool_exp'",
        ),
        (
            "{ users(order_by: {orders: {id: asc}}) { id } }",
            "$.selectionSet.users.args.order_by.orders",
            "field 'orders' not found in type: 'users_order_by'",
        ),
        (
            "{ users_aggregate { aggregate { sum { name } } } }",
            "$.selectionSet.users_aggregate.selectionSet.aggregate.selectionSet.sum.selectionSet.name",
            "field 'name' not found in type: 'users_sum_fields'",
        ),
        (
            "{ profiles_aggregate { aggregate { nope } } }",
            "$.selectionSet.profiles_aggregate.selectionSet.aggregate.selectionSet.nope",
            "field 'nope' not found in type: 'profiles_aggregate_fields'",
        ),
        ("{ users(nope: 1) { id } }", "$.selectionSet.users", "'users' has no argument named 'nope'"),
        ("{ users { id(x: 1) } }", "$.selectionSet.users.selectionSet.id", "'id' has no argument named 'x'"),
        ("{ users_by_pk { id } }", "$.selectionSet.users_by_pk.args.id", "missing required field 'id'"),
        (
            "{ happy_users_by_pk(id: 1) { id } }",
            "$.selectionSet.happy_users_by_pk",
            "field 'happy_users_by_pk' not found in type: 'query_root'",
        ),
        (
            "{ measures_2024 { id } }",
            "$.selectionSet.measures_2024",
            "field 'measures_2024' not found in type: 'query_root'",
        ),
    ];
    for (query, path, message) in cases {
        shop.invalid(query, path, message).await;
    }
}

#[tokio::test]
async fn values_that_do_not_fit() {
    let shop = shop().await;
    let cases = [
        (
            "{ users_aggregate(where: {orders_aggregate: {count: {predicate: {_eq: \"1\"}}}}) { __typename } }",
            "$.selectionSet.users_aggregate.args.where.orders_aggregate.count.predicate._eq",
            "expected a 32-bit integer for type 'Int', but found a string",
        ),
        (
            "{ users(where: {id: {_in: [1, null]}}) { id } }",
            "$.selectionSet.users.args.where.id._in[1]",
            "unexpected null value for type 'Int'",
        ),
        (
            "{ users(where: {id: {_in: null}}) { id } }",
            "$.selectionSet.users.args.where.id._in",
            "expected a list, but found null",
        ),
        (
            "{ users(where: {id: {_eq: null}}) { id } }",
            "$.selectionSet.users.args.where.id._eq",
            "unexpected null value for type 'Int'",
        ),
        (
            "{ users(where: {settings: {_contains: null}}) { id } }",
            "$.selectionSet.users.args.where.settings._contains",
            "unexpected null value for type 'jsonb'",
        ),
        (
            "{ users(where: {id: null}) { id } }",
            "$.selectionSet.users.args.where.id",
            "expected an object for type 'Int_comparison_exp', but found null",
        ),
        (
            "{ users(where: 5) { id } }",
            "$.selectionSet.users.args.where",
            "expected an object for type 'users_bool_exp', but found an integer",
        ),
        (
            "{ users(where: {id: {_is_null: null}}) { id } }",
            "$.selectionSet.users.args.where.id._is_null",
            "expected a boolean for type 'Boolean', but found null",
        ),
        (
            "{ users(order_by: {id: up}) { id } }",
            "$.selectionSet.users.args.order_by.id",
            "expected one of the values ['asc', 'asc_nulls_first', 'asc_nulls_last', 'desc', 'desc_nulls_first', 'desc_nulls_last'] for type 'order_by', but found 'up'",
        ),
        (
            "{ users(order_by: [{id: \"asc\"}]) { id } }",
            "$.selectionSet.users.args.order_by[0].id",
            "expected an enum value for type 'order_by', but found a string",
        ),
        (
            "{ profiles(distinct_on: [nope]) { bio } }",
            "$.selectionSet.profiles.args.distinct_on[0]",
            "expected one of the values ['bio', 'user_id'] for type 'profiles_select_column', but found 'nope'",
        ),
        (
            "{ orders(distinct_on: placed_on, order_by: {id: asc}) { id } }",
            "$.selectionSet.orders.args",
            "\"distinct_on\" columns must match initial \"order_by\" columns",
        ),
        (
            "{ users(limit: -1) { id } }",
            "$.selectionSet.users.args.limit",
            "expected a non-negative 32-bit integer for type 'Int', but found an integer",
        ),
        (
            "{ users(offset: -1) { id } }",
            "$.selectionSet.users.args.offset",
            "expected a non-negative 64-bit integer for type 'Int', but found an integer",
        ),
    ];
    for (query, path, message) in cases {
        shop.invalid(query, path, message).await;
    }
    let (code, path, message) = shop.error("{ users_by_pk(id: 99999999999) { id } }", json!({})).await;
    assert_eq!((code.as_str(), path.as_str()), ("parse-failed", "$.selectionSet.users_by_pk.args.id"));
    assert_eq!(
        message,
        "The value 99999999999 lies outside the bounds or is not an integer. Maybe it is a float, or is there integer overflow?"
    );
    let found = shop.error("{ products_by_pk(id: \"not-a-uuid\") { id } }", json!({})).await;
    assert_eq!(found.0, "data-exception");
    assert_eq!(found.2, "invalid input syntax for type uuid: \"not-a-uuid\"");
    let found = shop.error("{ products(where: {id: {_eq: 5}}) { id } }", json!({})).await;
    assert_eq!(found.0, "parse-failed");
}

#[tokio::test]
async fn documents_that_make_no_sense() {
    let shop = shop().await;
    let cases = [
        ("{ users { ", "$.query", "not a valid graphql query"),
        ("", "$.query", "not a valid graphql query"),
        (
            "mutation { insert_users { id } }",
            "$.selectionSet.insert_users.args.objects",
            "missing required field 'objects'",
        ),
        (
            "query a { users { id } } query b { users { id } }",
            "$",
            "exactly one operation has to be present in the document when operationName is not specified",
        ),
        ("{ users }", "$.selectionSet.users", "missing selection set for 'users'"),
        (
            "{ users { id { x } } }",
            "$.selectionSet.users.selectionSet.id",
            "unexpected subselection set for non-object field",
        ),
        ("{ users { ...f } }", "$.selectionSet.users.selectionSet", "reference to undefined fragment \"f\""),
        (
            "{ users { ...a } } fragment a on users { manager { ...b } } fragment b on users { manager { ...a } }",
            "$.selectionSet.users.selectionSet.a.selectionSet.manager.selectionSet.b.selectionSet.manager.selectionSet",
            "the fragment definition(s) a and b form a cycle",
        ),
        (
            "{ users { x: id x: name } }",
            "$.selectionSet.users.selectionSet.x",
            "selection of both 'id' and 'name' specify the same response name, 'x'",
        ),
        (
            "{ users(limit: 1) { id } users(limit: 2) { id } }",
            "$.selectionSet.users",
            "inconsistent arguments between multiple selections of field 'users'",
        ),
        ("{ users @nope { id } }", "$.selectionSet.users", "directive 'nope' is not defined in the schema"),
        ("{ users { id @include } }", "$.selectionSet.users.selectionSet.id.if", "missing required field 'if'"),
        ("{ users(limit: $x) { id } }", "$.selectionSet.users.args.limit", "unbound variable \"x\""),
        (
            "query ($limit: String) { users(limit: $limit) { id } }",
            "$.selectionSet.users.args.limit",
            "variable 'limit' is declared as 'String', but used where 'Int' is expected",
        ),
        (
            "query ($id: Int) { users_by_pk(id: $id) { id } }",
            "$.selectionSet.users_by_pk.args.id",
            "variable 'id' is declared as 'Int', but used where 'Int!' is expected",
        ),
    ];
    for (query, path, message) in cases {
        shop.invalid(query, path, message).await;
    }
}

/// Whatever is sent, the process lives and says something sensible.
#[tokio::test]
async fn documents_meant_to_hurt() {
    let shop = shop().await;
    let nested = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let mut doubling = String::from("{ users { ...f0 } }");
    for n in 0..30 {
        doubling +=
            &format!(" fragment f{n} on users {{ a{n}: manager {{ ...f{0} }} b{n}: manager {{ ...f{0} }} }}", n + 1);
    }
    doubling += " fragment f30 on users { id }";
    let mut chained = String::from("{ users { ...f0 } }");
    for n in 0..2_000 {
        chained += &format!(" fragment f{n} on users {{ manager {{ ...f{} }} }}", n + 1);
    }
    chained += " fragment f2000 on users { id }";
    for query in [
        format!("{{ users {{ {} id {} }} }}", "manager { ".repeat(10_000), "}".repeat(10_000)),
        format!("{{ users(where: {}) {{ id }} }}", nested("{_not: ", "}", 100_000)),
        format!("{{ users(where: {{settings: {{_contains: {}}}}}) {{ id }} }}", nested("[", "]", 100_000)),
        nested("{", "}", 500_000),
        "[".repeat(500_000),
        format!("query ($a: {}Int{}) {{ users {{ id }} }}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("{{ {} }}", "a: users { id } ".repeat(60_000)),
        doubling,
        chained,
    ] {
        let (code, _, _) = shop.error(&query, json!({})).await;
        assert_eq!(code, "validation-failed", "{}", &query[..60]);
    }
    let deep = |levels: usize| format!("{{ users {{ {} id {} }} }}", "manager { ".repeat(levels), "}".repeat(levels));
    assert!(shop.data(&deep(graphql::plan::LEVEL_LIMIT - 1)).await["users"].is_array());
    let (_, _, message) = shop.error(&deep(graphql::plan::LEVEL_LIMIT), json!({})).await;
    assert!(message.starts_with("the query nests more than 24 levels of relationships"), "{message}");
    too_wide(&shop).await;
    let mut filter = json!({"id": {"_eq": 1}});
    for _ in 0..60 {
        filter = json!({"_not": filter});
    }
    let query = "query ($where: users_bool_exp!) { users(where: $where) { id } }";
    assert_eq!(shop.data_with(query, json!({"where": filter})).await, json!({"users": [{"id": 1}]}));
    // The macro copies, which is as deep as the value.
    for _ in 0..1_000 {
        filter = serde_json::Value::Object([("_not".to_owned(), filter)].into_iter().collect());
    }
    // serde_json itself refuses to read this deep; the library call may still bring it.
    assert_eq!(shop.error(query, json!({"where": filter})).await.0, "validation-failed");
}

/// Little text that would be a lot of work for PostgreSQL, and the most that is still done.
async fn too_wide(shop: &crate::support::Shop) {
    let many = |count: usize, field: &str| (0..count).map(|n| format!("a{n}: {field} ")).collect::<String>();
    let width = graphql::plan::WIDTH_LIMIT;
    let managers = (0..5).map(|n| format!("m{n}: manager {{ {} }} ", many(998, "manager { id }"))).collect::<String>();
    for (query, message) in [
        (format!("{{ users {{ {} }} }}", many(width + 1, "name")), "the query selects 1601 fields of one object"),
        (format!("{{ {} }}", many(5_000, "users { id }")), "the query selects 5000 fields of one object"),
        (
            format!("{{ users {{ {} {managers} }} }}", many(9, "manager { id }")),
            "the query reads tables in more than 5000 places",
        ),
    ] {
        let (code, _, found) = shop.error(&query, json!({})).await;
        assert_eq!(code, "validation-failed");
        assert!(found.starts_with(message), "{found}");
    }
    let mut filter = json!({"id": {"_gt": 0}});
    for _ in 0..graphql::plan::LEVEL_LIMIT + 1 {
        filter = json!({"manager": filter});
    }
    let query = "query ($where: users_bool_exp!) { users(where: $where) { id } }";
    let (_, _, found) = shop.error(query, json!({"where": filter})).await;
    assert!(found.contains("24 levels of relationships"), "{found}");
    assert!(shop.data(&format!("{{ users {{ {} }} }}", many(width, "name"))).await["users"].is_array());
    assert!(shop.data(&format!("{{ users {{ {managers} }} }}")).await["users"].is_array());
}

#[tokio::test]
async fn what_goes_wrong_inside_stays_inside_unless_in_development() {
    let shop = shop_with(|options| options.dev_mode = true).await;
    shop.database.client().await.batch_execute("DROP TABLE line_notes").await.unwrap();
    let (code, path, message) = shop.error("{ line_notes { id } }", json!({})).await;
    assert_eq!((&*code, &*path, &*message), ("unexpected", "$", "database query error"));
    let failure = shop
        .handle
        .execute(&graphql::Session::admin(), &graphql::Request::new("{ line_notes { id } }"))
        .await
        .unwrap_err();
    assert!(!String::from_utf8(failure.to_body(false)).unwrap().contains("line_notes"));
    assert!(String::from_utf8(failure.to_body(true)).unwrap().contains("line_notes"));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled() {
    let slow =
        "CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(300); RETURN i; END';
                CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);
                CREATE VIEW slow_view AS SELECT slow(id) AS id FROM t;";
    let shop = crate::support::database_with(slow, |options| {
        options.statement_timeout = Some(Duration::from_millis(300));
    })
    .await;
    let (code, _, _) = shop.error("{ slow_view { id } }", json!({})).await;
    assert_eq!(code, "timeout");
    assert_eq!(shop.data("{ t { id } }").await, json!({"t": [{"id": 1}]}));
    shop.until_idle("slow").await;
}

#[tokio::test]
async fn a_statement_whose_client_has_gone_is_cancelled() {
    let slow = "CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(300); RETURN 1; END';
                CREATE VIEW slow_view AS SELECT slow() AS id;";
    let shop = crate::support::database_with(slow, |_| {}).await;
    let handle = shop.handle.clone();
    let request = tokio::spawn(async move {
        handle.execute(&graphql::Session::admin(), &graphql::Request::new("{ slow_view { id } }")).await
    });
    shop.until_busy("slow").await;
    request.abort();
    shop.until_idle("slow").await;
}
