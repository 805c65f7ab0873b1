//! Answers that are no messages, and what is read from requests.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::message::Invalid;
use crate::search::Filter;
use crate::service::{DeliverError, Shared};
use crate::store::{StoreError, Stored, Window};

/// Messages of a list that names no limit.
const LIMIT: i64 = 50;

/// Why a request is not answered as wished.
#[derive(Debug)]
pub(crate) enum Refusal {
    NotFound,
    Bad(String),
    /// As [`Refusal::Bad`], in the JSON that Mailpit's send API answers.
    Unsent(String),
    Store(StoreError),
}

pub(crate) type Answer<T> = Result<T, Refusal>;

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Invalid> for Refusal {
    fn from(error: Invalid) -> Self {
        Self::Unsent(error.to_string())
    }
}

impl From<DeliverError> for Refusal {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Invalid(error) => error.into(),
            DeliverError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, plain, "404 page not found\n").into_response(),
            Self::Bad(words) => (StatusCode::BAD_REQUEST, plain, words).into_response(),
            Self::Unsent(words) => (StatusCode::BAD_REQUEST, Json(json!({ "Error": words }))).into_response(),
            Self::Store(error) => {
                tracing::error!(error = error.reason(), "the inbox cannot be read or written");
                (StatusCode::SERVICE_UNAVAILABLE, plain, "the inbox's database does not answer\n").into_response()
            }
        }
    }
}

/// `start` and `limit` of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Paging {
    start: Option<i64>,
    limit: Option<i64>,
}

impl Paging {
    pub(crate) fn new(start: Option<i64>, limit: Option<i64>) -> Self {
        Self { start, limit }
    }

    pub(crate) fn window(&self) -> Window {
        let limit = self.limit.filter(|limit| *limit >= 0).unwrap_or(LIMIT);
        Window { start: self.start.unwrap_or(0).max(0), limit: limit.min(10_000) }
    }
}

/// A message by its id; `latest` is the newest, or the newest that a search finds.
pub(crate) async fn find(shared: &Shared, id: &str, query: Option<&str>) -> Answer<Stored> {
    let store = &shared.inbox.store;
    let found = match id {
        "latest" => store.newest(&Filter::parse(query.unwrap_or_default())).await?,
        id => store.get(id).await?,
    };
    found.ok_or(Refusal::NotFound)
}

/// `?query=…` of a request for `latest`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Latest {
    pub query: Option<String>,
}
