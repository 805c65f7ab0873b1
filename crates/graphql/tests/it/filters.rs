use serde_json::{Value, json};

use crate::support::{Shop, shop};

async fn ids(shop: &Shop, filter: &str) -> Vec<i64> {
    let data = shop.data(&format!("{{ users(where: {filter}, order_by: {{id: asc}}) {{ id }} }}")).await;
    data["users"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn comparisons() {
    let shop = shop().await;
    let cases: &[(&str, &[i64])] = &[
        ("{}", &[1, 2, 3, 4]),
        ("{id: {}}", &[1, 2, 3, 4]),
        ("{id: {_eq: 1}}", &[1]),
        ("{id: {_neq: 1}}", &[2, 3, 4]),
        ("{id: {_gt: 1, _lt: 4}}", &[2, 3]),
        ("{id: {_gte: 2}, name: {_lte: \"Bz\"}}", &[2]),
        ("{id: {_in: [1, 3, 99]}}", &[1, 3]),
        ("{id: {_in: 2}}", &[2]),
        ("{id: {_in: []}}", &[]),
        ("{id: {_nin: [1, 3]}}", &[2, 4]),
        ("{id: {_nin: []}}", &[1, 2, 3, 4]),
        ("{email: {_is_null: true}}", &[2, 4]),
        ("{email: {_eq: \"cyd@example.org\"}}", &[3]),
        ("{name: {_like: \"%d%\"}}", &[1, 3]),
        ("{name: {_nlike: \"%d%\"}}", &[2, 4]),
        ("{name: {_ilike: \"%D%\"}}", &[1, 3, 4]),
        ("{name: {_nilike: \"%D%\"}}", &[2]),
        ("{name: {_similar: \"(Ada|Bob)\"}}", &[1, 2]),
        ("{name: {_nsimilar: \"(Ada|Bob)\"}}", &[3, 4]),
        ("{name: {_regex: \"^[AB]\"}}", &[1, 2]),
        ("{name: {_iregex: \"^[ab]\"}}", &[1, 2]),
        ("{name: {_nregex: \"^[AB]\"}}", &[3, 4]),
        ("{name: {_niregex: \"^[ab]\"}}", &[3, 4]),
        ("{mood: {_eq: \"happy\"}}", &[1, 4]),
        ("{mood: {_in: [sad, \"ok\"]}}", &[2, 3]),
        ("{is_admin: {_eq: true}}", &[1]),
        ("{created_at: {_gt: \"2024-01-01T00:00:00Z\"}, id: {_eq: 2}}", &[2]),
        ("{tags: {_contains: [\"math\"]}}", &[1, 3]),
        ("{tags: {_contained_in: [\"math\"]}}", &[2, 3, 4]),
        ("{tags: {_eq: \"{math}\"}}", &[3]),
        ("{tags: {_in: [[\"math\"], []]}}", &[2, 3, 4]),
        ("{tags: {_nin: [[\"math\"], []]}}", &[1]),
        ("{settings: {_contains: {theme: \"dark\"}}}", &[1]),
        ("{settings: {_contained_in: {theme: \"light\", x: 1}}}", &[2, 3]),
        ("{settings: {_has_key: \"theme\"}}", &[1, 2]),
        ("{settings: {_has_keys_any: [\"size\", \"admin\"]}}", &[1, 4]),
        ("{settings: {_has_keys_all: [\"size\", \"theme\"]}}", &[1]),
        ("{settings: {_cast: {String: {_like: \"%dark%\"}}}}", &[1]),
        ("{settings: {_eq: {}}}", &[3]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&shop, filter).await, *expected, "{filter}");
    }
}

#[tokio::test]
async fn connectives_and_relationships() {
    let shop = shop().await;
    let cases: &[(&str, &[i64])] = &[
        ("{_and: []}", &[1, 2, 3, 4]),
        ("{_or: []}", &[]),
        ("{_not: {}}", &[]),
        ("{_and: [{id: {_gt: 1}}, {id: {_lt: 3}}]}", &[2]),
        ("{_or: [{id: {_eq: 1}}, {name: {_eq: \"Cyd\"}}]}", &[1, 3]),
        ("{_or: {id: {_eq: 1}}}", &[1]),
        ("{_not: {_or: [{id: {_eq: 1}}, {id: {_eq: 2}}]}}", &[3, 4]),
        ("{manager: {name: {_eq: \"Ada\"}}}", &[2, 3]),
        ("{manager: {}}", &[2, 3, 4]),
        ("{_not: {manager: {}}}", &[1]),
        ("{manager: {manager: {id: {_eq: 1}}}}", &[4]),
        ("{orders: {}}", &[2, 3]),
        ("{orders: {order_lines: {product: {name: {_eq: \"Bell\"}}}}}", &[2]),
        ("{profiles: {bio: {_is_null: true}}}", &[3]),
        ("{orders_aggregate: {count: {predicate: {}}}}", &[1, 2, 3, 4]),
        ("{orders_aggregate: {count: {predicate: {_eq: 0}}}}", &[1, 4]),
        ("{orders_aggregate: {count: {predicate: {_gte: 2}}}}", &[2]),
        ("{orders_aggregate: {count: {filter: {note: {_eq: \"slow\"}}, predicate: {_eq: 1}}}}", &[3]),
        ("{messages_by_sender_id_aggregate: {count: {arguments: [body], predicate: {_eq: 1}}}}", &[1, 2]),
        ("{products_aggregate: {bool_or: {arguments: on_sale, predicate: {_eq: true}}}}", &[1]),
        ("{products_aggregate: {max: {arguments: weight, predicate: {_gt: 0}}}}", &[1, 2]),
        ("{products_aggregate: {avg: {arguments: weight, distinct: true, predicate: {_is_null: true}}}}", &[3, 4]),
        ("{products_aggregate: {corr: {arguments: {X: weight, Y: weight}, predicate: {_eq: 1}}}}", &[]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&shop, filter).await, *expected, "{filter}");
    }
}

