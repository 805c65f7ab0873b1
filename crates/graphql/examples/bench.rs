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
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
        [verb, port, rate, seconds, body] if verb == "pace" => {
            return pace(port.parse()?, rate.parse()?, seconds.parse()?, body).await;
        }
        [connection, seconds, folder] => [connection, seconds, folder],
        _ => {
            let usage = "usage: bench <connection string> <seconds> <folder> | serve <connection string> <port> \
                         | pace <port> <requests a second> <seconds> <body>";
            return Err(usage.into());
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
        let engine = measure(length, ask).await;
        let ratio = engine.0 / plain.0;
        println!(
            "{name:<24} engine {:>8.0} req/s, p99 {:>5.2} ms   plain SQL {:>8.0} req/s, \
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

/// Sends a request over HTTP at a steady rate, and prints the 99th percentile in milliseconds, counted from the moment
/// each was due: a request that had to wait for its turn is as late as its client finds it. `@ID@` in the body stands
/// for an album's number.
async fn pace(port: u16, rate: f64, seconds: u64, body: &str) -> Result<(), Box<dyn Error>> {
    let started = Instant::now() + Duration::from_millis(100);
    let every = Duration::from_secs_f64(CLIENTS as f64 / rate);
    let clients = (0..CLIENTS).map(|client| {
        let body = body.to_owned();
        tokio::spawn(async move {
            let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let mut due = started + every.mul_f64(client as f64 / CLIENTS as f64);
            let (mut times, mut number) = (Vec::new(), client);
            while due < started + Duration::from_secs(seconds) {
                tokio::time::sleep_until(due.into()).await;
                let body = body.replace("@ID@", &(1 + number * 7 % 10_000).to_string());
                exchange(&mut socket, &body).await;
                times.push(due.elapsed().as_secs_f64() * 1000.0);
                (due, number) = (due + every, number + CLIENTS);
            }
            times
        })
    });
    let tasks: Vec<_> = clients.collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await?);
    }
    times.sort_by(f64::total_cmp);
    println!("{:.2}", times[times.len() * 99 / 100]);
    Ok(())
}

/// One request and its whole answer, which says how long it is.
async fn exchange(socket: &mut tokio::net::TcpStream, body: &str) {
    let head = format!(
        "POST /v1/graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = Vec::with_capacity(16 * 1024);
    loop {
        assert!(socket.read_buf(&mut answer).await.unwrap() > 0, "the engine closed the connection");
        let Some(end) = answer.windows(4).position(|found| found == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if answer.len() == end + 4 + length.parse::<usize>().unwrap() {
            assert!(answer[end + 4..].starts_with(b"{\"data\""));
            return;
        }
    }
}
