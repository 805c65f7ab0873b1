//! Compiled requests, kept by text and by the shape of their variables.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::Request;
use crate::footprint::{Footprint, Succession};
use crate::model::Model;
use crate::plan::{Plan, RootValue};
use crate::session::Session;
use crate::sql::Statement;
use crate::sql::mutation::Program;
use crate::value::Provided;

/// Memory the kept requests may take, in bytes; their own estimate.
const CAPACITY: u64 = 32 << 20;

/// Plans of one text, for variables of different shapes.
const VARIANTS: usize = 16;

/// A larger ready answer (introspection of many tables) is computed anew instead of kept.
const READY_LIMIT: usize = 256 << 10;

/// A plan that knows more of its variables would seldom fit others; long lists of rows are such.
const TOUCH_LIMIT: usize = 500;

/// A request compiled.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    /// What it was made from; none where it is made anew with every schema.
    pub(crate) footprint: Option<Footprint>,
    /// A query's.
    pub statement: Option<Statement>,
    /// A mutation's, for each root field that needs the database.
    pub programs: Vec<Program>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    role: Arc<str>,
    backend: bool,
    relay: bool,
    query: String,
    operation: Option<String>,
}

#[derive(Hash)]
struct KeyRef<'a> {
    role: &'a str,
    backend: bool,
    relay: bool,
    query: &'a str,
    operation: Option<&'a str>,
}

impl<'a> KeyRef<'a> {
    fn new(session: &'a Session, request: &'a Request) -> Self {
        let operation = request.operation_name.as_deref();
        Self { role: &session.role, backend: session.backend, relay: request.relay, query: &request.query, operation }
    }

    fn to_key(&self, role: &Arc<str>) -> Key {
        let operation = self.operation.map(str::to_owned);
        Key {
            role: Arc::clone(role),
            backend: self.backend,
            relay: self.relay,
            query: self.query.to_owned(),
            operation,
        }
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.query == key.query
            && *self.role == *key.role
            && self.backend == key.backend
            && self.relay == key.relay
            && self.operation == key.operation.as_deref()
    }
}

type Variants = Arc<Mutex<Vec<Arc<Compiled>>>>;

#[derive(Debug, Clone)]
struct ByText;

impl Weighter<Key, Variants> for ByText {
    fn weight(&self, key: &Key, _: &Variants) -> u64 {
        // The text, the statement and the plan grow together; a variant more or less is not worth counting.
        (key.query.len() as u64 + 512) * 8
    }
}

/// The least used texts are dropped when it is full.
#[derive(Debug)]
pub struct PlanCache(Cache<Key, Variants, ByText>);

impl Default for PlanCache {
    fn default() -> Self {
        Self(Cache::with_weighter(4_096, CAPACITY, ByText))
    }
}

impl PlanCache {
    /// A request compiled before that fits these variables.
    pub fn get(&self, session: &Session, request: &Request) -> Option<Arc<Compiled>> {
        let variants = self.0.get(&KeyRef::new(session, request))?;
        let variants = variants.lock().unwrap_or_else(PoisonError::into_inner);
        variants.iter().find(|compiled| compiled.fits(&request.variables)).cloned()
    }

    pub fn insert(&self, session: &Session, request: &Request, compiled: Arc<Compiled>) {
        if compiled.ready_bytes() > READY_LIMIT || compiled.plan.touches.len() > TOUCH_LIMIT {
            return;
        }
        let key = KeyRef::new(session, request);
        if let Some(variants) = self.0.get(&key) {
            let mut variants = variants.lock().unwrap_or_else(PoisonError::into_inner);
            if variants.len() >= VARIANTS {
                variants.remove(0);
            }
            variants.push(compiled);
            return;
        }
        self.0.insert(key.to_key(&session.role), Arc::new(Mutex::new(vec![compiled])));
    }
}

impl PlanCache {
    /// What of it fits the model that follows.
    #[must_use]
    pub fn carried(&self, old: &Arc<Model>, new: &Arc<Model>) -> Self {
        let (kept, same) = (Self::default(), Arc::ptr_eq(old, new));
        let mut succession = Succession::new(old, new);
        for (key, variants) in self.0.iter() {
            let mut variants = variants.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if !same {
                variants.retain(|compiled| {
                    let footprint = compiled.footprint.as_ref();
                    footprint.is_some_and(|footprint| succession.keeps(&key.role, key.backend, footprint))
                });
            }
            if !variants.is_empty() {
                kept.0.insert(key, Arc::new(Mutex::new(variants)));
            }
        }
        kept
    }
}

impl Compiled {
    fn fits(&self, provided: &Provided) -> bool {
        // Every declared variable is touched, so that a longer map holds one that is not declared.
        let declared = |name: &String| self.plan.touches.iter().any(|touch| touch.variable == *name);
        self.plan.touches.iter().all(|touch| touch.holds(provided)) && provided.keys().all(declared)
    }

    fn ready_bytes(&self) -> usize {
        let ready = self.plan.roots.iter().map(|root| match &root.value {
            RootValue::Ready(text) => text.len(),
            _ => 0,
        });
        ready.sum()
    }
}

// Quick_cache looks a key up by its hash, so both forms must hash alike; derived hashes of `String` and `str` do.
#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    #[test]
    fn both_forms_of_a_key_hash_alike() {
        let hash = |value: &dyn Fn(&mut std::hash::DefaultHasher)| {
            let mut hasher = std::hash::DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        for operation in [None, Some("q")] {
            let found = KeyRef { role: "user", backend: true, relay: false, query: "{ a }", operation };
            let key = found.to_key(&"user".into());
            assert_eq!(hash(&|hasher| key.hash(hasher)), hash(&|hasher| found.hash(hasher)));
        }
    }
}
