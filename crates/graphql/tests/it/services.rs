//! Remote schemas that a second engine cannot be: unions and interfaces, and services that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use crate::fake::{Asked, Fake};
use crate::foreign::{PEOPLE, apply, metadata, people_and_remote, remote, renamed};
use crate::support::{Shop, database_with};

const LIBRARY: &str = "interface Item { id: ID! title: String! }
    type Book implements Item { id: ID! title: String! author: Int! }
    type Film implements Item { id: ID! title: String! minutes: Int! }
    type Person { name: String! }
    union Hit = Book | Film | Person
    type Query { search: [Hit!]! items: [Item!]! item(id: ID!): Item }";

/// An object with `__typename`; lists and objects inside it are what fields lead to.
struct Thing(Value);

impl ObjectValue for Thing {
    fn type_name(&self) -> &str {
        self.0["__typename"].as_str().unwrap_or("Query")
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let things = || {
            let thing = |kind: &str, mut own: Value| {
                own["__typename"] = kind.into();
                own
            };
            vec![
                thing("Book", json!({"id": "b1", "title": "Rust", "author": 2})),
                thing("Film", json!({"id": "f1", "title": "Iron", "minutes": 90})),
                thing("Person", json!({"name": "Ann"})),
            ]
        };
        let object = |found: Value| ResolvedValue::Object(Box::new(Thing(found)));
        let list =
            |count| ResolvedValue::List(Box::new(things().into_iter().take(count).map(move |one| Ok(object(one)))));
        Ok(match info.field_name() {
            "search" => list(3),
            "items" => list(2),
            "item" => {
                let id = info.arguments().get("id").and_then(|id| id.as_str().map(str::to_owned));
                let found = things().into_iter().find(|thing| thing["id"].as_str() == id.as_deref());
                found.map_or(ResolvedValue::Leaf(Default::default()), object)
            }
            name => ResolvedValue::Leaf(serde_json::from_value(self.0[name].clone()).unwrap()),
        })
    }
}

fn library() -> Arc<Valid<Schema>> {
    Arc::new(Schema::parse_and_validate(LIBRARY, "library.graphql").unwrap())
}

fn answer(schema: &Valid<Schema>, asked: &Asked) -> (u16, Vec<(&'static str, &'static str)>, String) {
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    let query = request["query"].as_str().unwrap();
    let body = match ExecutableDocument::parse_and_validate(schema, query, "query") {
        Ok(document) => {
            let variables = request["variables"].as_object().cloned().unwrap_or_default();
            let variables = serde_json::from_value(Value::Object(variables)).unwrap();
            let execution = Execution::new(schema, &document).raw_variable_values(&variables);
            match execution.enable_schema_introspection(true).execute_sync(&Thing(json!({}))) {
                Ok(done) => serde_json::to_value(done).unwrap(),
                Err(_) => json!({"errors": [{"message": "the request is wrong"}]}),
            }
        }
        Err(wrong) => json!({"errors": [{"message": wrong.to_string()}]}),
    };
    (200, vec![("content-type", "application/json")], body.to_string())
}

async fn served() -> Fake {
    let schema = library();
    Fake::start(move |asked| answer(&schema, asked)).await
}

fn add(name: &str, url: &str, customization: Value) -> Value {
    json!({"type": "add_remote_schema", "args": {"name": name, "definition": {"url": url, "customization": customization}}})
}

fn named() -> Value {
    json!({"type_names": {"prefix": "Lib_"}, "field_names": [{"parent_type": "Query", "prefix": "lib_"}]})
}

#[tokio::test]
async fn unions_and_interfaces_are_narrowed_by_fragments() {
    let (library, shop) = (served().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, json!([add("library", &library.url("/"), named())])).await;
    let query = "{ lib_search { __typename ... on Lib_Item { title } ... on Lib_Book { id } ...Somebody } }
        fragment Somebody on Lib_Person { name kind: __typename }";
    let found = shop.data(query).await;
    let expected = json!({"lib_search": [
        {"__typename": "Lib_Book", "title": "Rust", "id": "b1"},
        {"__typename": "Lib_Film", "title": "Iron"},
        {"__typename": "Lib_Person", "name": "Ann", "kind": "Lib_Person"},
    ]});
    assert_eq!(found, expected);
    let found =
        shop.data("{ lib_items { title ... on Lib_Film { minutes } } lib_item(id: \"b1\") { __typename id } }").await;
    let expected = json!({
        "lib_items": [{"title": "Rust"}, {"title": "Iron", "minutes": 90}],
        "lib_item": {"__typename": "Lib_Book", "id": "b1"},
    });
    assert_eq!(found, expected);
    let kinds = shop.data("{ __type(name: \"Lib_Hit\") { kind possibleTypes { name } } }").await;
    let possible = ["Lib_Book", "Lib_Film", "Lib_Person"].map(|name| json!({"name": name}));
    assert_eq!(kinds, json!({"__type": {"kind": "UNION", "possibleTypes": possible}}));
}

