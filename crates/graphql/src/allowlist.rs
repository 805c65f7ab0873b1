//! The allow list: what roles other than admin may ask, as query collections hold it.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationDefinition, Selection};
use metadata::Metadata;

use crate::parse;

/// Allowed documents, in one way of writing.
#[derive(Debug, Default)]
pub struct Allowlist {
    everybody: HashSet<String>,
    roles: HashMap<String, HashSet<String>>,
}

impl Allowlist {
    pub fn new(metadata: &Metadata) -> Self {
        let mut list = Self::default();
        for entry in &metadata.allowlist {
            let collection = metadata.query_collections.iter().find(|found| found.name == entry.collection);
            let queries = collection.iter().flat_map(|found| &found.definition.queries);
            for query in queries.filter_map(|query| parse::document(&query.query).ok()).map(|found| normal(&found)) {
                if entry.scope.global {
                    list.everybody.insert(query);
                } else {
                    for role in &entry.scope.roles {
                        list.roles.entry(role.clone()).or_default().insert(query.clone());
                    }
                }
            }
        }
        list
    }

    /// Whether a role may send a document.
    pub fn allows(&self, role: &str, document: &Document) -> bool {
        let document = normal(document);
        self.everybody.contains(&document) || self.roles.get(role).is_some_and(|own| own.contains(&document))
    }
}

/// A document as text that does not depend on white space and comments, without `__typename`, which clients put in by
/// themselves.
fn normal(document: &Document) -> String {
    let mut document = document.clone();
    for definition in &mut document.definitions {
        match definition {
            Definition::OperationDefinition(found) => {
                let found: &mut OperationDefinition = found.make_mut();
                strip(&mut found.selection_set);
            }
            Definition::FragmentDefinition(found) => {
                let found: &mut FragmentDefinition = found.make_mut();
                strip(&mut found.selection_set);
            }
            _ => {}
        }
    }
    document.serialize().no_indent().to_string()
}

fn strip(selections: &mut Vec<Selection>) {
    selections.retain(|selection| !matches!(selection, Selection::Field(field) if field.name == "__typename"));
    for selection in selections {
        match selection {
            Selection::Field(field) => strip(&mut Node::make_mut(field).selection_set),
            Selection::InlineFragment(fragment) => strip(&mut Node::make_mut(fragment).selection_set),
            Selection::FragmentSpread(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_compared_by_meaning() {
        let collection =
            |name: &str, query: &str| json!({"name": name, "definition": {"queries": [{"name": "q", "query": query}]}});
        let metadata = json!({"version": 3, "sources": [],
            "query_collections": [
                collection("all", "query q($id: Int!) { user(id: $id) { id __typename name } }"),
                collection("some", "{ secret { id } }"),
                collection("broken", "{"),
                collection("unlisted", "{ other { id } }"),
            ],
            "allowlist": [
                {"collection": "all"}, {"collection": "broken"}, {"collection": "gone"},
                {"collection": "some", "scope": {"global": false, "roles": ["clerk"]}},
            ],
        });
        let list = Allowlist::new(&serde_json::from_value(metadata).unwrap());
        let allows = |role: &str, query: &str| list.allows(role, &parse::document(query).unwrap());
        assert!(allows(
            "user",
            "query q ( $id : Int! ) {\n  user(id: $id) {\n id # x\n name, __typename } __typename }"
        ));
        for other in [
            "query q($id: Int!) { user(id: $id) { name id } }",
            "query p($id: Int!) { user(id: $id) { id name } }",
            "query q($id: Int!) { user(id: $id) { id name: name2 } }",
            "{ other { id } }",
            "{ __schema { types { name } } }",
        ] {
            assert!(!allows("user", other), "{other}");
        }
        assert!(allows("clerk", "{ secret { id } }") && !allows("user", "{ secret { id } }"));
    }
}
