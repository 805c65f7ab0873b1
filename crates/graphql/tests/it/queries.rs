use serde_json::json;

use crate::support::{database_with, shop, shop_with};

#[tokio::test]
async fn rows_relationships_and_keys() {
    let shop = shop().await;
    let data = shop
        .data(
            r#"{
                users(order_by: {id: asc}, limit: 2) {
                    __typename id name manager { name } users { name }
                    profiles { bio }
                    messages_by_sender_id(order_by: {id: asc}) { body users_by_recipient_id_missing: id recipient { name } }
                }
                order_lines_by_pk(order_id: 1, line: 2) {
                    quantity product { name price seller { name } } order { placed_on user { name } } line_notes { body }
                }
                users_by_pk(id: 99) { id }
                line_notes(order_by: {id: asc}) { id order_lines { quantity } }
                happy_users(order_by: {id: asc}) { id }
                measures { value at }
                mixed { Case select }
            }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({
            "users": [
                {
                    "__typename": "users", "id": 1, "name": "Ada", "manager": null,
                    "users": [{"name": "Bob"}, {"name": "Cyd"}], "profiles": {"bio": "first programmer"},
                    "messages_by_sender_id": [
                        {"body": "hello", "users_by_recipient_id_missing": 1, "recipient": {"name": "Bob"}},
                        {"body": null, "users_by_recipient_id_missing": 3, "recipient": {"name": "Cyd"}},
                    ],
                },
                {
                    "__typename": "users", "id": 2, "name": "Bob", "manager": {"name": "Ada"},
                    "users": [{"name": "D'Artagnan \"%_\\"}], "profiles": null,
                    "messages_by_sender_id":
                        [{"body": "hi", "users_by_recipient_id_missing": 2, "recipient": {"name": "Ada"}}],
                },
            ],
            "order_lines_by_pk": {
                "quantity": 4,
                "product": {"name": "Bell", "price": 5.00, "seller": {"name": "Ada"}},
                "order": {"placed_on": "2024-02-01", "user": {"name": "Bob"}},
                "line_notes": [{"body": "wrap"}],
            },
            "users_by_pk": null,
            "line_notes": [{"id": 1, "order_lines": {"quantity": 4}}, {"id": 2, "order_lines": null}],
            "happy_users": [{"id": 1}, {"id": 4}],
            "measures": [{"value": 1.5, "at": "2024-05-05"}],
            "mixed": [{"Case": 1, "select": "four"}],
        })
    );
}

#[tokio::test]
async fn the_answer_keeps_the_order_of_the_query() {
    let shop = shop().await;
    let query = "{ z: users_by_pk(id: 1) { name id b: name } __typename a: users_by_pk(id: 2) { id } }";
    let body = shop.handle.execute(&graphql::Session::admin(), &graphql::Request::new(query)).await.unwrap();
    assert_eq!(
        std::str::from_utf8(&body).unwrap(),
        r#"{"data":{"z":{"name":"Ada","id":1,"b":"Ada"},"__typename":"query_root","a":{"id":2}}}"#
    );
}

#[tokio::test]
async fn values_look_as_postgresql_writes_them_to_json() {
    let shop = shop().await;
    let data = shop
        .data(
            r#"{
                users_by_pk(id: 1) { mood tags settings created_at email is_admin theme: settings(path: "$.size.w") }
                products(order_by: {id: asc}, limit: 1) { id price stock weight }
                logs { happened line first: line(path: "a[0]") }
            }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({
            "users_by_pk": {
                "mood": "happy", "tags": ["math", "quoted \"tag\""],
                "settings": {"theme": "dark", "size": {"w": 3}},
                "created_at": "2024-01-02T03:04:05.678+00:00", "email": "ada@example.org", "is_admin": true, "theme": 3,
            },
            "products":
                [{"id": "00000000-0000-0000-0000-000000000001", "price": 99.90, "stock": 9007199254740993_i64, "weight": 50.5}],
            "logs": [{"happened": "2024-01-01T10:00:00", "line": {"b": 1, "a": [1, 2]}, "first": 1}],
        })
    );
}

#[tokio::test]
async fn big_numbers_become_strings_when_asked() {
    let shop = shop_with(|options| options.stringify_numeric = true).await;
    let data = shop
        .data(
            r#"{
                products(order_by: {id: asc}, limit: 1) { price stock weight }
                products_aggregate { aggregate { count sum { stock price } max { weight } avg { price } } }
                order_lines_by_pk(order_id: "1", line: "1") { quantity line order_id }
            }"#,
        )
        .await;
    assert_eq!(data["products"], json!([{"price": "99.90", "stock": "9007199254740993", "weight": "50.5"}]));
    let aggregate = &data["products_aggregate"]["aggregate"];
    assert_eq!(aggregate["sum"], json!({"stock": "9007199254741003", "price": "108.15"}));
    assert_eq!(aggregate["max"], json!({"weight": "50.5"}));
    // The column decides, as in Hasura, whatever the function gives.
    assert_eq!(aggregate["avg"], json!({"price": "36.0500000000000000"}));
    assert_eq!(data["order_lines_by_pk"], json!({"quantity": 1, "line": 1, "order_id": "1"}));
}

