//! `bench <connection string> <seconds> <folder for pgbench scripts>`: see benches/graphql/run.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, run by hand")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use graphql::model::Model;
use graphql::parse::{self, Operation};
use graphql::plan::Plan;
use graphql::schema::Schema;
use graphql::{Options, Service, Session, execute, sql};
use postgres::Pool;
use postgres::catalog::Catalog;
use serde_json::json;
use tower::ServiceExt;

/// Clients at once, and connections.
const CLIENTS: u64 = 8;

const QUERIES: [(&str, &str, bool); 4] = [
    ("by-primary-key", "query ($id: Int!) { albums_by_pk(id: $id) { id title artist_id } }", true),
    (
        "20-albums-with-tracks",
        "{ albums(limit: 20, order_by: {id: asc}) { id title artist { name } tracks { id name milliseconds unit_price } } }",
        false,
    ),
    (
        "filtered-list-of-50",
        "query ($id: Int!) { tracks(where: {milliseconds: {_gt: $id}}, order_by: {id: asc}, limit: 50) { id name milliseconds created_at } }",
        true,
    ),
    (
        "aggregate",
        "query ($id: Int!) { tracks_aggregate(where: {album_id: {_eq: $id}}) { aggregate { count max { milliseconds } avg { unit_price } } } }",
        true,
    ),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [connection, seconds, folder] = match arguments.as_slice() {
        [verb, connection, port] if verb == "serve" => return serve(connection, port.parse()?).await,
        [connection, seconds, folder] => [connection, seconds, folder],
        _ => {
            return Err("usage: bench <connection string> <seconds> <folder> | serve <connection string> <port>".into());
        }
    };
    let length = Duration::from_secs(seconds.parse()?);
    let pool = Pool::new(connection.parse()?, CLIENTS as usize);
    let catalog = Catalog::read(&*pool.get().await?, &["public"]).await?;
    let schema = Schema::admin(Arc::new(Model::new(&catalog, &["public".to_owned()], false)));
    let router = Service::start(Options::new(pool.clone())).await?.router();
    for (name, query, has_id) in QUERIES {
        let document = parse::document(query).map_err(|failure| failure.message)?;
        let operation = Operation::of(&document, None).map_err(|failure| failure.message)?;
        let provided = if has_id { json!({"id": 1}) } else { json!({}) };
        let plan = Plan::new(&schema, &operation, provided.as_object().unwrap(), &Session::admin())
            .map_err(|failure| failure.message)?;
        let statement = Arc::new(sql::statement(&schema, &plan).unwrap());
        let script = format!("\\set id random(1, 10000)\n{};\n", statement.text.replace("$1", ":id"));
        std::fs::write(std::path::Path::new(folder).join(format!("{name}.sql")), script)?;

        let (plain_pool, engine_router) = (pool.clone(), router.clone());
        let shared = Arc::clone(&statement);
        let plain = measure(length, move |id| {
            let (pool, statement) = (plain_pool.clone(), Arc::clone(&shared));
            async move {
                let parameters = if has_id { vec![id.to_string()] } else { vec![] };
                let answer = execute::run(&pool, &statement, &parameters, None).await.unwrap();
                assert!(answer.json(0).is_some());
            }
        })
        .await;
        let ask = move |id| {
            let router = engine_router.clone();
            async move {
                let variables = if has_id { json!({"id": id}) } else { json!({}) };
                let body = json!({"query": query, "variables": variables}).to_string();
                let request = http::Request::post("/v1/graphql").body(Body::from(body)).unwrap();
                let response = router.oneshot(request).await.unwrap();
                let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
                assert!(body.starts_with(b"{\"data\""));
            }
        };
        let engine = measure(length, ask.clone()).await;
        let ratio = engine.0 / plain.0;
        let steady = measure_at(engine.0 * 0.7, length, ask).await;
        println!(
            "{name:<24} engine {:>8.0} req/s, p99 {:>5.2} ms (at 70 %: {steady:>5.2} ms)   plain SQL {:>8.0} req/s, \
             p99 {:>5.2} ms   ratio {ratio:.2}",
            engine.0, engine.1, plain.0, plain.1
        );
    }
    Ok(())
}

/// The engine alone, over HTTP.
async fn serve(connection: &str, port: u16) -> Result<(), Box<dyn Error>> {
    let pool = Pool::new(connection.parse()?, CLIENTS as usize);
    let handle = Service::start(Options::new(pool)).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, handle.router()).await?;
    Ok(())
}

/// Requests a second, and the 99th percentile in milliseconds.
async fn measure<F: Future<Output = ()> + Send + 'static>(
    length: Duration,
    request: impl Fn(u64) -> F + Send + Sync + Clone + 'static,
) -> (f64, f64) {
    let counter = Arc::new(AtomicU64::new(0));
    // Connections are opened and plans settle before the clock starts.
    let warm = Instant::now() + Duration::from_millis(500);
    let end = warm + length;
    let clients = (0..CLIENTS).map(|_| {
        let (counter, request) = (Arc::clone(&counter), request.clone());
        async move {
            let mut times = Vec::new();
            while Instant::now() < end {
                let id = 1 + counter.fetch_add(7, Ordering::Relaxed) % 10_000;
                let started = Instant::now();
                request(id).await;
                if started >= warm {
                    times.push(started.elapsed().as_secs_f64() * 1000.0);
                }
            }
            times
        }
    });
    let tasks: Vec<_> = clients.map(tokio::spawn).collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    times.sort_by(f64::total_cmp);
    (times.len() as f64 / length.as_secs_f64(), times[times.len() * 99 / 100])
}

/// The 99th percentile in milliseconds when requests come at a steady rate, counted from the moment each was due: a
/// request that had to wait for its turn is as late as its client finds it.
async fn measure_at<F: Future<Output = ()> + Send + 'static>(
    rate: f64,
    length: Duration,
    request: impl Fn(u64) -> F + Send + Sync + Clone + 'static,
) -> f64 {
    let started = Instant::now();
    let count = (rate * length.as_secs_f64()) as u64;
    let mut tasks = Vec::new();
    for number in 0..count {
        let due = started + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        let request = request.clone();
        tasks.push(tokio::spawn(async move {
            request(1 + number * 7 % 10_000).await;
            due.elapsed().as_secs_f64() * 1000.0
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.push(task.await.unwrap());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}
