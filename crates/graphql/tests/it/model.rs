//! What catalog and metadata make together, and what of it a role sees.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use graphql::model::{Convention, Extras, Model};
use graphql::schema::{Operation, Schema, TypeId};
use metadata::Metadata;
use postgres::catalog::Catalog;
use serde_json::{Value, json};

const SQL: &str = r#"
    CREATE SCHEMA hr;
    CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL, secret text, "odd-name" int);
    CREATE TABLE article (id int PRIMARY KEY, title text, author_id int REFERENCES author, is_published boolean);
    CREATE TABLE hr.person (id int PRIMARY KEY, manager_id int REFERENCES hr.person);
    CREATE TABLE color (value text PRIMARY KEY, comment text);
    INSERT INTO color VALUES ('blue', 'sky'), ('red', NULL);
    CREATE TABLE car (id int PRIMARY KEY, color text NOT NULL REFERENCES color);
    CREATE FUNCTION author_full(author) RETURNS text STABLE LANGUAGE sql AS 'SELECT $1.name';
    CREATE FUNCTION search(term text, hasura_session json) RETURNS SETOF article STABLE LANGUAGE sql
        AS 'SELECT * FROM article WHERE title ILIKE term';
    CREATE FUNCTION no_table() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
"#;

fn metadata_of(tables: Value, functions: Value) -> Metadata {
    let source =
        json!({"name": "default", "kind": "postgres", "configuration": {}, "tables": tables, "functions": functions});
    serde_json::from_value(json!({"version": 3, "sources": [source]})).unwrap()
}

fn tables() -> Value {
    json!([
        {"table": "author",
         "array_relationships": [{"name": "articles", "using":
            {"foreign_key_constraint_on": {"column": "author_id", "table": "article"}}}],
         "computed_fields": [{"name": "full", "definition": {"function": "author_full"}}],
         "select_permissions": [
            {"role": "user", "permission": {"columns": ["id", "name"], "filter": {"id": "X-Hasura-User-Id"}}},
            {"role": "editor", "permission": {"columns": "*", "computed_fields": ["full"], "filter": {}, "allow_aggregations": true}}]},
        {"table": "article", "configuration": {"custom_name": "post", "column_config": {"title": {"custom_name": "headline"}}},
         "object_relationships": [{"name": "author", "using": {"foreign_key_constraint_on": "author_id"}}],
         "select_permissions": [
            {"role": "user", "permission": {"columns": ["id", "title"], "filter":
                {"_or": [{"author": {"id": {"_eq": "x-hasura-user-id"}}}, {"is_published": {"$eq": true}}]}}},
            {"role": "broken", "permission": {"columns": ["id"], "filter": {"nothing": {"_eq": 1}}}}],
         "insert_permissions": [{"role": "user", "permission": {"check": {}, "set": {"author_id": "x-hasura-user-id"}, "backend_only": true}}]},
        {"table": {"schema": "hr", "name": "person"},
         "object_relationships": [{"name": "manager", "using": {"foreign_key_constraint_on": "id"}}]},
        {"table": "missing"}
    ])
}

fn functions() -> Value {
    json!([
        {"function": "search", "configuration": {"session_argument": "hasura_session"}},
        {"function": "no_table"}
    ])
}

async fn catalog(sql: &str) -> Catalog {
    let database = testkit::db().await;
    let client = database.client().await;
    client.batch_execute(sql).await.unwrap();
    Catalog::read(&client, &[]).await.unwrap()
}

fn extras() -> Extras {
    Extras { infer_function_permissions: true, ..Extras::default() }
}

fn role(model: &Arc<Model>, name: &str) -> Schema {
    Schema::new(Arc::clone(model), &name.into(), false)
}

