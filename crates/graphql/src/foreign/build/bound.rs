//! What a relationship to a service binds of the service's arguments, and what it leaves to clients.

use serde_json::Value as Json;

use crate::foreign::nullable;
use crate::foreign::registry::{Body, Field, Input, RemoteId, Step};
use crate::schema::{TypeId, TypeRef};

use super::Builder;

/// Which view of which service.
#[derive(Clone, Copy)]
struct Place {
    remote: RemoteId,
    view: usize,
}

impl Builder<'_> {
    /// The fields and arguments must be the service's, and what arguments refer to must be on the left.
    pub(super) fn check_steps(&self, remote: RemoteId, steps: &[Step], left: &[String]) -> Result<(), String> {
        let found = &self.model.foreign.remotes[remote];
        let mut fields = found.views.first().map_or(&[][..], |view| view.queries.as_slice());
        let mut parent = "query_root".to_owned();
        for step in steps {
            let Some(field) = fields.iter().find(|field| field.remote_name == step.field) else {
                return Err(format!("field with name \"{}\" is not found in type \"{parent}\"", step.field));
            };
            for (name, value) in &step.arguments {
                let Some(argument) = field.arguments.iter().find(|argument| argument.name == *name) else {
                    return Err(format!("argument with name \"{name}\" is not found in field \"{}\"", step.field));
                };
                self.check_value(value, &argument.typed)?;
                if let Some(unknown) = variables(value).into_iter().find(|variable| !left.contains(variable)) {
                    return Err(format!("variable \"{unknown}\" is not found among the relationship's fields"));
                }
            }
            fields = self.fields_inside(field);
            parent.clone_from(&step.field);
        }
        Ok(())
    }

    fn fields_inside(&self, field: &Field) -> &[Field] {
        match field.typed.named() {
            TypeId::Foreign(id) => self.model.foreign.types[id].fields(),
            _ => &[],
        }
    }

    /// What is bound must fit the argument's type as far as that can be told before a row is there.
    fn check_value(&self, value: &Json, typed: &TypeRef) -> Result<(), String> {
        match (value, typed) {
            (Json::String(text), _) if text.starts_with('$') => Ok(()),
            (Json::Null, _) => Err("null is not allowed here".to_owned()),
            (_, TypeRef::NonNull(inner)) => self.check_value(value, inner),
            (Json::Array(items), TypeRef::List(item)) => {
                items.iter().try_for_each(|found| self.check_value(found, item))
            }
            // One value stands for a list of one, as GraphQL has it.
            (_, TypeRef::List(item)) => self.check_value(value, item),
            (Json::Array(_), TypeRef::Named(id)) => Err(format!("type \"{}\" is not a list type", self.type_text(*id))),
            (Json::Object(fields), TypeRef::Named(id)) => {
                let Some(inputs) = self.inputs_of(*id) else { return self.check_scalar(value, *id) };
                fields.iter().try_for_each(|(name, value)| match inputs.iter().find(|input| input.name == *name) {
                    Some(input) => self.check_value(value, &input.typed),
                    None => Err(format!("argument with name \"{name}\" not found in remote schema")),
                })
            }
            (_, TypeRef::Named(id)) => self.check_scalar(value, *id),
        }
    }

    /// Of the standard scalars is known what they take; of others only their service knows.
    fn check_scalar(&self, value: &Json, id: TypeId) -> Result<(), String> {
        let name = self.type_text(id);
        let (found, fits) = match value {
            Json::Number(number) if number.is_f64() => ("Float", name == "Float"),
            Json::Number(_) => ("Int", matches!(name.as_str(), "Int" | "Float" | "ID")),
            Json::Bool(_) => ("Boolean", name == "Boolean"),
            Json::String(_) => ("String", matches!(name.as_str(), "String" | "ID")),
            _ => ("Object", false),
        };
        if fits || !crate::foreign::document::STANDARD.contains(&name.as_str()) && self.inputs_of(id).is_none() {
            return Ok(());
        }
        Err(format!("expected type \"{name}\" but got \"{found}\""))
    }

    fn type_text(&self, id: TypeId) -> String {
        match id {
            TypeId::Foreign(id) => self.model.foreign.types[id].remote_name.clone(),
            TypeId::Scalar(id) => self.model.scalars[id].name.clone(),
            TypeId::BuiltIn(name) => name.to_owned(),
            _ => String::new(),
        }
    }

    /// The fields of an input object.
    fn inputs_of(&self, id: TypeId) -> Option<&[Input]> {
        let TypeId::Foreign(id) = id else { return None };
        match &self.model.foreign.types[id].body {
            Body::Input(inputs) => Some(inputs),
            _ => None,
        }
    }

    /// For each view the arguments of the last field that clients may give. `tag` tells the types that are made for this
    /// from those of other relationships.
    pub(super) fn free_arguments(&mut self, remote: RemoteId, steps: &[Step], tag: &str) -> Vec<Option<Vec<Input>>> {
        let views = 0..self.model.foreign.remotes[remote].views.len();
        let of_view = |view| {
            let arguments = self.last_arguments(Place { remote, view }, steps)?;
            let last = steps.last()?;
            let free = arguments.iter().filter_map(|input| {
                self.free_input(Place { remote, view }, input, last.arguments.get(&input.name), tag)
            });
            Some(free.collect())
        };
        views.map(of_view).collect()
    }

    /// The arguments of the last field, where a view has all that the steps name.
    fn last_arguments(&self, place: Place, steps: &[Step]) -> Option<Vec<Input>> {
        let mut fields = self.model.foreign.remotes[place.remote].views[place.view].queries.as_slice();
        let mut arguments = None;
        for step in steps {
            let field = fields.iter().find(|field| field.remote_name == step.field)?;
            let mut bound = step.arguments.iter();
            let known = bound.all(|(name, value)| {
                let argument = field.arguments.iter().find(|argument| argument.name == *name);
                argument.is_some_and(|argument| self.knows(value, &argument.typed))
            });
            if !known {
                return None;
            }
            arguments = Some(field.arguments.clone());
            fields = self.fields_inside(field);
        }
        arguments
    }

    /// Every field that a value names is in the view's type.
    fn knows(&self, value: &Json, typed: &TypeRef) -> bool {
        match value {
            Json::Array(items) => items.iter().all(|item| self.knows(item, typed)),
            Json::Object(fields) => match self.inputs_of(typed.named()) {
                None => true,
                Some(inputs) => fields.iter().all(|(name, value)| {
                    let input = inputs.iter().find(|input| input.name == *name);
                    input.is_some_and(|input| self.knows(value, &input.typed))
                }),
            },
            _ => true,
        }
    }

    /// What clients may add to a bound argument: to an object its other fields, to a list more items.
    fn free_input(&mut self, place: Place, input: &Input, bound: Option<&Json>, tag: &str) -> Option<Input> {
        let Some(bound) = bound else { return Some(input.clone()) };
        let typed = self.free_type(place, &input.typed, bound, tag)?;
        // What is bound is sent in any case, so nobody must add to it. (Hasura asks for an empty object there.)
        Some(Input { typed: nullable(&typed), default: None, preset: None, ..input.clone() })
    }

    fn free_type(&mut self, place: Place, typed: &TypeRef, bound: &Json, tag: &str) -> Option<TypeRef> {
        match (typed, bound) {
            (TypeRef::NonNull(inner), _) => self.free_type(place, inner, bound, tag).map(TypeRef::required),
            (TypeRef::List(item), Json::Array(items)) => match items.as_slice() {
                [one] => self.free_type(place, item, one, tag).map(|item| TypeRef::List(Box::new(item))),
                _ => None,
            },
            (TypeRef::Named(id), Json::Object(fields)) => {
                let inputs = self.inputs_of(*id)?.to_vec();
                let name = format!("{}_remote_rel_{tag}", self.type_text(*id));
                let inputs: Vec<Input> = inputs
                    .iter()
                    .filter_map(|input| self.free_input(place, input, fields.get(&input.name), tag))
                    .collect();
                if inputs.iter().all(|input| input.preset.is_some()) {
                    return None;
                }
                let shown = self.model.foreign.remotes[place.remote].customization.type_name(&name);
                let made = self.add_type(shown.clone(), &name, Body::Input(inputs));
                self.model.foreign.remotes[place.remote].views[place.view].types.insert(shown, made);
                Some(TypeRef::Named(TypeId::Foreign(made)))
            }
            _ => None,
        }
    }
}

/// The names after `$` in an argument.
fn variables(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => text.strip_prefix('$').map(str::to_owned).into_iter().collect(),
        Json::Array(items) => items.iter().flat_map(variables).collect(),
        Json::Object(fields) => fields.values().flat_map(variables).collect(),
        _ => Vec::new(),
    }
}
