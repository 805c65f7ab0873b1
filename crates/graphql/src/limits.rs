//! Limits of the API: how deep, how wide, how often, how long, by role. The administrator has none.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apollo_compiler::ast::{FragmentDefinition, OperationDefinition, Selection};
use metadata::{ApiLimits, Limit, RateLimit, UniqueParams};
use quick_cache::sync::Cache;

use crate::failure::{Code, Failure};
use crate::parse::Operation;
use crate::session::Session;

/// Clients whose rates are remembered; the least active are forgotten.
const CLIENTS: usize = 65_536;

const WINDOW: Duration = Duration::from_secs(60);

/// The limits of the metadata.
#[derive(Debug, Default)]
pub struct Limits(ApiLimits);

impl Limits {
    pub fn new(limits: &ApiLimits) -> Self {
        Self(if limits.disabled { ApiLimits::default() } else { limits.clone() })
    }

    /// Whether a request's text has to be looked at for a role.
    pub fn measure(&self, session: &Session) -> bool {
        self.depth(session).is_some() || self.nodes(session).is_some()
    }

    fn depth(&self, session: &Session) -> Option<u32> {
        of_role(self.0.depth_limit.as_ref(), session).copied()
    }

    fn nodes(&self, session: &Session) -> Option<u32> {
        of_role(self.0.node_limit.as_ref(), session).copied()
    }

    /// How long a request may take.
    pub fn time(&self, session: &Session) -> Option<Duration> {
        let seconds = of_role(self.0.time_limit.as_ref(), session)?;
        Duration::try_from_secs_f64(*seconds).ok()
    }

    /// # Errors
    /// The batch holds more requests than the role may send at once.
    pub fn batch(&self, session: &Session, count: usize) -> Result<(), Failure> {
        match of_role(self.0.batch_limit.as_ref(), session) {
            Some(limit) if count > *limit as usize => {
                let message = format!("a batch of {count} requests exceeds the limit of {limit}");
                Err(Failure::new(Code::BatchLimitExceeded, "$", message))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// The document is deeper or has more nodes than the role may ask for.
    pub fn size(&self, session: &Session, operation: &Operation<'_>) -> Result<(), Failure> {
        let (depth, nodes) = measure(operation);
        if let Some(limit) = self.depth(session)
            && depth > limit
        {
            let message = format!("the query's depth of {depth} exceeds the limit of {limit}");
            return Err(Failure::new(Code::DepthLimitExceeded, "$", message));
        }
        if let Some(limit) = self.nodes(session)
            && nodes > limit
        {
            let message = format!("the query's {nodes} nodes exceed the limit of {limit}");
            return Err(Failure::new(Code::NodeLimitExceeded, "$", message));
        }
        Ok(())
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The client has sent too many within the last minute.
    pub fn rate(&self, session: &Session, rates: &Rates, address: Option<IpAddr>) -> Result<(), Failure> {
        let Some(limit) = of_role(self.0.rate_limit.as_ref(), session) else { return Ok(()) };
        if rates.admit(key(session, limit, address), limit.max_reqs_per_min, Instant::now()) {
            return Ok(());
        }
        let message = format!("the limit of {} requests a minute is exceeded", limit.max_reqs_per_min);
        Err(Failure::new(Code::RateLimitExceeded, "$", message))
    }
}

fn of_role<'a, T>(limit: Option<&'a Limit<T>>, session: &Session) -> Option<&'a T> {
    if session.is_admin() {
        return None;
    }
    limit.map(|limit| limit.per_role.get(&*session.role).unwrap_or(&limit.global))
}

/// What tells clients apart: their role, and their address or some of their variables.
fn key(session: &Session, limit: &RateLimit, address: Option<IpAddr>) -> String {
    let mut key = session.role.to_string();
    match &limit.unique_params {
        None => {}
        Some(UniqueParams::Address(_)) => {
            key.push('\n');
            key.push_str(&address.map(|address| address.to_string()).unwrap_or_default());
        }
        Some(UniqueParams::SessionVariables(names)) => {
            for name in names {
                key.push('\n');
                key.push_str(session.variable(name).unwrap_or_default());
            }
        }
    }
    key
}

/// A field with fields of its own is a node; depth counts nodes from the root to the deepest one. Introspection has
/// no depth: GraphiQL's would be refused by every limit that is worth to have.
fn measure(operation: &Operation<'_>) -> (u32, u32) {
    let definition: &OperationDefinition = operation.definition;
    Measure { fragments: &operation.fragments, known: HashMap::new() }.of(&definition.selection_set)
}

/// Each fragment is measured once, however often and nested it is used.
struct Measure<'a> {
    fragments: &'a HashMap<&'a str, &'a FragmentDefinition>,
    known: HashMap<&'a str, (u32, u32)>,
}

impl<'a> Measure<'a> {
    // Fragments have been checked: they are there, and no circle leads through them.
    fn of(&mut self, selections: &'a [Selection]) -> (u32, u32) {
        selections.iter().fold((0, 0), |(depth, nodes), selection| {
            let (own_depth, own_nodes) = self.one(selection);
            (depth.max(own_depth), nodes.saturating_add(own_nodes))
        })
    }

