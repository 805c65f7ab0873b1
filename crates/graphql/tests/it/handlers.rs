//! What handlers of actions are sent, and in which order things are done.

use graphql::Session;
use serde_json::{Value, json};

use crate::fake::{Asked, Fake};
use crate::foreign::{PEOPLE, apply, ask_as};
use crate::support::{Shop, database_with};

async fn handler() -> Fake {
    Fake::start(|asked: &Asked| {
        if asked.uri.path() == "/refuse" {
            return (402, vec![], json!({"message": "no money", "code": "poor"}).to_string());
        }
        let answer = json!({"name": "n", "parts": [{"size": 1, "inner": {"deep": true}}, {"size": 2}], "mood": "GOOD"});
        (200, vec![("content-type", "application/json")], answer.to_string())
    })
    .await
}

fn action(url: &str, name: &str, kind: &str, more: Value) -> Value {
    let mut definition = json!({"handler": url, "type": kind, "output_type": "Thing", "arguments": [{"name": "given", "type": "Given"}]});
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"type": "create_action", "args": {"name": name, "definition": definition}})
}

async fn shop(actions: Vec<Value>) -> Shop {
    let environment = [("HOST".to_owned(), "unset".to_owned()), ("KEY".to_owned(), "k3y".to_owned())];
    let shop = database_with(PEOPLE, |options| options.environment = std::sync::Arc::new(environment.into())).await;
    let types = json!({
        "scalars": [{"name": "Anything"}],
        "enums": [{"name": "Mood", "values": [{"value": "GOOD"}, {"value": "BAD"}]}],
        "input_objects": [{"name": "Given", "fields": [{"name": "mood", "type": "Mood"}, {"name": "list", "type": "[Int!]"},
            {"name": "any", "type": "Anything"}]}],
        "objects": [
            {"name": "Inner", "fields": [{"name": "deep", "type": "Boolean"}]},
            {"name": "Part", "fields": [{"name": "size", "type": "Int!"}, {"name": "inner", "type": "Inner"}]},
            {"name": "Thing", "fields": [{"name": "name", "type": "String"}, {"name": "parts", "type": "[Part!]"}, {"name": "mood", "type": "Mood"}]},
        ],
    });
    let mut commands = vec![
        json!({"type": "pg_track_table", "args": {"source": "default", "table": "people"}}),
        json!({"type": "set_custom_types", "args": types}),
    ];
    commands.extend(actions);
    apply(&shop, commands.into()).await;
    shop
}

#[tokio::test]
async fn inputs_and_outputs_have_any_shape() {
    let handler = handler().await;
    let shop = shop(vec![action(&handler.url("/"), "make", "query", json!({}))]).await;
    let query = "query ($any: Anything) { make(given: {mood: BAD, list: 3, any: $any}) { name mood parts { size inner { deep } } } }";
    let found = shop.ask(query, json!({"any": {"x": [1, null]}})).await;
    let parts = json!([{"size": 1, "inner": {"deep": true}}, {"size": 2}]);
    assert_eq!(found, json!({"data": {"make": {"name": "n", "mood": "GOOD", "parts": parts}}}));
    let sent: Value = serde_json::from_slice(&handler.requests()[0].body).unwrap();
    assert_eq!(sent["input"], json!({"given": {"mood": "BAD", "list": [3], "any": {"x": [1, null]}}}));
    let (_, _, message) = shop.error("{ make(given: {mood: UGLY}) { name } }", json!({})).await;
    assert!(message.contains("UGLY"), "{message}");
}

