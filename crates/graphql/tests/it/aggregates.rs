use serde_json::json;

use crate::support::shop;

#[tokio::test]
async fn functions_over_rows() {
    let shop = shop().await;
    let data = shop
        .data(
            r#"{
                products_aggregate(order_by: {id: asc}) {
                    __typename
                    aggregate {
                        __typename
                        count
                        with_weight: count(columns: weight)
                        sellers: count(columns: [seller_id], distinct: true)
                        pairs: count(columns: [seller_id, on_sale], distinct: true)
                        sum { price again: price __typename }
                        avg { price }
                        max { name id }
                        min { name price }
                        stddev_pop { seller_id }
                        var_samp { seller_id }
                    }
                    nodes { name seller { name } }
                }
                limited: products_aggregate(limit: 2, order_by: {price: asc}) { aggregate { count sum { price } } nodes { name } }
                empty: products_aggregate(where: {price: {_lt: 0}}) { aggregate { count sum { price } max { name } } nodes { id } }
                only_names: products_aggregate { __typename }
                users(order_by: {id: asc}) {
                    orders_aggregate { aggregate { count max { placed_on } } }
                    products_aggregate(where: {on_sale: {_eq: false}}) { nodes { name } aggregate { count } }
                }
            }"#,
        )
        .await;
    let all = &data["products_aggregate"];
    assert_eq!(all["__typename"], "products_aggregate");
    let aggregate = &all["aggregate"];
    assert_eq!(aggregate["__typename"], "products_aggregate_fields");
    assert_eq!(
        [&aggregate["count"], &aggregate["with_weight"], &aggregate["sellers"], &aggregate["pairs"]],
        [3, 2, 2, 3]
    );
    assert_eq!(aggregate["sum"], json!({"price": 108.15, "again": 108.15, "__typename": "products_sum_fields"}));
    assert_eq!(aggregate["avg"]["price"].as_f64().unwrap(), 36.05);
    assert_eq!(aggregate["max"], json!({"name": "Cup", "id": "00000000-0000-0000-0000-000000000003"}));
    assert_eq!(aggregate["min"], json!({"name": "Anvil", "price": 3.25}));
    assert!(aggregate["stddev_pop"]["seller_id"].as_f64().unwrap() > 0.47);
    assert!(aggregate["var_samp"]["seller_id"].as_f64().unwrap() > 0.33);
    assert_eq!(
        all["nodes"],
        json!([
            {"name": "Anvil", "seller": {"name": "Ada"}},
            {"name": "Bell", "seller": {"name": "Ada"}},
            {"name": "Cup", "seller": {"name": "Bob"}},
        ])
    );
    assert_eq!(
        data["limited"],
        json!({"aggregate": {"count": 2, "sum": {"price": 8.25}}, "nodes": [{"name": "Cup"}, {"name": "Bell"}]})
    );
    assert_eq!(
        data["empty"],
        json!({"aggregate": {"count": 0, "sum": {"price": null}, "max": {"name": null}}, "nodes": []})
    );
    assert_eq!(data["only_names"], json!({"__typename": "products_aggregate"}));
    assert_eq!(
        data["users"][1],
        json!({
            "orders_aggregate": {"aggregate": {"count": 2, "max": {"placed_on": "2024-03-01"}}},
            "products_aggregate": {"nodes": [{"name": "Cup"}], "aggregate": {"count": 1}},
        })
    );
    assert_eq!(data["users"][3]["orders_aggregate"], json!({"aggregate": {"count": 0, "max": {"placed_on": null}}}));
}

#[tokio::test]
async fn functions_over_computed_fields() {
    let shop = crate::support::database_with(
        "CREATE TABLE item (id int PRIMARY KEY, price int NOT NULL, secret int NOT NULL);
         INSERT INTO item VALUES (1, 10, 1), (2, 20, 2), (3, 60, 3);
         CREATE FUNCTION item_double(item) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1.price * 2';
         CREATE FUNCTION item_times(item, factor int) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1.price * factor';
         CREATE FUNCTION item_label(item) RETURNS text STABLE LANGUAGE sql AS 'SELECT ''#'' || $1.id';
         CREATE FUNCTION item_hidden(item) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1.secret';",
        |options| options.auto_track = false,
    )
    .await;
    let computed = ["double", "times", "label", "hidden"]
        .map(|name| json!({"name": name, "definition": {"function": format!("item_{name}")}}));
    let permission = json!({"columns": ["id"], "computed_fields": ["double"], "filter": {"id": {"_lt": 3}},
        "allow_aggregations": true});
    let table = json!({"table": "item", "computed_fields": computed,
        "select_permissions": [{"role": "user", "permission": permission}]});
    let source = json!({"name": "default", "kind": "postgres", "configuration": {}, "tables": [table]});
    shop.command(json!({"type": "replace_metadata", "args": {"version": 3, "sources": [source]}})).await;
    let query = "{ item_aggregate(order_by: {id: desc}, limit: 2) { aggregate { count
        sum { double price triple: times(args: {factor: 3}) } avg { double } max { label __typename } } } }";
    let expected = json!({"item_aggregate": {"aggregate": {"count": 2, "sum": {"double": 160, "price": 80, "triple": 240},
        "avg": {"double": 80.0}, "max": {"label": "#3", "__typename": "item_max_fields"}}}});
    let found = shop.data(query).await;
    assert_eq!(found["item_aggregate"]["aggregate"]["avg"]["double"].as_f64(), Some(80.0));
    assert_eq!(found["item_aggregate"]["aggregate"]["sum"], expected["item_aggregate"]["aggregate"]["sum"]);
    assert_eq!(found["item_aggregate"]["aggregate"]["max"], expected["item_aggregate"]["aggregate"]["max"]);
    let sdl = shop.handle.schema_sdl();
    for line in ["times(args: times_item_args!): Int", "type item_avg_fields {\n  double: Float\n"] {
        assert!(sdl.contains(line), "{line}\n{sdl}");
    }
    assert!(!sdl.contains("item_sum_order_by"), "rows are not sorted by them: {sdl}");
    let user = graphql::Session::role("user");
    let ask = async |query: &str| shop.ask_as(&user, &graphql::Request::new(query)).await;
    let own = ask("{ item_aggregate { aggregate { sum { double } } } }").await;
    assert_eq!(own["data"]["item_aggregate"]["aggregate"]["sum"]["double"], 60, "of the rows that the role may see");
    let refused = ask("{ item_aggregate { aggregate { sum { hidden } } } }").await;
    assert_eq!(refused["errors"][0]["message"], "field 'hidden' not found in type: 'item_sum_fields'");
}
