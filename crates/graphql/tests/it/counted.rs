//! How many statements a request costs, counted between the engine and PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use graphql::{Options, Request, Service, Session};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

use super::support::Shop;

/// A shop whose connections lead through a counter.
async fn counted() -> (Shop, Arc<AtomicUsize>) {
    let database = testkit::db().await;
    database.client().await.batch_execute(include_str!("shop.sql")).await.unwrap();
    let direct: tokio_postgres::Config = database.url().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(listener.local_addr().unwrap().port()).dbname(database.name());
    config.user(direct.get_user().unwrap()).password(direct.get_password().unwrap_or_default());
    let (count, server) = (Arc::new(AtomicUsize::new(0)), format!("127.0.0.1:{}", direct.get_ports()[0]));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            let ((from_client, mut to_client), (mut from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(forward(from_client, to_server, Arc::clone(&counter)));
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        }
    });
    let mut options = Options::new(postgres::Pool::new(config, 1));
    options.events = None;
    (Shop { handle: Service::start(options).await.unwrap(), database }, count)
}

/// Counts what is executed: `Execute` and simple queries.
async fn forward(mut from: OwnedReadHalf, mut to: impl AsyncWriteExt + Unpin, count: Arc<AtomicUsize>) -> Option<()> {
    // The first message has no type.
    let mut length = from.read_u32().await.ok()?;
    to.write_u32(length).await.ok()?;
    loop {
        let mut body = vec![0; length as usize - 4];
        from.read_exact(&mut body).await.ok()?;
        to.write_all(&body).await.ok()?;
        let kind = from.read_u8().await.ok()?;
        count.fetch_add(usize::from(matches!(kind, b'E' | b'Q')), Ordering::SeqCst);
        length = from.read_u32().await.ok()?;
        to.write_u8(kind).await.ok()?;
        to.write_u32(length).await.ok()?;
    }
}

/// What a request costs that was asked before, and what it gives.
async fn cost(shop: &Shop, count: &AtomicUsize, request: &Request) -> (usize, Value) {
    shop.ask_as(&Session::admin(), request).await;
    let before = count.load(Ordering::SeqCst);
    let answer = shop.ask_as(&Session::admin(), request).await;
    assert!(answer.get("errors").is_none(), "{}\n{answer:#}", request.query);
    (count.load(Ordering::SeqCst) - before, answer["data"].clone())
}

#[tokio::test]
async fn any_query_is_one_statement() {
    let (shop, count) = counted().await;
    let deep = "{
        users(order_by: [{manager: {name: asc}}, {orders_aggregate: {count: desc}}, {id: asc}]) {
            id
            orders(where: {order_lines: {product: {seller: {name: {_neq: \"\"}}}}}) {
                order_lines_aggregate { aggregate { count sum { quantity } } nodes { product { seller { name } } } }
                order_lines { line_notes { body } product { seller { products_aggregate { aggregate { count } } } } }
            }
            manager { manager { orders_aggregate { nodes { user { id } } } } }
        }
        users_by_pk(id: 1) { name }
        orders_aggregate { aggregate { count } nodes { user { name } } }
        products { name }
        __typename
    }";
    let (statements, data) = cost(&shop, &count, &Request::new(deep)).await;
    assert_eq!((statements, data["users"].as_array().unwrap().len()), (1, 4));
    let pages = "{ users_connection(first: 2) { pageInfo { hasNextPage } edges { cursor node { name
        orders_connection { edges { node { order_lines_connection { edges { node { quantity product { name } } } } } } } } } } }";
    assert_eq!(cost(&shop, &count, &Request { relay: true, ..Request::new(pages) }).await.0, 1);
    let description = "{ __schema { queryType { fields { name } } } }";
    assert_eq!(cost(&shop, &count, &Request::new(description)).await.0, 0, "what is known is not asked");
}

#[tokio::test]
async fn more_rows_are_not_more_statements() {
    let (shop, count) = counted().await;
    let change = |filter: &str| {
        Request::new(format!(
            "mutation {{ update_users(where: {filter}, _set: {{is_admin: false}}) {{ affected_rows
                returning {{ orders {{ order_lines {{ product {{ seller {{ name }} }} }} }} orders_aggregate {{ aggregate {{ count }} }} }} }} }}"
        ))
    };
    let (one, _) = cost(&shop, &count, &change("{id: {_eq: 1}}")).await;
    let (all, data) = cost(&shop, &count, &change("{}")).await;
    assert_eq!((one, &data["update_users"]["affected_rows"]), (all, &json!(4)));
    let insert = |start: usize, rows: usize| {
        let objects: Vec<Value> = (start..start + rows)
            .map(|id| json!({ "id": id, "placed_on": "2024-01-01", "user": { "data": { "name": "x",
                "products": { "data": [{ "id": format!("00000000-0000-0000-0001-{id:012}"), "name": "p", "price": 1 }] } } } }))
            .collect();
        let variables = json!({ "o": objects }).as_object().unwrap().clone();
        let query = "mutation ($o: [orders_insert_input!]!) { insert_orders(objects: $o) { affected_rows returning { user { name } } } }";
        Request { variables, ..Request::new(query) }
    };
    let mut costs = Vec::new();
    for (start, rows) in [(100, 1), (200, 30)] {
        shop.ask_as(&Session::admin(), &insert(start + 50, rows)).await;
        let before = count.load(Ordering::SeqCst);
        let answer = shop.ask_as(&Session::admin(), &insert(start, rows)).await;
        assert_eq!(answer["data"]["insert_orders"]["affected_rows"], 3 * rows, "{answer:#}");
        costs.push(count.load(Ordering::SeqCst) - before);
    }
    assert_eq!(costs[0], costs[1], "statements for one row and for thirty");
}
