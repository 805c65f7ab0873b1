//! `schema time|memory <connection string> <tables>`: see benches/graphql/schema.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, run by hand")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use graphql::model::{Extras, Model};
use graphql::parse::{self, Operation};
use graphql::plan::Plan;
use graphql::schema::Schema;
use graphql::{Handle, Options, Request, Service, Session, sql};
use metadata::Metadata;
use postgres::Pool;
use postgres::catalog::Catalog;
use serde_json::{Value, json};
use tower::ServiceExt;

const ROLES: usize = 10;

const INTROSPECTION: &str = "{ __schema { types { kind name fields(includeDeprecated: true) { name args { name type { kind \
    name ofType { kind name } } } type { kind name ofType { kind name } } } inputFields { name type { kind name } } \
    enumValues { name } } } }";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, connection, tables] = arguments.as_slice() else {
        return Err("usage: schema time|memory <connection string> <tables>".into());
    };
    let (pool, count) = (Pool::new(connection.parse()?, 4), tables.parse()?);
    match what.as_str() {
        "time" => time(pool, count).await,
        // In a process of its own: nothing but the engine's memory is counted.
        "memory" => memory(pool).await,
        _ => Err("time or memory".into()),
    }
}

/// Makes the tables and their metadata, and measures each step.
async fn time(pool: Pool, count: usize) -> Result<(), Box<dyn Error>> {
    pool.get().await?.batch_execute(&script(count)).await?;
    let started = Instant::now();
    let catalog = Catalog::read(&*pool.get().await?, &[]).await?;
    let read = millis(started);
    let found: Metadata = serde_json::from_value(metadata(count))?;
    let mut built = Vec::new();
    for _ in 0..5 {
        built.push(build(&catalog, &found)?);
    }
    let built = median(built);
    println!("{count} tables, {ROLES} roles with permissions on each");
    println!("catalog read                        {read:>8.1} ms   (the yardstick)");
    println!("model, schema and first query       {built:>8.1} ms   {:.2} of it", built / read);
    drop((catalog, found));

    let handle = Service::start(Options::new(pool)).await?;
    let started = Instant::now();
    command(&handle, &json!({ "type": "replace_metadata", "version": 2, "args": { "metadata": metadata(count) } }))
        .await;
    println!("replace_metadata with all of it     {:>8.1} ms", millis(started));
    let mut tracked = Vec::new();
    for _ in 0..7 {
        let args = json!({ "source": "default", "table": "spare" });
        let started = Instant::now();
        command(&handle, &json!({ "type": "pg_track_table", "args": args })).await;
        tracked.push(millis(started));
        command(&handle, &json!({ "type": "pg_untrack_table", "args": args })).await;
    }
    println!("pg_track_table, one of them         {:>8.1} ms", median(tracked));
    Ok(())
}

/// What the engine holds when it starts on what [`time`] made, and after each role has asked.
async fn memory(pool: Pool) -> Result<(), Box<dyn Error>> {
    println!("before the engine starts:           {:>8.1} MB resident", resident());
    let handle = Service::start(Options::new(pool)).await?;
    println!("started                             {:>8.1} MB", resident());
    for number in 0..ROLES {
        let session = Session::role(role(number)).with("x-hasura-user-id", "1");
        for table in 0..20 {
            ask(&handle, &session, &format!("{{ table_{table}(limit: 5) {{ id name parent {{ id name }} }} }}"))
                .await?;
        }
    }
    println!("{ROLES} roles have asked 20 tables each  {:>8.1} MB", resident());
    for number in 0..ROLES {
        let session = Session::role(role(number)).with("x-hasura-user-id", "1");
        let bytes = ask(&handle, &session, INTROSPECTION).await?;
        println!("introspection of role {number}, {:>5} kB   {:>8.1} MB", bytes / 1000, resident());
    }
    Ok(())
}

fn role(number: usize) -> String {
    format!("role_{number}")
}

/// Tables that refer to the one before them, and one more.
fn script(count: usize) -> String {
    let mut script = String::from("CREATE TABLE spare (id int PRIMARY KEY, name text);");
    for number in 0..count {
        let parent = number.saturating_sub(1);
        script += &format!(
            "CREATE TABLE table_{number} (id int PRIMARY KEY, name text NOT NULL, note text, price numeric, settings \
             jsonb, created_at timestamptz NOT NULL DEFAULT now(), owner_id int, parent_id int REFERENCES \
             table_{parent});"
        );
    }
    script
}

fn metadata(count: usize) -> Value {
    let table = |number: usize| {
        let select = |role_number: usize| {
            let columns = ["id", "name", "note", "price", "created_at", "parent_id"];
            let filter =
                json!({ "owner_id": { "_eq": "X-Hasura-User-Id" }, "parent": { "id": { "_gt": role_number } } });
            json!({ "role": role(role_number), "permission": { "columns": columns, "filter": filter } })
        };
        let foreign = json!({ "table": { "schema": "public", "name": format!("table_{}", number + 1) },
            "column": "parent_id" });
        let arrays = match number + 1 < count {
            true => json!([{ "name": "children", "using": { "foreign_key_constraint_on": foreign } }]),
            false => json!([]),
        };
        json!({
            "table": { "schema": "public", "name": format!("table_{number}") },
            "object_relationships": [{ "name": "parent", "using": { "foreign_key_constraint_on": "parent_id" } }],
            "array_relationships": arrays,
            "select_permissions": (0..ROLES).map(select).collect::<Vec<_>>(),
        })
    };
    let tables: Vec<Value> = (0..count).map(table).collect();
    let configuration = json!({ "connection_info": { "database_url": "postgres:///" } });
    let source = json!({ "name": "default", "kind": "postgres", "configuration": configuration, "tables": tables });
    json!({ "version": 3, "sources": [source] })
}

/// Milliseconds from catalog and metadata to the statement of the first query.
fn build(catalog: &Catalog, metadata: &Metadata) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    let model = Arc::new(Model::build(catalog, metadata, &Extras::default()));
    assert!(model.inconsistencies.is_empty(), "{:?}", model.inconsistencies.first());
    let session = Session::role(role(0)).with("x-hasura-user-id", "1");
    let schema = Schema::of_session(model, &session);
    let document = parse::document("{ table_1 { id name parent { id } } }").map_err(|failure| failure.message)?;
    let operation = Operation::of(&document, None).map_err(|failure| failure.message)?;
    let provided = Default::default();
    let plan = Plan::new(&schema, &operation, &provided, &session).map_err(|failure| failure.message)?;
    assert!(sql::statement(&schema, &plan).is_some());
    Ok(millis(started))
}

async fn command(handle: &Handle, command: &Value) {
    let request = http::Request::post("/v1/metadata").body(Body::from(command.to_string())).unwrap();
    let response = handle.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(status.is_success(), "{}", String::from_utf8_lossy(&body));
}

/// The answer's size, or why there is none.
async fn ask(handle: &Handle, session: &Session, query: &str) -> Result<usize, String> {
    let answer = handle.execute(session, &Request::new(query)).await;
    answer.map(|answer| answer.len()).map_err(|failure| failure.message)
}

fn millis(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Megabytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1000.0
}
