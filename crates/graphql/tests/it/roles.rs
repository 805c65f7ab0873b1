//! What a role sees of tables, functions and computed fields, at every depth and by every way of asking.

use graphql::{Request, Session};
use serde_json::{Value, json};

use super::support::{Shop, database_with};

const LIBRARY: &str = "
    CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL, secret text);
    CREATE TABLE article (
        id int PRIMARY KEY, title text NOT NULL, author_id int REFERENCES author, published boolean NOT NULL, words int
    );
    INSERT INTO author VALUES (1, 'Ann', 'a'), (2, 'Bob', 'b'), (3, 'Cid', 'c');
    INSERT INTO article VALUES
        (1, 'One', 1, true, 10), (2, 'Two', 1, false, 20), (3, 'Three', 2, true, 30), (4, 'Four', 2, false, 40);
    CREATE FUNCTION search(query text, minimum int DEFAULT 0) RETURNS SETOF article LANGUAGE sql STABLE AS
        $$ SELECT * FROM article WHERE title ILIKE '%' || query || '%' AND coalesce(words, 0) >= minimum $$;
    CREATE FUNCTION mine(session json) RETURNS SETOF article LANGUAGE sql STABLE AS
        $$ SELECT * FROM article WHERE author_id = (session ->> 'x-hasura-user-id')::int $$;
    CREATE FUNCTION first_author() RETURNS author LANGUAGE sql STABLE AS
        $$ SELECT * FROM author ORDER BY id LIMIT 1 $$;
    CREATE FUNCTION author_loud(one author, suffix text DEFAULT '!') RETURNS text LANGUAGE sql STABLE AS
        $$ SELECT upper(one.name) || suffix $$;
    CREATE FUNCTION author_length(one author) RETURNS int LANGUAGE sql STABLE AS $$ SELECT length(one.name) $$;
    CREATE FUNCTION author_drafts(one author) RETURNS SETOF article LANGUAGE sql STABLE AS
        $$ SELECT * FROM article WHERE author_id = one.id AND NOT published $$;";

fn source(action: &str, mut arguments: Value) -> Value {
    arguments["source"] = json!("default");
    json!({ "type": format!("pg_{action}"), "args": arguments })
}

async fn library() -> Shop {
    let shop = database_with(LIBRARY, |_| {}).await;
    let select = |table: &str, role: &str, permission: Value| {
        source("create_select_permission", json!({ "table": table, "role": role, "permission": permission }))
    };
    let own = json!({ "author_id": "X-Hasura-User-Id" });
    for command in [
        source("track_table", json!({ "table": "author" })),
        source("track_table", json!({ "table": "article" })),
        source(
            "create_object_relationship",
            json!({ "table": "article", "name": "author", "using": { "foreign_key_constraint_on": "author_id" } }),
        ),
        source(
            "create_array_relationship",
            json!({ "table": "author", "name": "articles",
            "using": { "foreign_key_constraint_on": { "table": "article", "column": "author_id" } } }),
        ),
        source(
            "add_computed_field",
            json!({ "table": "author", "name": "loud", "definition": { "function": "author_loud" } }),
        ),
        source(
            "add_computed_field",
            json!({ "table": "author", "name": "length", "definition": { "function": "author_length" } }),
        ),
        source(
            "add_computed_field",
            json!({ "table": "author", "name": "drafts", "definition": { "function": "author_drafts" } }),
        ),
        source("track_function", json!({ "function": "search" })),
        source("track_function", json!({ "function": "mine", "configuration": { "session_argument": "session" } })),
        source("track_function", json!({ "function": "first_author" })),
        select(
            "author",
            "user",
            json!({ "columns": ["id", "name"], "computed_fields": ["loud", "length"],
            "filter": { "_or": [{ "id": "X-Hasura-User-Id" }, { "articles": { "published": true } }] } }),
        ),
        select(
            "article",
            "user",
            json!({ "columns": ["id", "title", "author_id", "published", "words"], "limit": 2,
            "filter": { "_or": [own, { "published": true }] }, "allow_aggregations": true }),
        ),
        select("author", "reader", json!({ "columns": ["id"], "filter": {} })),
        select(
            "author",
            "owner",
            json!({ "columns": ["id", "secret"], "filter": { "id": { "_eq": "X-Hasura-User-Id" } } }),
        ),
        json!({ "type": "add_inherited_role", "args": { "role_name": "both", "role_set": ["reader", "owner"] } }),
    ] {
        shop.command(command).await;
    }
    shop
}

fn user(id: u32) -> Session {
    Session::role("user").with("X-Hasura-User-Id", id.to_string())
}

async fn seen(shop: &Shop, session: &Session, query: &str) -> Value {
    let answer = shop.ask_as(session, &Request::new(query)).await;
    assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
    answer["data"].clone()
}

