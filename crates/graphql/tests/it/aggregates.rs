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