#[tokio::test]
async fn headers_are_forwarded_as_the_action_says() {
    let handler = handler().await;
    let key = json!([{"name": "x-key", "value_from_env": "KEY"}]);
    let shop = shop(vec![
        action(&handler.url("/"), "all", "query", json!({"forward_client_headers": true, "headers": key})),
        action(
            &handler.url("/"),
            "some",
            "query",
            json!({"forward_client_headers": true, "ignored_client_headers": ["Cookie"]}),
        ),
        action(&handler.url("/"), "none", "query", json!({})),
    ])
    .await;
    let mut session = Session::role("admin");
    let mut headers = http::HeaderMap::new();
    for (name, value) in [
        ("cookie", "c=1"),
        ("authorization", "Bearer b"),
        ("x-key", "forged"),
        ("x-hasura-admin-secret", "S"),
        ("accept", "x/y"),
        ("x-request-id", "r1"),
        ("content-length", "999"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        headers.insert(http::HeaderName::from_static(name), value.parse().unwrap());
    }
    session.headers = headers.into();
    for action in ["all", "some", "none"] {
        let found = ask_as(&shop, &session, &format!("{{ {action} {{ name }} }}")).await;
        assert!(found.get("errors").is_none(), "{found:#}");
    }
    let asked = handler.requests();
    let has = |index: usize, name: &str| asked[index].headers.contains_key(name);
    assert_eq!(
        (asked[0].headers["x-key"].as_bytes(), asked[0].headers["x-request-id"].as_bytes()),
        (&b"k3y"[..], &b"r1"[..])
    );
    assert!(
        has(0, "cookie")
            && has(0, "authorization")
            && asked[0].headers.get("accept").is_none_or(|accept| accept != "x/y")
    );
    assert!(!has(1, "cookie") && asked[1].headers["accept"] == "x/y" && has(1, "authorization"));
    assert!(!has(2, "cookie") && !has(2, "authorization") && !has(2, "x-request-id"));
    for one in &asked {
        assert!(!one.headers.contains_key("x-hasura-admin-secret"));
        assert_eq!(one.headers["x-b3-traceid"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(one.headers["content-length"], "999");
    }
}

#[tokio::test]
async fn requests_and_answers_are_transformed() {
    let handler = handler().await;
    let with = |request: Value, response: Value| {
        let mut request = request;
        request["version"] = 2.into();
        json!({"request_transform": request, "response_transform": {"version": 2, "body": response}})
    };
    let whole = json!({"action": "transform", "template": "{\"name\": {{$body.mood}}, \"parts\": null}"});
    let form = json!({"action": "x_www_form_urlencoded", "form_template": {"mood": "{{$body.input.given.mood}}", "plain": "a b"}});
    let shop = shop(vec![
        action(&handler.url("/"), "bare", "query", with(json!({"method": "GET", "url": "{{$base_url}}bare",
            "query_params": {"m": "{{$body.input.given.mood}}", "s": "{{getSessionVariable('X-Hasura-Role')}}"}, "body": {"action": "remove"}}), whole)),
        action(&handler.url("/"), "form", "query", json!({"request_transform": {"version": 2, "body": form}})),
        action(&handler.url("/"), "wrong", "query", json!({"request_transform": {"version": 2,
            "body": {"action": "transform", "template": "{{$body.nope}}"}}})),
    ])
    .await;
    let ask =
        async |action: &str| shop.ask(&format!("{{ {action}(given: {{mood: BAD}}) {{ name }} }}"), json!({})).await;
    assert_eq!(ask("bare").await, json!({"data": {"bare": {"name": "GOOD"}}}));
    ask("form").await;
    let asked = handler.requests();
    let bare = (asked[0].method.as_str(), asked[0].uri.to_string(), asked[0].body.len());
    assert_eq!(bare, ("GET", "/bare?m=BAD&s=admin".to_owned(), 0));
    assert_eq!(asked[1].headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(&asked[1].body[..], b"mood=BAD&plain=a%20b");
    assert_eq!(ask("wrong").await["errors"][0]["message"], "Request Transformation Failed");
    assert_eq!(handler.requests().len(), 2);
}

#[tokio::test]
async fn mutations_are_done_in_order_and_end_with_the_first_that_fails() {
    let handler = handler().await;
    let shop = shop(vec![
        action(&handler.url("/"), "pay", "mutation", json!({})),
        action(&handler.url("/refuse"), "refuse", "mutation", json!({})),
    ])
    .await;
    let insert =
        |alias: &str, id: u8| format!("{alias}: insert_people_one(object: {{id: {id}, name: \"x\"}}) {{ id }}");
    let query =
        format!("mutation {{ {} pay {{ name }} {} __typename {} }}", insert("a", 11), insert("b", 12), insert("c", 13));
    let found = shop.ask(&query, json!({})).await;
    let expected =
        json!({"a": {"id": 11}, "pay": {"name": "n"}, "b": {"id": 12}, "__typename": "mutation_root", "c": {"id": 13}});
    assert_eq!(found, json!({"data": expected}));
    let query = format!("mutation {{ {} refuse {{ name }} {} pay {{ name }} }}", insert("a", 21), insert("b", 22));
    let told = shop.ask(&query, json!({})).await;
    assert_eq!(told["errors"][0], json!({"message": "no money", "extensions": {"code": "poor", "path": "$"}}));
    let found = shop.data("{ people(where: {id: {_gt: 20}}) { id } }").await;
    assert_eq!(found, json!({"people": [{"id": 21}]}), "what stands behind the refusal is not done");
    assert_eq!(handler.requests().len(), 2);
}
