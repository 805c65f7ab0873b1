//! Selections of a service's types, written in the service's own names.

use apollo_compiler::ast::Selection;

use crate::failure::{Failure, Path};
use crate::plan::{Planner, unknown_field};
use crate::schema::TypeId;
use crate::validate::Selected;

use super::plan::{Fetch, FetchField, HIDDEN, Renames, Service, Variable};
use super::registry::{Body, Field, ForeignId, Place, RemoteId};

/// The text of a request so far.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub text: String,
    pub variables: Vec<Variable>,
    /// The service's types have other names here.
    renamed: bool,
}

impl Wire {
    pub(crate) fn for_service(service: &Service) -> Self {
        Self { renamed: !service.type_names.is_empty(), ..Self::default() }
    }
}

impl<'a> Planner<'a> {
    pub(crate) fn service(&self, remote: RemoteId) -> Service {
        let found = &self.schema.foreign.remotes[remote];
        let view = self.schema.foreign.view(remote, self.schema.role_name());
        Service {
            id: remote,
            name: found.name.as_str().into(),
            endpoint: std::sync::Arc::new(found.endpoint.clone()),
            type_names: match view {
                Some(view) if found.customization.renames_types() => {
                    let types = &self.schema.foreign.types;
                    let names = view.by_remote_name.iter().map(|(name, &id)| (name.clone(), types[id].name.clone()));
                    std::sync::Arc::new(names.collect())
                }
                _ => std::sync::Arc::default(),
            },
        }
    }

