//! Asking services and handlers, and putting a response together from what everybody said.

mod join;
mod service;

use bytes::{BufMut, Bytes, BytesMut};
use futures::future::try_join_all;
use serde_json::{Map, Value as Json};

use crate::action::webhook;
use crate::action::{Call, Outcome, log};
use crate::cache::Compiled;
use crate::failure::Failure;
use crate::outbound::cookies;
use crate::plan::RootValue;
use crate::session::Session;
use crate::{Handle, Request};

use super::exact;
use super::plan::{Fetch, FetchField, HIDDEN};

/// The value of a key of `data`.
enum Piece {
    /// As PostgreSQL wrote it.
    Text(Bytes),
    Value(Json),
}

/// Whose request it is, and what it says.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'r> {
    pub handle: &'r Handle,
    pub session: &'r Session,
    pub request: &'r Request,
}

impl Compiled {
    /// Somebody else than the database has a part in the answer.
    pub(crate) fn is_foreign(&self) -> bool {
        let root = |value: &RootValue| {
            matches!(value, RootValue::Remote(_) | RootValue::Action(_) | RootValue::ActionOutcome(_))
        };
        !self.plan.joins.is_empty() || self.plan.roots.iter().any(|found| root(&found.value))
    }
}

impl Asking<'_> {
    /// The whole response body. `json`: what the statement gave for each root, by its position among the roots.
    ///
    /// # Errors
    /// Somebody gave no answer or a wrong one.
    pub async fn complete(
        self,
        compiled: &Compiled,
        mut json: impl FnMut(usize) -> Option<Bytes>,
    ) -> Result<Bytes, Failure> {
        let plan = &compiled.plan;
        let mut pieces: Vec<(&str, Option<Piece>)> = Vec::with_capacity(plan.roots.len());
        for (index, root) in plan.roots.iter().enumerate() {
            let piece = match &root.value {
                RootValue::Remote(_) | RootValue::Action(_) | RootValue::ActionOutcome(_) => None,
                RootValue::Ready(text) => Some(Piece::Text(text.clone().into())),
                _ => Some(Piece::Text(json(index).unwrap_or_else(|| Bytes::from_static(b"null")))),
            };
            pieces.push((&root.key, piece));
        }
        let foreign: Vec<usize> = (0..pieces.len()).filter(|&index| pieces[index].1.is_none()).collect();
        let changes = plan.roots.iter().any(|root| match &root.value {
            RootValue::Remote(fetch) => fetch.is_mutation(),
            RootValue::Action(call) => !call.action.is_query,
            _ => false,
        });
        if changes {
            // One after the other, as they stand in the request.
            for index in foreign {
                pieces[index].1 = Some(Piece::Value(self.root(&plan.roots[index].value).await?));
            }
        } else {
            let values = foreign.iter().map(|&index| self.root(&plan.roots[index].value));
            for (index, value) in foreign.iter().zip(try_join_all(values).await?) {
                pieces[*index].1 = Some(Piece::Value(value));
            }
        }
        self.joins(compiled, &mut pieces).await?;
        Ok(body(pieces))
    }

    /// Whether the answer consists of outcomes of asynchronous actions that are all known: then it stays as it is.
    pub async fn is_final(self, compiled: &Compiled) -> bool {
        if !compiled.plan.joins.is_empty() {
            return false;
        }
        let pool = &self.handle.options().pool;
        for root in &compiled.plan.roots {
            let over = match &root.value {
                RootValue::Ready(_) => true,
                RootValue::ActionOutcome(outcome) => match self.outcome_id(outcome) {
                    Ok(id) => outcome.is_over(pool, &id).await.unwrap_or(false),
                    // The request's own mistake stays one.
                    Err(_) => true,
                },
                _ => false,
            };
            if !over {
                return false;
            }
        }
        true
    }

    fn outcome_id(self, outcome: &Outcome) -> Result<Json, Failure> {
        Ok(outcome.id.to_json(&self.request.variables, self.session, &[])?.unwrap_or_default())
    }

    async fn root(self, value: &RootValue) -> Result<Json, Failure> {
        match value {
            RootValue::Remote(fetch) => self.fetch(fetch).await,
            RootValue::Action(call) => self.action(call).await,
            RootValue::ActionOutcome(outcome) => {
                outcome.find(&self.handle.options().pool, &self.outcome_id(outcome)?, self.session).await
            }
            _ => Ok(Json::Null),
        }
    }

    async fn action(self, call: &Call) -> Result<Json, Failure> {
        let input = call.input.to_json(&self.request.variables, self.session, &[])?.unwrap_or_default();
        let action = &call.action;
        if action.is_async {
            let id = log::keep(&self.handle.options().pool, &action.name, &input, self.session).await?;
            self.handle.action_kept();
            return Ok(id.into());
        }
        let request = webhook::Request {
            action,
            input: &input,
            session: &self.session.to_json(),
            headers: &self.session.headers,
            query: Some(&self.request.query),
        };
        let (answer, headers) = request.send(self.handle.client(), &self.handle.options().environment).await?;
        cookies::keep(&headers);
        Ok(call.output.of(&answer))
    }

    async fn fetch(self, fetch: &Fetch) -> Result<Json, Failure> {
        let asked = fetch.fields.iter().filter_map(|field| match field {
            FetchField::Ask { text, .. } => Some(text.as_str()),
            FetchField::TypeName { .. } => None,
        });
        let texts: Vec<&str> = asked.collect();
        let mut data = Map::new();
        if !texts.is_empty() {
            let variables = self.variables(&fetch.variables, &[])?;
            let request = service::document(fetch.operation, &fetch.variables, &texts.join(" "));
            let answer = self.ask(&fetch.service, &request, variables).await?;
            cookies::keep(&answer.headers);
            data = answer.data;
            service::rename(&mut data, &fetch.renames, &fetch.service.type_names);
        }
        let mut object = Map::with_capacity(fetch.fields.len());
        for field in &fetch.fields {
            let (key, value) = match field {
                FetchField::Ask { key, .. } => (key, data.remove(key).ok_or_else(|| service::missing(key))?),
                FetchField::TypeName { key, name } => (key, name.as_str().into()),
            };
            if !fetch.namespace {
                return Ok(value);
            }
            object.insert(key.clone(), value);
        }
        Ok(Json::Object(object))
    }

    /// Runs the joins, outer ones first, and takes the hidden keys away.
    async fn joins(self, compiled: &Compiled, pieces: &mut [(&str, Option<Piece>)]) -> Result<(), Failure> {
        let joins = &compiled.plan.joins;
        for (key, piece) in pieces.iter_mut() {
            let touched = joins.iter().any(|join| join.path.first().is_some_and(|first| first == key));
            if let (true, Some(Piece::Text(text))) = (touched, &*piece) {
                *piece = Some(Piece::Value(exact::parse(text).unwrap_or_default()));
            }
        }
        for join in joins {
            let Some((first, rest)) = join.path.split_first() else { continue };
            if let Some((_, Some(Piece::Value(value)))) = pieces.iter_mut().find(|(key, _)| key == first) {
                let mut places = Vec::new();
                join::places(value, rest, &mut places);
                self.join(join, places).await?;
            }
        }
        for (_, piece) in pieces.iter_mut() {
            if let Some(Piece::Value(value)) = piece {
                reveal(value);
            }
        }
        Ok(())
    }
}

/// Takes the hidden keys out of all objects.
fn reveal(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(reveal),
        Json::Object(fields) => {
            if fields.keys().any(|key| key.starts_with(HIDDEN)) {
                fields.retain(|key, _| !key.starts_with(HIDDEN));
            }
            fields.values_mut().for_each(reveal);
        }
        _ => {}
    }
}

fn body(pieces: Vec<(&str, Option<Piece>)>) -> Bytes {
    let mut out = BytesMut::from(&b"{\"data\":{"[..]);
    for (index, (key, piece)) in pieces.into_iter().enumerate() {
        out.put_slice(if index == 0 { b"\"" } else { b",\"" });
        out.put_slice(key.as_bytes());
        out.put_slice(b"\":");
        match piece {
            Some(Piece::Text(text)) => out.put_slice(&text),
            Some(Piece::Value(value)) => out.put_slice(exact::text(&value).as_bytes()),
            None => out.put_slice(b"null"),
        }
    }
    out.put_slice(b"}}");
    out.freeze()
}
