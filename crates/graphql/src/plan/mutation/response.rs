//! What a mutation shows.
//!
//! The rows that it wrote are shown without asking the select permission's condition on rows, as Hasura does; columns,
//! and rows of other tables, are shown only as far as that permission goes.

use crate::failure::{Failure, Path};
use crate::plan::{Planner, unknown_field};
use crate::schema::{MutationType, TableId, TypeId};
use crate::validate::Selected;

use super::{Response, ResponseField, ResponseValue};

impl<'a> Planner<'a> {
    /// `affected_rows` and `returning`.
    pub(super) fn response_fields(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Response, Failure> {
        let type_name = self.type_name(TypeId::Mutation(table, MutationType::Response));
        let fields = self.validator.inside(selected, &type_name, path)?;
        let path = path.key("selectionSet");
        let mut shown = Vec::with_capacity(fields.len());
        for selected in &fields {
            let path = path.key(selected.key);
            self.validator.arguments(selected.field, &[], &path)?;
            let value = match selected.field.name.as_str() {
                name if self.schema.naming.is(name, "affected_rows") => {
                    self.validator.leaf(selected, &path)?;
                    ResponseValue::AffectedRows
                }
                "returning" if self.schema.select(table).is_some() => {
                    ResponseValue::Returning(self.output_inside(table, selected, &path)?)
                }
                "__typename" => {
                    self.validator.leaf(selected, &path)?;
                    ResponseValue::TypeName(type_name.clone())
                }
                other => return Err(unknown_field(other, &type_name, &path)),
            };
            shown.push(ResponseField { key: selected.key.to_owned(), value });
        }
        Ok(Response::Fields(shown))
    }

    /// The row itself.
    pub(super) fn response_row(
        &mut self,
        table: TableId,
        selected: &Selected<'a>,
        path: &Path<'_>,
    ) -> Result<Response, Failure> {
        Ok(Response::Row(self.output_inside(table, selected, path)?))
    }
}

impl Response {
    /// What it is when nothing was to be written.
    pub(super) fn of_nothing(&self) -> String {
        let fields = match self {
            Self::Row(_) => return "null".to_owned(),
            Self::Fields(fields) => fields,
        };
        let mut out = String::from("{");
        for (index, field) in fields.iter().enumerate() {
            let value = match &field.value {
                ResponseValue::AffectedRows => "0".to_owned(),
                ResponseValue::Returning(_) => "[]".to_owned(),
                ResponseValue::TypeName(name) => format!("\"{name}\""),
            };
            let comma = if index == 0 { "" } else { "," };
            out.push_str(&format!("{comma}\"{}\":{value}", field.key));
        }
        out.push('}');
        out
    }
}
