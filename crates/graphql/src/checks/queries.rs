//! Whether a kept query's fields and types are there.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Field, OperationType, Selection};

use crate::parse::{self, Operation};
use crate::schema::{Kind, Schema, TypeDef, TypeId};

/// What does not fit, in Hasura's words; nothing when all does. Arguments are not looked at.
pub(super) fn diagnose(schema: &Schema, query: &str) -> Vec<String> {
    let document = match parse::document(query) {
        Ok(document) => document,
        Err(failure) => return vec![failure.message],
    };
    let operation = match Operation::of(&document, None) {
        Ok(operation) => operation,
        Err(failure) => return vec![failure.message],
    };
    let root = match operation.definition.operation_type {
        OperationType::Query => TypeId::QueryRoot,
        OperationType::Mutation => TypeId::MutationRoot,
        OperationType::Subscription => TypeId::SubscriptionRoot,
    };
    let mut check =
        Check { schema, operation: &operation, types: HashMap::new(), walked: HashSet::new(), problems: Vec::new() };
    if schema.exists(root) {
        check.selections(root, &operation.definition.selection_set, "$");
    } else {
        check.problems.push(format!("$: type '{}' not found in the schema", schema.type_name(root)));
    }
    for variable in &operation.definition.variables {
        let name = variable.ty.inner_named_type();
        if schema.type_named(name).is_none() {
            check.problems.push(format!("$.{}: type '{name}' not found in the schema", variable.name));
        }
    }
    check.problems
}

struct Check<'a> {
    schema: &'a Schema,
    operation: &'a Operation<'a>,
    types: HashMap<TypeId, TypeDef>,
    /// Fragments and the types they were looked at for: those that use each other twice double with each step.
    walked: HashSet<(&'a str, TypeId)>,
    problems: Vec<String>,
}

impl<'a> Check<'a> {
    fn selections(&mut self, id: TypeId, selections: &'a [Selection], path: &str) {
        for selection in selections {
            match selection {
                Selection::Field(field) => self.field(id, field, path),
                Selection::InlineFragment(fragment) => self.selections(id, &fragment.selection_set, path),
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    let fragment = self.operation.fragments.get(name).copied();
                    if let Some(fragment) = fragment.filter(|_| self.walked.insert((name, id))) {
                        self.selections(id, &fragment.selection_set, path);
                    }
                }
            }
        }
    }

    fn field(&mut self, id: TypeId, field: &'a Field, path: &str) {
        let name = field.name.as_str();
        // Every type has the first, and what introspection answers is the same for all.
        if matches!(name, "__typename" | "__schema" | "__type") {
            return;
        }
        let path = format!("{path}.{name}");
        let schema = self.schema;
        let owner = self.types.entry(id).or_insert_with(|| schema.describe(id));
        let Some(found) = owner.fields.iter().find(|found| found.name == name) else {
            self.problems.push(format!("{path}: field '{name}' not found in object '{}'", owner.name));
            return;
        };
        let inner = found.r#type.named();
        let answer = self.types.entry(inner).or_insert_with(|| schema.describe(inner));
        let (kind, type_name) = (answer.kind, &answer.name);
        match (kind, field.selection_set.is_empty()) {
            (Kind::Object, true) => {
                self.problems.push(format!("{path}: object of type '{type_name}' must have a selection set"));
            }
            (Kind::Object, false) => self.selections(inner, &field.selection_set, &path),
            (Kind::Scalar | Kind::Enum, false) => {
                let kind = if kind == Kind::Enum { "enum" } else { "scalar" };
                self.problems.push(format!("{path}: {kind} '{type_name}' does not accept a selection set"));
            }
            _ => {}
        }
    }
}
