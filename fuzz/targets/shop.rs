//! What the targets share: a small shop's model, and the way from a document to its SQL.

use std::sync::{Arc, LazyLock};

use graphql::model::{Extras, Model};
use graphql::parse::{self, Operation};
use graphql::plan::Plan;
use graphql::schema::Schema;
use graphql::{Session, sql};
use metadata::Metadata;
use postgres::catalog::Catalog;
use serde_json::{Value, json};

/// No name can hold it, so wherever it shows up in SQL, user text has got there.
pub const MARK: char = '\u{2620}';

pub static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| serde_json::from_str(include_str!("../catalog.json")).expect("the catalog is whole"));

/// The shop's model with this filter on what the role `user` sees of `orders`.
pub fn model(filter: Value) -> Arc<Model> {
    let (metadata, _) = metadata::read(json!({
        "version": 3,
        "sources": [{
            "name": "default",
            "kind": "postgres",
            "configuration": {},
            "tables": [
                {
                    "table": { "schema": "public", "name": "users" },
                    "array_relationships": [{
                        "name": "orders",
                        "using": { "foreign_key_constraint_on": { "column": "user_id", "table": { "schema": "public", "name": "orders" } } },
                    }],
                    "select_permissions": [{ "role": "user", "permission": { "columns": ["id", "name"], "filter": {} } }],
                },
                {
                    "table": { "schema": "public", "name": "orders" },
                    "object_relationships": [{ "name": "user", "using": { "foreign_key_constraint_on": "user_id" } }],
                    "select_permissions": [{
                        "role": "user",
                        "permission": { "columns": "*", "filter": filter, "allow_aggregations": true },
                    }],
                },
            ],
        }],
    }));
    build(&metadata)
}

pub fn build(metadata: &Metadata) -> Arc<Model> {
    Arc::new(Model::build(&CATALOG, metadata, &Extras::default()))
}

/// Compiles a document as far as SQL; none where it does not fit the schema.
pub fn compile(schema: &Schema, session: &Session, document: &str) -> Option<String> {
    let document = parse::document(document).ok()?;
    let operation = Operation::of(&document, None).ok()?;
    let provided = serde_json::Map::new();
    let plan = Plan::new(schema, &operation, &provided, session).ok()?;
    sql::statement(schema, &plan).map(|statement| statement.text)
}
