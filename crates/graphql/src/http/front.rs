//! What stands between a request and the engine: the allow list and the limits, for HTTP and for sockets alike.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use apollo_compiler::ast::{Definition, OperationType};
use bytes::Bytes;
use metadata::Metadata;

use super::persisted::Persisted;
use crate::allowlist::Allowlist;
use crate::failure::{Code, Failure};
use crate::limits::{Limits, Rates};
use crate::metrics::Kind;
use crate::parse::{self, Operation};
use crate::rest::Endpoints;
use crate::{Handle, Request, Session};

/// What is kept between requests, whatever the metadata is.
#[derive(Debug, Default)]
pub(crate) struct Front {
    pub(super) persisted: Persisted,
    rates: Rates,
}

/// What the metadata says about the surface of the API; made once for each state.
#[derive(Debug, Default)]
pub(crate) struct Surface {
    pub(super) endpoints: Endpoints,
    allowlist: Allowlist,
    limits: Limits,
}

impl Surface {
    pub fn new(metadata: &Metadata) -> Self {
        Self {
            endpoints: Endpoints::new(metadata),
            allowlist: Allowlist::new(metadata),
            limits: Limits::new(&metadata.api_limits),
        }
    }
}

impl Handle {
    /// Lets a request through or says why not; gives the time it may take, if that is limited. Sockets call it for
    /// each operation.
    ///
    /// # Errors
    /// It is not on the allow list, too large, or one too many within a minute.
    pub(crate) fn admit(
        &self,
        session: &Session,
        request: &Request,
        address: Option<IpAddr>,
    ) -> Result<Option<Duration>, Failure> {
        if session.is_admin() {
            return Ok(None);
        }
        let surface = self.surface();
        surface.limits.rate(session, &self.front().rates, address)?;
        if self.options().allowlist || surface.limits.measure(session) {
            let document = parse::document(&request.query)?;
            if self.options().allowlist && !surface.allowlist.allows(&session.role, &document) {
                let mut failure = Failure::invalid("$", "query is not allowed");
                let why = serde_json::json!({"message": "query is not in any of the allowlists"});
                failure.internal = Some(Box::new(why));
                return Err(failure);
            }
            let operation = Operation::of(&document, request.operation_name.as_deref())?;
            surface.limits.size(session, &operation)?;
        }
        Ok(surface.limits.time(session))
    }

    /// # Errors
    /// The role may not send that many requests at once.
    pub(super) fn admit_batch(&self, session: &Session, count: usize) -> Result<(), Failure> {
        self.surface().limits.batch(session, count)
    }

    /// A request of a client: let through, run, counted, and told to the log without what it holds.
    ///
    /// # Errors
    /// As [`Handle::execute`], and as the limits say.
    pub(crate) async fn answer(
        &self,
        session: &Session,
        request: &Request,
        address: Option<IpAddr>,
    ) -> Result<Bytes, Failure> {
        let start = Instant::now();
        let answer = match self.admit(session, request, address) {
            Ok(None) => self.execute(session, request).await,
            Ok(Some(limit)) => match tokio::time::timeout(limit, self.execute(session, request)).await {
                Ok(answer) => answer,
                Err(_) => {
                    let message = format!("the time limit of {} s is exceeded", limit.as_secs_f64());
                    Err(Failure::new(Code::TimeLimitExceeded, "$", message))
                }
            },
            Err(failure) => Err(failure),
        };
        let time = start.elapsed();
        let outcome = answer.as_ref().map(|_| ()).map_err(|failure| failure.code);
        self.metrics().request(kind(&request.query), time, outcome);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (role, operation) = (&*session.role, request.operation_name.as_deref().unwrap_or_default());
        match outcome {
            Ok(()) => tracing::debug!(role, operation, micros, "a GraphQL request was answered"),
            Err(code) => tracing::debug!(role, operation, micros, code = code.as_str(), "a GraphQL request failed"),
        }
        answer
    }
}

/// What a text is by its first word; exact for all but documents of several operations, which are counted by their
/// first one.
fn kind(query: &str) -> Kind {
    let mut rest = query;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || matches!(char, ',' | '\u{feff}'));
        match rest.strip_prefix('#') {
            Some(comment) => rest = comment.split_once(['\n', '\r']).map_or("", |(_, after)| after),
            None => break,
        }
    }
    let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(rest.len());
    match &rest[..end] {
        "" if rest.starts_with('{') => Kind::Query,
        "query" | "fragment" => Kind::Query,
        "mutation" => Kind::Mutation,
        "subscription" => Kind::Subscription,
        _ => Kind::Unknown,
    }
}

/// # Errors
/// It cannot be parsed, or has no such operation.
pub(super) fn is_mutation(request: &Request) -> Result<bool, Failure> {
    kind_of(request).map(|kind| kind == OperationType::Mutation)
}

/// Whether a request only reads: what may be sent with GET.
///
/// # Errors
/// As [`is_mutation`].
pub(super) fn reads(request: &Request) -> Result<bool, Failure> {
    kind_of(request).map(|kind| kind == OperationType::Query)
}

fn kind_of(request: &Request) -> Result<OperationType, Failure> {
    let document = parse::document(&request.query)?;
    let wanted = request.operation_name.as_deref();
    let mut operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
    let found = operations
        .find(|operation| wanted.is_none_or(|wanted| operation.name.as_ref().is_some_and(|name| name == wanted)));
    found.map(|operation| operation.operation_type).ok_or_else(|| Failure::invalid("$", "no such operation found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_the_first_word() {
        for (query, expected) in [
            ("{ a }", Kind::Query),
            (" \u{feff}# mutation\n, # x\r query { a }", Kind::Query),
            ("mutation{ a }", Kind::Mutation),
            ("subscription a { a }", Kind::Subscription),
            ("mutations { a }", Kind::Unknown),
            ("# {", Kind::Unknown),
            ("", Kind::Unknown),
        ] {
            assert_eq!(kind(query), expected, "{query}");
        }
    }
}
