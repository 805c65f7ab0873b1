//! Relationships to a service: what it is asked, how often, and what comes of its errors.

use std::sync::Arc;

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use graphql::Session;
use serde_json::{Value, json};

use crate::fake::{Asked, Fake};
use crate::foreign::{PEOPLE, actions, apply, ask_as, metadata, webhook};
use crate::support::{Shop, database_with};

/// Every leaf tells the arguments that led to it.
const DESK: &str = "input Range { least: Int! most: Int unit: String }
    input Spot { least: Int most: Int }
    input Filter { person: Int stars: Range tags: [String!] any: [Spot!] }
    type Entry { said: String! }
    type Wing { entry(filter: Filter, first: Int! = 1, tag: String): Entry entries(ids: [Int!]): [Entry!]! }
    type Query { wing(kind: String!, of: ID): Wing wings: [Wing!]! entry(filter: Filter): Entry said(numbers: [Int!]): String
        fail(of: Int): Int nothing(of: Int): Wing }
    type Mutation { note(text: String!): Entry }";

struct Desk {
    type_name: &'static str,
    said: String,
}

impl ObjectValue for Desk {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let given: Value = serde_json::to_value(info.arguments()).unwrap();
        let said = format!("{}{}{given}", self.said, info.field_name());
        let object = |type_name| ResolvedValue::Object(Box::new(Desk { type_name, said: said.clone() + " " }));
        Ok(match info.field_name() {
            "wing" => object("Wing"),
            "wings" => ResolvedValue::List(Box::new(std::iter::once(Ok(object("Wing"))))),
            "entry" | "note" => object("Entry"),
            "entries" => ResolvedValue::List(Box::new(std::iter::once(Ok(object("Entry"))))),
            "fail" => return Err(FieldError { message: "out of paper".to_owned() }),
            "nothing" => ResolvedValue::Leaf(Default::default()),
            "said" if self.type_name == "Entry" => ResolvedValue::Leaf(self.said.trim_end().into()),
            _ => ResolvedValue::Leaf(said.into()),
        })
    }
}

fn answer(schema: &Valid<Schema>, asked: &Asked) -> (u16, Vec<(&'static str, &'static str)>, String) {
    let request: Value = serde_json::from_slice(&asked.body).unwrap();
    let query = request["query"].as_str().unwrap();
    let document = ExecutableDocument::parse_and_validate(schema, query, "query").map_err(|wrong| wrong.to_string());
    let body = match document {
        Ok(document) => {
            let variables = request.get("variables").cloned().unwrap_or_else(|| json!({}));
            let variables = serde_json::from_value(variables).unwrap();
            let type_name = if query.starts_with("mutation") { "Mutation" } else { "Query" };
            let root = Desk { type_name, said: String::new() };
            let execution = Execution::new(schema, &document).raw_variable_values(&variables);
            match execution.enable_schema_introspection(true).execute_sync(&root) {
                Ok(done) => serde_json::to_value(done).unwrap(),
                Err(wrong) => json!({"errors": [{"message": format!("{wrong:?}")}]}),
            }
        }
        Err(wrong) => json!({"errors": [{"message": wrong}]}),
    };
    (200, vec![("content-type", "application/json")], body.to_string())
}

async fn desk() -> Fake {
    let schema = Arc::new(Schema::parse_and_validate(DESK, "desk.graphql").unwrap());
    Fake::start(move |asked| answer(&schema, asked)).await
}

fn relationship(name: &str, fields: &[&str], remote_field: Value) -> Value {
    let to = json!({"remote_schema": "desk", "lhs_fields": fields, "remote_field": remote_field});
    json!({"type": "pg_create_remote_relationship", "args":
        {"source": "default", "table": "people", "name": name, "definition": {"to_remote_schema": to}}})
}

/// People and a desk, with relationships.
async fn office(desk: &Fake, relationships: Value) -> Shop {
    let sql = format!(
        "{PEOPLE} ALTER TABLE people ADD marks int[] NOT NULL DEFAULT '{{3,4}}';
         CREATE FUNCTION shout(p people) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper(p.name) $$;"
    );
    let shop = database_with(&sql, |options| options.dev_mode = true).await;
    apply(
        &shop,
        json!([
            {"type": "pg_track_table", "args": {"source": "default", "table": "people"}},
            {"type": "pg_add_computed_field", "args": {"source": "default", "table": "people", "name": "shout",
                "definition": {"function": "shout"}}},
            {"type": "add_remote_schema", "args": {"name": "desk", "definition": {"url": desk.url("/")}}},
        ]),
    )
    .await;
    apply(&shop, relationships).await;
    shop
}

