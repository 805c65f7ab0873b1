//! A service of a test, and a gate that stands in for the GraphQL engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use postgres::Pool;
use project::Secret;
use serde_json::{Value, json};
use storage::{Backend, Caller, Gate, Handle, Options, Refusal, Service, Store};
use tempfile::TempDir;
use testkit::TestDatabase;
use tower::ServiceExt;

/// What a role may do with `storage.files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Everything.
    All,
    /// What its user has uploaded; new files are its user's.
    Own,
    /// See everything, change nothing.
    See,
    /// Everything, but the answer to a change is lost.
    Lost,
}

/// Knows callers by the headers `x-role` and `x-user` (`admin`: by the admin secret), and roles by a rule each; others
/// may do nothing. Answers storage's own operations only, from the tables.
#[derive(Debug)]
pub struct TestGate {
    pool: Pool,
    rules: BTreeMap<String, Rule>,
}

const FIELDS: &str = "json_build_object('id', id, 'name', name, 'size', size, 'bucketId', bucket_id, 'etag', etag,
    'createdAt', created_at, 'updatedAt', updated_at, 'isUploaded', is_uploaded, 'mimeType', mime_type,
    'uploadedByUserId', uploaded_by_user_id, 'metadata', metadata)";

impl TestGate {
    async fn answer(&self, caller: &Caller, query: &str, variables: Value) -> Result<Value, Refusal> {
        let is_probe = variables["objects"] == json!([]) || variables["_set"] == json!({});
        let answer = self.run(caller, query, variables).await;
        let is_lost = self.rules.get(&*caller.role) == Some(&Rule::Lost) && query.starts_with("mutation") && !is_probe;
        if is_lost { Err(Refusal::new("unavailable", "the connection is lost")) } else { answer }
    }

    async fn run(&self, caller: &Caller, query: &str, variables: Value) -> Result<Value, Refusal> {
        let denied = || Refusal::new("validation-failed", "field not found in type");
        let rule = if caller.is_admin() { Rule::All } else { *self.rules.get(&*caller.role).ok_or_else(denied)? };
        let user = caller.variables.get("x-hasura-user-id").cloned();
        let mine = match rule {
            Rule::Own => format!("uploaded_by_user_id = '{}'", user.as_deref().unwrap_or_default()),
            Rule::All | Rule::See | Rule::Lost => "true".to_owned(),
        };
        let reads = query.contains("query storageFile(");
        if rule == Rule::See && !reads {
            return Err(denied());
        }
        let client = self.pool.get().await.map_err(|error| Refusal::new("unavailable", error.to_string()))?;
        let failed = |error: tokio_postgres::Error| match error.as_db_error() {
            Some(found) => Refusal::new("constraint-violation", found.message()),
            None => Refusal::new("unavailable", error.to_string()),
        };
        let id = &variables["id"];
        let one = |rows: Vec<tokio_postgres::Row>, field: &str| json!({field: rows.first().map_or(Value::Null, |row| row.get::<_, Value>(0))});
        if reads {
            let statement =
                format!("SELECT {FIELDS} FROM storage.files WHERE id = ($1::jsonb #>> '{{}}')::uuid AND {mine}");
            return client.query(&statement, &[id]).await.map(|rows| one(rows, "file")).map_err(failed);
        }
        if query.contains("deleteFile(") {
            let statement = format!(
                "DELETE FROM storage.files WHERE id = ($1::jsonb #>> '{{}}')::uuid AND {mine} RETURNING json_build_object('id', id)"
            );
            return client.query(&statement, &[id]).await.map(|rows| one(rows, "deleteFile")).map_err(failed);
        }
        if query.contains("updateFile(") && variables["_set"] == json!({}) {
            return Ok(json!({"updateFile": null}));
        }
        if query.contains("updateFile(") {
            let statement = format!(
                "UPDATE storage.files SET bucket_id = coalesce($2::jsonb ->> 'bucketId', bucket_id),
                   etag = coalesce($2 ->> 'etag', etag), is_uploaded = coalesce(($2 ->> 'isUploaded')::bool, is_uploaded),
                   name = coalesce($2 ->> 'name', name), size = coalesce(($2 ->> 'size')::int, size),
                   mime_type = coalesce($2 ->> 'mimeType', mime_type), metadata = coalesce($2 -> 'metadata', metadata)
                 WHERE id = ($1::jsonb #>> '{{}}')::uuid AND {mine} RETURNING {FIELDS}"
            );
            let rows = client.query(&statement, &[id, &variables["_set"]]).await;
            return rows.map(|rows| one(rows, "updateFile")).map_err(failed);
        }
        assert!(query.contains("insertFiles("), "an operation that the gate does not know: {query}");
        let owner = if rule == Rule::Own { user } else { None };
        let statement = "INSERT INTO storage.files (id, bucket_id, name, size, mime_type, uploaded_by_user_id)
            SELECT (row ->> 'id')::uuid, row ->> 'bucketId', row ->> 'name', (row ->> 'size')::int, row ->> 'mimeType', $2::text::uuid
            FROM jsonb_array_elements($1) AS row";
        let inserted = client.execute(statement, &[&variables["objects"], &owner]).await.map_err(failed)?;
        Ok(json!({"insertFiles": {"affected_rows": inserted}}))
    }
}

impl Gate for TestGate {
    fn caller<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Caller, Refusal>> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let caller = match text("x-role").as_deref() {
            Some("admin") => Ok(Caller::admin()),
            Some("expired") => Err(Refusal::new("invalid-jwt", "Could not verify JWT: JWTExpired")),
            role => Ok(Caller::role(role.unwrap_or("public"))),
        };
        let user = text("x-user");
        let caller = caller.map(|caller| match user {
            Some(user) => caller.with("x-hasura-user-id", user),
            None => caller,
        });
        async { caller }.boxed()
    }