#[tokio::test]
async fn sorting_paging_and_distinct_rows() {
    let shop = shop().await;
    let data = shop
        .data(
            r#"{
                nulls: users(order_by: {email: desc}) { id }
                last: users(order_by: [{email: desc_nulls_last}, {id: asc}]) { id }
                through: users(order_by: [{manager: {name: asc_nulls_first}}, {id: desc}]) { id }
                deep: order_lines(order_by: [{product: {seller: {name: desc}}}, {quantity: desc}]) { quantity }
                counted: users(order_by: [{orders_aggregate: {count: desc}}, {id: asc}]) { id }
                dearest: users(order_by: [{products_aggregate: {max: {price: desc_nulls_last}}}, {id: asc}]) { id }
                paged: users(order_by: {id: asc}, limit: 2, offset: 1) { id }
                text_offset: users(order_by: {id: asc}, offset: "3") { id }
                nothing: users(limit: 0) { id }
                distinct: orders(distinct_on: placed_on, order_by: [{placed_on: desc}, {id: desc}]) { id }
                unsorted: orders(distinct_on: [user_id]) { user_id }
            }"#,
        )
        .await;
    let ids = |field: &str| data[field].as_array().unwrap().iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids("nulls")[2..], [json!(3), json!(1)]);
    assert_eq!(ids("last"), [3, 1, 2, 4]);
    assert_eq!(ids("through"), [1, 3, 2, 4]);
    assert_eq!(data["deep"], json!([{"quantity": 6}, {"quantity": 4}, {"quantity": 2}, {"quantity": 1}]));
    assert_eq!(ids("counted"), [2, 3, 1, 4]);
    assert_eq!(ids("dearest"), [1, 2, 3, 4]);
    assert_eq!(ids("paged"), [2, 3]);
    assert_eq!(ids("text_offset"), [4]);
    assert_eq!(data["nothing"], json!([]));
    assert_eq!(ids("distinct"), [3, 1]);
    assert_eq!(data["unsorted"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn variables_fragments_and_conditions() {
    let shop = shop().await;
    let query = r#"
        query Q($id: Int!, $ids: [Int!] = [1, 3], $where: users_bool_exp, $order: [users_order_by!], $limit: Int, $offset: Int,
                $more: Boolean = false) {
            ...Roots
            users(where: $where, order_by: $order, limit: $limit, offset: $offset) {
                ... on users { id }
                ... on profiles { bio }
                ...Name @include(if: $more)
                email @skip(if: true)
            }
            some: users(where: {id: {_in: $ids}}, order_by: {id: asc}) { id }
        }
        fragment Roots on query_root { users_by_pk(id: $id) { id } users_by_pk(id: $id) { name } }
        fragment Name on users { name }
        query Other { users { id } }"#;
    let ask = async |variables: serde_json::Value| {
        let serde_json::Value::Object(variables) = variables else { panic!() };
        let request =
            graphql::Request { query: query.to_owned(), operation_name: Some("Q".to_owned()), variables, relay: false };
        let body = shop.handle.execute(&graphql::Session::admin(), &request).await.map_err(|failure| failure.message);
        body.map(|body| serde_json::from_slice::<serde_json::Value>(&body).unwrap()["data"].clone())
    };
    let some = json!([{"id": 1}, {"id": 3}]);
    // The order of these matters: each could be answered wrongly by the plan of an earlier one.
    assert_eq!(
        ask(json!({"id": 1, "where": {"id": {"_gt": 1}}, "order": {"id": "desc"}, "limit": 2})).await.unwrap(),
        json!({"users_by_pk": {"id": 1, "name": "Ada"}, "users": [{"id": 4}, {"id": 3}], "some": some})
    );
    assert_eq!(
        ask(json!({"id": 2, "where": {"id": {"_gt": 2}}, "order": {"id": "asc"}, "limit": 1, "offset": 1}))
            .await
            .unwrap(),
        json!({"users_by_pk": {"id": 2, "name": "Bob"}, "users": [{"id": 4}], "some": some})
    );
    assert_eq!(
        ask(json!({"id": 2, "where": {"id": {"_lt": 2}}, "more": true, "ids": [2]})).await.unwrap(),
        json!({"users_by_pk": {"id": 2, "name": "Bob"}, "users": [{"id": 1, "name": "Ada"}], "some": [{"id": 2}]})
    );
    assert_eq!(
        ask(json!({"id": 2, "where": {"_or": [{"id": {"_eq": 1}}, {"id": {"_eq": 3}}]}, "order": {"id": "asc"}, "limit": null}))
            .await
            .unwrap()["users"],
        json!([{"id": 1}, {"id": 3}])
    );
    assert_eq!(
        ask(json!({"id": 2, "where": {"_or": [{"id": {"_eq": 2}}]}, "order": [{"id": "asc"}]})).await.unwrap()["users"],
        json!([{"id": 2}])
    );
    assert_eq!(
        ask(json!({"id": 2, "where": {"email": {"_is_null": true}}, "order": {"id": "asc"}})).await.unwrap()["users"],
        json!([{"id": 2}, {"id": 4}])
    );
    assert_eq!(
        ask(json!({"id": 2, "where": {"email": {"_is_null": false}}, "order": {"id": "asc"}})).await.unwrap()["users"],
        json!([{"id": 1}, {"id": 3}])
    );
    assert!(ask(json!({"id": null})).await.unwrap_err().contains("null value found"));
    let wrong = ask(json!({"id": 1, "where": {"id": {"_gt": "x"}}})).await.unwrap_err();
    assert_eq!(wrong, "invalid input syntax for type integer: \"x\"");
    assert!(ask(json!({"id": 1, "surplus": 1})).await.unwrap_err().contains("unexpected variables"));
    assert!(ask(json!({})).await.unwrap_err().contains("expecting a value for non-nullable variable: \"id\""));
}

#[tokio::test]
async fn keys_longer_than_a_column_name_and_more_keys_than_a_call_takes() {
    let shop = shop().await;
    let long = "k".repeat(100);
    let data = shop
        .data(&format!(
            "{{ users(order_by: {{id: asc}}, limit: 1) {{ {long}: name b: id profiles {{ {long}: bio }} }}
                users_by_pk(id: 2) {{ {long}: profiles {{ bio }} }}
                users_aggregate {{ {long}: aggregate {{ {long}: count }} nodes {{ {long}: id }} }} }}"
        ))
        .await;
    assert_eq!(data["users"], json!([{&long: "Ada", "b": 1, "profiles": {&long: "first programmer"}}]));
    assert_eq!(data["users_by_pk"], json!({&long: null}));
    assert_eq!(data["users_aggregate"][&long], json!({&long: 4}));
    assert_eq!(data["users_aggregate"]["nodes"][3], json!({&long: 4}));
    let many: Vec<String> = (0..150).map(|n| format!("c{n}: name")).collect();
    let data = shop.data(&format!("{{ users_by_pk(id: 1) {{ {} }} }}", many.join(" "))).await;
    assert_eq!(data["users_by_pk"].as_object().unwrap().len(), 150);
}