    fn one(&mut self, selection: &'a Selection) -> (u32, u32) {
        match selection {
            Selection::Field(field) if field.selection_set.is_empty() => (0, 0),
            Selection::Field(field) => {
                let (depth, nodes) = self.of(&field.selection_set);
                let introspects = matches!(field.name.as_str(), "__schema" | "__type");
                (if introspects { 0 } else { depth.saturating_add(1) }, nodes.saturating_add(1))
            }
            Selection::InlineFragment(fragment) => self.of(&fragment.selection_set),
            Selection::FragmentSpread(spread) => {
                let name = spread.fragment_name.as_str();
                if let Some(known) = self.known.get(name) {
                    return *known;
                }
                let fragment = self.fragments.get(name).copied();
                let found = fragment.map_or((0, 0), |fragment| self.of(&fragment.selection_set));
                self.known.insert(name, found);
                found
            }
        }
    }
}

/// When clients sent their last requests: a window that slides.
#[derive(Debug)]
pub struct Rates(Cache<String, Arc<Mutex<VecDeque<Instant>>>>);

impl Default for Rates {
    fn default() -> Self {
        Self(Cache::new(CLIENTS))
    }
}

impl Rates {
    fn admit(&self, key: String, limit: u32, now: Instant) -> bool {
        let Ok(times) = self.0.get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Arc::default()));
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        while times.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            times.pop_front();
        }
        if times.len() >= limit as usize {
            return false;
        }
        times.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parse;

    fn limits(json: serde_json::Value) -> Limits {
        Limits::new(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn depth_and_nodes() {
        let limits = limits(serde_json::json!({
            "depth_limit": {"global": 4, "per_role": {"guest": 1}}, "node_limit": {"global": 2, "per_role": {"staff": 9}},
        }));
        let check = |role: &str, query: &str| {
            let document = parse::document(query).unwrap();
            let operation = Operation::of(&document, None).unwrap();
            limits.size(&Session::role(role), &operation).map_err(|failure| (failure.code, failure.message))
        };
        let three = "{ author { id friend { id books { title } } } }";
        let fragments = "{ author { ...a } } fragment a on author { friend { ... { books { title } } } }";
        for query in [three, fragments] {
            let refused = (Code::NodeLimitExceeded, "the query's 3 nodes exceed the limit of 2".to_owned());
            assert_eq!(check("user", query), Err(refused), "{query}");
            assert_eq!(check("staff", query), Ok(()));
            assert_eq!(check("admin", query), Ok(()));
            let refused = (Code::DepthLimitExceeded, "the query's depth of 3 exceeds the limit of 1".to_owned());
            assert_eq!(check("guest", query), Err(refused));
        }
        for query in
            ["{ version }", "{ author { ...a } } fragment a on author { name }", "{ __schema { types { name } } }"]
        {
            assert_eq!(check("guest", query), Ok(()), "{query}");
        }
    }

    #[test]
    fn rates_slide() {
        let (rates, start) = (Rates::default(), Instant::now());
        let at = |key: &str, seconds| rates.admit(key.to_owned(), 2, start + Duration::from_secs(seconds));
        assert!(at("a", 0) && at("a", 30) && !at("a", 59) && at("b", 59));
        assert!(at("a", 60) && !at("a", 61) && at("a", 90));
    }

    #[test]
    fn clients_are_told_apart() {
        let limits = limits(serde_json::json!({"rate_limit": {
            "global": {"max_reqs_per_min": 1, "unique_params": ["x-hasura-user-id"]},
            "per_role": {"guest": {"max_reqs_per_min": 1, "unique_params": "IP"}, "bot": {"max_reqs_per_min": 1}},
        }}));
        let rates = Rates::default();
        let sent = |session: &Session, address: &str| limits.rate(session, &rates, address.parse().ok()).is_ok();
        let user = |id: &str| Session::role("user").with("x-hasura-user-id", id);
        assert!(sent(&user("1"), "::1") && !sent(&user("1"), "::2") && sent(&user("2"), "::1"));
        let guest = Session::role("guest");
        assert!(sent(&guest, "::1") && !sent(&guest, "::1") && sent(&guest, "::2"));
        let bot = Session::role("bot");
        assert!(sent(&bot, "::1") && !sent(&bot, "::2"));
        assert!((0..9).all(|_| sent(&Session::admin(), "::1")));
    }
}
