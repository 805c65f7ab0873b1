use apollo_compiler::Schema;
use serde_json::{Value, json};

use crate::support::shop;

/// What GraphiQL 3 and graphql-js 16 send.
const STANDARD: &str = include_str!("introspection.graphql");

#[tokio::test]
async fn the_schema_is_valid_graphql_by_another_reader() {
    let shop = shop().await;
    let sdl = shop.handle.schema_sdl();
    let schema = Schema::parse_and_validate(&sdl, "schema.graphql").unwrap_or_else(|found| panic!("{}", found.errors));
    for name in ["users", "users_bool_exp", "order_lines_aggregate_fields", "numeric_comparison_exp", "mood"] {
        assert!(schema.types.contains_key(name), "{name}");
    }
    for name in ["odd_name", "measures_2024", "users_max_order_by_missing"] {
        assert!(!schema.types.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn the_standard_introspection_tells_the_same_as_the_definition_language() {
    let shop = shop().await;
    let data = shop.data(STANDARD).await;
    let types = data["__schema"]["types"].as_array().unwrap();
    let names: Vec<&str> = types.iter().map(|found| found["name"].as_str().unwrap()).collect();
    let sdl = Schema::parse_and_validate(shop.handle.schema_sdl(), "schema.graphql").unwrap();
    // The reader adds the built-in scalars that no field uses.
    for name in sdl.types.keys().filter(|name| !matches!(name.as_str(), "ID" | "Float")) {
        assert!(names.contains(&name.as_str()), "{name} is in the SDL");
    }
    // Every type that is named anywhere is listed: what clients stumble over.
    fn named<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(map) => {
                if let (Some(Value::String(_)), Some(Value::String(name)), true) =
                    (map.get("kind"), map.get("name"), map.contains_key("ofType"))
                {
                    found.push(name);
                }
                map.values().for_each(|value| named(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| named(value, found)),
            _ => {}
        }
    }
    let mut used = Vec::new();
    named(&data, &mut used);
    assert!(used.len() > 500);
    for name in used {
        assert!(names.contains(&name), "{name} is used and must be listed");
    }
    assert_eq!(data["__schema"]["queryType"], json!({"name": "query_root"}));
    assert_eq!(data["__schema"]["mutationType"], json!({"name": "mutation_root"}));
}

#[tokio::test]
async fn types_look_as_hasura_shows_them() {
    let shop = shop().await;
    let data = shop
        .data(
            r#"{
                users: __type(name: "users") { kind description fields { name description type { kind name ofType { kind name } } } }
                root: __type(name: "query_root") { fields { name args { name type { kind name ofType { name } } } } }
                mood: __type(name: "mood") { kind }
                exp: __type(name: "mood_comparison_exp") { inputFields { name type { name kind } } }
                order: __type(name: "order_by") { enumValues(includeDeprecated: true) { name description isDeprecated } }
                missing: __type(name: "nope") { name }
                __schema { directives { name locations args { name type { kind ofType { name } } } } }
            }"#,
        )
        .await;
    assert_eq!(data["users"]["description"], "People who buy and sell.");
    let field = |name: &str| {
        let fields = data["users"]["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(
        field("name"),
        json!({"name": "name", "description": "What they are called.",
               "type": {"kind": "NON_NULL", "name": null, "ofType": {"kind": "SCALAR", "name": "String"}}})
    );
    assert_eq!(field("manager")["type"], json!({"kind": "OBJECT", "name": "users", "ofType": null}));
    assert_eq!(field("profiles")["type"]["kind"], "OBJECT");
    assert_eq!(field("tags")["type"]["ofType"]["kind"], "LIST");
    assert_eq!(field("messages_by_recipient_id_aggregate")["type"]["ofType"]["name"], "messages_aggregate");
    let root = data["root"]["fields"].as_array().unwrap();
    let by_pk = root.iter().find(|field| field["name"] == "order_lines_by_pk").unwrap();
    let names: Vec<&Value> = by_pk["args"].as_array().unwrap().iter().map(|argument| &argument["name"]).collect();
    assert_eq!(names, ["line", "order_id"]);
    assert_eq!(data["mood"]["kind"], "SCALAR");
    let operators: Vec<&Value> =
        data["exp"]["inputFields"].as_array().unwrap().iter().map(|input| &input["name"]).collect();
    assert_eq!(operators, ["_eq", "_gt", "_gte", "_in", "_is_null", "_lt", "_lte", "_neq", "_nin"]);
    assert_eq!(data["order"]["enumValues"].as_array().unwrap().len(), 6);
    assert_eq!(data["missing"], Value::Null);
    assert_eq!(data["__schema"]["directives"][0]["name"], "include");
}

#[tokio::test]
async fn two_thousand_tables_are_no_trouble() {
    let tables: String = (0..2_000)
        .map(|n| {
            let parent = format!("parent_id int REFERENCES t{}", n / 2);
            format!("CREATE TABLE t{n} (id int PRIMARY KEY, name text, at timestamptz, data jsonb, {parent});")
        })
        .collect();
    let database = testkit::db().await;
    let client = database.client().await;
    for chunk in tables.split_inclusive(';').collect::<Vec<_>>().chunks(250) {
        client.batch_execute(&chunk.concat()).await.unwrap();
    }
    let catalog = postgres::catalog::Catalog::read(&client, &["public"]).await.unwrap();
    let model = graphql::model::Model::new(&catalog, &["public".to_owned()], false);
    assert_eq!(model.tables.len(), 2_000);
    // Each has its parent and, from the parent's side, its children; how long that takes is in benches/graphql/schema.
    let relationships: usize = model.tables.iter().map(|table| table.relationships.len()).sum();
    assert_eq!(relationships, 4_000);
}
