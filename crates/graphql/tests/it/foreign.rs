//! Actions and remote schemas against real HTTP servers: a webhook, and a second engine over another database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use graphql::{Request, Session};

use crate::fake::Fake;
use crate::support::{Shop, database_with};

/// A second engine that counts what it is asked.
pub struct Remote {
    pub url: String,
    asked: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
    _shop: Shop,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const PROFILES: &str = "CREATE TABLE profiles (person int PRIMARY KEY, bio text, stars int NOT NULL DEFAULT 0);
    INSERT INTO profiles VALUES (1, 'first', 5), (2, 'second', 3), (9, 'stranger', 1);";

pub const PEOPLE: &str = "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, boss int);
    CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people, body text NOT NULL);
    INSERT INTO people VALUES (1, 'Ann', NULL), (2, 'Bob', 1), (3, 'Cid', 1);
    INSERT INTO notes VALUES (10, 1, 'a'), (11, 1, 'b'), (12, 2, 'c');";

pub async fn remote() -> Remote {
    let shop = database_with(PROFILES, |_| {}).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let count = move |request: HttpRequest, next: Next| {
        counter.fetch_add(1, Ordering::SeqCst);
        next.run(request)
    };
    let router = shop.handle.router().layer(from_fn(count));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/graphql", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Remote { url, asked, task, _shop: shop }
}

pub async fn metadata(shop: &Shop, body: Value) -> (u16, Value) {
    let request = http::Request::post("/v1/metadata").header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = shop.handle.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

pub async fn apply(shop: &Shop, commands: Value) {
    let (status, body) = metadata(shop, json!({"type": "bulk", "args": commands})).await;
    assert_eq!(status, 200, "{body:#}");
}

pub async fn ask_as(shop: &Shop, session: &Session, query: &str) -> Value {
    match shop.handle.execute(session, &Request::new(query)).await {
        Ok(body) => serde_json::from_slice(&body).unwrap(),
        Err(failure) => serde_json::from_slice(&failure.to_body(false)).unwrap(),
    }
}

pub fn people_and_remote(url: &str, customization: Value) -> Value {
    json!([
        {"type": "pg_track_table", "args": {"source": "default", "table": "people"}},
        {"type": "pg_track_table", "args": {"source": "default", "table": "notes"}},
        {"type": "add_remote_schema", "args": {"name": "other", "definition": {"url": url, "customization": customization,
            "headers": [{"name": "x-hasura-role", "value": "admin"}]}}},
    ])
}

pub fn renamed() -> Value {
    json!({"type_names": {"prefix": "Other_"}, "field_names": [{"parent_type": "query_root", "prefix": "other_"}]})
}

#[tokio::test]
async fn a_remote_schema_is_part_of_ours() {
    let (remote, shop) = (remote().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, people_and_remote(&remote.url, renamed())).await;
    let before = remote.asked.load(Ordering::SeqCst);
    let query = "query ($least: Int!) {
        people(order_by: {id: asc}, limit: 1) { name }
        mine: other_profiles(where: {stars: {_gte: $least}}, order_by: {person: asc}) { __typename ...Text }
        nobody: other_profiles_by_pk(person: 77) { bio }
      }
      fragment Text on Other_profiles { bio }";
    let found = shop.data_with(query, json!({"least": 3})).await;
    let row = |bio: &str| json!({"__typename": "Other_profiles", "bio": bio});
    let expected = json!({"people": [{"name": "Ann"}], "mine": [row("first"), row("second")], "nobody": null});
    assert_eq!(found, expected);
    assert!(remote.asked.load(Ordering::SeqCst) > before);
    shop.invalid(
        "{ other_profiles { nope } }",
        "$.selectionSet.other_profiles.selectionSet.nope",
        "field 'nope' not found in type: 'Other_profiles'",
    )
    .await;
    let kinds = shop.data("{ __type(name: \"Other_profiles\") { kind fields { name } } }").await;
    assert_eq!(kinds["__type"]["kind"], "OBJECT");
}

