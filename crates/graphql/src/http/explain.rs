//! `/v1/graphql/explain`: for the administrator, the statement of a query and PostgreSQL's plan of it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Shape, body, json};
use super::front::is_mutation;
use super::graphql::{Wire, read};
use super::small::admin;
use crate::failure::{Code, Failure};
use crate::plan::{Plan, RootValue};
use crate::value::Source;
use crate::{Handle, Session, execute};

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    query: Wire<'a>,
    /// Session variables, `x-hasura-role` among them; the administrator's when there are none.
    user: Option<BTreeMap<String, String>>,
    #[serde(default)]
    is_relay: bool,
}

pub(super) async fn explain(State(handle): State<Handle>, request: http::Request<Body>) -> Response {
    let (head, sent) = request.into_parts();
    let sent = match body(&handle, sent, Shape::Plain).await {
        Ok(sent) => sent,
        Err(response) => return *response,
    };
    let found = match admin(&handle, &head).await {
        Ok(_) => explained(&handle, &sent).await,
        Err(failure) => Err(failure),
    };
    match found {
        Ok(found) => json(StatusCode::OK, found.to_string().into()),
        Err(failure) => Shape::Plain.failure(&handle, &failure),
    }
}

/// An entry for each root field. They share one statement, which is shown with each.
async fn explained(handle: &Handle, sent: &[u8]) -> Result<Value, Failure> {
    let asked: Asked<'_> = read(sent)?;
    let session = match &asked.user {
        None => Session::admin(),
        Some(user) => session(user),
    };
    let request = asked.query.into_request(handle, asked.is_relay)?;
    // Explaining does not run a statement, but a mutation has several that depend on each other.
    if is_mutation(&request)? {
        return Err(Failure::new(Code::InvalidParams, "$", "only queries can be explained"));
    }
    let (compiled, parameters) = handle.compiled(&session, &request).await?;
    let (sql, plan) = match &compiled.statement {
        None => (Value::Null, Value::Null),
        Some(statement) => {
            let plan = execute::explain(&handle.options().pool, statement, &parameters).await?;
            (Value::from(statement.text.as_str()), Value::from(plan))
        }
    };
    if compiled.plan.is_subscription {
        let variables = variables(&compiled.plan, &parameters);
        return Ok(json!({"sql": sql, "plan": plan, "variables": variables}));
    }
    let entry = |root: &crate::plan::Root| {
        let field = root.keys().collect::<Vec<_>>().join(".");
        match root.value {
            RootValue::Ready(_) => json!({"field": field, "sql": null, "plan": null}),
            _ => json!({"field": field, "sql": sql, "plan": plan}),
        }
    };
    Ok(compiled.plan.roots.iter().map(entry).collect())
}

/// What tells members of a cohort apart: values of the request's variables and of its session; the rest is `synthetic`.
fn variables(plan: &Plan, parameters: &[String]) -> Value {
    let (mut synthetic, mut query, mut session) = (Vec::new(), Map::new(), Map::new());
    for (parameter, text) in plan.parameters.iter().zip(parameters) {
        match &parameter.source {
            Source::Session { name, .. } => drop(session.insert(name.clone(), text.as_str().into())),
            Source::Variable { name, path } if path.is_empty() => {
                drop(query.insert(name.clone(), text.as_str().into()))
            }
            _ => synthetic.push(text),
        }
    }
    json!({ "synthetic": synthetic, "query": query, "session": session })
}

fn session(user: &BTreeMap<String, String>) -> Session {
    let role = user.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-hasura-role"));
    let mut session = Session::role(role.map_or("admin", |(_, role)| role.as_str()));
    user.iter().for_each(|(name, value)| session.set(name, value.clone()));
    session
}
