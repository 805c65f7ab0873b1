//! What other services of the same process ask of the engine.

use http::HeaderMap;
use serde_json::{Value, json};

use crate::api::{self, Endpoint};
use crate::failure::{Code, Failure};
use crate::session::Session;
use crate::{Handle, Request};

impl Handle {
    /// Whose request it is that came with these headers, by the rules of the engine's own endpoints.
    ///
    /// # Errors
    /// Credentials are missing or wrong; the code says which.
    pub async fn session(&self, headers: &HeaderMap) -> Result<Session, Failure> {
        crate::http::session(self, headers).await
    }

    /// The `data` of a request that is run for a session. Limits and the allow list are about clients, and do not count
    /// here.
    ///
    /// # Errors
    /// As [`Handle::execute`].
    pub async fn data(&self, session: &Session, request: &Request) -> Result<Value, Failure> {
        let body = self.execute(session, request).await?;
        let mut body: Value = serde_json::from_slice(&body)
            .map_err(|error| Failure::new(Code::Unexpected, "$", format!("the answer is not JSON: {error}")))?;
        // A remote schema's errors come inside the answer.
        match body["errors"][0]["message"].as_str() {
            Some(message) => Err(Failure::new(Code::RemoteSchemaError, "$", message)),
            None => Ok(body["data"].take()),
        }
    }

    /// Whether the metadata has the table.
    pub fn tracks(&self, schema: &str, table: &str) -> bool {
        let state = self.state();
        let mut tables = state.metadata.sources.iter().flat_map(|source| &source.tables);
        tables.any(|tracked| tracked.table.schema == schema && tracked.table.name == table)
    }

    /// What has a field of the administrator's queries, `table users in source default`; nothing while it is free.
    pub fn field_owner(&self, field: &str) -> Option<String> {
        let state = self.state();
        let root = *state.model.roots.of(crate::model::Operation::Query).get(field)?;
        Some(state.model.owner(root))
    }

    /// Runs commands of `/v1/metadata` as the administrator, each by itself: those that are refused are given back with
    /// the code and the words of the refusal.
    ///
    /// # Errors
    /// None could be run: the same.
    pub async fn commands(&self, commands: Vec<Value>) -> Result<Vec<Refused>, Refused> {
        let body = json!({ "type": "bulk_keep_going", "args": commands });
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let answer = api::answer(self, &Session::admin(), Endpoint::Metadata, &body).await;
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !answer.status.is_success() {
            return Err(Refused::of(&told).unwrap_or_default());
        }
        Ok(told.as_array().into_iter().flatten().filter_map(Refused::of).collect())
    }
}

/// Why a command was not run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Hasura's: `already-tracked`, `validation-failed` …
    pub code: String,
    pub message: String,
}

impl Refused {
    fn of(answer: &Value) -> Option<Self> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Some(Self { code: text("code")?, message: text("error").unwrap_or_default() })
    }
}