#[tokio::test]
async fn selections_of_which_nothing_is_left() {
    let shop = shop().await;
    assert_eq!(shop.data("{ users @skip(if: true) { id } }").await, json!({}));
    let data = shop
        .data(
            "{ users(limit: 2) { id @skip(if: true) } users_by_pk(id: 2) { manager { id @include(if: false) } }
               users_aggregate(limit: 1) { aggregate { count @skip(if: true) } nodes { id @skip(if: true) } }
               orders_aggregate { aggregate @skip(if: true) { count } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "users": [{}, {}], "users_by_pk": {"manager": {}},
            "users_aggregate": {"aggregate": {}, "nodes": [{}]}, "orders_aggregate": {},
        })
    );
}

#[tokio::test]
async fn one_request_is_one_statement() {
    let shop = shop().await;
    let client = shop.database.client().await;
    let query = "{ users { name orders { order_lines { product { seller { name } } } } } products { name } a: users_aggregate { nodes { id } } }";
    shop.data(query).await;
    let statements = client
        .query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT (SELECT coalesce%'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(statements.get::<_, i64>(0), 1, "the engine's connection ran the one statement last");
}

#[tokio::test]
async fn relationships_give_way_to_columns_and_to_each_other() {
    let shop = database_with(
        "CREATE TABLE teams (id int PRIMARY KEY, people text);
         CREATE TABLE people (id int PRIMARY KEY, team_id int REFERENCES teams, team text, lead int REFERENCES teams);
         CREATE SCHEMA other;
         CREATE TABLE other.things (id int PRIMARY KEY, owner_id int REFERENCES people);
         INSERT INTO teams VALUES (1, 'column'); INSERT INTO people VALUES (1, 1, 'own', 1);
         INSERT INTO other.things VALUES (7, 1);",
        |options| options.schemas.push("other".to_owned()),
    )
    .await;
    let data = shop
        .data(
            "{ people { team teams_by_team_id { people people_by_lead { id } people_by_team_id { id } } teams { id } things { id } }
               other_things { owner { id } } }",
        )
        .await;
    assert_eq!(
        data,
        json!({
            "people": [{
                "team": "own", "teams": {"id": 1}, "things": [{"id": 7}],
                "teams_by_team_id":
                    {"people": "column", "people_by_lead": [{"id": 1}], "people_by_team_id": [{"id": 1}]},
            }],
            "other_things": [{"owner": {"id": 1}}],
        })
    );
}
