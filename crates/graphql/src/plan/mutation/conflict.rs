//! `on_conflict`.

use postgres::Ident;

use crate::failure::{Failure, Path};
use crate::plan::{Filter, Planner};
use crate::schema::{MutationType, PLACEHOLDER, TableId, TypeId, TypeRef};
use crate::value::Value;

use super::{Conflict, ConflictTarget};
use crate::plan::rows::unknown_value;

impl<'a> Planner<'a> {
    pub(super) fn conflict(&mut self, table: TableId, value: Value<'a>, path: &Path<'_>) -> Result<Conflict, Failure> {
        let schema = self.schema;
        let type_id = TypeId::Mutation(table, MutationType::OnConflict);
        let mut target = ConflictTarget::Any;
        let mut columns = Vec::new();
        let mut filters = Vec::with_capacity(2);
        let access = schema.update(table);
        if let Some(permission) = access.and_then(|access| access.filter()) {
            filters.push(self.rooted(permission)?);
        }
        for (name, value) in self.input_fields(type_id, value, path)? {
            let path_here = path.key(name);
            match &*self.schema.naming.plain_word(name) {
                "constraint" => target = self.constraint(table, &value, &path_here)?,
                "update_columns" => columns = self.update_columns(table, value, path)?,
                _ if self.validator.variables.is_null(&value) => {}
                _ => filters.push(self.bool_exp(table, value, &path_here)?),
            }
        }
        // Without a permission to update there is no column to name.
        let presets = match columns.as_slice() {
            [] => Vec::new(),
            _ => self.presets(table, access.map_or(&[], |access| access.presets()))?,
        };
        let check = match access.and_then(|access| access.check()) {
            Some(check) if !columns.is_empty() => Some(self.rooted(check)?),
            _ => None,
        };
        Ok(Conflict { target, columns, presets, filter: Filter::all(filters), check })
    }

    fn constraint(&self, table: TableId, value: &Value<'a>, path: &Path<'_>) -> Result<ConflictTarget, Failure> {
        let type_name = self.type_name(TypeId::Mutation(table, MutationType::Constraint));
        let name = self.validator.enum_name(value, &type_name, path)?;
        let keys = &self.schema.tables[table].unique_keys;
        match keys.iter().find(|key| key.name == name) {
            Some(key) => Ok(ConflictTarget::Constraint(Ident::new(&key.name).to_string())),
            None => Err(unknown_value(&name, &type_name, keys.iter().map(|key| key.name.as_str()), path)),
        }
    }

    fn update_columns(&self, table: TableId, value: Value<'a>, path: &Path<'_>) -> Result<Vec<usize>, Failure> {
        let type_id = TypeId::Mutation(table, MutationType::UpdateColumn);
        let type_name = self.type_name(type_id);
        let item_type = TypeRef::from(type_id).required();
        let names = || self.schema.updated_columns(table).map(|column| self.schema.column(table, column).name.as_str());
        let argument = self.schema.naming.word("update_columns");
        let path_to_columns = path.key(&argument);
        let items = self.validator.items(value);
        let items = items.ok_or_else(|| Failure::invalid(path_to_columns, "expected a list, but found null"))?;
        let mut columns = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let path_here = path_to_columns.index(index);
            let item = self.validator.variables.resolve(item, Some(&item_type), self.schema, &path_here)?;
            let name = self.validator.enum_name(&item, &type_name, &path_here)?;
            let found = self.schema.updated_columns(table).find(|&at| self.schema.column(table, at).name == name);
            match found {
                Some(column) if !columns.contains(&column) => columns.push(column),
                Some(_) => {}
                None if name == PLACEHOLDER && names().next().is_none() => {
                    return Err(Failure::invalid(path, "erroneous column name"));
                }
                None => return Err(unknown_value(&name, &type_name, names(), &path_here)),
            }
        }
        Ok(columns)
    }
}