async fn refused(shop: &Shop, session: &Session, query: &str) -> String {
    let answer = shop.ask_as(session, &Request::new(query)).await;
    answer["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{query}\n{answer:#}")).to_owned()
}

#[tokio::test]
async fn rows_that_a_role_may_not_see_are_nowhere() {
    let shop = library().await;
    let ids = |rows: &Value| rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>();
    // Article 2 belongs to Ann alone, 4 to Bob alone.
    let data = seen(&shop, &user(1), "{
        article(order_by: {id: desc}) { id }
        own: article_by_pk(id: 2) { id }
        other: article_by_pk(id: 4) { id }
        article_aggregate { aggregate { count max { id words } sum { words } } nodes { id } }
        author(order_by: {id: asc}) { id articles(order_by: {id: asc}) { id } articles_aggregate { aggregate { count } } drafts { id } }
        search(args: {query: \"o\"}, order_by: {id: asc}) { id }
        search_aggregate(args: {query: \"o\"}) { aggregate { count } }
        mine(order_by: {id: asc}) { id author { id } }
        first_author { id name }
    }").await;
    assert_eq!(ids(&data["article"]), [3, 2], "the permission's limit of two rows");
    assert_eq!((&data["own"]["id"], &data["other"]), (&json!(2), &Value::Null));
    let aggregate = &data["article_aggregate"];
    assert_eq!(aggregate["aggregate"], json!({ "count": 3, "max": { "id": 3, "words": 30 }, "sum": { "words": 60 } }));
    assert_eq!(aggregate["nodes"].as_array().unwrap().len(), 2, "the limit holds for nodes");
    assert_eq!(
        data["author"],
        json!([
            { "id": 1, "articles": [{ "id": 1 }, { "id": 2 }], "articles_aggregate": { "aggregate": { "count": 2 } }, "drafts": [{ "id": 2 }] },
            { "id": 2, "articles": [{ "id": 3 }], "articles_aggregate": { "aggregate": { "count": 1 } }, "drafts": [] },
        ])
    );
    assert_eq!(ids(&data["search"]), [1, 2]);
    assert_eq!(data["search_aggregate"]["aggregate"]["count"], 2);
    assert_eq!(data["mine"], json!([{ "id": 1, "author": { "id": 1 } }, { "id": 2, "author": { "id": 1 } }]));
    assert_eq!(data["first_author"], json!({ "id": 1, "name": "Ann" }));
}

#[tokio::test]
async fn filters_and_orders_tell_nothing_of_hidden_rows() {
    let shop = library().await;
    let data = seen(&shop, &user(1), "{
        hidden: author(where: {articles: {title: {_eq: \"Four\"}}}) { id }
        known: author(where: {articles: {title: {_eq: \"Two\"}}}) { id }
        drafts: author(where: {drafts: {words: {_gt: 30}}}) { id }
        counted: author(where: {articles_aggregate: {count: {predicate: {_eq: 2}}}}) { id }
        ordered: author(order_by: {articles_aggregate: {max: {words: desc}}}) { id }
        by_drafts: author(order_by: [{drafts_aggregate: {count: desc}}, {id: asc}]) { id }
        long: author(where: {length: {_gte: 3}}, order_by: [{length: asc}, {id: desc}]) { id loud(args: {suffix: \"?\"}) again: loud }
    }").await;
    let one = json!([{ "id": 1 }]);
    assert_eq!(
        (&data["hidden"], &data["known"], &data["drafts"], &data["counted"]),
        (&json!([]), &one, &json!([]), &one)
    );
    assert_eq!(
        data["ordered"],
        json!([{ "id": 2 }, { "id": 1 }]),
        "30 words of Bob's, 20 of Ann's; the hidden 40 do not count"
    );
    assert_eq!(data["by_drafts"], json!([{ "id": 1 }, { "id": 2 }]));
    assert_eq!(
        data["long"],
        json!([
            { "id": 2, "loud": "BOB?", "again": "BOB!" }, { "id": 1, "loud": "ANN?", "again": "ANN!" },
        ])
    );
}

#[tokio::test]
async fn what_a_role_may_not_name_is_unknown_to_it() {
    let shop = library().await;
    for (query, message) in [
        ("{ author { secret } }", "field 'secret' not found in type: 'author'"),
        ("{ author(where: {secret: {_eq: \"a\"}}) { id } }", "field 'secret' not found in type: 'author_bool_exp'"),
        ("{ author(order_by: {secret: asc}) { id } }", "field 'secret' not found in type: 'author_order_by'"),
        (
            "{ author(distinct_on: secret) { id } }",
            "expected one of the values ['id', 'name'] for type 'author_select_column', but found 'secret'",
        ),
        ("{ author_aggregate { aggregate { count } } }", "field 'author_aggregate' not found in type: 'query_root'"),
        (
            "{ search(args: {query: \"o\", minimum: 1, more: 2}) { id } }",
            "field 'more' not found in type: 'search_args'",
        ),
    ] {
        assert_eq!(refused(&shop, &user(1), query).await, message);
    }
    assert_eq!(
        refused(&shop, &Session::role("stranger"), "{ author { id } }").await,
        "field 'author' not found in type: 'query_root'"
    );
    let without = refused(&shop, &Session::role("user"), "{ author { id } }").await;
    assert_eq!(without, "missing session variable: \"x-hasura-user-id\"");
}

#[tokio::test]
async fn an_inherited_role_sees_a_column_in_the_rows_of_the_role_that_has_it() {
    let shop = library().await;
    let session = Session::role("both").with("X-Hasura-User-Id", "2");
    let data = seen(
        &shop,
        &session,
        "{
        author(order_by: {id: asc}) { id secret }
        guessed: author(where: {secret: {_eq: \"a\"}}) { id }
        known: author(where: {secret: {_eq: \"b\"}}) { id }
        nulls: author(where: {secret: {_is_null: true}}, order_by: {id: asc}) { id }
        sorted: author(order_by: [{secret: asc_nulls_first}, {id: asc}]) { id }
    }",
    )
    .await;
    assert_eq!(
        data["author"],
        json!([{ "id": 1, "secret": null }, { "id": 2, "secret": "b" }, { "id": 3, "secret": null }])
    );
    assert_eq!((&data["guessed"], &data["known"]), (&json!([]), &json!([{ "id": 2 }])));
    assert_eq!(data["nulls"], json!([{ "id": 1 }, { "id": 3 }]));
    assert_eq!(data["sorted"], json!([{ "id": 1 }, { "id": 3 }, { "id": 2 }]));
}

#[tokio::test]
async fn one_request_of_a_role_is_one_statement() {
    let shop = library().await;
    let query = "{ author { loud drafts { id } } mine { id } article_aggregate { aggregate { count } } }";
    seen(&shop, &user(1), query).await;
    let client = shop.database.client().await;
    let statement = "SELECT query FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'SELECT (SELECT%'";
    let rows = client.query(statement, &[]).await.unwrap();
    let texts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let [text] = texts.as_slice() else { panic!("one connection ran one statement last: {texts:?}") };
    for part in ["author_drafts", "author_loud", "\"mine\"", "count(*)"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn relay_pages_forwards_and_backwards() {
    let shop = library().await;
    let relay = |query: &str, variables: Value| Request {
        query: query.to_owned(),
        operation_name: None,
        variables: variables.as_object().unwrap().clone(),
        relay: true,
    };
    let page = "query ($after: String, $before: String, $first: Int, $last: Int) {
        article_connection(order_by: {author: {name: desc}}, first: $first, last: $last, after: $after, before: $before) {
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            edges { cursor node { id title author { id } } }
        }
    }";
    let titles = |answer: &Value| -> Vec<String> {
        let edges = answer["data"]["article_connection"]["edges"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
        edges.iter().map(|edge| edge["node"]["title"].as_str().unwrap().to_owned()).collect()
    };
    let info = |answer: &Value, key: &str| answer["data"]["article_connection"]["pageInfo"][key].clone();
    let admin = Session::admin();
    let first = shop.ask_as(&admin, &relay(page, json!({ "first": 3 }))).await;
    assert_eq!(titles(&first), ["Three", "Four", "One"]);
    assert_eq!((info(&first, "hasNextPage"), info(&first, "hasPreviousPage")), (json!(true), json!(false)));
    let second = shop.ask_as(&admin, &relay(page, json!({ "first": 3, "after": info(&first, "endCursor") }))).await;
    assert_eq!(titles(&second), ["Two"]);
    assert_eq!((info(&second, "hasNextPage"), info(&second, "hasPreviousPage")), (json!(false), json!(true)));
    let back = shop.ask_as(&admin, &relay(page, json!({ "last": 2, "before": info(&second, "startCursor") }))).await;
    assert_eq!(titles(&back), ["Four", "One"]);
    assert_eq!((info(&back, "hasNextPage"), info(&back, "hasPreviousPage")), (json!(true), json!(true)));
    let id = first["data"]["article_connection"]["edges"][1]["node"]["id"].clone();
    let node = "query ($id: ID!) { node(id: $id) { __typename id ... on article { title } ... on author { name } } }";
    let found = shop.ask_as(&admin, &relay(node, json!({ "id": id }))).await;
    assert_eq!(found["data"]["node"], json!({ "__typename": "article", "id": id, "title": "Four" }));
    let hidden = shop.ask_as(&user(1), &relay(node, json!({ "id": id }))).await;
    assert_eq!(hidden["data"]["node"], Value::Null);
    let bad = shop.ask_as(&admin, &relay(page, json!({ "first": 1, "after": "nonsense" }))).await;
    assert_eq!(bad["errors"][0]["message"], "the \"after\" or \"before\" cursor is invalid");
}
