//! Fields whose value another source gives.

use crate::failure::{Failure, Path};
use crate::plan::{Callee, Field, Output, OutputValue, Plan, Planner, Root, RootValue, Rows, Select};
use crate::schema::{TableId, TypeId, TypeRef};
use crate::sql;
use crate::validate::Selected;

use super::plan::{Argument, Destination, HIDDEN, Join, JoinStep, RemoteJoin, RowsJoin};
use super::registry::{Body, Place, RelationId, RemoteId, RowsKind, Step, To};
use super::select::Wire;

impl<'a> Planner<'a> {
    /// A field of a table's type: what the join starts from is selected under hidden keys.
    pub(crate) fn table_relation(
        &mut self,
        table: TableId,
        relation: RelationId,
        selected: &Selected<'a>,
        output: &mut Vec<Output>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let schema = self.schema;
        output.push(Output { key: selected.key.to_owned(), value: OutputValue::Null });
        let mut keys = Vec::new();
        for left in &schema.foreign.relations[relation].left {
            let (key, field) = match left.place {
                Place::Column(column) => (format!("{HIDDEN}c{column}"), Field::Column(column)),
                Place::Computed(computed) => (format!("{HIDDEN}f{computed}"), Field::Computed(computed)),
                Place::Field(_) => continue,
            };
            if !output.iter().any(|found| found.key == key) {
                self.see(table, field)?;
                let value = match field {
                    Field::Column(column) => OutputValue::Column { column, path: None },
                    Field::Computed(computed) => {
                        let call = self.default_call(Callee::Computed(table, computed));
                        OutputValue::Computed { computed, call, path: None }
                    }
                };
                output.push(Output { key: key.clone(), value });
            }
            keys.push(key);
        }
        self.relation(relation, keys, selected, path)
    }

    /// Plans a join; `left` are the keys of what it starts from, in the relation's order.
    pub(crate) fn relation(
        &mut self,
        relation: RelationId,
        left: Vec<String>,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        let schema = self.schema;
        let mut keys = path.response_keys();
        let key = keys.pop().unwrap_or_default();
        // Inner joins come after this one, so its place is kept.
        let place = self.foreign.joins.len();
        let to = match &schema.foreign.relations[relation].to {
            To::Rows { table, kind, mapping } => self
                .rows_join(*table, *kind, mapping, left.len(), selected, path)
                .map(Box::new)
                .map(Destination::Rows)?,
            To::Remote { remote, steps, .. } => {
                self.remote_join(relation, *remote, steps, selected, path).map(Box::new).map(Destination::Remote)?
            }
        };
        self.foreign.joins.insert(place, Join { path: keys, key, left, to });
        Ok(())
    }