#[tokio::test]
async fn a_service_leads_to_another() {
    let (library, profiles, shop) = (served().await, remote().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, people_and_remote(&profiles.url, renamed())).await;
    apply(&shop, json!([
        add("library", &library.url("/"), named()),
        {"type": "create_remote_schema_remote_relationship", "args": {"remote_schema": "library", "type_name": "Book", "name": "writer",
            "definition": {"to_remote_schema": {"remote_schema": "other", "lhs_fields": ["author"],
                "remote_field": {"profiles_by_pk": {"arguments": {"person": "$author"}}}}}}},
    ]))
    .await;
    let found =
        shop.data("{ lib_search { ... on Lib_Book { title writer { bio stars } } ... on Lib_Film { title } } }").await;
    let expected = json!({"lib_search": [
        {"title": "Rust", "writer": {"bio": "second", "stars": 3}}, {"title": "Iron"}, {},
    ]});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn numbers_beside_joins_keep_their_digits() {
    let (profiles, shop) = (remote().await, database_with(PEOPLE, |_| {}).await);
    let sql = "ALTER TABLE people ADD pay numeric NOT NULL DEFAULT 12345678901234567890.123456789, ADD part numeric DEFAULT 1.50";
    shop.database.client().await.batch_execute(sql).await.unwrap();
    shop.handle.reload().await.unwrap();
    apply(&shop, people_and_remote(&profiles.url, renamed())).await;
    apply(&shop, json!([
        {"type": "pg_create_remote_relationship", "args": {"source": "default", "table": "people", "name": "profile",
            "definition": {"to_remote_schema": {"remote_schema": "other", "lhs_fields": ["id"],
                "remote_field": {"profiles_by_pk": {"arguments": {"person": "$id"}}}}}}},
    ]))
    .await;
    let request = graphql::Request::new("{ people(where: {id: {_eq: 1}}) { pay profile { bio } part } }");
    let body = shop.handle.execute(&graphql::Session::admin(), &request).await.unwrap();
    let expected =
        r#"{"data":{"people":[{"pay":12345678901234567890.123456789,"profile":{"bio":"first"},"part":1.50}]}}"#;
    assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
}

/// A service that can be switched off, with a count of what it is asked.
async fn moody() -> (Fake, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (down, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_down, count, schema) = (down.clone(), asked.clone(), library());
    let fake = Fake::start(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        if is_down.load(Ordering::SeqCst) { (502, vec![], String::new()) } else { answer(&schema, request) }
    });
    (fake.await, down, asked)
}

async fn reload(shop: &Shop, remotes: Value) -> Value {
    let command = json!({"type": "reload_metadata", "args": {"reload_remote_schemas": remotes}});
    let (status, body) = metadata(shop, command).await;
    assert_eq!(status, 200, "{body:#}");
    body
}

#[tokio::test]
async fn a_service_that_is_back_is_served_again() {
    let (library, down, asked) = moody().await;
    let shop = database_with(PEOPLE, |options| options.remote_retry = Duration::from_millis(10)).await;
    apply(&shop, json!([add("library", &library.url("/"), named())])).await;
    down.store(true, Ordering::SeqCst);
    assert_eq!(reload(&shop, json!(["library"])).await["is_consistent"], false);
    let query = "{ lib_items { title } }";
    shop.invalid(query, "$.selectionSet.lib_items", "field 'lib_items' not found in type: 'query_root'").await;
    let before = asked.load(Ordering::SeqCst);
    let limit = Instant::now() + Duration::from_secs(30);
    while asked.load(Ordering::SeqCst) < before + 2 {
        assert!(Instant::now() < limit, "nobody asks");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    down.store(false, Ordering::SeqCst);
    while shop.ask(query, json!({})).await.get("errors").is_some() {
        assert!(Instant::now() < limit, "it stays away");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn reloading_asks_the_services_that_it_should() {
    let (library, _, asked) = moody().await;
    let shop = database_with(PEOPLE, |_| {}).await;
    apply(&shop, json!([add("library", &library.url("/"), named())])).await;
    let mut before = asked.load(Ordering::SeqCst);
    for (remotes, questions) in [(json!(true), 1), (json!(false), 0), (json!(["library"]), 1), (json!(["other"]), 0)] {
        reload(&shop, remotes.clone()).await;
        assert_eq!(asked.load(Ordering::SeqCst) - before, questions, "{remotes}");
        before = asked.load(Ordering::SeqCst);
    }
}
