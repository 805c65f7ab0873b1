//! Planning of actions' fields.

use std::sync::Arc;

use crate::failure::{Failure, Path};
use crate::foreign::plan::{Argument, HIDDEN};
use crate::foreign::registry::{ActionId, ForeignId, Place};
use crate::plan::{Planner, unknown_field};
use crate::schema::{InputDef, TypeId, TypeRef};
use crate::validate::Selected;

use super::{Call, Outcome, OutcomeField, Picked, PickedField};

impl<'a> Planner<'a> {
    pub(crate) fn action(&mut self, id: ActionId, selected: &Selected<'a>, path: &Path<'_>) -> Result<Call, Failure> {
        let action = Arc::clone(&self.schema.foreign.actions[id]);
        let input = Argument::Object(self.foreign_arguments(selected, &action.arguments, path)?);
        let output = if action.is_async {
            self.validator.leaf(selected, path)?;
            Picked::Whole
        } else {
            self.action_output(&action.output, selected, path)?
        };
        Ok(Call { action, input, output })
    }

    fn action_output(&mut self, typed: &TypeRef, selected: &Selected<'a>, path: &Path<'_>) -> Result<Picked, Failure> {
        match typed.named() {
            TypeId::Foreign(id) if self.schema.foreign.types[id].is_composite() => {
                self.action_fields(id, selected, path)
            }
            _ => {
                self.validator.leaf(selected, path)?;
                Ok(Picked::Whole)
            }
        }
    }

    fn action_fields(&mut self, id: ForeignId, selected: &Selected<'a>, path: &Path<'_>) -> Result<Picked, Failure> {
        let schema = self.schema;
        let found = &schema.foreign.types[id];
        let inside = self.validator.inside(selected, &found.name, path)?;
        let path = path.key("selectionSet");
        let mut fields = Vec::with_capacity(inside.len());
        for selected in &inside {
            let path = path.key(selected.key);
            let name = selected.field.name.as_str();
            let picked = if name == "__typename" {
                self.validator.leaf(selected, &path)?;
                PickedField::TypeName(found.name.clone())
            } else if let Some(field) = found.field(name) {
                self.validator.arguments(selected.field, &[], &path)?;
                PickedField::Field(name.to_owned(), self.action_output(&field.typed, selected, &path)?)
            } else if let Some(relation) = found.relation(name).filter(|&id| schema.relation_field(name, id).is_some())
            {
                let mut keys = Vec::new();
                for left in &schema.foreign.relations[relation].left {
                    if let Place::Field(field) = &left.place {
                        let key = format!("{HIDDEN}{field}");
                        fields.push((key.clone(), PickedField::Field(field.clone(), Picked::Whole)));
                        keys.push(key);
                    }
                }
                self.relation(relation, keys, selected, &path)?;
                PickedField::Null
            } else {
                return Err(unknown_field(name, &found.name, &path));
            };
            fields.push((selected.key.to_owned(), picked));
        }
        Ok(Picked::Fields(fields))
    }

    pub(crate) fn action_outcome(
        &mut self,
        id: ActionId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Outcome, Failure> {
        let schema = self.schema;
        let action = Arc::clone(&schema.foreign.actions[id]);
        let uuid = schema.type_named("uuid").map(|id| TypeRef::from(id).required());
        let defined: Vec<InputDef> = uuid.map(|uuid| schema.argument("id", uuid)).into_iter().collect();
        let id = self.only_argument(selected, &defined, path)?;
        let inside = self.validator.inside(selected, &action.name, path)?;
        let path = path.key("selectionSet");
        let mut fields = Vec::with_capacity(inside.len());
        for selected in &inside {
            let path = path.key(selected.key);
            self.validator.arguments(selected.field, &[], &path)?;
            let name = selected.field.name.as_str();
            if name != "output" {
                self.validator.leaf(selected, &path)?;
            }
            let field = match name {
                "__typename" => OutcomeField::TypeName(action.name.clone()),
                "id" => OutcomeField::Id,
                "created_at" => OutcomeField::CreatedAt,
                "errors" => OutcomeField::Errors,
                "output" => OutcomeField::Output(self.action_output(&action.output, selected, &path)?),
                other => return Err(unknown_field(other, &action.name, &path)),
            };
            fields.push((selected.key.to_owned(), field));
        }
        Ok(Outcome { action, id, fields })
    }
}
