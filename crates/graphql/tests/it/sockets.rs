//! The two protocols: what a socket may do, and how it ends.

use std::time::Duration;

use serde_json::json;

use crate::socket::{LEGACY, QUIET, Socket, TRANSPORT, serve};
use crate::support::{Shop, shop_with};

async fn shop() -> Shop {
    shop_with(|options| options.admin_secret = Some(project::Secret::new("hush".to_owned()))).await
}

#[tokio::test]
async fn queries_run_over_a_socket_too() {
    let shop = shop().await;
    let address = serve(&shop.handle).await;
    let headers = json!({ "X-Hasura-Admin-Secret": "hush" });
    for protocol in [TRANSPORT, LEGACY] {
        let mut socket = Socket::connect(&address, protocol, headers.clone()).await;
        socket.start("a", "{ users_by_pk(id: 1) { id } }", json!({})).await;
        assert_eq!(socket.data("a").await, json!({ "users_by_pk": { "id": 1 } }));
        assert_eq!(socket.next().await, json!({ "type": "complete", "id": "a" }));
        // The id is free again.
        socket.start("a", "query($id: Int!) { users_by_pk(id: $id) { id } }", json!({ "id": 2 })).await;
        assert_eq!(socket.data("a").await, json!({ "users_by_pk": { "id": 2 } }));
        assert_eq!(socket.next().await, json!({ "type": "complete", "id": "a" }));
    }
}

#[tokio::test]
async fn mistakes_of_a_request_are_told_as_each_protocol_wants() {
    let shop = shop().await;
    let address = serve(&shop.handle).await;
    let headers = json!({ "x-hasura-admin-secret": "hush" });
    let message = "field 'nope' not found in type: 'subscription_root'";
    let error =
        json!({ "message": message, "extensions": { "path": "$.selectionSet.nope", "code": "validation-failed" } });
    let mut socket = Socket::connect(&address, TRANSPORT, headers.clone()).await;
    socket.start("1", "subscription { nope }", json!({})).await;
    assert_eq!(socket.next().await, json!({ "type": "error", "id": "1", "payload": [error] }));
    socket.nothing().await;
    let mut socket = Socket::connect(&address, LEGACY, headers.clone()).await;
    socket.start("1", "subscription { nope }", json!({})).await;
    assert_eq!(socket.next().await, json!({ "type": "error", "id": "1", "payload": { "errors": [error] } }));
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
    let old = address.replace("/v1/", "/v1alpha1/");
    let mut socket = Socket::connect(&old, LEGACY, headers).await;
    socket.start("1", "subscription { nope }", json!({})).await;
    let error = json!({ "path": "$.selectionSet.nope", "error": message, "code": "validation-failed" });
    assert_eq!(socket.next().await, json!({ "type": "error", "id": "1", "payload": error }));
}

#[tokio::test]
async fn a_subscription_has_one_field() {
    let shop = shop().await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::connect(&address, TRANSPORT, json!({ "x-hasura-admin-secret": "hush" })).await;
    socket.start("1", "subscription { users { id } orders { id } }", json!({})).await;
    let message = socket.next().await;
    assert_eq!(message["payload"][0]["message"], "subscriptions must select one top level field");
    let both = "subscription @_multiple_top_level_fields { users_by_pk(id: 1) { id } profiles { bio } __typename }";
    socket.start("1", both, json!({})).await;
    let data = socket.data("1").await;
    assert_eq!((&data["users_by_pk"], &data["__typename"]), (&json!({ "id": 1 }), &json!("subscription_root")));
    let (code, ..) = shop.error("subscription { users { id } }", json!({})).await;
    assert_eq!(code, "unexpected-payload", "not over HTTP");
}