#[tokio::test]
async fn arguments_stand_at_every_level_and_all_rows_share_one_request() {
    let desk = desk().await;
    let filter = json!({"person": "$id", "stars": {"least": "$boss"}, "tags": ["$name"]});
    let inside = json!({"entry": {"arguments": {"filter": filter, "first": 7}}});
    let path = json!({"wing": {"arguments": {"kind": "west", "of": "$id"}, "field": inside}});
    let shop = office(&desk, json!([relationship("entry", &["id", "boss", "name"], path)])).await;
    let before = desk.requests().len();
    let found = shop.ask("{ people(order_by: {id: asc}) { id entry { said } } }", json!({})).await;
    assert_eq!(desk.requests().len() - before, 1, "{found:#}");
    let said = |id: u8, name: &str| {
        let wing = json!({"kind": "west", "of": id});
        let entry = json!({"filter": {"person": id, "stars": {"least": 1}, "tags": [name]}, "first": 7});
        json!({"said": format!("wing{wing} entry{entry}")})
    };
    let expected = json!({"data": {"people": [
        // Nobody is asked for what a null leads to.
        {"id": 1, "entry": null},
        {"id": 2, "entry": said(2, "Bob")},
        {"id": 3, "entry": said(3, "Cid")},
    ]}});
    assert_eq!(plain(found), plain(expected));
}

