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

    /// Runs one command of `/v1/metadata` as the administrator.
    ///
    /// # Errors
    /// The engine refuses it; Hasura's code and words.
    pub async fn command(&self, command: &Value) -> Result<(), (String, String)> {
        let body = serde_json::to_vec(command).unwrap_or_default();
        let answer = api::answer(self, &Session::admin(), Endpoint::Metadata, &body).await;
        if answer.status.is_success() {
            return Ok(());
        }
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({}));
        let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
        Err((text("code"), text("error")))
    }
}