#[tokio::test]
async fn values_reach_postgresql_as_values() {
    let shop = shop().await;
    let hostile = [
        "'; DROP TABLE users; --",
        "\" OR true --",
        "\\'; SELECT pg_sleep(10); --",
        "{},{}",
        "$1",
        "%s",
        "') OR ('' = '",
        "\u{1f600}\u{0301}",
        "a\nb",
    ];
    let query = "query ($text: String!, $list: [String!]!, $json: jsonb!, $key: String!) {
        eq: users(where: {name: {_eq: $text}}) { id }
        inside: users(where: {name: {_in: $list}}) { id }
        array: users(where: {tags: {_contains: $list}}) { id }
        json: users(where: {settings: {_contains: $json}}) { id }
        key: users(where: {settings: {_has_key: $key}}) { id }
        path: users_by_pk(id: 1) { settings(path: \"x\") }
    }";
    for text in hostile {
        let variables = json!({"text": text, "list": [text, text], "json": {text: [text]}, "key": text});
        let data = shop.data_with(query, variables).await;
        for field in ["eq", "inside", "array", "json", "key"] {
            assert_eq!(data[field], json!([]), "{field}: {text}");
        }
        let literal = format!("{{ users(where: {{name: {{_eq: {}}}}}) {{ id }} }}", Value::from(text));
        assert_eq!(shop.data(&literal).await, json!({"users": []}), "{text}");
    }
    let found = shop
        .data_with("query ($n: String!) { users(where: {name: {_eq: $n}}) { id } }", json!({"n": "D'Artagnan \"%_\\"}))
        .await;
    assert_eq!(found, json!({"users": [{"id": 4}]}));
    let (code, _, _) = shop.error("{ users(where: {name: {_eq: \"a\\u0000b\"}}) { id } }", json!({})).await;
    assert_eq!(code, "data-exception");
    assert_eq!(ids(&shop, "{}").await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn json_values_may_hold_variables() {
    let shop = shop().await;
    let query = "query ($theme: String, $w: Int) { users(where: {settings: {_contains: {theme: $theme, size: {w: $w}}}}) { id } }";
    assert_eq!(shop.data_with(query, json!({"theme": "dark", "w": 3})).await, json!({"users": [{"id": 1}]}));
    assert_eq!(shop.data_with(query, json!({"theme": "dark", "w": 4})).await, json!({"users": []}));
    let query = "query ($a: Int!, $b: Int!) { users(where: {id: {_in: [$a, $b]}}, order_by: {id: asc}) { id } }";
    assert_eq!(shop.data_with(query, json!({"a": 1, "b": 2})).await, json!({"users": [{"id": 1}, {"id": 2}]}));
    assert_eq!(shop.data_with(query, json!({"a": 3, "b": 2})).await, json!({"users": [{"id": 2}, {"id": 3}]}));
}