/// Texts with JSON in them, with keys in order.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let words = text.split(' ').map(|word| match word.find('{') {
                Some(at) => match serde_json::from_str::<Value>(&word[at..]) {
                    Ok(json) => format!("{}{}", &word[..at], sorted(json)),
                    Err(_) => word.to_owned(),
                },
                None => word.to_owned(),
            });
            words.collect::<Vec<_>>().join(" ").into()
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, plain(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other,
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<_, _> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            json!(fields)
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[tokio::test]
async fn clients_add_to_what_is_bound() {
    let desk = desk().await;
    let bound = json!({"person": "$id", "stars": {"least": 1}, "tags": ["$name"], "any": [{"least": "$id"}]});
    let path = json!({"entry": {"arguments": {"filter": bound}}});
    let shop = office(&desk, json!([relationship("entry", &["id", "name"], path)])).await;
    let kind =
        shop.data("{ __type(name: \"Filter_remote_rel_peopleentry\") { kind inputFields { name type { name } } } }");
    let fields = kind.await["__type"]["inputFields"].clone();
    let stars = json!({"name": "stars", "type": {"name": "Range_remote_rel_peopleentry"}});
    let any = json!({"name": "any", "type": {"name": null}});
    let mut fields = fields.as_array().unwrap().clone();
    fields.sort_by_key(|field| field["name"].as_str().unwrap().to_owned());
    assert_eq!(fields, [any, stars]);
    let query = "query ($most: Int, $more: Filter_remote_rel_peopleentry) { people(where: {id: {_eq: 2}}) {
        alone: entry { said }
        literal: entry(filter: {stars: {most: $most, unit: \"cm\"}, any: [{most: 9}]}) { said }
        whole: entry(filter: $more) { said }
    } }";
    let found = shop.data_with(query, json!({"most": 5, "more": {"stars": {"most": 6}}})).await;
    let said = |stars: Value, any: Value| json!({"said": format!("entry{}", json!({"filter": {"person": 2, "stars": stars, "tags": ["Bob"], "any": any}}))});
    let expected = json!({"people": [{
        "alone": said(json!({"least": 1}), json!([{"least": 2}])),
        "literal": said(json!({"least": 1, "most": 5, "unit": "cm"}), json!([{"most": 9}, {"least": 2}])),
        "whole": said(json!({"least": 1, "most": 6}), json!([{"least": 2}])),
    }]});
    assert_eq!(plain(found), plain(expected));
    for (query, message) in [
        (
            "{ people { entry(filter: {person: 1}) { said } } }",
            "field 'person' not found in type: 'Filter_remote_rel_peopleentry'",
        ),
        ("{ people { entry(nope: 1) { said } } }", "'entry' has no argument named 'nope'"),
    ] {
        let (_, _, found) = shop.error(query, json!({})).await;
        assert_eq!(found, message);
    }
}

#[tokio::test]
async fn lists_computed_fields_and_what_mutations_return_lead_on() {
    let desk = desk().await;
    let shop = office(
        &desk,
        json!([
            relationship("marked", &["marks"], json!({"said": {"arguments": {"numbers": "$marks"}}})),
            relationship("loud", &["shout"], json!({"entry": {"arguments": {"filter": {"tags": ["$shout"]}}}})),
        ]),
    )
    .await;
    let mutation = "mutation { insert_people_one(object: {id: 7, name: \"Gus\", marks: \"{1,2}\"}) { marked loud { said } name } }";
    let found = shop.ask(mutation, json!({})).await;
    let expected = json!({"data": {"insert_people_one": {
        "marked": "said{\"numbers\":[1,2]}",
        "loud": {"said": "entry{\"filter\":{\"tags\":[\"GUS\"]}}"},
        "name": "Gus",
    }}});
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_services_errors_are_told_as_a_joins() {
    let desk = desk().await;
    let of = |field: &str| json!({field: {"arguments": {"of": "$id"}}});
    let through = |field: &str| json!({field: {"arguments": {"of": "$id"}, "field": {"entry": {"arguments": {}}}}});
    let list = json!({"wings": {"arguments": {}, "field": {"entry": {"arguments": {"tag": "$name"}}}}});
    let shop = office(
        &desk,
        json!([
            relationship("failed", &["id"], of("fail")),
            relationship("gone", &["id"], through("nothing")),
            relationship("many", &["name"], list),
        ]),
    )
    .await;
    let told = shop.ask_as(&Session::admin(), &graphql::Request::new("{ people { failed } }")).await;
    let error = &told["errors"][0];
    assert_eq!(error["message"], "Errors from remote server");
    assert_eq!(error["extensions"], json!({"code": "unexpected", "path": "$"}));
    // Asked for by the client itself, the service's errors are the answer's.
    let told = shop.ask("{ fail(of: 1) }", json!({})).await;
    assert_eq!(
        (&told["errors"][0]["message"], &told["errors"][0]["path"]),
        (&json!("resolver error: out of paper"), &json!(["fail"]))
    );
    assert!(told.get("data").is_none(), "{told:#}");
    assert_eq!(shop.data("{ people(limit: 1) { gone { said } } }").await, json!({"people": [{"gone": null}]}));
    let (code, _, message) = shop.error("{ people(limit: 1) { many { said } } }", json!({})).await;
    assert_eq!((code.as_str(), message.contains("a list stands where")), ("remote-schema-error", true), "{message}");
}

#[tokio::test]
async fn what_does_not_fit_the_service_is_refused() {
    let desk = desk().await;
    let shop = office(&desk, json!([])).await;
    for (path, reason) in [
        (json!({"nope": {"arguments": {}}}), "field with name \"nope\" is not found in type \"query_root\""),
        (json!({"said": {"arguments": {"nope": "$id"}}}), "argument with name \"nope\" is not found in field \"said\""),
        (json!({"said": {"arguments": {"numbers": "$nope"}}}), "variable \"nope\" is not found"),
        (json!({"wing": {"arguments": {"kind": 3}}}), "expected type \"String\" but got \"Int\""),
        (
            json!({"entry": {"arguments": {"filter": {"nope": "$id"}}}}),
            "argument with name \"nope\" not found in remote schema",
        ),
        (json!({"entry": {"arguments": {"filter": {"person": ["$id"]}}}}), "type \"Int\" is not a list type"),
        (json!({"entry": {"arguments": {"filter": {"person": null}}}}), "null is not allowed here"),
    ] {
        let (status, body) = metadata(&shop, relationship("wrong", &["id"], path)).await;
        assert_eq!(status, 400, "{body:#}");
        assert!(body.to_string().replace("\\\"", "\"").contains(reason), "{reason}: {body:#}");
    }
}

#[tokio::test]
async fn a_role_that_lacks_a_bound_argument_lacks_the_field() {
    let desk = desk().await;
    let sql = PEOPLE.to_owned();
    let shop = database_with(&sql, |options| options.remote_schema_permissions = true).await;
    apply(
        &shop,
        json!([
            {"type": "pg_track_table", "args": {"source": "default", "table": "people"}},
            {"type": "add_remote_schema", "args": {"name": "desk", "definition": {"url": desk.url("/")}}},
            relationship("entry", &["id"], json!({"entry": {"arguments": {"filter": {"person": "$id"}}}})),
            relationship("said", &["id"], json!({"said": {"arguments": {"numbers": ["$id"]}}})),
            {"type": "pg_create_select_permission", "args": {"source": "default", "table": "people", "role": "user",
                "permission": {"columns": ["id"], "filter": {}}}},
            {"type": "add_remote_schema_permissions", "args": {"remote_schema": "desk", "role": "user", "definition": {"schema":
                "schema { query: Query } input Filter { person: Int tags: [String!] @preset(value: [\"x-hasura-tag\"]) }
                 type Entry { said: String! } type Query { entry(filter: Filter): Entry said: String }"}}},
        ]),
    )
    .await;
    let user = Session::role("user").with("x-hasura-tag", "mine");
    // What the role's schema presets goes along with what the relationship binds.
    let found = ask_as(&shop, &user, "{ people(where: {id: {_eq: 1}}) { entry { said } } }").await;
    let said = &found["data"]["people"][0]["entry"]["said"];
    assert_eq!(plain(said.clone()), plain(json!("entry{\"filter\":{\"person\":1,\"tags\":[\"mine\"]}}")), "{found:#}");
    let told = ask_as(&shop, &user, "{ people { said } }").await;
    assert_eq!(told["errors"][0]["message"], "field 'said' not found in type: 'people'");
}

#[tokio::test]
async fn subscriptions_ask_no_service() {
    let desk = desk().await;
    let webhook = webhook().await;
    let shop =
        office(&desk, json!([relationship("said", &["id"], json!({"said": {"arguments": {"numbers": ["$id"]}}}))]))
            .await;
    let mut commands = actions(&webhook.url("/"));
    commands.as_array_mut().unwrap().remove(0);
    apply(&shop, commands).await;
    let (code, path, message) = shop.error("subscription { people { said } }", json!({})).await;
    assert_eq!((code.as_str(), path.as_str()), ("not-supported", "$"));
    assert_eq!(message, "Remote relationships are not allowed in subscriptions");
}
