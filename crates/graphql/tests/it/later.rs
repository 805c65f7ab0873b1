//! Asynchronous actions: who makes their calls, who hears of them, and what comes back with the others' answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use graphql::{Options, Service};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::fake::Fake;
use crate::foreign::{PEOPLE, actions, apply};
use crate::socket::{Socket, serve};
use crate::support::{Shop, database_with};

/// A webhook that answers calls for `slow` only when it is let.
struct Gate {
    url: String,
    slow: Arc<AtomicUsize>,
    open: Arc<Semaphore>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn gate() -> Gate {
    let (slow, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, wait) = (slow.clone(), open.clone());
    let handler = move |Json(asked): Json<Value>| {
        let (count, wait) = (count.clone(), wait.clone());
        async move {
            if asked["input"]["name"] == "slow" {
                count.fetch_add(1, Ordering::SeqCst);
                wait.acquire().await.unwrap().forget();
            }
            Json(json!({"id": 2, "greeting": asked["input"]["name"]}))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(handler);
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Gate { url, slow, open, task }
}

async fn begin(shop: &Shop, name: &str) -> String {
    let begun = shop.ask(&format!("mutation {{ later(name: \"{name}\") }}"), json!({})).await;
    begun["data"]["later"].as_str().unwrap_or_else(|| panic!("{begun:#}")).to_owned()
}

async fn status(shop: &Shop, id: &str) -> String {
    let query = "SELECT status FROM hdb_catalog.hdb_action_log WHERE id = $1::text::uuid";
    shop.database.client().await.query_one(query, &[&id]).await.unwrap().get(0)
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !is().await {
        assert!(Instant::now() < limit, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn only_calls_whose_maker_is_gone_are_made_again() {
    let (gate, shop) = (gate().await, database_with(PEOPLE, |_| {}).await);
    apply(&shop, actions(&gate.url)).await;
    let slow = begin(&shop, "slow").await;
    until("the first call is under way", async || gate.slow.load(Ordering::SeqCst) == 1).await;
    // One that is slow keeps no other from being made.
    let quick = begin(&shop, "quick").await;
    until("the next is made", async || status(&shop, &quick).await == "completed").await;
    // As a server that was killed leaves it.
    let abandon = "INSERT INTO hdb_catalog.hdb_action_log (action_name, input_payload, request_headers, session_variables, status)
        VALUES ('later', '{\"name\": \"left\"}', '{}', '{\"x-hasura-role\": \"admin\"}', 'processing') RETURNING id::text";
    let left: String = shop.database.client().await.query_one(abandon, &[]).await.unwrap().get(0);
    let second = Service::start(Options::new(postgres::Pool::new(shop.database.config(), 4))).await.unwrap();
    until("what was left is taken up", async || status(&shop, &left).await == "completed").await;
    assert_eq!((gate.slow.load(Ordering::SeqCst), status(&shop, &slow).await), (1, "processing".to_owned()));
    gate.open.add_permits(1);
    until("the first call ends", async || status(&shop, &slow).await == "completed").await;
    assert_eq!(gate.slow.load(Ordering::SeqCst), 1);
    second.shutdown().await;
}

#[tokio::test]
async fn an_outcome_is_sent_to_whoever_subscribed() {
    let (gate, shop) = (
        gate().await,
        database_with(PEOPLE, |options| {
            options.live.refetch = Duration::from_millis(20);
        })
        .await,
    );
    apply(&shop, actions(&gate.url)).await;
    let address = serve(&shop.handle).await;
    let id = begin(&shop, "slow").await;
    let mut socket = Socket::admin(&address).await;
    let plain = format!("subscription {{ later(id: \"{id}\") {{ id output {{ greeting }} errors }} }}");
    socket.start("plain", &plain, json!({})).await;
    assert_eq!(socket.data("plain").await, json!({"later": {"id": id, "output": null, "errors": null}}));
    let joined = "subscription ($id: uuid!) { later(id: $id) { output { person { name } } } }";
    let mut other = Socket::admin(&address).await;
    other.start("joined", joined, json!({"id": id})).await;
    assert_eq!(other.data("joined").await, json!({"later": {"output": null}}));
    socket.nothing().await;
    gate.open.add_permits(1);
    let expected = json!({"later": {"id": id, "output": {"greeting": "slow"}, "errors": null}});
    assert_eq!(socket.data("plain").await, expected);
    assert_eq!(other.data("joined").await, json!({"later": {"output": {"person": {"name": "Bob"}}}}));
    // What it led to may still change.
    shop.database.client().await.batch_execute("UPDATE people SET name = 'Rob' WHERE id = 2").await.unwrap();
    assert_eq!(other.data("joined").await, json!({"later": {"output": {"person": {"name": "Rob"}}}}));
    // The call's own outcome may not, so nobody looks at it again.
    let forge = "UPDATE hdb_catalog.hdb_action_log SET response_payload = '{}'";
    shop.database.client().await.batch_execute(forge).await.unwrap();
    socket.nothing().await;
}

#[tokio::test]
async fn cookies_of_handlers_reach_the_client() {
    let handler = Fake::start(|_| {
        let cookies = vec![("set-cookie", "a=1; HttpOnly"), ("set-cookie", "b=2"), ("x-other", "no")];
        (200, cookies, json!({"id": 2, "greeting": "hello"}).to_string())
    })
    .await;
    let shop = database_with(PEOPLE, |_| {}).await;
    apply(&shop, actions(&handler.url("/"))).await;
    let ask = async |query: &str| {
        let request = http::Request::post("/v1/graphql").body(Body::from(json!({"query": query}).to_string())).unwrap();
        let response = shop.handle.router().oneshot(request).await.unwrap();
        let cookies = response.headers().get_all("set-cookie").iter();
        let cookies: Vec<String> = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        assert!(!response.headers().contains_key("x-other"));
        cookies
    };
    assert_eq!(ask("mutation { sign_up { id } }").await, ["a=1; HttpOnly", "b=2"]);
    assert_eq!(ask("{ greet { id } }").await, ["a=1; HttpOnly", "b=2"]);
    assert_eq!(ask("{ people { id } }").await, Vec::<String>::new());
}
