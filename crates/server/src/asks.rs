//! What services ask of each other: each has a small trait of its own, and here they are filled with the others'
//! handles. A handle comes and goes with its service, so it is looked up for each question.

use std::sync::{Arc, OnceLock};

use futures::FutureExt;
use futures::future::BoxFuture;
use graphql::{Failure, Request, Session};
use http::HeaderMap;
use serde_json::Value;
use tokio::sync::watch;

/// The engine that runs now.
#[derive(Debug, Clone)]
pub struct Engine(pub watch::Receiver<Option<graphql::Handle>>);

impl Engine {
    fn handle(&self) -> Option<graphql::Handle> {
        self.0.borrow().clone()
    }
}

const NOT_RUNNING: &str = "the GraphQL engine does not run";

impl auth::CustomClaims for Engine {
    fn ask(&self, query: String, variables: Value) -> BoxFuture<'_, Result<Value, auth::ClaimsError>> {
        async move {
            let handle = self.handle().ok_or_else(|| auth::ClaimsError(NOT_RUNNING.to_owned()))?;
            let answer = handle.data(&Session::admin(), &request(query, variables)).await;
            answer.map_err(|failure| auth::ClaimsError(failure.message))
        }
        .boxed()
    }
}

impl storage::Gate for Engine {
    fn caller<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<storage::Caller, storage::Refusal>> {
        async move {
            let session = self.storage_handle()?.session(headers).await.map_err(refusal)?;
            Ok(storage::Caller {
                role: session.role,
                variables: session.variables,
                is_admin_secret: session.is_admin_secret,
            })
        }
        .boxed()
    }

    fn graphql<'a>(
        &'a self,
        caller: &'a storage::Caller,
        query: &'a str,
        variables: Value,
    ) -> BoxFuture<'a, Result<Value, storage::Refusal>> {
        async move {
            let mut session = Session::role(Arc::clone(&caller.role));
            session.variables.clone_from(&caller.variables);
            session.is_admin_secret = caller.is_admin_secret;
            let answer = self.storage_handle()?.data(&session, &request(query.to_owned(), variables)).await;
            answer.map_err(refusal)
        }
        .boxed()
    }
}

impl Engine {
    fn storage_handle(&self) -> Result<graphql::Handle, storage::Refusal> {
        self.handle().ok_or_else(|| storage::Refusal::new("unavailable", NOT_RUNNING))
    }
}

fn request(query: String, variables: Value) -> Request {
    let variables = match variables {
        Value::Object(variables) => variables,
        _ => serde_json::Map::new(),
    };
    Request { variables, ..Request::new(query) }
}

fn refusal(failure: Failure) -> storage::Refusal {
    let code = if failure.is_disconnected() { "unavailable" } else { failure.code.as_str() };
    storage::Refusal::new(code, failure.message)
}

/// Sends the mails of auth: to the project's mail server or provider, or into the catcher that runs now.
#[derive(Debug)]
pub struct Post {
    pub provider: mail::send::Provider,
    pub from: mail::Mailbox,
    pub catcher: watch::Receiver<Option<mail::Handle>>,
    /// Made for the first mail and kept with its connections. The catcher is none: it may be started anew.
    pub sender: OnceLock<mail::send::Sender>,
}

impl Post {
    fn sender(&self) -> Result<mail::send::Sender, mail::send::SendError> {
        let catcher = self.catcher.borrow().clone();
        if matches!(self.provider, mail::send::Provider::Mailpit) {
            return mail::send::Sender::new(self.provider.clone(), catcher);
        }
        if let Some(sender) = self.sender.get() {
            return Ok(sender.clone());
        }
        let sender = mail::send::Sender::new(self.provider.clone(), catcher)?;
        Ok(self.sender.get_or_init(|| sender).clone())
    }
}

/// With the provider's own words, which the log shows.
fn unsent(error: &mail::send::SendError) -> auth::MailError {
    let why = project::Diagnostic::why(error).map(|why| format!(": {why}")).unwrap_or_default();
    auth::MailError(format!("{error}{why} ({})", project::Diagnostic::code(error)))
}

impl auth::Mailer for Post {
    fn send(&self, message: auth::Message) -> BoxFuture<'_, Result<(), auth::MailError>> {
        async move {
            let to = message.to.parse().map_err(|_| auth::MailError("the address cannot be written to".to_owned()))?;
            let mut mail = mail::Message::new(self.from.clone(), vec![to], message.subject);
            mail.html = Some(message.html);
            mail.text = message.text;
            mail.headers = message.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let sender = self.sender().map_err(|error| unsent(&error))?;
            sender.send(&mail).await.map(drop).map_err(|error| unsent(&error))
        }
        .boxed()
    }
}