#[tokio::test]
async fn who_does_not_prove_who_it_is_gets_nothing() {
    let shop = shop().await;
    let address = serve(&shop.handle).await;
    let wrong = json!({ "type": "connection_init", "payload": { "headers": { "x-hasura-admin-secret": "no" } } });
    let mut socket = Socket::open(&address, TRANSPORT).await;
    socket.send(wrong.clone()).await;
    assert_eq!(socket.closed().await, (4403, r#"{"server_error_msg":"4403: Forbidden"}"#.to_owned()));
    let mut socket = Socket::open(&address, LEGACY).await;
    socket.send(wrong).await;
    let message = "invalid \"x-hasura-admin-secret\"/\"x-hasura-access-key\"";
    assert_eq!(socket.next().await, json!({ "type": "connection_error", "payload": message }));
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = Socket::open(&address, TRANSPORT).await;
    socket.start("1", "subscription { users { id } }", json!({})).await;
    assert_eq!(socket.closed().await.0, 4401);
    let mut socket = Socket::open(&address, LEGACY).await;
    socket.start("1", "subscription { users { id } }", json!({})).await;
    let message = socket.next().await;
    assert_eq!(message["payload"]["message"], "start received before the connection is initialised");
    assert_eq!(message["payload"]["extensions"]["code"], "start-failed");
}

#[tokio::test]
async fn the_rules_of_the_newer_protocol_are_kept() {
    let shop = shop().await;
    let address = serve(&shop.handle).await;
    let headers = json!({ "x-hasura-admin-secret": "hush" });
    let mut socket = Socket::connect(&address, TRANSPORT, headers.clone()).await;
    assert_eq!(socket.raw().await, json!({ "type": "ping", "payload": { "message": "keepalive" } }));
    socket.send(json!({ "type": "pong" })).await;
    socket.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong", "payload": { "a": 1 } }));
    socket.start("1", "subscription { users_by_pk(id: 1) { id } }", json!({})).await;
    socket.data("1").await;
    socket.start("1", "subscription { users { id } }", json!({})).await;
    let reason = r#"{"server_error_msg":"4409: Subscriber for 1 already exists"}"#;
    assert_eq!(socket.closed().await, (4409, reason.to_owned()));
    let mut socket = Socket::connect(&address, TRANSPORT, headers.clone()).await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.closed().await.0, 4429);
    for bad in ["nonsense", r#"{"type":"start","id":"1"}"#] {
        let mut socket = Socket::connect(&address, TRANSPORT, headers.clone()).await;
        socket.text(bad).await;
        assert_eq!(socket.closed().await.0, 4400, "{bad}");
    }
}

#[tokio::test]
async fn the_rules_of_the_older_protocol_are_kept() {
    let shop = shop_with(|options| options.live.keep_alive = Duration::from_millis(50)).await;
    let address = serve(&shop.handle).await;
    let mut socket = Socket::connect(&address, LEGACY, json!({})).await;
    for _ in 0..3 {
        assert_eq!(socket.raw().await, json!({ "type": "ka" }));
    }
    socket.start("1", "subscription { users_by_pk(id: 1) { id } }", json!({})).await;
    socket.data("1").await;
    socket.start("1", "subscription { users { id } }", json!({})).await;
    assert_eq!(socket.next().await["payload"]["message"], "an operation already exists with this id: 1");
    assert_eq!(socket.next().await["type"], "complete");
    socket.text("nonsense").await;
    assert_eq!(socket.next().await["type"], "connection_error");
    socket.send(json!({ "type": "connection_terminate" })).await;
    assert_eq!(socket.closed().await, (1000, "GQL_CONNECTION_TERMINATE received".to_owned()));
}

#[tokio::test]
async fn a_silent_client_is_not_waited_for() {
    let shop = shop_with(|options| options.live.init_timeout = Duration::from_millis(100)).await;
    let address = serve(&shop.handle).await;
    assert_eq!(Socket::open(&address, TRANSPORT).await.closed().await.0, 4408);
    let mut socket = Socket::admin(&address).await;
    tokio::time::sleep(QUIET).await;
    socket.start("1", "{ users_by_pk(id: 1) { id } }", json!({})).await;
    socket.data("1").await;
}

#[tokio::test]
async fn a_stop_closes_all_sockets() {
    let shop = shop_with(|_| {}).await;
    let address = serve(&shop.handle).await;
    let mut sockets = [Socket::admin(&address).await, Socket::admin(&address).await];
    sockets[0].start("1", "subscription { users { id } }", json!({})).await;
    sockets[0].data("1").await;
    let closed = async {
        for socket in &mut sockets {
            assert_eq!(socket.closed().await.0, 1001);
        }
    };
    tokio::join!(shop.handle.shutdown(), closed);
}
