//! Types and fields of actions, remote schemas and what they lead to, as introspection shows them.

use std::borrow::Cow;

use crate::foreign::nullable;
use crate::foreign::registry::{self, Body, ForeignId, Place, RelationId, RowsKind, To};
use crate::model::{Root, TableId};

use super::{EnumValue, FieldDef, InputDef, Kind, Schema, TypeDef, TypeId, TypeRef};

impl Schema {
    pub(super) fn describe_foreign(&self, id: ForeignId) -> TypeDef {
        let found = &self.foreign.types[id];
        let mut definition = TypeDef {
            kind: Kind::Scalar,
            name: found.name.clone(),
            description: found.description.clone(),
            fields: found.fields().iter().map(|field| self.foreign_field(field)).collect(),
            inputs: Vec::new(),
            values: Vec::new(),
        };
        definition.kind = match &found.body {
            Body::Scalar => Kind::Scalar,
            Body::Object { .. } => Kind::Object,
            Body::Interface { .. } => Kind::Interface,
            Body::Union(_) => Kind::Union,
            Body::Enum(values) => {
                let value = |value: &crate::foreign::document::EnumValue| EnumValue {
                    name: value.name.clone(),
                    description: value.description.clone(),
                };
                definition.values = values.iter().map(value).collect();
                Kind::Enum
            }
            Body::Input(inputs) => {
                definition.inputs = self.foreign_inputs(inputs);
                Kind::InputObject
            }
        };
        definition.fields.extend(found.relations.iter().filter_map(|(name, id)| self.relation_field(name, *id)));
        definition
    }

    /// The object types that an interface or union stands for.
    pub(crate) fn possible_types(&self, id: TypeId) -> &[ForeignId] {
        let TypeId::Foreign(id) = id else { return &[] };
        match &self.foreign.types[id].body {
            Body::Interface { possible, .. } | Body::Union(possible) => possible,
            _ => &[],
        }
    }

    /// The interfaces of an object type.
    pub(crate) fn interfaces(&self, id: TypeId) -> &[ForeignId] {
        let TypeId::Foreign(id) = id else { return &[] };
        match &self.foreign.types[id].body {
            Body::Object { interfaces, .. } => interfaces,
            _ => &[],
        }
    }

    pub(crate) fn argument(&self, name: &str, r#type: TypeRef) -> InputDef {
        InputDef::new(name, r#type)
    }

    pub(crate) fn foreign_field(&self, field: &registry::Field) -> FieldDef {
        FieldDef {
            name: field.name.clone(),
            description: field.description.clone(),
            arguments: self.foreign_inputs(&field.arguments),
            r#type: field.typed.clone(),
        }
    }

    /// What clients may give; presets are sent without them.
    pub(crate) fn foreign_inputs(&self, inputs: &[registry::Input]) -> Vec<InputDef> {
        let shown = inputs.iter().filter(|input| input.preset.is_none());
        let input = |input: &registry::Input| InputDef {
            name: input.name.clone(),
            description: input.description.clone(),
            r#type: input.typed.clone(),
            default: input.default.clone().map(Cow::Owned),
        };
        shown.map(input).collect()
    }

    /// A root field that an action or a remote schema answers.
    pub(super) fn foreign_root_field(&self, name: &str, root: Root) -> Option<FieldDef> {
        match root {
            Root::Action(id) => {
                let action = &self.foreign.actions[id];
                let r#type = if action.is_async {
                    TypeRef::from(self.type_named("uuid")?).required()
                } else {
                    action.output.clone()
                };
                let (description, arguments) = (action.comment.clone(), self.foreign_inputs(&action.arguments));
                Some(FieldDef { name: name.to_owned(), description, arguments, r#type })
            }
            Root::ActionResult(id) => {
                let action = &self.foreign.actions[id];
                let uuid = TypeRef::from(self.type_named("uuid")?).required();
                let id = InputDef::new("id", uuid).described("the unique id of an action");
                Some(FieldDef {
                    name: name.to_owned(),
                    description: action.comment.clone(),
                    arguments: vec![id],
                    r#type: TypeId::Foreign(action.result?).into(),
                })
            }
            Root::Remote(root) => {
                let found = &self.foreign.remote_roots[root];
                if found.namespace {
                    let view = self.foreign.view(found.remote, self.role_name())?;
                    let id = *view.types.get(&crate::foreign::namespace_type(found))?;
                    return Some(FieldDef::new(name, TypeRef::from(TypeId::Foreign(id)).required()));
                }
                self.foreign.root_field(root, self.role_name()).map(|field| self.foreign_field(field))
            }
            _ => None,
        }
    }

    /// A field that another source answers; none where the role may not follow it.
    pub(crate) fn relation_field(&self, name: &str, relation: RelationId) -> Option<FieldDef> {
        let found = &self.foreign.relations[relation];
        let (r#type, arguments) = match &found.to {
            To::Rows { table, kind, .. } => {
                let access = self.select(*table)?;
                match kind {
                    RowsKind::Object => (TypeId::Table(*table).into(), Vec::new()),
                    RowsKind::Array => (TypeRef::list_of(TypeId::Table(*table)), self.select_arguments(*table)),
                    RowsKind::Aggregate if access.aggregations() => {
                        (TypeId::Aggregate(*table).into(), self.select_arguments(*table))
                    }
                    RowsKind::Aggregate => return None,
                }
            }
            To::Remote { .. } => {
                let field = self.relation_target(relation)?;
                (nullable(&field.typed), self.foreign_inputs(self.relation_arguments(relation)))
            }
        };
        Some(FieldDef { name: name.to_owned(), description: None, arguments, r#type })
    }

    /// The service's field that a relation shows in the end, as the role sees it.
    pub(crate) fn relation_target(&self, relation: RelationId) -> Option<&registry::Field> {
        let To::Remote { remote, steps, free } = &self.foreign.relations[relation].to else { return None };
        let position = self.foreign.view_position(*remote, self.role_name())?;
        free.get(position)?.as_ref()?;
        let view = self.foreign.remotes[*remote].views.get(position)?;
        let mut fields = view.queries.as_slice();
        let mut found = None;
        for step in steps {
            let field = fields.iter().find(|field| field.remote_name == step.field)?;
            fields = match field.typed.named() {
                TypeId::Foreign(id) => self.foreign.types[id].fields(),
                _ => &[],
            };
            found = Some(field);
        }
        found
    }

    /// The arguments of a relation's last field that are left to clients.
    pub(crate) fn relation_arguments(&self, relation: RelationId) -> &[registry::Input] {
        let To::Remote { remote, free, .. } = &self.foreign.relations[relation].to else { return &[] };
        let position = self.foreign.view_position(*remote, self.role_name());
        position.and_then(|position| free.get(position)?.as_deref()).unwrap_or_default()
    }

    /// True when the role sees what a relation starts from and where it leads.
    pub(super) fn sees_relation(&self, table: TableId, relation: RelationId) -> bool {
        let found = &self.foreign.relations[relation];
        let Some(access) = self.select(table) else { return false };
        let starts = found.left.iter().all(|left| match left.place {
            Place::Column(column) => access.column(column),
            Place::Computed(computed) => access.computed(computed),
            Place::Field(_) => false,
        });
        starts && self.relation_field("", relation).is_some()
    }
}