fn names(schema: &Schema, operation: Operation) -> Vec<&str> {
    let mut names: Vec<&str> = schema.roots(operation).map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_role_sees_what_its_permissions_name_and_no_more() {
    let model = Arc::new(Model::build(&catalog(SQL).await, &metadata_of(tables(), functions()), &extras()));
    let author = model.table_of_sql("public", "author").unwrap();
    let article = model.table_of_sql("public", "article").unwrap();
    let user = role(&model, "user");
    assert_eq!(names(&user, Operation::Query), ["author", "author_by_pk", "post", "post_by_pk", "search"]);
    assert!(names(&user, Operation::Mutation).is_empty(), "its only mutation is for backends");
    let backend = Schema::new(Arc::clone(&model), &"user".into(), true);
    assert!(names(&backend, Operation::Mutation).contains(&"insert_post"));
    for (member, seen) in
        [("id", true), ("name", true), ("secret", false), ("full", false), ("articles_aggregate", false)]
    {
        assert_eq!(user.member(author, member).is_some(), seen, "{member}");
    }
    assert!(user.member(article, "headline").is_some() && user.member(article, "title").is_none());
    assert!(user.insert(article).is_none() && user.update(author).is_none() && user.delete(author).is_none());
    assert!(user.type_named("author_aggregate_fields").is_none(), "no aggregates");
    let editor = role(&model, "editor");
    assert!(editor.member(author, "full").is_some() && editor.member(author, "articles").is_none());
    assert!(names(&role(&model, "nobody"), Operation::Query).is_empty() && role(&model, "nobody").is_empty());
    assert!(names(&role(&model, "broken"), Operation::Query).is_empty(), "a broken permission gives nothing");
}

/// The metadata after something was done to one of its tables.
fn changed(metadata: &Arc<Metadata>, table: &str, change: impl FnOnce(&mut metadata::Table)) -> Arc<Metadata> {
    let mut metadata = Metadata::clone(metadata);
    let name = metadata::QualifiedName::new("public", table);
    change(metadata.source_mut("default").unwrap().table_mut(&name).unwrap());
    Arc::new(metadata)
}

#[test]
fn what_has_not_changed_is_shared_with_the_model_before() {
    let (catalog, metadata) = large(6, 2);
    let catalog = Arc::new(catalog);
    let mut first = metadata.clone();
    let last = first.sources[0].tables.pop().unwrap();
    let build =
        |before: Option<&Model>, metadata: &Arc<Metadata>| Model::following(before, &catalog, metadata, extras());
    let shared = |old: &Model, new: &Model| {
        let pairs = old.tables.iter().zip(&new.tables).enumerate();
        pairs.filter(|(_, (old, new))| Arc::ptr_eq(old, new)).map(|(id, _)| id).collect::<Vec<_>>()
    };
    let first = Arc::new(first);
    let before = build(None, &first);
    // One more table is tracked.
    let mut more = Metadata::clone(&first);
    more.sources[0].tables.push(last);
    let more = Arc::new(more);
    let tracked = build(Some(&before), &more);
    assert_eq!((shared(&before, &tracked), tracked.tables.len()), (vec![0, 1, 2, 3, 4], 6));
    // A permission.
    let permitted = changed(&more, "t2", |table| {
        let mut permission = table.select_permissions[0].clone();
        permission.role = "more".to_owned();
        table.select_permissions.push(permission);
    });
    let permitted = build(Some(&tracked), &permitted);
    assert_eq!(shared(&tracked, &permitted), [0, 1, 3, 4, 5]);
    assert_eq!(permitted.roles().collect::<Vec<_>>(), ["more", "role0", "role1"]);
    // A relationship: the permissions that name others of that table by their place are resolved again.
    let related = changed(&more, "t2", |table| {
        let mut relationship = table.object_relationships[0].clone();
        relationship.name = "another".to_owned();
        table.object_relationships.insert(0, relationship);
    });
    let related = build(Some(&tracked), &related);
    let t2 = related.table_of_sql("public", "t2").unwrap();
    let looks = |id: &usize| related.tables[*id].relationships[0].target == t2;
    let expected: Vec<usize> = (0..6).filter(|id| *id != t2 && !looks(id)).collect();
    assert_eq!(shared(&tracked, &related), expected);
    // A table goes: all is built.
    assert!(shared(&tracked, &build(Some(&tracked), &first)).is_empty());
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_the_rest_works() {
    let model = Model::build(&catalog(SQL).await, &metadata_of(tables(), functions()), &extras());
    let mut told: Vec<(&str, &str)> =
        model.inconsistencies.iter().map(|found| (found.name.as_str(), found.reason.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            (
                "function no_table in source default",
                "Inconsistent object: in function \"no_table\": the function \"no_table\" cannot be tracked because the function does not return a \"COMPOSITE\" type"
            ),
            (
                "object_relation manager in table hr.person in source default",
                "Inconsistent object: in table \"hr.person\": in relationship \"manager\": no foreign constraint exists on the given column(s)"
            ),
            (
                "select_permission broken in table article in source default",
                "Inconsistent object: in table \"article\": in permission for role \"broken\": \"nothing\" does not exist"
            ),
            (
                "table missing in source default",
                "Inconsistent object: no such table/view exists in source: \"missing\""
            ),
        ]
    );
    assert_eq!(model.tables.len(), 3);
    assert_eq!(model.roles().collect::<Vec<_>>(), ["editor", "user"]);
}

#[tokio::test]
async fn inherited_roles_have_the_rows_of_all_and_columns_where_one_allows_them() {
    let mut metadata = metadata_of(tables(), functions());
    metadata.inherited_roles =
        serde_json::from_value(json!([{"role_name": "both", "role_set": ["user", "editor"]}])).unwrap();
    let model = Arc::new(Model::build(&catalog(SQL).await, &metadata, &extras()));
    let author = model.table_of_sql("public", "author").unwrap();
    let both = role(&model, "both");
    let access = both.select(author).unwrap();
    assert!(access.filter().is_none(), "one of the two may see every row");
    assert!(access.aggregations());
    for member in ["id", "name", "secret", "full"] {
        assert!(both.member(author, member).is_some(), "{member}");
    }
    let article = model.table_of_sql("public", "article").unwrap();
    assert!(both.select(article).unwrap().filter().is_some(), "only one of the two may see articles");
}

#[tokio::test]
async fn enum_tables_give_their_values_or_say_why_not() {
    let catalog = catalog(SQL).await;
    let tables = json!([{"table": "color", "is_enum": true}, {"table": "car"}]);
    let metadata = metadata_of(tables, json!([]));
    let value = |value: &str, comment: Option<&str>| {
        graphql::model::EnumTableValue::new(value.to_owned(), comment.map(str::to_owned))
    };
    let name = metadata::QualifiedName::new("public", "color");
    let with = |values| Extras { enums: [(name.clone(), values)].into(), ..Extras::default() };
    let model =
        Arc::new(Model::build(&catalog, &metadata, &with(vec![value("blue", Some("sky")), value("red", None)])));
    let admin = Schema::admin(Arc::clone(&model));
    let found = admin.describe(admin.type_named("color_enum").unwrap());
    assert_eq!(found.values.iter().map(|value| value.name.as_str()).collect::<Vec<_>>(), ["blue", "red"]);
    let sdl = admin.sdl();
    assert!(sdl.contains("color: color_enum!"), "{sdl}");
    let model = Model::build(&catalog, &metadata, &with(vec![value("not a name", None)]));
    assert_eq!(
        model.inconsistencies[0].reason,
        "Inconsistent object: the table \"color\" cannot be used as an enum because the value \"not a name\" is not a valid GraphQL enum value name"
    );
    assert!(model.table_of_sql("public", "color").is_none());
}

/// Every type of a schema, by both ways round.
fn round_trip(schema: &Schema) {
    let mut seen = HashSet::new();
    for id in schema.all_types() {
        let name = schema.type_name(id);
        assert!(seen.insert(name.clone()), "{name} is listed twice");
        assert_eq!(schema.type_named(&name).map(|found| schema.type_name(found)), Some(name.clone()), "{id:?}");
        if !matches!(id, TypeId::BuiltIn(_) | TypeId::Scalar(_)) {
            assert_eq!(schema.type_named(&name), Some(id), "{name}");
        }
    }
}

#[tokio::test]
async fn names_of_types_lead_back_to_their_types_in_every_convention_and_role() {
    let catalog = catalog(SQL).await;
    let customizations = [
        json!({}),
        json!({"type_names": {"prefix": "a_", "suffix": "_z"}, "root_fields": {"prefix": "get_"}}),
        json!({"naming_convention": "graphql-default", "type_names": {"prefix": "Api"}}),
        json!({"naming_convention": "graphql-default", "type_names": {"suffix": "_x"}}),
        json!({"root_fields": {"namespace": "hr_data"}, "type_names": {"prefix": "a_"}}),
        json!({"naming_convention": "graphql-default", "root_fields": {"namespace": "hr_data"}}),
    ];
    for customization in customizations {
        let mut metadata = metadata_of(tables(), functions());
        metadata.sources[0].customization = serde_json::from_value(customization.clone()).unwrap();
        let model = Arc::new(Model::build(&catalog, &metadata, &extras()));
        for name in ["admin", "user", "editor", "nobody"] {
            let schema = role(&model, name);
            round_trip(&schema);
            let sdl = schema.sdl();
            apollo_compiler::Schema::parse_and_validate(&sdl, "schema.graphql")
                .unwrap_or_else(|found| panic!("{name} {customization}: {}", found.errors));
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    /// Whatever tables and columns are called.
    #[test]
    fn names_of_types_of_any_tables_lead_back(tables in proptest::collection::btree_set("[a-zA-Z]{1,6}(_[a-z0-9]{1,4}){0,2}", 1..6),
                                              columns in proptest::collection::btree_set("[a-zA-Z_][a-zA-Z0-9_]{0,8}", 1..5),
                                              own in proptest::bool::ANY) {
        let column = |name: &String| json!({"name": name, "position": 1, "type":
            {"schema": "pg_catalog", "name": "int4", "kind": "base", "category": "N", "sql": "integer"}});
        let table = |name: &String| json!({"schema": "public", "name": name, "kind": "table", "owner": "o",
            "columns": columns.iter().map(column).collect::<Vec<_>>()});
        // Names that GraphQL's types of another table would have are left to the database's owner.
        let derived = |name: &String| tables.iter().any(|other| name != other && name.to_lowercase().replace('_', "").starts_with(&other.to_lowercase().replace('_', "")));
        let chosen: Vec<&String> = tables.iter().filter(|name| !derived(name)).collect();
        let mut lists = serde_json::to_value(Catalog::default()).unwrap();
        lists["tables"] = chosen.iter().map(|name| table(name)).collect();
        let catalog: Catalog = serde_json::from_value(lists).unwrap();
        let tracked: Vec<Value> = chosen.iter().map(|name| json!({"table": name})).collect();
        let naming_convention = if own { Convention::GraphqlDefault } else { Convention::HasuraDefault };
        let extras = Extras { naming_convention, ..Extras::default() };
        let model = Arc::new(Model::build(&catalog, &metadata_of(Value::Array(tracked), json!([])), &extras));
        round_trip(&Schema::admin(model));
    }
}

/// A schema as large as large projects have.
fn large(tables: usize, roles: usize) -> (Catalog, Metadata) {
    let typed = |name: &str, sql: &str| json!({"schema": "pg_catalog", "name": name, "kind": "base", "category": "N", "sql": sql});
    let column = |at: usize, name: &str, typed: Value| json!({"name": name, "position": at, "type": typed});
    let table = |at: usize| {
        let key = json!({"name": format!("t{at}_parent"), "columns": ["parent_id"], "references": {"schema": "public", "name": format!("t{}", at / 2)},
            "referenced_columns": ["id"], "on_update": "no_action", "on_delete": "no_action", "validated": true});
        json!({"schema": "public", "name": format!("t{at}"), "kind": "table", "owner": "o", "foreign_keys": [key],
            "primary_key": {"name": format!("t{at}_pkey"), "columns": ["id"]},
            "columns": [column(1, "id", typed("int4", "integer")), column(2, "parent_id", typed("int4", "integer")),
                column(3, "name", typed("text", "text")), column(4, "at", typed("timestamptz", "timestamptz")),
                column(5, "data", typed("jsonb", "jsonb"))]})
    };
    let permission = |role: usize| {
        json!({"role": format!("role{role}"), "permission":
        {"columns": ["id", "name", "at"], "filter": {"parent": {"name": {"_eq": "x-hasura-user-id"}}}}})
    };
    let tracked = |at: usize| {
        json!({"table": format!("t{at}"),
        "object_relationships": [{"name": "parent", "using": {"foreign_key_constraint_on": "parent_id"}}],
        "select_permissions": (0..roles).map(permission).collect::<Vec<_>>()})
    };
    let mut lists = serde_json::to_value(Catalog::default()).unwrap();
    lists["tables"] = (0..tables).map(table).collect();
    (serde_json::from_value(lists).unwrap(), metadata_of((0..tables).map(tracked).collect(), json!([])))
}

#[test]
fn a_thousand_tables_with_ten_roles_are_built_quickly() {
    let (catalog, metadata) = large(1_000, 10);
    let started = Instant::now();
    let model = Model::build(&catalog, &metadata, &extras());
    let took = started.elapsed();
    assert_eq!((model.tables.len(), model.inconsistencies.len()), (1_000, 0));
    // The goal is 250 ms, optimised; this is not.
    assert!(took.as_millis() < 2_500, "{took:?}");
}