    fn graphql<'a>(
        &'a self,
        caller: &'a Caller,
        query: &'a str,
        variables: Value,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        self.answer(caller, query, variables).boxed()
    }
}

pub const ALICE: &str = "00000000-0000-4000-8000-00000000000a";
pub const BOB: &str = "00000000-0000-4000-8000-00000000000b";

/// A running service with the roles `user` (its own files) and `viewer` (sees all).
pub struct World {
    pub database: TestDatabase,
    pub folder: TempDir,
    pub handle: Handle,
}

impl World {
    pub async fn new() -> Self {
        let (database, folder) = (testkit::db().await, tempfile::tempdir().unwrap());
        let handle = start(&database, folder.path(), |_| {}).await;
        Self { database, folder, handle }
    }

    /// Starts the service anew on the same database and folder, as after a crash.
    pub async fn restart(&mut self) {
        self.handle = start(&self.database, self.folder.path(), |_| {}).await;
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.handle.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(Method::GET, path, headers, Body::empty())).await
    }

    /// Uploads one file as Alice.
    pub async fn upload(&self, name: &str, content: &[u8]) -> Value {
        let form = Form::new().file("file[]", name, "", content);
        let answer = self.send(form.request(Method::POST, "/v1/files", &as_user(ALICE))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["processedFiles"][0].clone()
    }

    /// The same; its path.
    pub async fn uploaded(&self, name: &str, content: &[u8]) -> String {
        format!("/v1/files/{}", self.upload(name, content).await["id"].as_str().unwrap())
    }

    /// How many objects there are when nothing is under way any more: in the journal and in the folder alike.
    pub async fn settled(&self) -> usize {
        for _ in 0..500 {
            let client = self.database.client().await;
            let statement = "SELECT key FROM storage.objects WHERE state = 'kept' ORDER BY key";
            let kept: Vec<String> = client.query(statement, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
            let all = usize::try_from(self.count("objects").await).unwrap();
            if all == kept.len() && self.objects().into_keys().eq(kept) {
                return all;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the journal and the folder differ: {:?}", self.objects())
    }

    /// The names of files in the store's folder, with their sizes; working data left out.
    pub fn objects(&self) -> BTreeMap<String, u64> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len())).collect()
    }

    pub async fn count(&self, table: &str) -> i64 {
        let client = self.database.client().await;
        client.query_one(&format!("SELECT count(*) FROM storage.{table}"), &[]).await.unwrap().get(0)
    }
}

pub async fn start(database: &TestDatabase, folder: &Path, change: impl FnOnce(&mut Options)) -> Handle {
    start_on(Pool::new(database.config(), 8), folder, change).await
}

pub async fn start_on(pool: Pool, folder: &Path, change: impl FnOnce(&mut Options)) -> Handle {
    let rules = [("user".to_owned(), Rule::Own), ("viewer".to_owned(), Rule::See), ("unlucky".to_owned(), Rule::Lost)];
    let gate = Arc::new(TestGate { pool: pool.clone(), rules: rules.into() });
    let store = Store::open(&Backend::folder(folder)).unwrap();
    let mut options = Options::new(pool, store, gate, Secret::new("the-key-of-presigned-urls".to_owned()));
    options.public_url = "http://storage.test".to_owned();
    change(&mut options);
    Service::start(options).await.unwrap()
}

pub fn as_user(id: &str) -> [(&'static str, &str); 2] {
    [("x-role", "user"), ("x-user", id)]
}

pub const ADMIN: [(&str, &str); 1] = [("x-role", "admin")];

pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The message of an error, which `X-Error` repeats.
    pub fn error(&self) -> String {
        let message = self.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(self.header("x-error"), message);
        message
    }
}

/// A multipart body, with the parts in the order of the calls.
#[derive(Debug, Default)]
pub struct Form(Vec<u8>);

const BOUNDARY: &str = "----a-boundary";

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), "", value.as_bytes())
    }

    /// As nhost-js sends metadata: a blob with an empty name.
    pub fn json(self, name: &str, value: &Value) -> Self {
        self.part(&format!("name=\"{name}\"; filename=\"\""), "application/json", value.to_string().as_bytes())
    }

    pub fn file(self, field: &str, name: &str, content_type: &str, content: &[u8]) -> Self {
        self.part(&format!("name=\"{field}\"; filename=\"{name}\""), content_type, content)
    }

    fn part(mut self, disposition: &str, content_type: &str, content: &[u8]) -> Self {
        let kind = if content_type.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(content);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub fn request(mut self, method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut headers = headers.to_vec();
        headers.push(("content-type", &content_type));
        request(method, path, &headers, Body::from(self.0))
    }
}