#[tokio::test]
async fn a_namespace_holds_the_fields() {
    let (remote, shop) = (remote().await, database_with(PEOPLE, |_| {}).await);
    let customization = json!({"root_fields_namespace": "there", "type_names": {"suffix": "_there"}});
    apply(&shop, people_and_remote(&remote.url, customization)).await;
    let found = shop.data("{ there { __typename profiles_by_pk(person: 1) { bio stars } } }").await;
    let expected = json!({"there": {"__typename": "there_query", "profiles_by_pk": {"bio": "first", "stars": 5}}});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn joins_go_both_ways_with_one_request_each() {
    let (remote, shop) = (remote().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, people_and_remote(&remote.url, renamed())).await;
    apply(&shop, json!([
        {"type": "pg_create_remote_relationship", "args": {"source": "default", "table": "people", "name": "profile",
            "definition": {"to_remote_schema": {"remote_schema": "other", "lhs_fields": ["id"],
                "remote_field": {"profiles_by_pk": {"arguments": {"person": "$id"}}}}}}},
        {"type": "create_remote_schema_remote_relationship", "args": {"remote_schema": "other", "type_name": "profiles", "name": "owner",
            "definition": {"to_source": {"source": "default", "table": "people", "relationship_type": "object", "field_mapping": {"person": "id"}}}}},
        {"type": "create_remote_schema_remote_relationship", "args": {"remote_schema": "other", "type_name": "profiles", "name": "notes",
            "definition": {"to_source": {"source": "default", "table": "notes", "relationship_type": "array", "field_mapping": {"person": "person"}}}}},
    ])).await;
    let before = remote.asked.load(Ordering::SeqCst);
    let query = "{ people(order_by: {id: asc}) { first: profile { bio owner { name } } name } }";
    let found = shop.ask(query, json!({})).await;
    let expected = json!({"data": {"people": [
        {"first": {"bio": "first", "owner": {"name": "Ann"}}, "name": "Ann"},
        {"first": {"bio": "second", "owner": {"name": "Bob"}}, "name": "Bob"},
        {"first": null, "name": "Cid"},
    ]}});
    assert_eq!(found, expected);
    // A client chooses no beginning of its own for a join.
    shop.invalid("{ people { __nself_c0: boss profile { bio } } }", "$", "the name '__nself_c0' is reserved").await;
    assert_eq!(remote.asked.load(Ordering::SeqCst) - before, 1, "one request for all rows");
    let query = "{ other_profiles(order_by: {person: asc}) {
        person notes(order_by: {id: desc}, limit: 1) { body } notes_aggregate { aggregate { count } } owner { id } } }";
    let found = shop.data(query).await;
    let expected = json!({"other_profiles": [
        {"person": 1, "notes": [{"body": "b"}], "notes_aggregate": {"aggregate": {"count": 2}}, "owner": {"id": 1}},
        {"person": 2, "notes": [{"body": "c"}], "notes_aggregate": {"aggregate": {"count": 1}}, "owner": {"id": 2}},
        {"person": 9, "notes": [], "notes_aggregate": {"aggregate": {"count": 0}}, "owner": null},
    ]});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_role_sees_its_part_and_presets_are_sent() {
    let (remote, shop) =
        (remote().await, database_with(PEOPLE, |options| options.remote_schema_permissions = true).await);
    apply(&shop, people_and_remote(&remote.url, json!({}))).await;
    let sdl = "schema { query: query_root }
        type profiles { bio: String stars: Int! }
        type query_root { profiles_by_pk(person: Int! @preset(value: \"x-hasura-person\")): profiles }";
    let allow = |schema: &str| {
        json!([{"type": "add_remote_schema_permissions", "args":
            {"remote_schema": "other", "role": "user", "definition": {"schema": schema}}}])
    };
    let wrong = sdl.replace("stars: Int!", "stars: String");
    let (status, body) = metadata(&shop, json!({"type": "bulk", "args": allow(&wrong)})).await;
    let message = "validation for the given role-based schema failed because expected type of \"stars\"(\"Object field\") to be Int! but received String";
    assert_eq!((status, body["error"].as_str()), (400, Some(message)));
    apply(&shop, allow(sdl)).await;
    let user = Session::role("user").with("x-hasura-person", "2");
    let found = ask_as(&shop, &user, "{ profiles_by_pk { bio } }").await;
    assert_eq!(found, json!({"data": {"profiles_by_pk": {"bio": "second"}}}));
    for (query, message) in [
        ("{ profiles_by_pk(person: 1) { bio } }", "'profiles_by_pk' has no argument named 'person'"),
        ("{ profiles_by_pk { person } }", "field 'person' not found in type: 'profiles'"),
        ("{ profiles { bio } }", "field 'profiles' not found in type: 'query_root'"),
    ] {
        assert_eq!(ask_as(&shop, &user, query).await["errors"][0]["message"], message, "{query}");
    }
    let stranger = ask_as(&shop, &Session::role("stranger"), "{ profiles_by_pk { bio } }").await;
    assert_eq!(stranger["errors"][0]["message"], "field 'profiles_by_pk' not found in type: 'query_root'");
}

#[tokio::test]
async fn a_service_that_is_down_is_an_inconsistency() {
    let shop = database_with(PEOPLE, |_| {}).await;
    let definition =
        json!({"name": "other", "definition": {"url": "http://127.0.0.1:1/graphql", "timeout_seconds": 2}});
    let (status, body) = metadata(&shop, json!({"type": "add_remote_schema", "args": definition})).await;
    assert_eq!(status, 400, "{body:#}");
    shop.data("{ people { name } }").await;
}

fn handler(body: &Value) -> (u16, Value) {
    let input = &body["input"];
    match body["action"]["name"].as_str().unwrap() {
        "sign_up" if input["name"] == "bad" => {
            (400, json!({"message": "no such name", "extensions": {"code": "bad-name", "of": input["name"]}}))
        }
        "broken" => (200, json!({"id": null})),
        _ => {
            (200, json!({"id": 2, "greeting": format!("hello {}", input["name"].as_str().unwrap_or("you")), "more": 1}))
        }
    }
}

pub async fn webhook() -> Fake {
    Fake::start(|asked| {
        let (status, body) = handler(&serde_json::from_slice(&asked.body).unwrap());
        (status, vec![("content-type", "application/json")], body.to_string())
    })
    .await
}

pub fn actions(url: &str) -> Value {
    let action = |name: &str, more: Value| {
        let mut definition = json!({"handler": url, "output_type": "Reply", "forward_client_headers": true,
            "headers": [{"name": "x-token", "value": "t"}], "arguments": [{"name": "name", "type": "String"}]});
        definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"type": "create_action", "args": {"name": name, "definition": definition}})
    };
    json!([
        {"type": "pg_track_table", "args": {"source": "default", "table": "people"}},
        {"type": "pg_create_select_permission", "args": {"source": "default", "table": "people", "role": "user",
            "permission": {"columns": ["name"], "filter": {"id": {"_eq": "X-Hasura-Person"}}}}},
        {"type": "set_custom_types", "args": {"objects": [{"name": "Reply",
            "fields": [{"name": "id", "type": "Int!"}, {"name": "greeting", "type": "String"}],
            "relationships": [{"name": "person", "type": "object", "remote_table": "people", "field_mapping": {"id": "id"}}]}]}},
        action("greet", json!({"type": "query"})),
        action("sign_up", json!({"kind": "synchronous"})),
        action("broken", json!({"type": "query"})),
        action("later", json!({"kind": "asynchronous"})),
        {"type": "create_action_permission", "args": {"action": "greet", "role": "user"}},
        {"type": "create_action_permission", "args": {"action": "later", "role": "user"}},
    ])
}

#[tokio::test]
async fn actions_answer_and_join_what_the_role_may_see() {
    let (webhook, shop) = (webhook().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, actions(&webhook.url("/"))).await;
    let query = "{ greet(name: \"Zoe\") { text: greeting __typename person { name } } }";
    let of = |person: Value| json!({"data": {"greet": {"text": "hello Zoe", "__typename": "Reply", "person": person}}});
    let bob = json!({"name": "Bob"});
    assert_eq!(shop.ask(query, json!({})).await, of(bob.clone()));
    let user = |id: &str| Session::role("user").with("x-hasura-person", id);
    assert_eq!(ask_as(&shop, &user("2"), query).await, of(bob));
    assert_eq!(ask_as(&shop, &user("1"), query).await, of(Value::Null), "the row of somebody else");
    let asked = webhook.requests();
    let sent: Value = serde_json::from_slice(&asked[1].body).unwrap();
    assert_eq!(asked[1].headers["x-token"], "t");
    assert_eq!(sent["session_variables"], json!({"x-hasura-role": "user", "x-hasura-person": "2"}));
    assert_eq!((&sent["input"], &sent["request_query"]), (&json!({"name": "Zoe"}), &json!(query)));
    let refused = ask_as(&shop, &user("1"), "mutation { sign_up(name: \"a\") { id } }").await;
    assert_eq!(refused["errors"][0]["message"], "field 'sign_up' not found in type: 'mutation_root'");
}

#[tokio::test]
async fn handlers_tell_what_is_wrong() {
    let (webhook, shop) = (webhook().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, actions(&webhook.url("/"))).await;
    let told = shop.ask("mutation { sign_up(name: \"bad\") { id } }", json!({})).await;
    let expected = json!({"errors": [{"message": "no such name", "extensions": {"code": "bad-name", "of": "bad"}}]});
    assert_eq!(told, expected);
    let (code, path, message) = shop.error("{ broken { id } }", json!({})).await;
    let expected = ("unexpected", "$", "expecting not null value for field \"id\"");
    assert_eq!((code.as_str(), path.as_str(), message.as_str()), expected);
    let query = "query ($name: Int) { greet(name: $name) { id } }";
    let (_, _, message) = shop.error(query, json!({"name": 1})).await;
    assert_eq!(message, "variable 'name' is declared as 'Int', but used where 'String' is expected");
}

#[tokio::test]
async fn an_asynchronous_action_is_answered_later_and_to_its_own_session() {
    let (webhook, shop) = (webhook().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, actions(&webhook.url("/"))).await;
    let user = |id: &str| Session::role("user").with("x-hasura-person", id);
    let begun = ask_as(&shop, &user("2"), "mutation { later(name: \"Kim\") }").await;
    let id = begun["data"]["later"].as_str().unwrap_or_else(|| panic!("{begun:#}")).to_owned();
    let query = format!("{{ later(id: \"{id}\") {{ id errors output {{ greeting person {{ name }} }} }} }}");
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let answer = loop {
        let answer = ask_as(&shop, &user("2"), &query).await;
        if !answer["data"]["later"]["output"].is_null() {
            break answer;
        }
        assert!(std::time::Instant::now() < limit, "{answer:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let output = json!({"greeting": "hello Kim", "person": {"name": "Bob"}});
    assert_eq!(answer, json!({"data": {"later": {"id": id, "errors": null, "output": output}}}));
    assert_eq!(ask_as(&shop, &user("1"), &query).await, json!({"data": {"later": null}}), "not for others");
}