    /// A root field that a service answers.
    ///
    /// # Errors
    /// The selection or an argument does not fit.
    pub(crate) fn remote_root(
        &mut self,
        root: usize,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Fetch, Failure> {
        let schema = self.schema;
        let found = &schema.foreign.remote_roots[root];
        let service = self.service(found.remote);
        let mut wire = Wire::for_service(&service);
        let mut fields = Vec::new();
        let mut renames = Renames::default();
        if found.namespace {
            self.validator.arguments(selected.field, &[], path)?;
            let type_name = super::namespace_type(found);
            let inside = self.validator.inside(selected, &type_name, path)?;
            let path = path.key("selectionSet");
            for selected in &inside {
                let path = path.key(selected.key);
                let key = selected.key.to_owned();
                if selected.field.name == "__typename" {
                    self.validator.leaf(selected, &path)?;
                    fields.push(FetchField::TypeName { key, name: type_name.clone() });
                    continue;
                }
                let view = schema.foreign.view(found.remote, schema.role_name());
                let field = view.and_then(|view| view.root(found.operation, &selected.field.name));
                let field = field.ok_or_else(|| unknown_field(&selected.field.name, &type_name, &path))?;
                let own = self.remote_field(&mut wire, field, selected, &path)?;
                fields.push(FetchField::Ask { key: key.clone(), text: std::mem::take(&mut wire.text) });
                renames.add(&key, own);
            }
        } else {
            let field = schema.foreign.root_field(root, schema.role_name());
            let field = field.ok_or_else(|| unknown_field(&found.name, found.operation.root_type(), path))?;
            let own = self.remote_field(&mut wire, field, selected, path)?;
            renames.add(selected.key, own);
            fields.push(FetchField::Ask { key: selected.key.to_owned(), text: std::mem::take(&mut wire.text) });
        }
        let (operation, namespace) = (found.operation, found.namespace);
        Ok(Fetch { service, operation, fields, variables: wire.variables, namespace, renames })
    }

    /// `key: field(…) {…}`; what is inside it that must be renamed.
    fn remote_field(
        &mut self,
        wire: &mut Wire,
        field: &Field,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Renames, Failure> {
        if selected.key != field.remote_name {
            wire.text.push_str(selected.key);
            wire.text.push_str(": ");
        }
        wire.text.push_str(&field.remote_name);
        let arguments = self.foreign_arguments(selected, &field.arguments, path)?;
        let mut written = Vec::with_capacity(arguments.len());
        for (name, value) in arguments {
            let input = field.arguments.iter().find(|input| input.name == name);
            let variable = self.foreign_variable(value, input.map_or("", |input| &input.wire), &mut wire.variables);
            written.push(format!("{name}: ${variable}"));
        }
        if !written.is_empty() {
            wire.text.push_str(&format!("({})", written.join(", ")));
        }
        self.remote_selection(wire, field.typed.named(), selected, path)
    }

    /// `{…}`, or nothing for a scalar.
    pub(crate) fn remote_selection(
        &mut self,
        wire: &mut Wire,
        typed: TypeId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Renames, Failure> {
        let schema = self.schema;
        match typed {
            TypeId::Foreign(id) if schema.foreign.types[id].is_composite() => {
                let name = &schema.foreign.types[id].name;
                if selected.sets.iter().all(|set| set.is_empty()) {
                    return Err(Failure::invalid(path, format!("missing selection set for '{name}'")));
                }
                wire.text.push_str(" {");
                let renames = self.remote_set(wire, id, &selected.sets, &path.key("selectionSet"))?;
                wire.text.push_str(" }");
                Ok(renames)
            }
            _ => {
                self.validator.leaf(selected, path)?;
                Ok(Renames::default())
            }
        }
    }

    fn remote_set(
        &mut self,
        wire: &mut Wire,
        id: ForeignId,
        sets: &[&'a [Selection]],
        path: &Path<'_>,
    ) -> Result<Renames, Failure> {
        let schema = self.schema;
        let found = &schema.foreign.types[id];
        let possible = match &found.body {
            Body::Interface { possible, .. } | Body::Union(possible) => possible.as_slice(),
            _ => &[],
        };
        if possible.is_empty() || !self.validator.narrows(sets, &found.name) {
            let interfaces = schema.interfaces(TypeId::Foreign(id));
            let fits =
                |name: &str| name == found.name || interfaces.iter().any(|&id| schema.foreign.types[id].name == name);
            let fields = self.validator.collect_where(sets, &fits, path)?;
            return self.remote_fields(wire, id, &fields, path);
        }
        // What is wrong with the fields of the abstract type itself is told in its name.
        for selected in self.validator.collect(sets, &found.name, path)? {
            let name = selected.field.name.as_str();
            if name != "__typename" && found.field(name).is_none() && found.relation(name).is_none() {
                return Err(unknown_field(name, &found.name, &path.key(selected.key)));
            }
        }
        let mut renames = Renames::default();
        wire.text.push_str(&format!(" {HIDDEN}type: __typename"));
        for &object in possible {
            let own = &schema.foreign.types[object];
            let fits = |name: &str| {
                name == own.name
                    || name == found.name
                    || schema.foreign.types.iter().any(|other| {
                        let members = match &other.body {
                            Body::Interface { possible, .. } | Body::Union(possible) => possible.as_slice(),
                            _ => &[],
                        };
                        other.name == name && members.contains(&object)
                    })
            };
            let fields = self.validator.collect_where(sets, &fits, path)?;
            if fields.is_empty() {
                continue;
            }
            wire.text.push_str(&format!(" ... on {} {{", own.remote_name));
            let inside = self.remote_fields(wire, object, &fields, path)?;
            wire.text.push_str(" }");
            renames.merge(inside);
        }
        Ok(renames)
    }

    fn remote_fields(
        &mut self,
        wire: &mut Wire,
        id: ForeignId,
        fields: &[Selected<'a>],
        path: &Path<'_>,
    ) -> Result<Renames, Failure> {
        let schema = self.schema;
        let found = &schema.foreign.types[id];
        let mut renames = Renames::default();
        if fields.is_empty() {
            wire.text.push_str(&format!(" {HIDDEN}type: __typename"));
        }
        for selected in fields {
            let path = path.key(selected.key);
            let name = selected.field.name.as_str();
            wire.text.push(' ');
            if name == "__typename" {
                self.validator.leaf(selected, &path)?;
                if selected.key != "__typename" {
                    wire.text.push_str(&format!("{}: ", selected.key));
                }
                wire.text.push_str("__typename");
                if wire.renamed {
                    renames.keys.push(selected.key.to_owned());
                }
            } else if let Some(field) = found.field(name) {
                let inside = self.remote_field(wire, field, selected, &path)?;
                renames.add(selected.key, inside);
            } else if let Some(relation) = found.relation(name).filter(|&id| schema.relation_field(name, id).is_some())
            {
                // Keeps the key's place in the response until the join fills it.
                wire.text.push_str(&format!("{}: __typename", selected.key));
                let mut keys = Vec::new();
                for left in &schema.foreign.relations[relation].left {
                    if let Place::Field(field) = &left.place {
                        let key = format!("{HIDDEN}{field}");
                        wire.text.push_str(&format!(" {key}: {field}"));
                        keys.push(key);
                    }
                }
                self.relation(relation, keys, selected, &path)?;
            } else {
                return Err(unknown_field(name, &found.name, &path));
            }
        }
        Ok(renames)
    }
}

impl Renames {
    pub(crate) fn add(&mut self, key: &str, inside: Self) {
        if !inside.is_empty() {
            self.inside.push((key.to_owned(), inside));
        }
    }

    fn merge(&mut self, other: Self) {
        for key in other.keys {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
        for (key, inside) in other.inside {
            match self.inside.iter_mut().find(|(found, _)| *found == key) {
                Some((_, own)) => own.merge(inside),
                None => self.inside.push((key, inside)),
            }
        }
    }
}
