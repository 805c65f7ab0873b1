use axum::body::Body;
use http::{Request, StatusCode};
use project::Secret;
use serde_json::json;

use crate::support::{start, start_with};

#[tokio::test]
async fn mailhogs_answers() {
    let catcher = start().await;
    let mail = json!({
        "From": {"Email": "shop@example.com", "Name": "Shop"},
        "To": [{"Email": "ann@example.com"}],
        "Subject": "Sign in",
        "Text": "https://example.com/verify?ticket=passwordlessEmail:1&type=x",
        "HTML": "<a href=\"https://example.com\">go</a>",
        "Headers": {"X-Ticket": "passwordlessEmail:1"},
    });
    let id = catcher.send("POST", "/api/v1/send", &mail.to_string()).await.json()["ID"].clone();
    let id = id.as_str().unwrap();
    catcher.deliver("bob@example.com", "Other", "x").await;

    let found = catcher.get("/api/v2/search?kind=to&query=ANN%40example.com").await.json();
    assert_eq!((&found["total"], &found["count"], &found["start"]), (&json!(1), &json!(1), &json!(0)));
    let item = &found["items"][0];
    assert_eq!(item["ID"], id);
    assert_eq!(item["To"][0], json!({"Relays": null, "Mailbox": "ann", "Domain": "example.com", "Params": ""}));
    assert_eq!(item["Content"]["Headers"]["X-Ticket"][0], "passwordlessEmail:1");
    assert_eq!(item["Content"]["Headers"]["Subject"][0], "Sign in");
    assert!(item["Content"]["Body"].as_str().unwrap().contains("ticket=passwordlessEmail:1&type=x"));
    let parts = item["MIME"]["Parts"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    assert!(parts[1]["Body"].as_str().unwrap().contains("<a href"));
    assert!(parts[1]["Headers"]["Content-Type"][0].as_str().unwrap().starts_with("text/html"));
    assert_eq!(item["Raw"]["To"], json!(["ann@example.com"]));

    assert_eq!(catcher.get("/api/v2/search?kind=from&query=shop").await.json()["total"], 2);
    assert_eq!(catcher.get("/api/v2/search?kind=containing&query=other").await.json()["total"], 1);
    assert_eq!(catcher.get("/api/v2/search?kind=nothing&query=x").await.status, StatusCode::BAD_REQUEST);
    let page = catcher.get("/api/v2/messages?start=1&limit=1").await.json();
    assert_eq!((&page["total"], &page["items"][0]["ID"]), (&json!(2), &json!(id)));
    let part = catcher.get(&format!("/api/v1/messages/{id}/mime/part/1/download")).await;
    assert_eq!(part.text.trim_end(), "<a href=\"https://example.com\">go</a>");

    assert_eq!(catcher.get(&format!("/api/v1/messages/{id}")).await.json()["ID"], id);
    assert_eq!(catcher.send("DELETE", &format!("/api/v1/messages/{id}"), "").await.status, StatusCode::OK);
    assert_eq!(catcher.get(&format!("/api/v1/messages/{id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(catcher.send("DELETE", &format!("/api/v1/messages/{id}"), "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(catcher.send("DELETE", "/api/v1/messages", "").await.status, StatusCode::OK);
    assert_eq!(catcher.get("/api/v2/messages").await.json()["total"], 0);
}

#[tokio::test]
async fn mailpits_answers() {
    let catcher = start().await;
    let mail = json!({
        "From": {"Email": "shop@example.com", "Name": "Shop"},
        "To": [{"Email": "ann@example.com", "Name": "Ann"}],
        "Bcc": ["boss@example.com"],
        "ReplyTo": [{"Email": "help@example.com"}],
        "Subject": "An order",
        "Text": "Thanks\nfor it",
        "HTML": "<img src=\"cid:logo\">",
        "Tags": ["orders"],
        "Attachments": [
            {"Content": "iVBORw0KGgo=", "Filename": "logo.png", "ContentID": "logo"},
            {"Content": "PHNjcmlwdD4=", "Filename": "bill.html"},
        ],
    });
    let id = catcher.send("POST", "/api/v1/send", &mail.to_string()).await.json()["ID"].clone();
    let id = id.as_str().unwrap();
    catcher.deliver("bob@example.com", "Something else", "x").await;

    let list = catcher.get("/api/v1/messages?limit=1").await.json();
    assert_eq!((&list["total"], &list["unread"], &list["count"]), (&json!(2), &json!(2), &json!(1)));
    let found = catcher.get("/api/v1/search?query=subject:order%20has:attachment").await.json();
    assert_eq!((&found["messages_count"], &found["total"]), (&json!(1), &json!(2)));
    let line = &found["messages"][0];
    assert_eq!(line["From"], json!({"Name": "Shop", "Address": "shop@example.com"}));
    assert_eq!((&line["Attachments"], &line["Tags"], &line["Read"]), (&json!(1), &json!(["orders"]), &json!(false)));
    assert_eq!(line["Snippet"], "Thanks for it");

    let message = catcher.get(&format!("/api/v1/message/{id}")).await.json();
    assert_eq!(message["Text"].as_str().unwrap().trim_end().replace("\r\n", "\n"), "Thanks\nfor it");
    assert_eq!(message["Bcc"][0]["Address"], "boss@example.com");
    assert_eq!(message["ReplyTo"][0]["Address"], "help@example.com");
    assert_eq!(message["Inline"][0]["ContentID"], "logo");
    assert_eq!(message["Attachments"][0]["FileName"], "bill.html");
    assert_eq!(catcher.get("/api/v1/search?query=is:unread").await.json()["messages_count"], 1, "read by now");
    let part = message["Attachments"][0]["PartID"].as_str().unwrap();
    let part = catcher.get(&format!("/api/v1/message/{id}/part/{part}")).await;
    assert_eq!((part.text.as_str(), part.header("content-type")), ("<script>", "application/octet-stream"));
    assert!(part.header("content-disposition").starts_with("attachment"), "{:?}", part.headers);
    let headers = catcher.get("/api/v1/message/latest/headers?query=tag:orders").await.json();
    assert_eq!(headers["Subject"], json!(["An order"]));
    assert_eq!(catcher.get("/view/latest.txt").await.text.trim_end(), "x");
    assert_eq!(catcher.get("/view/latest.html").await.status, StatusCode::NOT_FOUND);

    assert_eq!(catcher.send("PUT", "/api/v1/messages", r#"{"Read":false}"#).await.text, "ok");
    assert_eq!(catcher.get("/api/v1/info").await.json()["Unread"], 2);
    let tagged = json!({"IDs": [id], "Tags": ["later"]}).to_string();
    assert_eq!(catcher.send("PUT", "/api/v1/tags", &tagged).await.text, "ok");
    assert_eq!(catcher.get("/api/v1/tags").await.json(), json!(["later"]));
    assert_eq!(catcher.send("DELETE", "/api/v1/messages", &json!({"IDs": [id]}).to_string()).await.text, "ok");
    assert_eq!(catcher.get("/api/v1/messages").await.json()["total"], 1);
    assert_eq!(catcher.send("DELETE", "/api/v1/search?query=to:bob", "").await.text, "ok");
    assert_eq!(catcher.get("/api/v1/messages").await.json()["total"], 0);
    assert_eq!(catcher.get("/api/v1/message/latest").await.status, StatusCode::NOT_FOUND);
    assert_eq!(catcher.get("/api/v1/search").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(catcher.get("/readyz").await.text, "ok");
}

#[tokio::test]
async fn headers_cannot_be_smuggled_through_the_send_api() {
    let catcher = start().await;
    let base = json!({"From": {"Email": "shop@example.com"}, "To": [{"Email": "ann@example.com"}], "Subject": "x"});
    for (path, value) in [
        ("/Subject", json!("x\r\nBcc: eve@example.com")),
        ("/To/0/Email", json!("ann@example.com\r\nBcc: eve@example.com")),
        ("/To/0/Email", json!("nobody")),
        ("/From/Email", json!("shop@example.com>\r\n")),
        ("/Headers", json!({"X-A": "1\r\nBcc: eve@example.com"})),
        ("/Headers", json!({"Bcc": "eve@example.com"})),
        ("/Attachments", json!([{"Content": "AA==", "Filename": "a\r\nX: y"}])),
        ("/Attachments", json!([{"Content": "not base64!", "Filename": "a"}])),
        ("/To", json!([])),
    ] {
        let mut mail = base.clone();
        match mail.pointer_mut(path) {
            Some(place) => *place = value.clone(),
            None => mail[&path[1..]] = value.clone(),
        }
        let answer = catcher.send("POST", "/api/v1/send", &mail.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {value}: {}", answer.text);
        assert!(answer.json()["Error"].is_string());
    }
    assert_eq!(catcher.get("/api/v1/messages").await.json()["total"], 0);
}

#[tokio::test]
async fn every_route_asks_for_the_password_where_there_is_one() {
    let catcher = start_with(|options| options.password = Some(Secret::new("the-admin-secret".to_owned()))).await;
    let mut asked = 0;
    for route in mail::ROUTES {
        let path = route.path.replace("{id}", "latest").replace("{part}", "1").replace("{version}", "0");
        let path = path.replace("{name}", "icon.svg").replace("{file}", "latest.txt");
        let answer = catcher.send(route.method, &path, "{}").await;
        let open = route.policy == mail::Policy::Public;
        assert_eq!(answer.status == StatusCode::UNAUTHORIZED, !open, "{} {path}: {}", route.method, answer.status);
        if !open {
            assert!(answer.header("www-authenticate").starts_with("Basic "));
            asked += 1;
        }
    }
    assert!(asked > 15);
    for (name, value, right) in [
        ("x-hasura-admin-secret", "the-admin-secret", true),
        ("x-hasura-admin-secret", "another", false),
        // any:the-admin-secret, any:another, and no colon
        ("authorization", "Basic YW55OnRoZS1hZG1pbi1zZWNyZXQ=", true),
        ("authorization", "Basic YW55OmFub3RoZXI=", false),
        ("authorization", "Basic dGhlLWFkbWluLXNlY3JldA==", false),
        ("authorization", "Bearer the-admin-secret", false),
    ] {
        let request = Request::get("/api/v1/messages").header(name, value).body(Body::empty()).unwrap();
        assert_eq!(catcher.ask(request).await.status == StatusCode::OK, right, "{name}: {value}");
    }
}

#[tokio::test]
async fn other_sites_change_nothing() {
    let catcher = start().await;
    catcher.deliver("ann@example.com", "kept", "x").await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://localhost:3000"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = Request::delete("/api/v1/messages").header("host", "mail.localhost:8080").header(name, value);
        let answer = catcher.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(catcher.get("/api/v1/messages").await.json()["total"], 1);
    let ours = Request::delete("/api/v1/messages").header("host", "mail.localhost:8080");
    let ours = ours.header("origin", "http://mail.localhost:8080").body(Body::empty()).unwrap();
    assert_eq!(catcher.ask(ours).await.status, StatusCode::OK);
}
