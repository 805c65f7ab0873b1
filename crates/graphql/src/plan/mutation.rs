//! Mutations: what to write, in which order, and what to show of it.
//!
//! Every table that is written is asked for through the role's own permission ([`Schema::insert`] and its like), at
//! every depth: columns, presets and the conditions on rows come from there and from nowhere else.

mod change;
mod conflict;
mod insert;
mod response;
mod tree;
mod vet;

pub use tree::{
    Batch, Cell, Change, Conflict, ConflictTarget, Delete, Insert, Mutation, Nested, NewRows, Object, Objects,
    Response, ResponseField, ResponseValue, Update,
};

use serde_json::Value as Json;

use crate::failure::{Failure, Path};
use crate::model::{Preset, PresetValue};
use crate::schema::{Root as Field, TableId};
use crate::validate::Selected;
use crate::value::{Datum, Value};

use super::{Filter, Place, Planner, RootValue, mismatch, unknown_field};

impl<'a> Planner<'a> {
    /// A field of `mutation_root` or of the namespace in it.
    pub(super) fn mutation_root(
        &mut self,
        place: Place<'_>,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<RootValue, Failure> {
        let name = selected.field.name.as_str();
        let unknown = || unknown_field(name, place.type_name, path);
        let field = self.schema.root_at(place.level, place.surface, name).ok_or_else(unknown)?;
        match field {
            Field::Insert(table) | Field::InsertOne(table) => {
                let one = matches!(field, Field::InsertOne(_));
                self.insert_field(table, one, selected, path)
            }
            Field::Update(table) | Field::UpdateByPrimaryKey(table) => {
                let by_key = matches!(field, Field::UpdateByPrimaryKey(_));
                self.update_field(table, by_key, selected, path)
            }
            Field::UpdateMany(table) => self.update_many_field(table, selected, path),
            Field::Delete(table) | Field::DeleteByPrimaryKey(table) => {
                let by_key = matches!(field, Field::DeleteByPrimaryKey(_));
                self.delete_field(table, by_key, selected, path)
            }
            _ => self.reading_root(place, selected, path),
        }
    }

    /// A permission's condition on written rows.
    pub(crate) fn condition(&mut self, filter: Option<&Filter>) -> Result<Filter, Failure> {
        filter.map_or_else(|| Ok(Filter::All(Vec::new())), |filter| self.rooted(filter))
    }

    /// A value for a column; null only where the column takes it.
    fn cell(&mut self, table: TableId, column: usize, value: Value<'a>, path: &Path<'_>) -> Result<Cell, Failure> {
        let found = self.schema.column(table, column);
        let expected = self.schema.input_type(table, column);
        let value = self.validator.variables.resolve(value, Some(&expected), self.schema, path)?;
        if self.validator.variables.is_null(&value) {
            if found.not_null {
                let name = expected.named_text(self.schema);
                return Err(Failure::invalid(path, format!("unexpected null value for type '{name}'")));
            }
            return Ok(Cell::Null);
        }
        let encoding = self.schema.column_encoding(table, column);
        let parameter = self.parameter(value, &expected, encoding, path)?;
        Ok(Cell::Parameter(parameter, self.schema.column_cast(table, column)))
    }

    /// Columns that a permission sets.
    pub(crate) fn presets(&mut self, table: TableId, presets: &[Preset]) -> Result<Vec<(usize, Cell)>, Failure> {
        presets.iter().map(|preset| Ok((preset.column, self.preset(table, preset)?))).collect()
    }

    fn preset(&mut self, table: TableId, preset: &Preset) -> Result<Cell, Failure> {
        let cast = self.schema.column_cast(table, preset.column);
        let parameter = match &preset.value {
            PresetValue::Session(name) => self.session_parameter(name, &cast.sql)?,
            PresetValue::Literal(Json::Null) => return Ok(Cell::Null),
            PresetValue::Literal(value) => {
                let encoding = self.schema.column_encoding(table, preset.column);
                // A text is PostgreSQL's own, such as `now()`.
                let text = match value {
                    Json::String(text) if !self.schema.scalar_of(table, preset.column).family.is_json() => text.clone(),
                    other => {
                        encoding.encode(&Datum::from_json(other)).map_err(|found| mismatch(&found, &Path::ROOT))?
                    }
                };
                self.constant(&text)
            }
        };
        Ok(Cell::Parameter(parameter, cast))
    }

    /// The rows of the table whose primary key is given, as arguments or as an object's fields.
    fn key_filter(
        &mut self,
        table: TableId,
        fields: Vec<(&'a str, Value<'a>)>,
        path: &Path<'_>,
    ) -> Result<Filter, Failure> {
        let mut key = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let path = path.key(name);
            let column = self.schema.column_named(table, name);
            let column = column.ok_or_else(|| unknown_field(name, "mutation_root", &path))?;
            key.push(self.equals(table, column, value, &path)?);
        }
        Ok(Filter::all(key))
    }
}
