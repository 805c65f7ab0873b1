//! Text to syntax tree, the operation to run, and what holds for a document whatever the schema is.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationDefinition, OperationType, Selection};
use apollo_compiler::parser::Parser;

use crate::failure::{Failure, Path};

/// Nesting the parser accepts, in its own count (roughly one for each brace). Everything behind it recurses over the
/// tree, on a worker's 2 MiB stack.
pub const NESTING_LIMIT: usize = 100;

/// Nesting once fragments are put in their places.
pub const DEPTH_LIMIT: usize = 100;

/// Tokens of one document; introspection by GraphiQL has some 400.
pub const TOKEN_LIMIT: usize = 100_000;

/// An operation with the fragments it may use.
#[derive(Debug)]
pub struct Operation<'a> {
    pub definition: &'a OperationDefinition,
    pub fragments: HashMap<&'a str, &'a FragmentDefinition>,
}

/// # Errors
/// `not a valid graphql query`, with the first syntax error as internal detail.
pub fn document(query: &str) -> Result<Document, Failure> {
    let mut parser = Parser::new().recursion_limit(NESTING_LIMIT).token_limit(TOKEN_LIMIT);
    parser.parse_ast(query, "query.graphql").map_err(|found| {
        let first = found.errors.iter().next().map(|error| error.to_string());
        let mut failure = Failure::invalid("$.query", "not a valid graphql query");
        failure.internal = first.map(|text| Box::new(serde_json::Value::from(text)));
        failure
    })
}

/// Whether a request is a subscription, which only a socket can serve.
///
/// # Errors
/// The text cannot be parsed, or no operation or several have that name.
pub fn is_subscription(query: &str, name: Option<&str>) -> Result<bool, Failure> {
    let document = document(query)?;
    let operations = document.definitions.iter().filter_map(|definition| match definition {
        Definition::OperationDefinition(found) => Some(&**found),
        _ => None,
    });
    Ok(choose(&operations.collect::<Vec<_>>(), name)?.operation_type == OperationType::Subscription)
}

impl<'a> Operation<'a> {
    /// The operation of that name, or the only one.
    ///
    /// # Errors
    /// None or several fit, it is no query, or fragments are missing or cyclic.
    pub fn of(document: &'a Document, name: Option<&str>) -> Result<Self, Failure> {
        let mut operations: Vec<&OperationDefinition> = Vec::new();
        let mut fragments = HashMap::new();
        for definition in &document.definitions {
            match definition {
                Definition::OperationDefinition(found) => operations.push(found),
                Definition::FragmentDefinition(found) => {
                    if fragments.insert(found.name.as_str(), &**found).is_some() {
                        let message = format!("multiple definitions for fragment \"{}\"", found.name);
                        return Err(Failure::invalid("$", message));
                    }
                }
                _ => return Err(Failure::invalid("$.query", "not a valid graphql query")),
            }
        }
        let definition = choose(&operations, name)?;
        let operation = Self { definition, fragments };
        operation.check_fragments()?;
        Ok(operation)
    }

    fn check_fragments(&self) -> Result<(), Failure> {
        let mut walk = Walk { fragments: &self.fragments, open: Vec::new(), done: HashSet::new(), depth: 0 };
        walk.selections(&self.definition.selection_set, &Path::ROOT.key("selectionSet"))
    }
}

fn choose<'a>(operations: &[&'a OperationDefinition], name: Option<&str>) -> Result<&'a OperationDefinition, Failure> {
    match (name, operations) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::invalid(
            "$",
            "exactly one operation has to be present in the document when operationName is not specified",
        )),
        (Some(wanted), _) => {
            let mut fitting = operations.iter().filter(|found| found.name.as_ref().is_some_and(|name| name == wanted));
            match (fitting.next(), fitting.next()) {
                (Some(found), None) => Ok(found),
                (Some(_), Some(_)) => {
                    Err(Failure::invalid("$", format!("multiple definitions for operation \"{wanted}\"")))
                }
                (None, _) => {
                    Err(Failure::invalid("$", format!("no such operation found in the document: \"{wanted}\"")))
                }
            }
        }
    }
}

/// Looks into each fragment once, so that a fragment spread in many places costs no more.
struct Walk<'a, 'b> {
    fragments: &'b HashMap<&'a str, &'a FragmentDefinition>,
    open: Vec<&'a str>,
    done: HashSet<&'a str>,
    depth: usize,
}

impl<'a> Walk<'a, '_> {
    fn selections(&mut self, selections: &'a [Selection], path: &Path<'_>) -> Result<(), Failure> {
        // The syntax tree alone is shallow by the parser's limit, but fragments can be chained.
        if self.depth > DEPTH_LIMIT {
            return Err(Failure::invalid(path, "the query is nested too deeply"));
        }
        self.depth += 1;
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    let name = field.alias.as_ref().unwrap_or(&field.name);
                    self.selections(&field.selection_set, &path.key(name).key("selectionSet"))?;
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set, path)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name, path)?,
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn fragment(&mut self, name: &'a str, path: &Path<'_>) -> Result<(), Failure> {
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let names = english_list(&self.open[start..]);
            return Err(Failure::invalid(path, format!("the fragment definition(s) {names} form a cycle")));
        }
        let Some(fragment) = self.fragments.get(name) else {
            return Err(Failure::invalid(path, format!("reference to undefined fragment \"{name}\"")));
        };
        if self.done.contains(name) {
            return Ok(());
        }
        self.open.push(name);
        self.selections(&fragment.selection_set, &path.key(name).key("selectionSet"))?;
        self.open.pop();
        self.done.insert(name);
        Ok(())
    }
}

/// `a`, `a and b`, `a, b, and c`.
fn english_list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}
