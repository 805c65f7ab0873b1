//! All routes: who may call them.

use http::StatusCode;
use storage::{Policy, ROUTES};

use crate::support::{ALICE, Form, World, as_user};

#[tokio::test(flavor = "multi_thread")]
async fn every_route_but_the_public_ones_refuses_who_comes_without_credentials() {
    let world = World::new().await;
    let path = world.uploaded("hello.txt", b"text").await;
    let id = path.rsplit('/').next().unwrap();
    for route in ROUTES {
        let path = format!("/v1{}", route.path.replace("{id}", id));
        let form = Form::new().file("file[]", "a.txt", "", b"text").file("file", "a.txt", "", b"text");
        let answer = world.send(form.request(route.method.parse().unwrap(), &path, &[])).await;
        match route.policy {
            Policy::Public => assert_eq!(answer.status, StatusCode::OK, "{path}"),
            Policy::Role => assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {path}", route.method),
            Policy::Signature | Policy::AdminSecret => assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}"),
        }
    }
    assert_eq!(world.get(&path, &as_user(ALICE)).await.text(), "text");
}

#[test]
fn the_reference_lists_them_all() {
    use std::fmt::Write;

    let mut page = "# Routes of storage\n\nBelow `/v1/storage` and `/v1/storage/v1` of the gateway, and at `storage.<domain>` with \
                    `/v1` and without. Made from the code.\n\n| Method | Path | Who |\n| --- | --- | --- |\n"
        .to_owned();
    let mut routes = ROUTES.to_vec();
    routes.sort_by_key(|route| (route.path, route.method));
    for route in routes {
        writeln!(page, "| {} | `{}` | {} |", route.method, route.path, route.policy.as_str()).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/storage-routes.md");
    if std::env::var_os("NSELF_UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page, "run this test with NSELF_UPDATE_DOCS=1");
}
