//! Queries under addresses of their own: `/api/rest/…`, made from query collections.
//!
//! [`Endpoints`] is what the metadata says, ready to be asked: which endpoint a method and a path mean, and which
//! GraphQL request a call of it is.

pub mod openapi;
mod variables;

use apollo_compiler::ast::{Definition, Document, OperationDefinition};
use http::Method;
use metadata::Metadata;
use serde_json::{Map, Value};

use crate::failure::{Code, Failure};
use crate::{Request, parse};

/// All endpoints.
#[derive(Debug, Default)]
pub struct Endpoints(Vec<Endpoint>);

/// A query under an address.
#[derive(Debug)]
pub struct Endpoint {
    pub name: String,
    pub comment: Option<String>,
    /// `GET` and so on, in the metadata's order.
    pub methods: Vec<String>,
    /// The address below `/api/rest/`, as it was given.
    pub url: String,
    /// The query as it was given.
    pub query: String,
    segments: Vec<Segment>,
    document: Option<Document>,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Literal(String),
    Variable(String),
}

/// What a client sends along, besides the path.
#[derive(Debug, Default)]
pub struct Arguments {
    /// Of the query string, decoded.
    pub query: Vec<(String, String)>,
    /// Of a JSON body.
    pub body: Map<String, Value>,
}

impl Endpoints {
    /// Endpoints whose query is not there or cannot be read answer that it cannot.
    pub fn new(metadata: &Metadata) -> Self {
        let query = |collection: &str, name: &str| {
            let collection = metadata.query_collections.iter().find(|found| found.name == collection)?;
            collection.definition.queries.iter().find(|query| query.name == name).map(|query| query.query.clone())
        };
        let endpoint = |found: &metadata::RestEndpoint| {
            let wanted = &found.definition.query;
            let query = query(&wanted.collection_name, &wanted.query_name)?;
            let url = found.url.trim_start_matches('/');
            Some(Endpoint {
                name: found.name.clone(),
                comment: found.comment.clone(),
                methods: found.methods.clone(),
                url: url.to_owned(),
                segments: url.split('/').map(segment).collect(),
                document: parse::document(&query).ok(),
                query,
            })
        };
        Self(metadata.rest_endpoints.iter().filter_map(endpoint).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter()
    }

    /// The request that a call means.
    ///
    /// # Errors
    /// There is no such endpoint, not with this method, or the arguments do not fit its query's variables.
    pub fn request(&self, method: &Method, path: &str, arguments: Arguments) -> Result<Request, Failure> {
        let parts: Vec<String> = path.split('/').map(decoded).collect();
        let fitting: Vec<&Endpoint> = self.0.iter().filter(|endpoint| endpoint.fits(&parts)).collect();
        if fitting.is_empty() {
            return Err(Failure::new(Code::NotFound, "$", "Endpoint not found"));
        }
        let meant: Vec<&&Endpoint> =
            fitting.iter().filter(|endpoint| endpoint.methods.iter().any(|own| own == method.as_str())).collect();
        match meant.as_slice() {
            [endpoint] => endpoint.request(&parts, arguments),
            [] => {
                let mut allowed: Vec<&str> =
                    fitting.iter().flat_map(|endpoint| &endpoint.methods).map(String::as_str).collect();
                allowed.sort_unstable();
                allowed.dedup();
                let message = format!("Allowed methods: {}", allowed.join(", "));
                Err(Failure::new(Code::MethodNotAllowed, "$", message))
            }
            _ => Err(Failure::new(Code::Unexpected, "$", "Multiple endpoints match request")),
        }
    }
}

impl Endpoint {
    fn fits(&self, parts: &[String]) -> bool {
        self.segments.len() == parts.len()
            && self.segments.iter().zip(parts).all(|(segment, part)| match segment {
                Segment::Literal(literal) => literal == part,
                Segment::Variable(_) => true,
            })
    }