    fn rows_join(
        &mut self,
        table: TableId,
        kind: RowsKind,
        mapping: &[(usize, usize)],
        left: usize,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RowsJoin, Failure> {
        // The statement is one of its own, with its own parameters.
        let parameters = std::mem::take(&mut self.parameters);
        let conditions = std::mem::take(&mut self.conditions);
        let value = self.rows_value(table, kind, selected, path);
        let parameters = std::mem::replace(&mut self.parameters, parameters);
        let conditions = std::mem::replace(&mut self.conditions, conditions);
        let root = Root { namespace: None, key: selected.key.to_owned(), value: value? };
        let plan = Plan { roots: vec![root], parameters, conditions, ..Plan::default() };
        let statement = sql::joined(self.schema, &plan, table, mapping, left);
        Ok(RowsJoin { plan, statement, kind })
    }

    fn rows_value(
        &mut self,
        table: TableId,
        kind: RowsKind,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        match kind {
            RowsKind::Array => self.select(table, Callee::Nothing, selected, path).map(RootValue::Rows),
            RowsKind::Aggregate => {
                self.aggregate_select(table, Callee::Nothing, selected, path).map(RootValue::Aggregate)
            }
            RowsKind::Object => {
                self.validator.arguments(selected.field, &[], path)?;
                let output = self.output_inside(table, selected, path)?;
                let filter = self.visible(table, Rows::every().filter)?;
                let rows = Rows { filter, limit: Some(1), ..Rows::every() };
                Ok(RootValue::One(Select { table, rows, output }))
            }
        }
    }

    fn remote_join(
        &mut self,
        relation: RelationId,
        remote: RemoteId,
        steps: &[Step],
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RemoteJoin, Failure> {
        let schema = self.schema;
        let names: Vec<String> = schema.foreign.relations[relation].left.iter().map(|left| left.name.clone()).collect();
        let Some(target) = schema.relation_target(relation) else {
            return Err(crate::plan::unknown_field(&selected.field.name, "query_root", path));
        };
        let view = schema.foreign.view(remote, schema.role_name());
        let mut fields = view.map_or(&[][..], |view| view.queries.as_slice());
        let mut made = Vec::with_capacity(steps.len());
        for step in steps {
            let Some(field) = fields.iter().find(|field| field.remote_name == step.field) else { break };
            let mut arguments = Vec::new();
            for input in &field.arguments {
                let value = match (step.arguments.get(&input.name), &input.preset) {
                    // What the role's schema presets, no relationship may choose.
                    (_, Some(preset)) => {
                        let scalar = super::document::type_named(&input.wire);
                        let scalar = scalar.map(|typed| typed.inner_named_type().to_string()).unwrap_or_default();
                        Argument::of_preset(preset, &scalar)
                    }
                    (Some(template), None) => {
                        let mut value = Argument::of_template(template, &names);
                        self.preset_inside(&mut value, &input.typed);
                        value
                    }
                    (None, None) => continue,
                };
                arguments.push((input.name.clone(), input.wire.clone(), value));
            }
            made.push(JoinStep { field: step.field.clone(), arguments });
            fields = match field.typed.named() {
                TypeId::Foreign(id) => schema.foreign.types[id].fields(),
                _ => &[],
            };
        }
        let mut free = schema.relation_arguments(relation).to_vec();
        free.retain(|input| input.preset.is_none());
        let given = self.foreign_arguments(selected, &free, path)?;
        if let Some(last) = made.last_mut() {
            for (name, value) in given {
                match last.arguments.iter_mut().find(|(found, ..)| *found == name) {
                    Some((_, _, bound)) => bound.merge(value),
                    None => {
                        let wire = free.iter().find(|input| input.name == name).map(|input| input.wire.clone());
                        last.arguments.push((name, wire.unwrap_or_default(), value));
                    }
                }
            }
        }
        let service = self.service(remote);
        let mut wire = Wire::for_service(&service);
        let renames = self.remote_selection(&mut wire, target.typed.named(), selected, path)?;
        Ok(RemoteJoin { service, steps: made, selection: wire.text, variables: wire.variables, renames })
    }

    /// What the role's schema presets inside of what a relationship binds.
    fn preset_inside(&self, value: &mut Argument, typed: &TypeRef) {
        match (value, typed) {
            (value, TypeRef::NonNull(inner)) => self.preset_inside(value, inner),
            (Argument::List(items), TypeRef::List(item)) => {
                items.iter_mut().for_each(|found| self.preset_inside(found, item));
            }
            (Argument::Object(fields), TypeRef::Named(TypeId::Foreign(id))) => {
                let Body::Input(inputs) = &self.schema.foreign.types[*id].body else { return };
                for input in inputs {
                    match &input.preset {
                        Some(preset) => {
                            let scalar = super::document::type_named(&input.wire);
                            let scalar = scalar.map(|typed| typed.inner_named_type().to_string()).unwrap_or_default();
                            fields.retain(|(name, _)| *name != input.name);
                            fields.push((input.name.clone(), Argument::of_preset(preset, &scalar)));
                        }
                        None => {
                            if let Some((_, value)) = fields.iter_mut().find(|(name, _)| *name == input.name) {
                                self.preset_inside(value, &input.typed);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
}
