//! Actions.

use std::sync::Arc;
use std::time::Duration;

use metadata::{ActionKind, ActionType};
use serde::Deserialize;

use crate::action::webhook::Shape;
use crate::foreign::document::{self, type_named};
use crate::foreign::registry::{Action, Body, ForeignId};
use crate::model::{Operation, Root};
use crate::schema::{TypeId, TypeRef};

use super::{Builder, inputs, plain_field, typed};

/// Hasura's default.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Builder<'_> {
    pub(super) fn actions(&mut self) {
        for found in &self.metadata.actions {
            match self.action(found) {
                Ok(action) => self.add_action(action, found),
                Err(reason) => {
                    let reason = format!("in action \"{}\"; {reason}", found.name);
                    self.inconsistent("action", format!("action {}", found.name), &reason, found);
                }
            }
        }
    }

    fn action(&mut self, found: &metadata::Action) -> Result<Action, String> {
        let definition = &found.definition;
        let names = self.model.foreign.custom.clone();
        let parse = |text: &str| type_named(text).ok_or_else(|| format!("not a valid GraphQL type: {text}"));
        let mut arguments = Vec::with_capacity(definition.arguments.len());
        for argument in &definition.arguments {
            let typed = parse(&argument.typed)?;
            let base = typed.inner_named_type().as_str();
            match self.custom(base, &names) {
                None => return Err(format!("the type: {base} is not defined in custom types")),
                Some(TypeId::Foreign(id)) if self.model.foreign.types[id].is_composite() => {
                    return Err(format!("the argument's base type: {base} should be a scalar/enum/input_object"));
                }
                Some(_) => {}
            }
            let (name, description) = (argument.name.clone(), argument.description.clone());
            arguments.push(document::Input { name, description, typed, default: None, preset: None });
        }
        let output = parse(&definition.output_type)?;
        let output_base = output.inner_named_type().to_string();
        let output = typed(&output, &mut |name| self.custom(name, &names));
        let output =
            output.ok_or_else(|| format!("the type: {output_base} is not an object type defined in custom types"))?;
        if let TypeId::Foreign(id) = output.named()
            && matches!(self.model.foreign.types[id].body, Body::Input(_))
        {
            return Err(format!("the type: {output_base} is not an object type defined in custom types"));
        }
        let is_query = definition.operation == ActionType::Query;
        let is_async = !is_query && definition.kind == Some(ActionKind::Asynchronous);
        if let Some(field) = self.object_field_beside_relations(&output).filter(|_| is_async) {
            return Err(format!("Async action relations cannot be used with object fields: \"{field}\""));
        }
        Ok(Action {
            name: found.name.clone(),
            comment: found.comment.clone(),
            handler: definition.handler.clone(),
            headers: definition.headers.clone(),
            forward_client_headers: definition.forward_client_headers,
            ignored_client_headers: definition.ignored_client_headers.clone(),
            timeout: definition.timeout.map_or(TIMEOUT, Duration::from_secs),
            arguments: inputs(&arguments, &mut |name| self.custom(name, &names)),
            shape: Shape::of(&output, &self.model.foreign, &|id| self.scalar_name(id)),
            output,
            is_async,
            result: None,
            is_query,
            roles: self.action_roles(found),
            request_transform: transform(definition.request_transform.as_ref())?,
            response_transform: transform(definition.response_transform.as_ref())?,
        })
    }

    /// The first field that is an object, of an output type that has relationships.
    fn object_field_beside_relations(&self, output: &TypeRef) -> Option<String> {
        let TypeId::Foreign(id) = output.named() else { return None };
        let types = &self.model.foreign.types;
        let composite = |typed: &TypeRef| matches!(typed.named(), TypeId::Foreign(id) if types[id].is_composite());
        let field = types[id].fields().iter().find(|field| composite(&field.typed))?;
        (!types[id].relations.is_empty()).then(|| field.name.clone())
    }

    /// The roles with permission, and those that inherit it.
    fn action_roles(&self, found: &metadata::Action) -> Vec<Arc<str>> {
        let mut roles: Vec<Arc<str>> =
            found.permissions.iter().map(|permission| permission.role.as_str().into()).collect();
        loop {
            let before = roles.len();
            for inherited in &self.metadata.inherited_roles {
                let has = |name: &str| roles.iter().any(|role| &**role == name);
                if !has(&inherited.role_name) && inherited.role_set.iter().any(|parent| has(parent)) {
                    roles.push(inherited.role_name.as_str().into());
                }
            }
            if roles.len() == before {
                return roles;
            }
        }
    }

    fn add_action(&mut self, mut action: Action, found: &metadata::Action) {
        let id = self.model.foreign.actions.len();
        let operation = if action.is_query { Operation::Query } else { Operation::Mutation };
        let name = action.name.clone();
        if !self.add_root(operation, &name, Root::Action(id)) {
            let reason = format!("a field named \"{name}\" exists already");
            self.inconsistent("action", format!("action {name}"), &reason, found);
            self.model.contested(operation, &name, &format!("action {name}"));
            return;
        }
        if action.is_async {
            action.result = Some(self.result_type(&action));
            self.add_root(Operation::Query, &name, Root::ActionResult(id));
            self.add_root(Operation::Subscription, &name, Root::ActionResult(id));
        }
        self.model.foreign.actions.push(Arc::new(action));
    }

    /// `type <action> { id, created_at, errors, output }`.
    fn result_type(&mut self, action: &Action) -> ForeignId {
        let scalar = |builder: &mut Self, name: &str| builder.scalar(name).map_or_else(|| builder.id(), TypeRef::Named);
        let (uuid, time, json) = (scalar(self, "uuid"), scalar(self, "timestamptz"), scalar(self, "json"));
        let described = |text: &str| Some(text.to_owned());
        let output = match &action.output {
            TypeRef::NonNull(inner) => (**inner).clone(),
            other => other.clone(),
        };
        let fields = vec![
            plain_field("created_at", described("the time at which this action was created").as_ref(), time.required()),
            plain_field("errors", described("errors related to the invocation").as_ref(), json),
            plain_field("id", described("the unique id of an action").as_ref(), uuid.required()),
            plain_field("output", described("the output fields of this action").as_ref(), output),
        ];
        let id = self.add_type(action.name.clone(), &action.name, Body::Object { fields, interfaces: Vec::new() });
        self.model.foreign.types[id].description = Some(format!("fields of action: \"{}\"", action.name));
        self.model.foreign.custom.insert(action.name.clone(), id);
        id
    }

    fn scalar_name(&self, id: TypeId) -> String {
        match id {
            TypeId::Scalar(scalar) => self.model.scalars[scalar].name.clone(),
            TypeId::BuiltIn(name) => name.to_owned(),
            _ => String::new(),
        }
    }

    fn id(&self) -> TypeRef {
        TypeRef::Named(TypeId::Foreign(self.model.foreign.custom["ID"]))
    }
}

fn transform<'d, T: Deserialize<'d>>(json: Option<&'d serde_json::Value>) -> Result<Option<T>, String> {
    match json {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(json) => T::deserialize(json).map(Some).map_err(|error| format!("the transform cannot be read: {error}")),
    }
}
