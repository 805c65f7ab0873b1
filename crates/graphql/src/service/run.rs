//! A request: compiled, run, answered.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{Handle, Request, State};
use crate::body::Body;
use crate::cache::Compiled;
use crate::failure::{Code, Failure};
use crate::footprint::Notes;
use crate::foreign::run::Asking;
use crate::parse::{self, Operation};
use crate::plan::{Plan, RootValue};
use crate::schema::Schema;
use crate::session::Session;
use crate::{execute, sql, vetting};

impl Handle {
    /// Runs a request for a session; the answer is the whole response body.
    ///
    /// # Errors
    /// What the client is to be told; [`Failure::to_body`] writes it.
    pub async fn execute(&self, session: &Session, request: &Request) -> Result<Bytes, Failure> {
        let (compiled, parameters) = self.compiled(session, request).await?;
        if compiled.plan.is_subscription {
            let message = "subscriptions are not supported over HTTP, use websockets instead";
            return Err(Failure::new(Code::UnexpectedPayload, "$", message));
        }
        self.run(session, request, &compiled, &parameters).await
    }

    /// Runs a request that is compiled.
    ///
    /// # Errors
    /// As [`Handle::execute`].
    pub(crate) async fn run(
        &self,
        session: &Session,
        request: &Request,
        compiled: &Compiled,
        parameters: &[String],
    ) -> Result<Bytes, Failure> {
        let options = self.options();
        let (asked, environment) = (&compiled.plan.vettings, &options.environment);
        vetting::ask(asked, &request.variables, session, self.client(), environment).await?;
        if compiled.plan.is_mutation && compiled.has_foreign_roots() {
            return Asking { handle: self, session, request }.in_order(compiled, parameters).await;
        }
        let (pool, limit, start) = (&options.pool, options.statement_timeout, Instant::now());
        let answer = match &compiled.statement {
            Some(statement) => Some(execute::run(pool, statement, parameters, limit).await),
            None if compiled.programs.is_empty() => None,
            None => {
                let trace = crate::events::trace_context(&session.headers);
                let settings = execute::Settings { user: session.to_json().to_string(), trace };
                Some(execute::transaction(pool, &compiled.programs, parameters, &settings, limit).await)
            }
        };
        if answer.is_some() {
            self.metrics().sql(start.elapsed());
        }
        let answer = answer.transpose()?;
        if compiled.is_foreign() {
            let mut column = 0;
            let json = |_: usize| {
                column += 1;
                let found = answer.as_ref().and_then(|answer| answer.json(column - 1));
                found.map(Bytes::copy_from_slice)
            };
            return Asking { handle: self, session, request }.complete(compiled, json).await;
        }
        Ok(compiled.body(|column| answer.as_ref().and_then(|answer| answer.json(column))))
    }

    /// A request compiled, with its parameters.
    ///
    /// # Errors
    /// It does not fit the role's schema.
    pub(crate) async fn compiled(
        &self,
        session: &Session,
        request: &Request,
    ) -> Result<(Arc<Compiled>, Vec<String>), Failure> {
        let state = self.state();
        let kept = state.cache.get(session, request);
        // A value that does not fit its place is told with its path, which only planning knows.
        let bound = kept.and_then(|compiled| {
            let parameters = compiled.plan.bind(&request.variables, session).ok()?;
            Some((compiled, parameters))
        });
        self.metrics().plan(bound.is_some());
        match bound {
            Some(bound) => Ok(bound),
            None => self.compile(state, session.clone(), request.clone()).await,
        }
    }

    /// Parses, plans and writes the statement, away from the threads that serve connections: the first introspection
    /// of a large schema takes a while.
    async fn compile(
        &self,
        state: Arc<State>,
        session: Session,
        request: Request,
    ) -> Result<(Arc<Compiled>, Vec<String>), Failure> {
        let compiled = tokio::task::spawn_blocking(move || {
            let notes = Notes::default();
            let schema = Schema::of_session(Arc::clone(&state.model), &session).relay(request.relay).noting(&notes);
            let mut compiled = compile(&schema, &session, &request)?;
            compiled.footprint = notes.footprint(&schema, &compiled.plan);
            let compiled = Arc::new(compiled);
            state.cache.insert(&session, &request, Arc::clone(&compiled));
            let parameters = compiled.plan.bind(&request.variables, &session);
            parameters
                .map(|parameters| (compiled, parameters))
                .map_err(|found| Failure::new(found.code, "$", found.message))
        });
        compiled.await.unwrap_or_else(|error| {
            tracing::error!(%error, "compiling a GraphQL request failed");
            Err(Failure::new(Code::Unexpected, "$", "internal error"))
        })
    }
}

/// The stages in order.
fn compile(schema: &Schema, session: &Session, request: &Request) -> Result<Compiled, Failure> {
    let document = parse::document(&request.query)?;
    let operation = Operation::of(&document, request.operation_name.as_deref())?;
    let plan = Plan::new(schema, &operation, &request.variables, session)?;
    if plan.is_mutation {
        let programs =
            plan.roots.iter().filter_map(|root| sql::mutation::program(schema, &plan, &root.value)).collect();
        return Ok(Compiled { plan, footprint: None, statement: None, programs });
    }
    let statement = sql::statement(schema, &plan);
    Ok(Compiled { plan, footprint: None, statement, programs: Vec::new() })
}

impl Compiled {
    /// `{"data":{…}}` around the JSON that PostgreSQL sent.
    pub(crate) fn body<'a>(&self, json: impl Fn(usize) -> Option<&'a [u8]>) -> Bytes {
        let columns = self.statement.as_ref().map_or(self.programs.len(), |statement| statement.columns);
        let json = |column: usize| json(column).unwrap_or(b"null");
        let size: usize = (0..columns).map(|column| json(column).len()).sum();
        let mut body = Body::new(size + 64 * (self.plan.roots.len() + 1));
        let mut column = 0;
        for root in &self.plan.roots {
            match &root.value {
                RootValue::Ready(text) => body.field(root, text.as_bytes()),
                RootValue::Remote(_) | RootValue::Action(_) | RootValue::ActionOutcome(_) => body.field(root, b"null"),
                _ => {
                    body.field(root, json(column));
                    column += 1;
                }
            }
        }
        body.finish()
    }
}
