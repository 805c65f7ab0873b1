//! `subscriptions <connection string> <how many> <rounds>`: see benches/graphql/subscriptions.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, run by hand")]

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use graphql::{Options, Service};
use postgres::Pool;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Subscriptions on one socket.
const ON_ONE: usize = 100;
const IDLE: Duration = Duration::from_secs(10);

/// A result: which subscription's, and when it came.
type Came = (usize, Instant);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [connection, count, rounds] = arguments.as_slice() else {
        return Err("usage: subscriptions <connection string> <how many> <rounds>".into());
    };
    let (count, rounds): (usize, usize) = (count.parse()?, rounds.parse()?);
    let config: Config = connection.parse()?;
    let client = connect(&config).await?;
    let floor = notify_round_trips(&config, &client, rounds).await?;
    report("LISTEN/NOTIFY", "commit to client", &floor, None);
    let handle = Service::start(Options::new(Pool::new(config.clone(), 10))).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("ws://{}/v1/graphql", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, handle.router()).into_future());
    for (name, distinct) in [("each its own parameters", true), ("all equal", false)] {
        let (sender, mut came) = mpsc::unbounded_channel();
        let begin = Instant::now();
        for first in (0..count).step_by(ON_ONE) {
            let ids = first..count.min(first + ON_ONE);
            tokio::spawn(subscribe(address.clone(), ids, distinct, sender.clone()));
        }
        for _ in 0..count {
            came.recv().await.ok_or("a socket closed")?;
        }
        println!("{count} subscriptions, {name}: all have their first result after {:.0?}", begin.elapsed());
        followed(&client).await?;
        let before = statements(&client).await?;
        tokio::time::sleep(IDLE).await;
        let after = statements(&client).await?;
        let (all, ours) = (after.0 - before.0, after.1 - before.1);
        println!(
            "  statements in {} s without changes: {ours} of live queries, {all} of the whole engine",
            IDLE.as_secs()
        );
        while came.try_recv().is_ok() {}
        let mut times = Vec::new();
        for round in 0..rounds {
            let id = if distinct { round * 37 % count } else { 0 };
            let statement = format!("UPDATE albums SET title = 'round {distinct} {round}' WHERE id = {}", id + 1);
            client.batch_execute(&statement).await?;
            let committed = Instant::now();
            let expected = if distinct { 1 } else { count };
            let mut found = Vec::new();
            while found.len() < expected {
                let (which, at) = tokio::time::timeout(Duration::from_secs(30), came.recv()).await?.ok_or("closed")?;
                assert!(!distinct || which == id, "another subscription was told");
                found.push(at.saturating_duration_since(committed));
            }
            // Of many, the one in the middle.
            found.sort_unstable();
            times.push(found[found.len() / 2]);
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        report("  live query", "commit to client", &times, Some(&floor));
        drop(came);
    }
    handle.shutdown().await;
    Ok(())
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A socket with some subscriptions, which tells when their results come. It closes when nobody listens.
async fn subscribe(address: String, ids: std::ops::Range<usize>, distinct: bool, came: mpsc::UnboundedSender<Came>) {
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let mut messages = vec![json!({ "type": "connection_init" })];
    let query = "subscription ($id: Int!) { albums_by_pk(id: $id) { id title } }";
    messages.extend(ids.map(|id| {
        let variables = json!({ "id": if distinct { id + 1 } else { 1 } });
        json!({ "type": "subscribe", "id": id.to_string(), "payload": { "query": query, "variables": variables } })
    }));
    for message in messages {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    loop {
        tokio::select! {
            () = came.closed() => return,
            message = socket.next() => {
                let at = Instant::now();
                let Some(Ok(Message::Text(text))) = message else { continue };
                let message: HashMap<String, Value> = serde_json::from_str(&text).unwrap();
                if message["type"] == "next" {
                    let _ = came.send((message["id"].as_str().unwrap().parse().unwrap(), at));
                }
            }
        }
    }
}

/// Until the engine follows the log.
async fn followed(client: &Client) -> Result<(), tokio_postgres::Error> {
    while client.query_one("SELECT count(*) FROM pg_replication_slots WHERE active", &[]).await?.get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// Statements of everybody but this program's own, and those of them that read what is subscribed to.
async fn statements(client: &Client) -> Result<(i64, i64), tokio_postgres::Error> {
    let counted =
        "SELECT coalesce(sum(calls), 0)::int8, coalesce(sum(calls) FILTER (WHERE query LIKE '%\"albums\"%'), 0)::int8
        FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'";
    let row = client.query_one(counted, &[]).await?;
    Ok((row.get(0), row.get(1)))
}

/// The least that any way of telling takes: a commit that notifies, and a connection that listens.
async fn notify_round_trips(config: &Config, client: &Client, rounds: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let (listener, mut connection) = config.connect(NoTls).await?;
    let (sender, mut came) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                let _ = sender.send(Instant::now());
            }
        }
    });
    listener.batch_execute("LISTEN bench").await?;
    let mut times = Vec::new();
    for round in 0..rounds {
        let update = format!("UPDATE albums SET title = 'n {round}' WHERE id = {}; NOTIFY bench", round % 1000 + 1);
        client.batch_execute(&update).await?;
        let committed = Instant::now();
        times.push(came.recv().await.ok_or("no notification")?.saturating_duration_since(committed));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(times)
}

fn report(name: &str, what: &str, times: &[Duration], floor: Option<&[Duration]>) {
    let at = |times: &[Duration], part: f64| {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted[((sorted.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0
    };
    print!("{name}: {what} {:.2} ms in the median, {:.2} ms at 95 %", at(times, 0.5), at(times, 0.95));
    match floor {
        Some(floor) => println!(" ({:+.2} ms to LISTEN/NOTIFY's median)", at(times, 0.5) - at(floor, 0.5)),
        None => println!(),
    }
}
