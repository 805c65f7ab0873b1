//! Asking services and handlers, and putting a response together from what everybody said.

mod join;
mod service;

use bytes::Bytes;
use futures::future::try_join_all;
use serde_json::{Map, Value as Json};

use crate::action::webhook;
use crate::action::{Call, Outcome, log};
use crate::body::Body;
use crate::cache::Compiled;
use crate::execute;
use crate::failure::Failure;
use crate::outbound::cookies;
use crate::plan::{Root, RootValue};
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
        !self.plan.joins.is_empty() || self.has_foreign_roots()
    }

    /// Somebody else than the database answers a field of the request.
    pub(crate) fn has_foreign_roots(&self) -> bool {
        self.plan.roots.iter().any(|found| is_foreign(&found.value))
    }
}

fn is_foreign(value: &RootValue) -> bool {
    matches!(value, RootValue::Remote(_) | RootValue::Action(_) | RootValue::ActionOutcome(_))
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
        let mut pieces: Vec<(&Root, Option<Piece>)> = Vec::with_capacity(plan.roots.len());
        for (index, root) in plan.roots.iter().enumerate() {
            let piece = match &root.value {
                other if is_foreign(other) => None,
                RootValue::Ready(text) => Some(Piece::Text(text.clone().into())),
                _ => Some(Piece::Text(json(index).unwrap_or_else(|| Bytes::from_static(b"null")))),
            };
            pieces.push((root, piece));
        }
        let foreign: Vec<usize> = (0..pieces.len()).filter(|&index| pieces[index].1.is_none()).collect();
        let values = foreign.iter().map(|&index| self.root(&plan.roots[index].value));
        for (index, value) in foreign.iter().zip(try_join_all(values).await?) {
            pieces[*index].1 = Some(Piece::Value(value));
        }
        self.joins(compiled, &mut pieces).await?;
        Ok(body(pieces))
    }

    /// The response body of a mutation that others have a part in. Its fields are done one after the other, as they stand
    /// in the request, and what fails keeps those behind it from being done. Neighbouring fields of the database share a
    /// transaction.
    ///
    /// # Errors
    /// As [`Asking::complete`], or the database refuses.
    pub async fn in_order(self, compiled: &Compiled, parameters: &[String]) -> Result<Bytes, Failure> {
        let options = self.handle.options();
        let trace = crate::events::trace_context(&self.session.headers);
        let settings = execute::Settings { user: self.session.to_json().to_string(), trace };
        let roots = &compiled.plan.roots;
        let mut pieces: Vec<(&Root, Option<Piece>)> = roots.iter().map(|root| (root, None)).collect();
        let mut programs = compiled.programs.as_slice();
        let mut at = 0;
        while at < roots.len() {
            if is_foreign(&roots[at].value) {
                pieces[at].1 = Some(Piece::Value(self.root(&roots[at].value).await?));
                at += 1;
                continue;
            }
            let end = (at..roots.len()).find(|&next| is_foreign(&roots[next].value)).unwrap_or(roots.len());
            let mut own = Vec::with_capacity(end - at);
            for index in at..end {
                match &roots[index].value {
                    RootValue::Ready(text) => pieces[index].1 = Some(Piece::Text(text.clone().into())),
                    _ => own.push(index),
                }
            }
            let (now, later) = programs.split_at(own.len().min(programs.len()));
            if !now.is_empty() {
                let (pool, limit) = (&options.pool, options.statement_timeout);
                let answer = execute::transaction(pool, now, parameters, &settings, limit).await?;
                for (column, index) in own.into_iter().enumerate() {
                    let text = Bytes::copy_from_slice(answer.json(column).unwrap_or(b"null"));
                    pieces[index].1 = Some(Piece::Text(text));
                }
            }
            programs = later;
            at = end;
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
    async fn joins(self, compiled: &Compiled, pieces: &mut [(&Root, Option<Piece>)]) -> Result<(), Failure> {
        let joins = &compiled.plan.joins;
        for (root, piece) in pieces.iter_mut() {
            let touched = joins.iter().any(|join| inside(root, &join.path).is_some());
            if let (true, Some(Piece::Text(text))) = (touched, &*piece) {
                *piece = Some(Piece::Value(exact::parse(text).unwrap_or_default()));
            }
        }
        for join in joins {
            let found = pieces.iter_mut().find_map(|(root, piece)| Some((inside(root, &join.path)?, piece)));
            if let Some((rest, Some(Piece::Value(value)))) = found {
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

/// What is left of a path from `data` once it is in the root's value; none where it leads elsewhere.
fn inside<'p>(root: &Root, path: &'p [String]) -> Option<&'p [String]> {
    root.keys().try_fold(path, |path, key| path.split_first().filter(|(first, _)| *first == key).map(|(_, rest)| rest))
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

fn body(pieces: Vec<(&Root, Option<Piece>)>) -> Bytes {
    let mut body = Body::new(0);
    for (root, piece) in pieces {
        match piece {
            Some(Piece::Text(text)) => body.field(root, &text),
            Some(Piece::Value(value)) => body.field(root, exact::text(&value).as_bytes()),
            None => body.field(root, b"null"),
        }
    }
    body.finish()
}
