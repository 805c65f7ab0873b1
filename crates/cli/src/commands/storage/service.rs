//! The project's storage over HTTP. The admin secret goes in a header and stands nowhere else.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use project::Secret;
use reqwest::{RequestBuilder, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use terminal::Failure;

use super::{Named, Which};
use crate::{Context, Error};

/// Time to connect, and between two pieces of an answer.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(120);

/// What clients know of a file.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub size: u64,
    pub bucket_id: String,
    #[serde(default)]
    pub etag: Option<String>,
    #[serde(default)]
    pub mime_type: Option<String>,
    pub updated_at: String,
}

/// The fields of [`File`] in GraphQL.
const FIELDS: &str = "id name size bucketId etag mimeType updatedAt";

pub struct Service {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    /// Without a path.
    url: String,
    secret: Option<Secret>,
}

impl Service {
    /// The project's own storage, which must run, or the one that was named.
    pub fn new(cx: &Context, which: &Which) -> Result<Self, Failure> {
        let (url, secret) = which.address(cx)?;
        // Makes the one provider of TLS known.
        let _ = graphql::outbound::Client::new();
        let client = reqwest::Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build();
        let client = client.map_err(|error| unreachable(&url, &error))?;
        Ok(Self { runtime: cx.runtime()?, client, url, secret })
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A request of the storage API, as the administrator: `/files`.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Failure> {
        let request = self.client.request(method, format!("{}/v1/storage{path}", self.url));
        let Some(secret) = &self.secret else { return Ok(request) };
        let value = HeaderValue::from_str(secret.expose()).map_err(|_| {
            let why = "the admin secret holds characters that no header can".to_owned();
            Failure::from(Error::Storage { url: self.url.clone(), why })
        });
        let mut value = value?;
        value.set_sensitive(true);
        Ok(request.header(HeaderName::from_static("x-hasura-admin-secret"), value))
    }

    /// Sends a request; the answer is one of success.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| unreachable(&self.url, &error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body: Value = response.json().await.unwrap_or_default();
        Err(refused(status, &body))
    }

    pub async fn json<T: for<'de> Deserialize<'de>>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        response.json().await.map_err(|error| unreachable(&self.url, &error))
    }

    /// What a broken transfer is.
    pub fn broken(&self, error: &reqwest::Error) -> Failure {
        unreachable(&self.url, error)
    }

    /// A GraphQL operation as the administrator.
    pub async fn graphql(&self, query: &str, variables: Value) -> Result<Value, Failure> {
        let url = format!("{}/v1/graphql", self.url);
        let mut request = self.client.post(&url);
        if let Some(secret) = &self.secret {
            request = request.header("x-hasura-admin-secret", secret.expose());
        }
        let body = json!({"query": query, "variables": variables}).to_string();
        let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body);
        let mut answer: Value = self.json(request).await?;
        match answer["errors"][0]["message"].as_str() {
            Some(message) => Err(Error::StorageRefused { message: message.to_owned(), status: 200 }.into()),
            None => Ok(answer["data"].take()),
        }
    }

    /// Uploaded files, in the order of their names.
    pub async fn files(&self, filter: Value, limit: u64) -> Result<Vec<File>, Failure> {
        let query = format!(
            "query ($where: files_bool_exp!, $limit: Int!) {{
               files(where: $where, limit: $limit, order_by: [{{bucketId: asc}}, {{name: asc}}, {{createdAt: desc}}]) {{ {FIELDS} }}
             }}"
        );
        let mut answer = self.graphql(&query, json!({"where": filter, "limit": limit})).await?;
        serde_json::from_value(answer["files"].take()).map_err(|error| self.odd(&error))
    }

    /// The one file of an id or a name.
    pub async fn find(&self, named: &Named) -> Result<File, Failure> {
        let filter = match uuid::Uuid::parse_str(&named.file) {
            Ok(id) => json!({"id": {"_eq": id}}),
            Err(_) => json!({
                "bucketId": {"_eq": named.bucket}, "name": {"_eq": named.file}, "isUploaded": {"_eq": true},
            }),
        };
        let mut found = self.files(filter, 20).await?;
        if found.len() > 1 {
            let ids: Vec<String> = found.iter().map(|file| file.id.clone()).collect();
            let message = format!("there are {} files of the name {}", found.len(), named.file);
            return Err(Error::Usage { message, fix: format!("name one by its id: {}", ids.join(", ")) }.into());
        }
        found.pop().ok_or_else(|| {
            let message = match uuid::Uuid::parse_str(&named.file) {
                Ok(_) => format!("there is no file {}", named.file),
                Err(_) => format!("there is no file {} in the bucket {}", named.file, named.bucket),
            };
            Error::StorageRefused { message, status: StatusCode::NOT_FOUND.as_u16() }.into()
        })
    }

    pub fn odd(&self, error: &serde_json::Error) -> Failure {
        Error::Storage { url: self.url.clone(), why: format!("its answer cannot be read: {error}") }.into()
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // The innermost reason: the outer ones repeat the URL, which may be a signed one.
    Error::Storage { url: url.to_owned(), why: cause.to_string() }.into()
}

/// The service's own words, in either of its shapes.
fn refused(status: StatusCode, body: &Value) -> Failure {
    let error = &body["error"];
    let message = error["message"].as_str().or_else(|| error.as_str()).or_else(|| body["message"].as_str());
    let message = message.unwrap_or("it said nothing more").to_owned();
    Error::StorageRefused { message, status: status.as_u16() }.into()
}
