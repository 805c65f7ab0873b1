//! A small shop and ways to ask it.

use graphql::{Handle, Options, Request, Service};
use serde_json::{Value, json};

pub struct Shop {
    pub handle: Handle,
    pub database: testkit::TestDatabase,
}

pub async fn shop() -> Shop {
    shop_with(|_| {}).await
}

pub async fn shop_with(change: impl FnOnce(&mut Options)) -> Shop {
    database_with(include_str!("shop.sql"), change).await
}

pub async fn database_with(sql: &str, change: impl FnOnce(&mut Options)) -> Shop {
    let database = testkit::db().await;
    database.client().await.batch_execute(sql).await.unwrap();
    let mut options = Options::new(postgres::Pool::new(database.config(), 4));
    change(&mut options);
    Shop { handle: Service::start(options).await.unwrap(), database }
}

impl Shop {
    /// The whole response body.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.to_owned(), operation_name: None, variables, relay: false };
        match self.handle.execute(&graphql::Session::admin(), &request).await {
            Ok(body) => serde_json::from_slice(&body).unwrap(),
            Err(failure) => serde_json::from_slice(&failure.to_body(false)).unwrap(),
        }
    }

    pub async fn data(&self, query: &str) -> Value {
        self.data_with(query, json!({})).await
    }

    /// `data`; asked twice, so that the kept plan must give the same.
    pub async fn data_with(&self, query: &str, variables: Value) -> Value {
        let first = self.ask(query, variables.clone()).await;
        assert!(first.get("errors").is_none(), "{query}\n{first:#}");
        let second = self.ask(query, variables).await;
        assert_eq!(first, second, "the kept plan answers the same: {query}");
        first["data"].clone()
    }

    /// Code, path and message of the only error.
    pub async fn error(&self, query: &str, variables: Value) -> (String, String, String) {
        let body = self.ask(query, variables).await;
        let [error] = body["errors"].as_array().unwrap_or_else(|| panic!("no error: {query}\n{body:#}")).as_slice()
        else {
            panic!("one error: {body:#}")
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&error["extensions"]["code"]), text(&error["extensions"]["path"]), text(&error["message"]))
    }

    pub async fn invalid(&self, query: &str, path: &str, message: &str) {
        let found = self.error(query, json!({})).await;
        assert_eq!(found, ("validation-failed".to_owned(), path.to_owned(), message.to_owned()), "{query}");
    }

    /// Until a statement with `text` runs.
    pub async fn until_busy(&self, text: &str) {
        self.until(text, true).await;
    }

    /// Until none does.
    pub async fn until_idle(&self, text: &str) {
        self.until(text, false).await;
    }

    async fn until(&self, text: &str, busy: bool) {
        let client = self.database.client().await;
        let query = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let found: i64 = client.query_one(query, &[&text]).await.unwrap().get(0);
            if (found > 0) == busy {
                return;
            }
            assert!(std::time::Instant::now() < limit, "statements with {text}: {found}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// A command for `/v1/metadata`, which must succeed.
    pub async fn command(&self, command: Value) {
        use http_body_util::BodyExt as _;
        use tower::ServiceExt as _;
        let request = http::Request::post("/v1/metadata").body(axum::body::Body::from(command.to_string())).unwrap();
        let response = self.handle.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{command:#}\n{}", String::from_utf8_lossy(&body));
    }

    /// The whole answer for a session.
    pub async fn ask_as(&self, session: &graphql::Session, request: &Request) -> Value {
        match self.handle.execute(session, request).await {
            Ok(body) => serde_json::from_slice(&body).unwrap(),
            Err(failure) => serde_json::from_slice(&failure.to_body(false)).unwrap(),
        }
    }
}