    /// The only operation of the query.
    pub fn operation(&self) -> Option<&OperationDefinition> {
        let mut operations =
            self.document.iter().flat_map(|document| &document.definitions).filter_map(|definition| match definition {
                Definition::OperationDefinition(operation) => Some(&**operation),
                _ => None,
            });
        operations.next().filter(|_| operations.next().is_none())
    }

    pub fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    fn request(&self, parts: &[String], arguments: Arguments) -> Result<Request, Failure> {
        let operation = self.operation().ok_or_else(|| {
            Failure::new(Code::Unexpected, "$", "A stored query should contain exactly one definition")
        })?;
        let path = self.segments.iter().zip(parts).filter_map(|(segment, part)| match segment {
            Segment::Variable(name) => Some((name.clone(), part.clone())),
            Segment::Literal(_) => None,
        });
        let variables = variables::resolve(&operation.variables, arguments, path.collect())?;
        Ok(Request { query: self.query.clone(), operation_name: None, variables, relay: false })
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix(':') {
        Some(name) => Segment::Variable(name.to_owned()),
        None => Segment::Literal(text.to_owned()),
    }
}

/// A part of a path with its escapes undone; what is no UTF-8 then is replaced.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn endpoints() -> Endpoints {
        let endpoint = |name: &str, url: &str, methods: &[&str]| {
            json!({"name": name, "url": url, "methods": methods,
                "definition": {"query": {"collection_name": "c", "query_name": name}}})
        };
        let metadata = json!({"version": 3, "sources": [],
            "query_collections": [{"name": "c", "definition": {"queries": [
                {"name": "user", "query": "query ($id: Int!) { users_by_pk(id: $id) { id } }"},
                {"name": "all", "query": "{ users { id } }"},
                {"name": "make", "query": "mutation ($id: Int!, $tags: [String!]) { a }"},
                {"name": "two", "query": "query a { a } query b { b }"},
            ]}}],
            "rest_endpoints": [
                endpoint("user", "users/:id", &["GET"]),
                endpoint("make", "users/:id", &["POST", "PUT"]),
                endpoint("all", "/users", &["GET"]),
                endpoint("two", "two", &["GET"]),
                endpoint("all", ":a/b", &["GET"]),
                endpoint("all", "a/:b", &["GET"]),
                endpoint("gone", "gone", &["GET"]),
            ],
        });
        Endpoints::new(&serde_json::from_value(metadata).unwrap())
    }

    fn call(method: Method, path: &str) -> Result<Value, (Code, String)> {
        let request = endpoints().request(&method, path, Arguments::default());
        request.map(|request| Value::Object(request.variables)).map_err(|failure| (failure.code, failure.message))
    }

    #[test]
    fn paths_and_methods() {
        assert_eq!(call(Method::GET, "users/7"), Ok(json!({"id": 7})));
        assert_eq!(call(Method::POST, "users/7"), Ok(json!({"id": 7})));
        assert_eq!(call(Method::GET, "users"), Ok(json!({})));
        let failed = |code, message: &str| Err((code, message.to_owned()));
        for missing in ["", "/", "users/7/8", "users/", "nobody", "gone", "Users"] {
            let found = call(Method::GET, missing);
            let expected = failed(Code::NotFound, "Endpoint not found");
            assert!(found == expected || missing == "users/", "{missing}: {found:?}");
        }
        assert_eq!(call(Method::DELETE, "users/7"), failed(Code::MethodNotAllowed, "Allowed methods: GET, POST, PUT"));
        assert_eq!(call(Method::GET, "a/b"), failed(Code::Unexpected, "Multiple endpoints match request"));
        let two = failed(Code::Unexpected, "A stored query should contain exactly one definition");
        assert_eq!(call(Method::GET, "two"), two);
    }

    proptest! {
        #[test]
        fn paths_never_panic(path in "([a-zü%/:.0-9 ]|users|%2F|%ff){0,12}") {
            let _ = call(Method::GET, &path);
        }
    }
}
